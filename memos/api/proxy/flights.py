"""Answers under way: one computation, followed by all who asked for the same."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, NamedTuple

from memos.api.proxy.room import COST, OVERHEAD, Room
from memos.api.proxy.upstream import Pairs
from memos.errors import InternalError, MemosError, Unavailable
from memos.records import Looked

log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """A whole answer, how it was found, its age in seconds, and the tokens that this saved, if known."""

    answer: dict[str, Any]
    document: bytes
    found: Looked
    key: str | None = None
    age: int | None = None
    headers: Pairs = ()
    saved: int | None = None


class Passed(NamedTuple):
    """What is answered in the place of a completion, as the server said it, and what that is counted as."""

    status: int
    headers: Pairs
    body: bytes
    outcome: Literal["error", "not-cached"] = "error"


class Told(NamedTuple):
    """Events of a stream as they travel; `usage` is true of one that only counts tokens."""

    document: bytes
    usage: bool


class Flight:
    """One computation of an answer. It has what has come so far, for those who follow it from whenever on.

    `begun` are the headers of a streamed answer, whose events are in `told`; `ended` is true once one says that it
    is over. `result` is what came of it all. Only while it is `open` may more join.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._taken = 0
        self.told: list[Told] = []
        self.begun: Pairs | None = None
        self.ended = False
        self.result: Answered | Passed | MemosError | None = None
        self.open = True
        self.slow = False
        self.endable = False
        self.passengers = 0
        self._sharing: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Take no more passengers."""
        self.open = False

    def load(self, size: int) -> None:
        """Make room for a further piece of the answer, of so many bytes. Raises `Unavailable`."""
        cost = COST * size + OVERHEAD
        self._room.take(cost)
        self._taken += cost

    def unload(self) -> None:
        """Give back what room it took."""
        self._room.give(self._taken)
        self._taken = 0

    def linger(self, *, endable: bool = False) -> None:
        """Say that it takes longer than a look into the cache, and whether it may be ended at any time."""
        self.slow, self.endable = True, endable
        self._wake()

    def begin(self, headers: Pairs) -> None:
        """Say that a streamed answer has begun."""
        self.begun = headers
        self._wake()

    def tell(self, told: Sequence[Told], *, ended: bool) -> None:
        """Add events of the streamed answer; `ended` says whether one of them is its end."""
        self.told += told
        self.ended = self.ended or ended
        self._wake()

    def land(self, result: Answered | Passed | MemosError, *, lasting: bool = False) -> None:
        """Say what came of it; more may join yet if it is `lasting`, until the cache has it."""
        self.result, self.open = result, self.open and lasting
        self._wake()

    async def wait(self, condition: Callable[[], object]) -> None:
        """Return when a condition on the flight holds."""
        while not condition():
            await self._changed.wait()

    def share(self, agent_id: str) -> None:
        """Note that an agent gets the answer without a call of its own."""
        self._sharing[agent_id] += 1

    @property
    def shared(self) -> bool:
        """Whether others follow than for whom it was begun."""
        return bool(self._sharing)

    def take_sharing(self) -> dict[str, int]:
        """How often agents got the answer so since this was last asked."""
        sharing, self._sharing = dict(self._sharing), Counter()
        return sharing

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


Course = Callable[[Flight], Coroutine[Any, Any, None]]


class Ticket(NamedTuple):
    """What somebody asks for: those with the same `identity` share a flight; without one nobody does."""

    identity: Hashable | None
    agent_id: str
    course: Course


class Flights:
    """The flights of a process, which have so much room together."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shared: dict[Hashable, Flight] = {}
        self._tasks: dict[Flight, asyncio.Task[None]] = {}

    @contextmanager
    def join(self, ticket: Ticket) -> Iterator[tuple[Flight, bool]]:
        """A flight, and whether it was begun for this passenger. When the last one leaves early, it is ended."""
        flight = self._shared.get(ticket.identity) if ticket.identity is not None else None
        leads = flight is None or not flight.open
        if flight is None or leads:
            flight = self._begin(ticket)
        else:
            flight.share(ticket.agent_id)
        flight.passengers += 1
        try:
            yield flight, leads
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                self._left(ticket, flight)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, ticket: Ticket) -> Flight:
        flight = Flight(self._room)
        if ticket.identity is not None:
            self._shared[ticket.identity] = flight
        task = self._tasks[flight] = asyncio.create_task(ticket.course(flight))
        task.add_done_callback(lambda task: self._landed(ticket, flight, task))
        return flight

    def _left(self, ticket: Ticket, flight: Flight) -> None:
        """End a flight that nobody is on any more, if it has not landed and can be ended."""
        if flight not in self._tasks:
            flight.unload()
        elif flight.result is None and flight.endable:
            self._forget(ticket, flight)
            self._tasks[flight].cancel()

    def _landed(self, ticket: Ticket, flight: Flight, task: asyncio.Task[None]) -> None:
        del self._tasks[flight]
        self._forget(ticket, flight)
        error = None if task.cancelled() else task.exception()
        if error:
            log.error("An answer was not made, in a way that was not foreseen", exc_info=error)
        if flight.result is None:
            flight.land(_lost(error))
        if not flight.passengers:
            flight.unload()

    def _forget(self, ticket: Ticket, flight: Flight) -> None:
        if ticket.identity is not None and self._shared.get(ticket.identity) is flight:
            del self._shared[ticket.identity]


@asynccontextmanager
async def open_flights(room: Room) -> AsyncIterator[Flights]:
    """Flights, ended when they are not wanted any more."""
    flights = Flights(room)
    try:
        yield flights
    finally:
        await flights.close()


def _lost(error: BaseException | None) -> MemosError:
    if error is None:
        return Unavailable("The facade stops, and the answer is not made any more. Ask again.")
    return InternalError(f"The facade failed with {type(error).__name__}. Its log has the traceback.")
