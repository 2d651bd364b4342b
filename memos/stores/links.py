"""Links between memories that say nearly the same, in PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from memos.ports.links import Comparison, Said, Uncompared
from memos.records import RecordKey
from memos.stores.locks import COMPARING
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.rows import columns
from memos.stores.sql import load_queries

FIRST = Uncompared(RecordKey("", UUID(int=0)), datetime(1, 1, 2, tzinfo=UTC))


class PostgresLinks:
    """Fulfils the port `Links`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sql = load_queries("links.sql")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """Whether it is this process's turn to compare; it is over when the connection is lost, or pauses long."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                yield await connection.fetchval(self._sql["take_turn"], COMPARING)

    async def some_to_compare(self, limit: int, after: Uncompared | None) -> list[Uncompared]:
        """At most `limit` live memories that have not been compared, oldest first, from the one after `after`."""
        place = after or FIRST
        with translated():
            rows = await self._pool.fetch(
                self._sql["some_to_compare"], place.created_at, place.record.memory_id, limit
            )
        return [Uncompared(RecordKey(tenant, memory_id), at) for tenant, memory_id, at in rows]

    async def add(self, comparisons: Sequence[Comparison]) -> int:
        """Note comparisons, and link what is alike; return how many pairs those were."""
        if not comparisons:
            return 0

        async def work(connection: Connection) -> int:
            times = await self._unchanged(connection, comparisons)
            links = _pairs(comparisons, times)
            if links:
                await connection.execute(self._sql["add_links"], *columns(links))
            compared = [one.record for one in comparisons if one.record in times]
            if compared:
                await connection.execute(self._sql["mark_compared"], *columns(compared))
            return len(links)

        return await transacted(self._pool, work)

    async def to_compare(self) -> int:
        """How many live memories have still to be compared."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_to_compare"])
        return count

    async def _unchanged(
        self, connection: Connection, comparisons: Sequence[Comparison]
    ) -> Mapping[RecordKey, datetime]:
        """Those of the memories that are as they were looked at, locked, and when they were stored."""
        looked_at: set[tuple[RecordKey, Said]] = set()
        for one in comparisons:
            looked_at |= {(one.record, one.said), *((key, said) for key, (said, _) in one.alike.items())}
        rows = [(*key, *said) for key, said in sorted(looked_at)]
        locked = await connection.fetch(self._sql["lock_unchanged"], *columns(rows))
        return {RecordKey(tenant, memory_id): at for tenant, memory_id, at in locked}


def _pairs(
    comparisons: Sequence[Comparison], times: Mapping[RecordKey, datetime]
) -> list[tuple[str, UUID, UUID, float]]:
    """Rows of links, each pair once, the later memory first."""
    pairs: dict[tuple[RecordKey, RecordKey], float] = {}
    for one in comparisons:
        for other, (_, similarity) in one.alike.items():
            if one.record in times and other in times:
                earlier, later = sorted((one.record, other), key=lambda key: (times[key], key))
                pairs[later, earlier] = similarity
    return [
        (later.tenant, later.memory_id, earlier.memory_id, similarity)
        for (later, earlier), similarity in sorted(pairs.items())
    ]
