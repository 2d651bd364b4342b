"""Following facts over the bus: from the ledger what is long past, from the stream what is new."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from redis.typing import KeyT, StreamIdT

from memos.errors import MalformedEntry, MemosError
from memos.events.envelope import FIELD
from memos.events.facts import FactsRead, FactTypes, ReadFacts, fact_in
from memos.events.streams import FACTS_STREAM
from memos.records import Fact
from memos.waiting import heeding

log = logging.getLogger(__name__)

T = TypeVar("T")

BLOCK_MS = 1000
MOST_AT_ONCE = 500
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0

Ask = Callable[[ReadFacts], Awaitable[FactsRead]]
"""Reads a page of the tenant's facts from the ledger."""


class Page(NamedTuple):
    """Facts that came together, often none, and the position they lead to; `behind` if the ledger has more."""

    facts: Sequence[Fact]
    position: int
    behind: bool


class FactLog:
    """The facts of one tenant as the bus shows them: all in the ledger, the newest on the stream."""

    def __init__(self, connected: Callable[[], Redis], ask: Ask, tenant: str, types: FactTypes) -> None:
        self._connected = connected
        self._ask = ask
        self._tenant = tenant
        self._types = types

    @property
    def redis(self) -> Redis:
        """The connection to Redis. Raises `Closed` when the bus is."""
        return self._connected()

    async def end(self) -> int:
        """The newest position. Raises what `from_ledger` raises."""
        return (await self._ask(ReadFacts(limit=1))).newest

    async def from_ledger(self, after: int, limit: int = MOST_AT_ONCE) -> Page:
        """The next facts after a position. Raises `Conflict` when the log ends before it, `Unavailable`, …."""
        read = await self._ask(ReadFacts(after=after, limit=limit, types=self._types))
        return Page(read.facts, read.position, read.more)

    async def from_stream(self, after: int) -> Page:
        """The next facts after a position, waited for a second; `behind` if the stream lacks the next one.

        Positions have no gaps: the stream has moved on when its next entry has not the next position.
        """
        entries = await self.wait(after, MOST_AT_ONCE)
        if not entries:
            return Page((), after, behind=await self._last() < after)
        try:
            facts = [fact_in(fields[FIELD.encode()]) for fields in entries.values()]
        except (MalformedEntry, LookupError) as error:
            log.warning("The stream of facts holds what is no fact: %s; the ledger is read instead", error)
            facts = []
        if not facts or facts[0].position != after + 1:
            await asyncio.sleep(FIRST_PAUSE)
            return Page((), after, behind=True)
        return Page([fact for fact in facts if self.wants(fact)], facts[-1].position, behind=False)

    async def wait(self, after: int, most: int) -> Mapping[bytes, Mapping[bytes, bytes]]:
        """The entries of the stream after a position, by their ids, waited for a second."""
        streams = cast("dict[KeyT, StreamIdT]", {FACTS_STREAM: f"{after}-0"})
        found = await self.redis.xread(streams, count=most, block=BLOCK_MS)
        answer = cast("Sequence[tuple[bytes, Sequence[tuple[bytes, Mapping[bytes, bytes]]]]]", found or ())
        return {entry: fields for _, entries in answer for entry, fields in entries}

    def wants(self, fact: Fact) -> bool:
        """Whether a fact is the tenant's, and of one of the types asked for."""
        return fact.tenant == self._tenant and (not self._types or fact.type in self._types)

    async def _last(self) -> int:
        """The last position on the stream; 0 without a stream."""
        try:
            about = await self.redis.xinfo_stream(FACTS_STREAM)
        except ResponseError:
            return 0
        return int(about["last-generated-id"].partition(b"-")[0])


async def pages(facts: FactLog, after: int | None) -> AsyncGenerator[Page, None]:
    """The facts after a position, or from now on, page by page without end; none is left out, none comes twice.

    A page comes at least about every second, also without any fact. What fails before the first page is
    raised; later only what cannot pass, like a `Conflict`, and the rest is waited out.
    """
    page = await facts.from_ledger(after) if after is not None else Page((), await facts.end(), behind=False)
    pause = FIRST_PAUSE
    while True:
        yield page
        try:
            page = await heeding((facts.from_ledger if page.behind else facts.from_stream)(page.position))
            pause = FIRST_PAUSE
        except (RedisError, OSError, MemosError) as error:
            await waited_out(error, pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            page = Page((), page.position, behind=True)


async def waited_out(error: Exception, seconds: float) -> None:
    """Wait after an error that may pass; raise any other again."""
    if isinstance(error, MemosError) and not error.transient:
        raise error
    log.warning("Facts cannot be read now: %s; trying again in %.1f s", error, seconds)
    await asyncio.sleep(seconds)
