"""Work that is bounded by a moment, so that what is late or away does not hold up the rest."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar

from memos.errors import MemosError, NotFound, Unavailable
from memos.ports import Embedder
from memos.records import Vector
from memos.waiting import Stragglers

log = logging.getLogger(__name__)

T = TypeVar("T")

Reason = Literal["late", "away", "failed", "not_found"]


class Lack(NamedTuple):
    """Why there is no result."""

    reason: Reason
    detail: str


class Bounded(NamedTuple, Generic[T]):
    """The result of work or, if there is none, why; and how long it took in milliseconds."""

    result: T | None
    lack: Lack | None
    milliseconds: float


async def bounded(work: Coroutine[Any, Any, T], deadline: float, stragglers: Stragglers) -> Bounded[T]:
    """The result of work, which is given up at a moment of the loop's clock, to end among stragglers if it has to.

    Only what memOS raises on purpose counts as a lack; what nobody foresaw is raised.
    """
    started = time.perf_counter()
    task = asyncio.create_task(work)
    try:
        _, late = await asyncio.wait({task}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
    finally:
        await stragglers.give_up({task})
    milliseconds = round((time.perf_counter() - started) * 1000, 3)
    if late:
        _foreseen(task)
        return Bounded(None, Lack("late", f"It was not there after {milliseconds:.0f} ms."), milliseconds)
    try:
        return Bounded(task.result(), None, milliseconds)
    except MemosError as error:
        return Bounded(None, lack_of(error), milliseconds)


def _foreseen(task: "asyncio.Task[Any]") -> None:
    """Raise what a task that was cancelled ended with at once instead, unless memOS raises it on purpose."""
    error = task.exception() if task.done() and not task.cancelled() else None
    if error and not isinstance(error, MemosError):
        raise error


def lack_of(error: MemosError) -> Lack:
    """What an error means for whoever could do without the result."""
    if isinstance(error, Unavailable):
        return Lack("away", error.detail)
    return Lack("not_found" if isinstance(error, NotFound) else "failed", error.detail)


class ReadOnce:
    """An embedder that reads no text twice while it is open, however many ask for it at once.

    What is still being read when it closes is given up.
    """

    def __init__(self, embedder: Embedder, stragglers: Stragglers) -> None:
        self._embedder = embedder
        self._stragglers = stragglers
        self._tasks: dict[str, tuple[asyncio.Task[list[Vector]], int]] = {}

    @property
    def model(self) -> str:
        """The model's name."""
        return self._embedder.model

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self._embedder.dimension

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector per text, in order. Raises what the embedder does, for everyone who asks for the same."""
        unread = [text for text in dict.fromkeys(texts) if text not in self._tasks]
        if unread:
            task = asyncio.create_task(self._embedder.embed(unread))
            self._tasks |= {text: (task, place) for place, text in enumerate(unread)}
        reading = [self._tasks[text] for text in texts]
        return [(await asyncio.shield(task))[place] for task, place in reading]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stragglers.give_up({task for task, _ in self._tasks.values()})
