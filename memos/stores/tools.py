"""The ledger's tools in PostgreSQL."""

from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from memos.errors import MemosError
from memos.records import (
    Deregistered,
    Origin,
    OutcomeDraft,
    OutcomeKept,
    Registered,
    Report,
    Tool,
    ToolDraft,
    ToolKey,
    ToolPage,
    ToolSelection,
    statistics_of,
)
from memos.stores.catalogs import PostgresCatalogs, tool_of
from memos.stores.claims import Shape, claim_or_replay, correct_replies
from memos.stores.noting import Noted, note
from memos.stores.outcomes import Recording, no_tool
from memos.stores.postgres import Connection, transacted, translated
from memos.stores.registering import Registering, advance_catalogs, lock_catalogs
from memos.stores.texts import delete_unused_texts

DEREGISTERED = Shape(frozenset(Deregistered._fields))
"""What is recorded of the answer to a deregistration."""

MOST_PAGE_BYTES = 8_000_000
"""How large the definitions of a page's tools are together, unless it is one alone."""

TOOLS_AT_ONCE = 16
"""Tools of a page that are fetched together: at most some ten megabytes."""


class PostgresTools(PostgresCatalogs):
    """Fulfils the port `Tools`."""

    async def register(self, drafts: Sequence[ToolDraft]) -> list[Registered | MemosError]:
        """Insert or update tools, with their texts, vectors, commands and facts, in one transaction."""
        if not drafts:
            return []
        return await transacted(self._pool, lambda connection: Registering(connection, self._sql, drafts).run())

    async def get(self, tenant: str, tool_id: str) -> Tool:
        """The tool, with its statistics."""
        with translated():
            row = await self._pool.fetchrow(self._sql["get_tools"], [tenant], [tool_id])
            if row is None:
                raise no_tool(tool_id)
            [tool] = await self._with_statistics(tenant, [row])
        return tool

    async def page(self, tenant: str, selection: ToolSelection, after: str, limit: int) -> ToolPage:
        """The next of the tools that are meant, in the order of their ids: `limit`, or as many as 8 MB hold."""
        with translated():
            rows, more = await self._rows_of_page(tenant, selection, after, limit)
            return ToolPage(await self._with_statistics(tenant, rows), more)

    async def deregister(self, origin: Origin, digest: bytes, tool_id: str) -> Deregistered:
        """Remove a tool with all that was reported of it."""

        async def work(connection: Connection) -> Deregistered:
            if reply := await claim_or_replay(connection, self._sql, origin, digest, DEREGISTERED):
                return Deregistered(**reply)
            deregistered = Deregistered(tool_id, await self._bury(connection, ToolKey(origin.tenant, tool_id)))
            await correct_replies(connection, self._sql, [(origin, deregistered._asdict())])
            return deregistered

        return await transacted(self._pool, work)

    async def record(self, outcomes: Sequence[OutcomeDraft]) -> list[OutcomeKept | MemosError]:
        """Keep what became of calls, with commands and facts, in one transaction."""
        if not outcomes:
            return []
        return await transacted(self._pool, lambda connection: Recording(connection, self._sql, outcomes).run())

    async def _bury(self, connection: Connection, key: ToolKey) -> bool:
        """Leave a tombstone that says nothing of the tool; false when there is no such tool."""
        revision = (await lock_catalogs(connection, self._sql, [key.tenant]))[key.tenant]
        version = await connection.fetchval(self._sql["bury_tool"], *key, revision)
        if version is None:
            return False
        await connection.execute(self._sql["forget_reports"], *key)
        texts = await connection.fetch(self._sql["forget_evidence"], *key)
        texts += await connection.fetch(self._sql["forget_sayings"], [key.tenant], [key.tool_id])
        await delete_unused_texts(connection, self._sql, [tuple(row) for row in texts])
        data = {"tool_id": key.tool_id, "version": version}
        fact = Noted(key.tenant, "memos.tool.deregistered.v1", key.record_id, version, data)
        await note(connection, self._sql, [fact])
        await advance_catalogs(connection, self._sql, [key.tenant])
        return True

    async def _rows_of_page(
        self, tenant: str, selection: ToolSelection, after: str, limit: int
    ) -> tuple[list[asyncpg.Record], bool]:
        """The rows of a page, and whether more follow; what does not belong to it is hardly read."""
        capabilities = list(selection.capabilities)
        by_match = (capabilities, []) if selection.match == "any" else ([], capabilities)
        wanted = (*by_match, list(selection.tags), selection.contains or None)
        rows: list[asyncpg.Record] = []
        left = MOST_PAGE_BYTES
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            query = self._sql["page_of_tools"]
            async for row in connection.cursor(query, tenant, after, *wanted, limit + 1, prefetch=TOOLS_AT_ONCE):
                left -= row["bytes"]
                if rows and (left < 0 or len(rows) == limit):
                    return rows, True
                rows.append(row)
        return rows, False

    async def _with_statistics(self, tenant: str, rows: Sequence[asyncpg.Record]) -> list[Tool]:
        ids = [row["tool_id"] for row in rows]
        found = await self._pool.fetch(self._sql["reports_of_tools"], [tenant] * len(ids), ids)
        reports: dict[str, list[Report]] = defaultdict(list)
        for row in found:
            reports[row["tool_id"]].append(Report(*row))
        return [tool_of(row, statistics_of(reports[row["tool_id"]])) for row in rows]
