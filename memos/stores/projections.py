"""The ledger's account of its projections, in PostgreSQL."""

from collections.abc import Mapping, Sequence

from memos.errors import ConfigurationError, ModelMismatch
from memos.records import Collection, Embedded, RecordKey, VersionKey
from memos.stores.postgres import Pool, translated, unpack
from memos.stores.rows import columns, memory_of
from memos.stores.sql import load_queries


class PostgresProjections:
    """Fulfils the port `Projections` for one generation of one collection."""

    def __init__(self, pool: Pool, collection: Collection, generation: int, sql: Mapping[str, str]) -> None:
        self._pool = pool
        self._model = collection.model
        self._generation = (collection.name, generation)
        self._sql = sql

    async def embedded(self, keys: Sequence[RecordKey]) -> list[Embedded]:
        """The live ones of these memories with their vectors, as they are now."""
        if not keys:
            return []
        with translated():
            rows = await self._pool.fetch(self._sql["embedded_memories"], *columns(keys), self._model)
        return [Embedded(row["tenant"], memory_of(row), unpack(row["vector"])) for row in rows]

    async def mark(self, keys: Sequence[VersionKey]) -> list[RecordKey]:
        """Note what the projection now has; return the records that moved on meanwhile."""
        if not keys:
            return []
        with translated():
            rows = await self._pool.fetch(self._sql["mark_projected"], *self._columns(keys))
        marked = {RecordKey(*row) for row in rows}
        return [key.record for key in keys if key.record not in marked]

    async def unmark(self, keys: Sequence[RecordKey]) -> None:
        """Note that the projection no longer has records that the ledger has buried."""
        if not keys:
            return
        with translated():
            await self._pool.execute(self._sql["unmark_projected"], *self._columns(keys))

    async def behind(self) -> int:
        """How many records the projection still has to be given or to be rid of."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_behind"], *self._generation)
        return count

    async def forget(self) -> None:
        """Count the projection as empty, so that it is filled again from the ledger."""
        with translated():
            await self._pool.execute(self._sql["forget_projected"], *self._generation)

    async def some_behind(self, limit: int) -> list[RecordKey]:
        """At most `limit` of the records with which the projection is behind."""
        with translated():
            rows = await self._pool.fetch(self._sql["some_behind"], *self._generation, limit)
        return [RecordKey(*row) for row in rows]

    async def behind_among(self, keys: Sequence[RecordKey]) -> set[RecordKey]:
        """Those of the records with which the projection is behind."""
        if not keys:
            return set()
        with translated():
            rows = await self._pool.fetch(self._sql["behind_among"], *self._columns(keys))
        return {RecordKey(*row) for row in rows}

    def _columns(self, keys: Sequence[tuple[object, ...]]) -> list[list[object]]:
        return columns([(*self._generation, *key) for key in sorted(keys)])


async def open_projections(pool: Pool, collection: Collection) -> PostgresProjections:
    """The account of a collection's current generation, begun when there is none.

    Raises `ModelMismatch` when that generation was made with another model or dimension.
    """
    sql = load_queries("projections.sql")
    with translated():
        await pool.execute(sql["first_generation"], collection.name, collection.model, collection.dimension)
        current = await pool.fetchrow(sql["current_generation"], collection.name)
    if current is None:
        raise ConfigurationError(f"No generation of {collection.name} is current. Mark one in `generations`.")
    if (current["model"], current["dimension"]) != (collection.model, collection.dimension):
        raise ModelMismatch(
            f"The memories of this ledger were embedded with {current['model']} "
            f"({current['dimension']} dimensions), but the settings name {collection.model} "
            f"({collection.dimension}). Set MEMOS_EMBEDDER and MEMOS_EMBEDDING_MODEL to the former model, "
            "or start with an empty ledger (another MEMOS_HOME or MEMOS_POSTGRES_DSN)."
        )
    return PostgresProjections(pool, collection, current["generation"], sql)
