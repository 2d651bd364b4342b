"""memOS.as: the memory of a society of agents."""

__version__ = "0.1.0"
