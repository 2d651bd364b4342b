"""Deleting and purging while there is more than one generation: none of them keeps anything of the memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, WordsEmbedder, draft, origin
from rebuilding import Reversed, Site, numbered

from memos.errors import CollectionMissing, Unavailable
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.memories import DeleteMemory
from memos.handlers.memories.change import delete_memory
from memos.handlers.memories.forget import delete_memories, purge_memories
from memos.ports import Vectors
from memos.projection.derived import DerivedVectors
from memos.projection.others import Others
from memos.projection.projector import finish
from memos.records import Generation, RecordKey
from memos.stores.deletions import PostgresDeletions

pytest_plugins = ["rooms", "rebuilding_fixtures"]


@dataclass(frozen=True)
class Abandoned:
    """A worker on generation 1, and generation 2, which somebody began to build and left."""

    site: Site
    worker: Rooms
    shadow: Generation
    vectors: Vectors

    @property
    def derived(self) -> list[DerivedVectors]:
        return [DerivedVectors(self.worker.vectors, self.worker.projections, self.site.others(in_use=1))]

    @property
    def deleting_many(self) -> dict[str, Any]:
        """The ports of a handler that deletes or purges many."""
        return {"deletions": PostgresDeletions(self.site.rooms.pool), "derived": self.derived}

    async def remember(self, content: str) -> RecordKey:
        """Store one memory, which both generations have then."""
        memory_id = await self.worker.remember(content, agent_id="ada")
        projections = self.site.account_of(self.shadow)
        behind = await projections.some_behind(100)
        assert not await finish(behind, vectors=self.vectors, projections=projections, embedder=Reversed())
        return RecordKey("default", memory_id)

    async def having(self, key: RecordKey) -> list[int]:
        """The generations that have a point of a record."""
        both = {1: self.worker.vectors, 2: self.vectors}
        return [number for number, vectors in both.items() if await vectors.present([key])]

    async def rows(self, memory_id: UUID) -> int:
        """How many generations the ledger keeps an account of a record in."""
        count = "select count(*) from projections where record_id = $1"
        number: int = await self.site.rooms.pool.fetchval(count, memory_id)
        return number


@pytest.fixture
async def abandoned(site: Site) -> AsyncIterator[Abandoned]:
    shadow = await site.begun(Reversed())
    async with site.current() as worker, site.open_generation(shadow) as vectors:
        yield Abandoned(site, worker, shadow, vectors)


async def test_a_deleted_memory_is_in_no_generation_and_counts_once(abandoned: Abandoned) -> None:
    key, kept = await abandoned.remember("gone"), await abandoned.remember("kept")
    assert await abandoned.having(key) == [1, 2]

    command = DeleteMemory(memory_id=key.memory_id, agent_id="ada")
    outcome = await delete_memory(
        command, origin=origin(), memories=abandoned.worker.memories, derived=abandoned.derived
    )

    stores = [(store.name, store.removed, store.pending) for store in outcome.stores]
    assert (outcome.status, stores) == ("deleted", [("ledger", 1, 0), ("vectors", 1, 0)])
    assert (await abandoned.having(key), await abandoned.having(kept)) == ([], [1, 2])
    assert await abandoned.rows(key.memory_id) == 0


async def test_a_dry_run_counts_what_only_an_unfinished_generation_has(abandoned: Abandoned) -> None:
    key = await abandoned.remember("gone")
    await abandoned.worker.vectors.delete([key])

    told = await delete_memories(DeleteMemories(agent_id="ada"), origin=origin(), **abandoned.deleting_many)

    assert [(store.name, store.removed) for store in told.stores] == [("ledger", 1), ("vectors", 1)]


async def test_a_purge_reaches_what_an_unfinished_generation_kept_of_deleted_memories(abandoned: Abandoned) -> None:
    key = await abandoned.remember("gone")
    await abandoned.worker.memories.delete(origin(), b"d", "ada", key.memory_id)

    purged = await purge_memories(
        PurgeMemories(memory_ids=[key.memory_id], dry_run=False), origin=origin(), **abandoned.deleting_many
    )

    assert (purged.status, [(store.name, store.removed) for store in purged.stores]) == ("purged", [("vectors", 1)])
    assert await abandoned.having(key) == []


async def test_a_deleted_memory_is_in_no_retired_generation(site: Site) -> None:
    async with site.current() as former:
        memory_id = await former.remember("gone", agent_id="ada")
        await site.rebuild(WordsEmbedder())
        async with site.current() as worker:
            derived = [DerivedVectors(worker.vectors, worker.projections, site.others(in_use=2))]
            command = DeleteMemory(memory_id=memory_id, agent_id="ada")
            await delete_memory(command, origin=origin(), memories=worker.memories, derived=derived)

        assert await former.vectors.count({}) == 0


async def test_a_generation_that_the_engine_does_not_have_is_no_obstacle_and_stays_away(
    abandoned: Abandoned,
) -> None:
    key = await abandoned.remember("gone")
    await abandoned.vectors.drop()
    [derived] = abandoned.derived
    await abandoned.worker.memories.delete(origin(), b"d", "ada", key.memory_id)

    assert (await derived.count([key]), await derived.forget([key])) == (1, 1)

    assert await abandoned.rows(key.memory_id) == 0
    with pytest.raises(CollectionMissing):
        await abandoned.vectors.count({})


async def test_with_one_generation_no_other_is_opened(site: Site) -> None:
    @asynccontextmanager
    async def refuse(generation: Generation) -> AsyncIterator[Vectors]:
        raise Unavailable(f"Generation {generation.number} was opened.")
        yield

    async with site.current() as worker:
        key = RecordKey("default", await worker.remember("a", agent_id="ada"))
        others = Others(1, site.generations, refuse, site.account_of)
        derived = DerivedVectors(worker.vectors, worker.projections, others)

        assert (await derived.count([key]), await others.withdraw_behind(256)) == (1, 0)


async def test_what_a_deletion_did_not_reach_is_removed_from_an_abandoned_generation_later(
    abandoned: Abandoned,
) -> None:
    gone, kept = await abandoned.remember("gone"), await abandoned.remember("kept")
    await abandoned.worker.memories.delete(origin(), b"d", "ada", gone.memory_id)
    others = abandoned.site.others(in_use=1)

    assert (await others.withdraw_behind(256), await others.withdraw_behind(256)) == (1, 0)

    assert (await abandoned.having(gone), await abandoned.having(kept)) == ([1], [1, 2])
    assert await abandoned.worker.projections.some_buried(256) == [gone]


async def test_what_is_to_be_written_to_an_abandoned_generation_is_left_to_its_rebuild(
    abandoned: Abandoned,
) -> None:
    await abandoned.worker.store(*numbered(range(3)))

    assert await abandoned.site.others(in_use=1).withdraw_behind(256) == 0

    assert await abandoned.site.account_of(abandoned.shadow).behind() == 3


async def test_a_memory_that_was_buried_while_it_was_enrolled_leaves_nothing_behind(abandoned: Abandoned) -> None:
    """Whoever buries an expired twin does not see the row that a rebuild writes at the same time."""
    pool, worker = abandoned.site.rooms.pool, abandoned.worker
    one = draft(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await worker.commit(one)
    projections = abandoned.site.account_of(abandoned.shadow)
    await pool.execute("update agent_memories set deleted_at = now()")
    await pool.execute("update projections set wanted = null where generation = 1")
    behind = await projections.some_behind(100)
    assert await pool.fetchval("select wanted from projections where generation = 2") == 1

    await finish(behind, vectors=abandoned.vectors, projections=projections, embedder=Reversed())

    assert await projections.behind() == 0
