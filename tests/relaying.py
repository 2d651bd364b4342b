"""Facts that a test has happen, relays that it has run, and readers that take as many as it says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from lanes import opener
from running import until

from memos.client import Client, connect
from memos.events.envelope import FIELD
from memos.events.facts import ReadFacts, document_of, fact_in
from memos.events.streams import FACTS_STREAM
from memos.handlers import Handler
from memos.handlers.facts import read_facts
from memos.ports import Facts
from memos.projection.relay import keep_relaying
from memos.records import Fact
from memos.stores.fact_stream import RedisFactStream
from memos.stores.facts import PostgresFacts
from memos.stores.postgres import Connection, Pool
from memos.telemetry import Telemetry

STORED = "memos.memory.stored.v1"
UPDATED = "memos.memory.updated.v1"
DELETED = "memos.memory.deleted.v1"

HAPPEN = """
insert into facts (tenant, type, record_id, version, data)
select $1, $2, $3, nth, jsonb_build_object(
    'memory_id', $3::uuid, 'version', nth, 'agent_id', 'ada', 'visibility', 'private', 'kind', 'episodic',
    'session_id', null
)
from generate_series(1, $4::integer) as nth
"""


@dataclass(frozen=True)
class FactsOfTest:
    """The log of a ledger of the test's own, and the stream in an empty Redis, which answers in bytes."""

    pool: Pool
    dsn: str
    redis: Any
    telemetry: Telemetry = field(default_factory=Telemetry)

    @property
    def facts(self) -> PostgresFacts:
        return PostgresFacts(self.pool, self.dsn)

    def stream(self, kept: int = 100_000) -> RedisFactStream:
        return RedisFactStream(self.redis, FACTS_STREAM, field=FIELD, document_of=document_of, kept=kept)

    async def happen(
        self,
        number: int = 1,
        *,
        tenant: str = "default",
        kind: str = STORED,
        record: UUID | None = None,
        within: "Connection | None" = None,
    ) -> UUID:
        """Write facts of one record, of versions 1 to `number`; without a position as yet."""
        record = record or uuid4()
        await (within or self.pool).execute(HAPPEN, tenant, kind, record, number)
        return record

    @asynccontextmanager
    async def relayed(self, kept: int = 100_000) -> AsyncIterator[None]:
        """A relay that runs meanwhile."""
        stopping = asyncio.Event()
        relaying = keep_relaying(stopping, facts=self.facts, stream=self.stream(kept), telemetry=self.telemetry)
        task = asyncio.create_task(relaying)
        try:
            yield
        finally:
            stopping.set()
            await task

    async def relay(self, kept: int = 100_000) -> None:
        """Have a relay run until all that is committed is on the stream."""
        async with self.relayed(kept):
            await self.until_relayed()

    async def until_relayed(self) -> None:
        async def done() -> bool:
            return await self.unplaced() == 0 and await self.stream().last() == await self.facts.newest()

        await until(done)

    async def unplaced(self) -> int:
        number: int = await self.pool.fetchval("select count(*) from facts where position is null")
        return number

    async def placed(self) -> list[tuple[int, UUID, int]]:
        """Position, record and version of every fact in the ledger that has its place."""
        rows = await self.pool.fetch(
            "select position, record_id, version from facts where position is not null order by position"
        )
        return [tuple(row) for row in rows]

    async def streamed(self) -> list[tuple[int, UUID, int]]:
        """The same of every fact on the stream; an entry's id must be that of its fact."""
        facts = []
        for entry, fields in await self.redis.xrange(FACTS_STREAM):
            fact = fact_in(fields[FIELD.encode()])
            assert entry == b"%d-0" % fact.position
            facts.append((fact.position, fact.record_id, fact.version))
        return facts


@asynccontextmanager
async def reading(url: str, facts: Facts) -> AsyncIterator[Client]:
    """The SDK over the bus at `url`, with a worker that reads the log."""
    async with (
        opener(url)(Handler(ReadFacts, read_facts), facts=facts),
        connect(url, source="tests") as client,
    ):
        yield client


class Reader:
    """Takes facts from an iterator, as many at a time as a test says."""

    def __init__(self, facts: AsyncIterator[Fact]) -> None:
        self._facts = facts
        self.read: list[Fact] = []

    async def take(self, number: int, seconds: float = 20) -> list[int]:
        """The positions of the next facts."""
        async with asyncio.timeout(seconds):
            for _ in range(number):
                self.read.append(await anext(self._facts))
        return [fact.position for fact in self.read[-number:]]

    async def take_until(self, position: int, seconds: float = 20) -> list[int]:
        """The positions of the next facts, up to this one."""
        taken: list[int] = []
        while not taken or taken[-1] != position:
            taken += await self.take(1, seconds)
        return taken

    async def leave(self) -> None:
        """Stop in the middle, as a process that ends."""
        await self._facts.aclose()  # type: ignore[attr-defined]


MakeReader = Callable[[AsyncIterator[Fact]], Reader]


def one_to(number: int) -> Sequence[int]:
    return list(range(1, number + 1))
