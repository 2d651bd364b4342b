"""The contracts of the bus: commands, replies and facts as data."""
