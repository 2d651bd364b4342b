"""The ledger's account of its projections, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from memos.records import Account, Collection, Embedded, Embedding, RecordKey, VersionKey
from memos.stores.generations import FIRST_KEY
from memos.stores.postgres import Connection, Pool, pack, transacted, translated, unpack
from memos.stores.rows import columns, memory_of
from memos.stores.sql import load_queries

FORGOTTEN_AT_ONCE = 10_000


class PostgresProjections:
    """Fulfils the port `Projections` for one generation of one collection."""

    def __init__(self, pool: Pool, collection: Collection) -> None:
        self._pool = pool
        self._collection = collection
        self._generation = (collection.name, collection.generation)
        self._sql = load_queries("projections.sql")

    @property
    def name(self) -> str:
        """The projection's name."""
        return self._collection.name

    @property
    def generation(self) -> int:
        """The number of the generation."""
        return self._collection.generation

    async def embedded(self, keys: Sequence[RecordKey]) -> list[Embedded]:
        """The live ones of these memories as they are now, with the vectors of their texts where there are any."""
        if not keys:
            return []
        model = (self._collection.model, self._collection.dimension)
        with translated():
            rows = await self._pool.fetch(self._sql["embedded_memories"], *columns(keys), *model)
        return [Embedded(row["tenant"], memory_of(row), _vector(row)) for row in rows]

    async def add_embeddings(self, embeddings: Sequence[tuple[RecordKey, bytes, Embedding]]) -> None:
        """Keep vectors with the contents, named by their hashes, that they were made from."""
        if not embeddings:
            return
        rows = [
            (*key, content_hash, made.model, pack(made.vector), made.computed)
            for key, content_hash, made in sorted(embeddings, key=lambda one: one[0])
        ]
        await self._changed("add_embeddings", *columns(rows))

    async def mark(self, keys: Sequence[VersionKey]) -> list[RecordKey]:
        """Note what the projection now has; return the records that moved on meanwhile."""
        if not keys:
            return []
        with translated():
            rows = await self._pool.fetch(self._sql["mark_projected"], *self._columns(keys))
        marked = {RecordKey(*row) for row in rows}
        return [key.record for key in keys if key.record not in marked]

    async def unmark(self, keys: Sequence[RecordKey]) -> None:
        """Note that the projection no longer has those of the records that the ledger has buried."""
        if not keys:
            return
        with translated():
            await self._pool.execute(self._sql["unmark_projected"], *self._columns(keys))

    async def behind(self) -> int:
        """How many records the projection still has to be given or to be rid of."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_behind"], *self._generation)
        return count

    async def live(self) -> int:
        """How many live records the ledger has."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_live"])
        return count

    async def empty(self) -> None:
        """Count the projection as empty, so that it is filled again from the ledger."""
        rows = await self._page("forget_some", FORGOTTEN_AT_ONCE, None)
        while rows:
            rows = await self._page("forget_some", FORGOTTEN_AT_ONCE, RecordKey(*rows[0]))

    async def some_behind(self, limit: int, after: RecordKey | None = None) -> list[RecordKey]:
        """At most `limit` records with which the projection is behind, in order, from the one after `after`."""
        rows = await self._page("some_behind", limit, after)
        return [RecordKey(*row) for row in rows]

    async def some_buried(self, limit: int, after: RecordKey | None = None) -> list[RecordKey]:
        """At most `limit` buried records of which the projection is still to be rid, in order, after `after`."""
        rows = await self._page("some_buried", limit, after)
        return [RecordKey(*row) for row in rows]

    async def behind_among(self, keys: Sequence[RecordKey]) -> set[RecordKey]:
        """Those of the records with which the projection is behind."""
        if not keys:
            return set()
        with translated():
            rows = await self._pool.fetch(self._sql["behind_among"], *self._columns(keys))
        return {RecordKey(*row) for row in rows}

    async def accounts(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Account]:
        """Those of the records that are live, or that the projection is still to be rid of."""
        if not keys:
            return {}
        with translated():
            rows = await self._pool.fetch(self._sql["accounts"], *self._columns(keys))
        return _accounts(rows)

    async def some_accounts(self, limit: int, after: RecordKey | None) -> Mapping[RecordKey, Account]:
        """At most `limit` live records in order, from the one after `after`; empty only at the end."""
        return _accounts(await self._page("some_accounts", limit, after))

    async def enrol(self, limit: int, after: RecordKey | None) -> tuple[int, RecordKey | None]:
        """Note of live records in order, from the one after `after`, that the projection is to have them."""
        rows = await self._changed("enrol", *self._generation, *_place(after), limit)
        if not rows:
            return 0, None
        [(tenant, memory_id, count)] = rows
        return count, RecordKey(tenant, memory_id)

    async def enrol_again(self, keys: Sequence[RecordKey]) -> None:
        """Note of those of the records that are live that the projection lacks them."""
        if keys:
            await self._changed("enrol_again", *self._columns(keys))

    async def _changed(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement that locks memories, again when it met another in a deadlock."""

        async def work(connection: Connection) -> list[asyncpg.Record]:
            return await connection.fetch(self._sql[name], *arguments)

        return await transacted(self._pool, work)

    async def _page(self, name: str, limit: int, after: RecordKey | None) -> list[asyncpg.Record]:
        with translated():
            return await self._pool.fetch(self._sql[name], *self._generation, *_place(after), limit)

    def _columns(self, keys: Sequence[tuple[object, ...]]) -> list[list[object]]:
        return columns([(*self._generation, *key) for key in sorted(keys)])


def _place(after: RecordKey | None) -> tuple[object, object]:
    """A record's place in the order of the ledger's keys."""
    key = after or FIRST_KEY
    return key.memory_id, key.tenant


def _vector(row: asyncpg.Record) -> Any:
    return None if row["vector"] is None else unpack(row["vector"])


def _accounts(rows: Sequence[asyncpg.Record]) -> dict[RecordKey, Account]:
    return {
        RecordKey(row["tenant"], row["record_id"]): Account(row["version"], row["content_hash"], row["standing"])
        for row in rows
    }
