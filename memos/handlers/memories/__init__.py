"""Memories: stored, changed, deleted and found."""
