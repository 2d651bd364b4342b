"""What discovery reads of a tenant's tools: their changes, and the texts and vectors that it compares."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg

from memos.records import (
    CatalogChanges,
    CatalogTool,
    Evidence,
    Report,
    TextKey,
    TextVector,
    Tool,
    ToolStatistics,
    Vector,
)
from memos.stores.postgres import Pool, translated, unpack
from memos.stores.rows import columns
from memos.stores.sql import load_queries
from memos.stores.texts import vector_columns

MOST_EVIDENCE = 50_000
"""Rows of evidence that a reader is given at once: the newest."""

VECTORS_AT_ONCE = 1000
"""Vectors read or written by one statement: some megabytes."""

MADE_AT_ONCE = 200
"""Rows made into records before another task has its turn: at most about ten milliseconds."""

FIRST_TEXT = TextKey("", b"")

Item = TypeVar("Item")
Made = TypeVar("Made")

TOOL_FIELDS = tuple(name for name in Tool.model_fields if name != "statistics")


class PostgresCatalogs:
    """The part of the port `Tools` that discovery reads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        files = ("memories.sql", "facts.sql", "tools.sql", "outcomes.sql", "catalogs.sql")
        self._sql: Mapping[str, str] = {name: query for file in files for name, query in load_queries(file).items()}

    async def known_vectors(self, model: str, texts: Sequence[TextKey]) -> Mapping[TextKey, Vector]:
        """Those of the vectors of texts that the model made before."""
        if not texts:
            return {}
        with translated():
            rows = await self._pool.fetch(self._sql["known_text_vectors"], model, *columns(texts))
        return {TextKey(row["tenant"], row["content_hash"]): unpack(row["vector"]) for row in rows}

    async def changes(self, tenant: str, after: int) -> CatalogChanges:
        """What has changed of the tenant's tools after a revision, as of one moment."""
        with translated():
            revision = await self._pool.fetchval(self._sql["catalog_revision"], tenant) or 0
            if after >= revision:
                return CatalogChanges(revision)
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                revision = await connection.fetchval(self._sql["catalog_revision"], tenant)
                tools = await connection.fetch(self._sql["changed_tools"], tenant, after)
                evidence = await connection.fetch(self._sql["changed_evidence"], tenant, after, MOST_EVIDENCE)
                reports = await connection.fetch(self._sql["changed_reports"], tenant, after)
        return CatalogChanges(
            revision,
            await _made(tools, _catalog_tool_of),
            await _made(evidence, lambda row: Evidence(*row)),
            await _made(reports, lambda row: Report(*row)),
        )

    async def texts(self, model: str, tenant: str, hashes: Sequence[bytes]) -> Mapping[bytes, TextVector]:
        """Those of the texts that are there, by their hashes; of one that the model has not read no vector."""
        found: dict[bytes, TextVector] = {}
        with translated():
            for some in _slices(hashes):
                rows = await self._pool.fetch(self._sql["read_texts"], model, [tenant] * len(some), some)
                found |= {
                    row["content_hash"]: TextVector(row["text"], unpack(row["vector"] or b"")) for row in rows
                }
        return found

    async def unembedded(self, model: str, limit: int, after: TextKey | None = None) -> list[tuple[TextKey, str]]:
        """At most `limit` texts that the model has not read, in the order of their hashes, from the one after."""
        place = after or FIRST_TEXT
        with translated():
            rows = await self._pool.fetch(
                self._sql["unembedded_texts"], model, limit, place.content_hash, place.tenant
            )
        return [(TextKey(row["tenant"], row["content_hash"]), row["text"]) for row in rows]

    async def count_unembedded(self, model: str) -> int:
        """How many texts, of all tenants, the model has not read yet."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_unembedded_texts"], model)
        return count

    async def keep_vectors(self, model: str, tenant: str, texts: Sequence[TextVector]) -> None:
        """Keep vectors of texts, but of those that are not there any more."""
        with translated():
            for some in _slices(texts):
                await self._pool.execute(self._sql["keep_text_vectors"], *vector_columns(tenant, model, some))


def tool_of(row: asyncpg.Record, statistics: ToolStatistics | None = None) -> Tool:
    """The tool in a row of `registered_tools`."""
    fields: dict[str, Any] = {name: row[name] for name in TOOL_FIELDS}
    return Tool.model_validate({**fields, "statistics": statistics or ToolStatistics()})


def _slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), VECTORS_AT_ONCE):
        yield items[start : start + VECTORS_AT_ONCE]


def _catalog_tool_of(row: asyncpg.Record) -> CatalogTool:
    return CatalogTool(row["tool_id"], None if row["gone"] else tool_of(row))


async def _made(rows: Sequence[asyncpg.Record], record_of: Callable[[asyncpg.Record], Made]) -> list[Made]:
    """The records in many rows; others have their turn in between."""
    made: list[Made] = []
    for start in range(0, len(rows), MADE_AT_ONCE):
        made += [record_of(row) for row in rows[start : start + MADE_AT_ONCE]]
        await asyncio.sleep(0)
    return made
