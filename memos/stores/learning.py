"""What agents learned, and how useful memories were to them, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from memos.errors import NotFound
from memos.records import (
    Contradicted,
    KeptLearning,
    LearningDraft,
    LearningKept,
    LearningSelection,
    Origin,
    same_key,
)
from memos.stores.claims import Shape, claim_or_replay, recorded, repeats, same_id_other_body
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.rows import columns
from memos.stores.sql import load_queries
from memos.stores.teaching import Teaching

LEARNED = Shape(
    frozenset({"learning_id", "agent_id", "lessons", "memories", "tools", "usefulness", "times", "contradicts"})
)
"""What is recorded of the answer to a learning: ids and numbers, and no word of what was learned."""

LAST_ID = UUID(int=2**128 - 1)


class PostgresLearnings:
    """Fulfils the port `Learnings`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        files = ("memories.sql", "facts.sql", "learning.sql")
        self._sql: Mapping[str, str] = {name: query for file in files for name, query in load_queries(file).items()}

    async def replayed(self, origin: Origin, digest: bytes) -> LearningKept | None:
        """What a command came to that was handled before; none of a new one."""
        with translated():
            async with self._pool.acquire() as connection:
                known = (await recorded(connection, self._sql, [origin.key])).get(origin.key)
                if known is None:
                    return None
                if not repeats(known, digest, LEARNED):
                    raise same_id_other_body(origin.command_id)
                return await self._kept(connection, origin.tenant, known.reply, replayed=True)

    async def record(self, draft: LearningDraft) -> LearningKept:
        """Keep a learning with its uses, strengthened lessons, contradictions, command and fact."""

        async def work(connection: Connection) -> LearningKept:
            replay = await claim_or_replay(connection, self._sql, draft.origin, draft.digest, LEARNED)
            reply = replay or await Teaching(connection, self._sql, draft).run()
            return await self._kept(connection, draft.origin.tenant, reply, replayed=replay is not None)

        return await transacted(self._pool, work)

    async def saying(self, tenant: str, samenesses: Sequence[bytes]) -> Mapping[bytes, Sequence[UUID]]:
        """The live lessons that were stored with these, which is one of each at most."""
        by_key = {same_key(tenant, one): one for one in samenesses}
        with translated():
            rows = await self._pool.fetch(self._sql["memories_by_duplicate_key"], tenant, list(by_key))
        return {by_key[row["duplicate_key"]]: [row["memory_id"]] for row in rows}

    async def contradictions(
        self, tenant: str, agent_id: str, memory_ids: Sequence[UUID]
    ) -> list[tuple[UUID, UUID]]:
        """Pairs of live memories that the agent sees, one of them of these; the first contradicts the second."""
        if not memory_ids:
            return []
        rows = [(tenant, memory_id, agent_id) for memory_id in memory_ids]
        with translated():
            found = await self._pool.fetch(self._sql["contradictions_of"], *columns(rows))
        return [(row["memory_id"], row["other_id"]) for row in found]

    async def page(
        self, tenant: str, selection: LearningSelection, before: UUID | None, limit: int
    ) -> list[KeptLearning]:
        """The learnings that are meant, newest first, from the one after `before`."""
        with translated():
            moment = before and await self._pool.fetchval(self._sql["learning_place"], tenant, before)
            if before and moment is None:
                raise NotFound(f"No learning {before} is recorded. Check the id, or begin with the newest.")
            rows = await self._pool.fetch(
                self._sql["page_of_learnings"], tenant, *selection, moment, before or LAST_ID, limit
            )
        return [KeptLearning(*row) for row in rows]

    async def _kept(
        self, connection: Connection, tenant: str, reply: Mapping[str, Any], *, replayed: bool
    ) -> LearningKept:
        return LearningKept(
            UUID(reply["learning_id"]),
            {UUID(name): value for name, value in reply["usefulness"].items()},
            {UUID(name): times for name, times in reply["times"].items()},
            await self._contradictions(connection, tenant, reply["contradicts"]),
            reply,
            replayed,
        )

    async def _contradictions(
        self, connection: Connection, tenant: str, pairs: Sequence[tuple[str, str]]
    ) -> Mapping[UUID, Sequence[Contradicted]]:
        """Those of the pairs, by their lessons, that are still flagged, with their reasons."""
        found: defaultdict[UUID, list[Contradicted]] = defaultdict(list)
        if pairs:
            rows = [(tenant, lesson, other) for lesson, other in pairs]
            for lesson, *other in await connection.fetch(self._sql["contradictions_between"], *columns(rows)):
                found[lesson].append(Contradicted(*other))
        return found
