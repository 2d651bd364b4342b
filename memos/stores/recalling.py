"""The ledger's memories as they are asked for: now, as of a moment, with their neighbours and their like."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from memos.errors import NotFound
from memos.ports import Filter
from memos.records import Embedded, Former, Link, Memory, MemoryVersion, Neighbours, Vector
from memos.stores.filters import Clause, parse_filter
from memos.stores.matching import matches
from memos.stores.postgres import Pool, translated, unpack
from memos.stores.rows import columns, memory_of, payload_as_of, present_version, version_of
from memos.stores.sql import load_queries

MOST_CHANGED = 10_000
"""Memories said to have changed since a moment; each brings its text and its vector."""

MOST_BYTES = 16_000_000
"""Of the texts and metadata that these bring. To cut as much text into terms takes some three seconds."""


class PostgresRecall:
    """The part of the port `Memories` that only reads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading: Mapping[str, str] = load_queries("recalling.sql")

    async def get(self, tenant: str, agent_id: str, memory_id: UUID) -> Memory:
        """The memory, if the agent sees it, superseded or not."""
        found = await self.visible(tenant, agent_id, [memory_id], superseded=True)
        if memory_id not in found:
            raise not_found(memory_id, agent_id)
        return found[memory_id]

    async def visible(
        self,
        tenant: str,
        agent_id: str,
        ids: Sequence[UUID],
        *,
        as_of: datetime | None = None,
        superseded: bool = False,
    ) -> Mapping[UUID, Memory]:
        """Those of the memories that are live, unexpired and seen by the agent, now or as they were at a moment."""
        if as_of is None:
            return await self._memories("visible_memories", tenant, agent_id, ids, superseded)
        return await self._memories("memories_as_of", tenant, agent_id, ids, as_of, superseded)

    async def changed_since(
        self,
        tenant: str,
        agent_id: str,
        as_of: datetime,
        model: str,
        *,
        matching: Filter,
        superseded: bool = False,
    ) -> Former:
        """What was changed or superseded after a moment, and of that what matched then, as it was."""
        clause = parse_filter(matching)
        with translated():
            rows = await self._pool.fetch(self._reading["changed_since"], tenant, agent_id, as_of, MOST_CHANGED)
        ids = [row["memory_id"] for row in rows if row["bytes"] <= MOST_BYTES]
        found = await self.visible(tenant, agent_id, ids, as_of=as_of, superseded=superseded)
        known = [found[one] for one in ids if one in found]
        former = await asyncio.to_thread(_matching, clause, tenant, known)
        vectors = await self._vectors(tenant, model, former)
        then = [Embedded(tenant, one, vectors.get(one.memory_id)) for one in former]
        return Former(frozenset(ids), then, complete=len(ids) == len(rows) < MOST_CHANGED)

    async def neighbours(
        self, tenant: str, agent_id: str, ids: Sequence[UUID], distance: int, *, as_of: datetime | None = None
    ) -> Mapping[UUID, Neighbours]:
        """The nearest that an agent sees, up to `distance` on each side, of each memory that has a place."""
        if not ids or distance < 1:
            return {}
        with translated():
            rows = await self._pool.fetch(self._reading["neighbours"], tenant, agent_id, ids, distance, as_of)
        if as_of is not None:
            then = await self.visible(tenant, agent_id, [row["memory_id"] for row in rows], as_of=as_of)
            rows = [row for row in rows if row["memory_id"] in then]
        found: dict[UUID, Neighbours] = {}
        for row in rows:
            both = found.setdefault(row["beside"], Neighbours([], []))
            (both.before if row["comes_before"] else both.after).append(row["memory_id"])
        return found

    async def links(self, tenant: str, agent_id: str, memory_id: UUID) -> list[Link]:
        """The 50 memories that say most nearly the same as one, and that the agent sees, most similar first."""
        with translated():
            rows = await self._pool.fetch(self._reading["links"], tenant, agent_id, memory_id)
        return [Link.model_construct(**row) for row in rows]

    async def history(self, tenant: str, agent_id: str, memory_id: UUID) -> list[MemoryVersion]:
        """Every version of a memory that the agent sees, oldest first; to other agents those that were shared."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
                rows = await connection.fetch(
                    self._reading["visible_memories"], tenant, agent_id, [memory_id], True
                )
                if not rows:
                    raise not_found(memory_id, agent_id)
                present = memory_of(rows[0])
                own = present.agent_id == agent_id
                former = await connection.fetch(self._reading["memory_history"], tenant, memory_id, own)
        return [*map(version_of, former), present_version(present)]

    async def _vectors(self, tenant: str, model: str, memories: Sequence[Memory]) -> dict[UUID, Vector]:
        """The vectors that a model has made of what these memories say, whatever they say now."""
        if not memories:
            return {}
        keys = [(tenant, one.memory_id, one.content_hash, model) for one in memories]
        with translated():
            rows = await self._pool.fetch(self._reading["vectors_of_contents"], *columns(keys))
        return {row["memory_id"]: unpack(row["vector"]) for row in rows}

    async def _memories(self, statement: str, *arguments: object) -> dict[UUID, Memory]:
        with translated():
            rows = await self._pool.fetch(self._reading[statement], *arguments)
        return {row["memory_id"]: memory_of(row) for row in rows}


def _matching(clause: Clause, tenant: str, memories: Sequence[Memory]) -> list[Memory]:
    return [one for one in memories if matches(clause, payload_as_of(tenant, one))]


def not_found(memory_id: UUID, agent_id: str) -> NotFound:
    """The refusal of a memory that is not there for an agent."""
    return NotFound(f"No memory {memory_id} is visible to agent {agent_id}. Check the id and the agent_id.")
