"""Loadouts: kept, and made ready for an agent and its task."""
