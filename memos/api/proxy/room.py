"""How much memory answers under way may take in a facade, however many there are and slowly they are read."""

from memos.errors import Unavailable

COST = 3
"""Bytes in memory for each byte of an answer: as it came, put together, and as it is told."""

OVERHEAD = 150
"""Bytes that a piece of an answer takes beside its own."""


class Room:
    """The memory that all answers under way have together, in bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def take(self, size: int) -> None:
        """Take some. Raises `Unavailable` when there is not as much."""
        if self._taken + size > self._most:
            raise Unavailable(
                f"The answers under way would take more memory than MEMOS_LLM_MEMORY_BYTES, {self._most} bytes. "
                "Ask again when some have come to their end."
            )
        self._taken += size

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self._taken -= size
