"""Turns: of the batches of one stream, one at a time is in its first part.

While a batch is embedded, what comes in queues up; it is read as one batch as soon as the embedder is
free, and embedded while the former is written. Read at once it would be many batches of one.
"""

import asyncio
from contextvars import ContextVar


class Turns:
    """Gives one turn at a time."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    async def take(self) -> "Turn":
        """Wait for the turn before to end."""
        while not self._free.is_set():
            await self._free.wait()
        self._free.clear()
        return Turn(self._free)


class Turn:
    """The right to be in the first part; it ends once."""

    def __init__(self, free: asyncio.Event) -> None:
        self._free = free
        self._ended = False

    def end(self) -> None:
        """Let the next batch be read."""
        if not self._ended:
            self._ended = True
            self._free.set()


CURRENT_TURN: ContextVar[Turn] = ContextVar("CURRENT_TURN")
"""The turn of the batch that the running task handles."""


def end_current_turn() -> None:
    """What a handler calls as `ready`, once its batch is embedded."""
    if turn := CURRENT_TURN.get(None):
        turn.end()
