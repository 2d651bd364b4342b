"""Lessons that another agent learns, or deletes, while they are learned."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, count, origin
from interruptions import Crash, Fuse, Fused
from taught import LESSON, School

from memos.embeddings.minilm import MiniLM
from memos.errors import Unavailable
from memos.projection.points import memories_collection
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]

DEPLOY = {"task": "Deploy the shop"}
FIRST, SECOND = (
    "Run the migrations before restarting the service.",
    "Run migrations before you restart the service.",
)


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


@pytest.fixture
async def reading(school: School) -> AsyncIterator[School]:
    """A school whose embedder understands what it reads."""
    async with MiniLM() as model:
        vectors = TwinVectors(memories_collection(model.model, model.dimension))
        yield School(school.rooms, {"embedder": model, "vectors": vectors})


class Forgetful:
    """Memories of which one is deleted as soon as it was looked at, once."""

    def __init__(self, memories: Any, doomed: UUID) -> None:
        self._memories, self._doomed = memories, [doomed]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memories, name)

    async def visible(self, *which: Any, **named: Any) -> Any:
        """Look, and delete."""
        found = await self._memories.visible(*which, **named)
        for memory_id in self._doomed:
            assert memory_id in found
            await self._memories.delete(origin(), b"d", "ann", memory_id)
        self._doomed.clear()
        return found


class Blind:
    """A vector engine that is written to, and cannot be searched."""

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vectors, name)

    async def search(self, *which: Any, **named: Any) -> Any:
        """Be away."""
        raise Unavailable("The vector engine is away.")


async def test_a_lesson_that_is_deleted_while_it_is_learned_again_teaches_nothing_and_then_is_stored_anew(
    school: School,
) -> None:
    first, sender = await school.taught(), origin()
    forgetful = School(school.rooms, {"memories": Forgetful(school.rooms.memories, first.memory_id)})

    with pytest.raises(Unavailable, match=rf"{first.memory_id}.* was deleted .*Send the command again"):
        await forgetful.learn(LESSON, of=sender, agent_id="bob")
    assert (await count(school.rooms.pool, "learnings"), await count(school.rooms.pool, "memory_reports")) == (1, 0)

    again = await forgetful.taught(of=sender, agent_id="bob")
    assert (again.status, again.times, again.memory_id == first.memory_id) == ("stored", 1, False)


async def test_a_lesson_whose_learning_was_broken_off_stays_its_own_when_another_learns_it_meanwhile(
    reading: School,
) -> None:
    fuse, sender = Fuse(), origin()
    fuse.at = "learnings.record"
    dying = School(
        reading.rooms, {**reading.given, "learnings": Fused("learnings", reading.ports["learnings"], fuse)}
    )
    with pytest.raises(Crash):
        await dying.learn(FIRST, of=sender, **DEPLOY)

    blind = School(reading.rooms, {**reading.given, "vectors": Blind(reading.given["vectors"])})
    others = await blind.taught(SECOND, agent_id="bob", **DEPLOY)
    assert others.status == "stored"
    again = await reading.taught(FIRST, of=sender, **DEPLOY)

    assert again.memory_id != others.memory_id
    assert (again.status, again.times) == ("stored", 1)
    assert (await reading.memory(others.memory_id)).times_stored == 1
