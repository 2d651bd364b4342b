"""Adapters: the ports, kept in real engines."""
