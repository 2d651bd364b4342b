"""Command ids made by the client, so that a command can be sent again without being done again."""

import os
import time
from uuid import UUID

RANDOM_BITS = (1 << 76) - 1


def uuid7() -> UUID:
    """A UUID of version 7: milliseconds since the epoch, then 74 random bits (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10)) & RANDOM_BITS
    high, low = random >> 62 & 0xFFF, random & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
