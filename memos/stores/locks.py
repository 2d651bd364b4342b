"""The advisory locks of a ledger: all of their keys, so that none is the key of two."""

from memos.records import content_hash

MIGRATING = 0x6D656D6F73
"""Held by the process that applies migrations; every version uses this one."""

RELAYING = 0x6D656D6F73_72
"""Held by the one relay of the ledger for as long as it lives."""

COMPARING = 0x6D656D6F73_63
"""Held by the process that compares memories, for a page of them."""


def rebuilding(projection: str) -> int:
    """The key held by the process that rebuilds a projection, over its name."""
    return int.from_bytes(content_hash(f"memos rebuild {projection}")[:8], signed=True)
