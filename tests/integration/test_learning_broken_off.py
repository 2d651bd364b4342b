"""Learning that is broken off at any point, or done by two workers at once, teaches once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, count, origin
from interruptions import Crash, Fuse, Fused
from taught import LESSON, School

from memos.discovery import Catalogs
from memos.events.learning import LearningRecorded, LessonLearned
from memos.records import Origin

pytest_plugins = ["rooms"]

OTHER = "begin with the region that sells most"

STEPS = (
    "learnings.replayed",
    "learnings.saying",
    "memories.handled",
    "embedder.embed",
    "vectors.search",
    "memories.visible",
    "memories.known_vectors",
    "memories.store",
    "vectors.upsert",
    "projections.mark",
    "projections.behind_among",
    "tools.known_vectors",
    "tools.changes",
    "tools.texts",
    "tools.record",
    "tools.get",
    "learnings.record",
)
"""Every call of a port that learning makes, in about this order."""

EFFECTS = {
    "lessons": "select lesson.times_stored, lesson.metadata ->> 'lesson' from agent_memories lesson"
    " where kind = 'lesson' order by 2",
    "usefulness": "select content, usefulness > 0 from agent_memories where kind <> 'lesson' order by 1",
    "reports": "select helped, hindered from memory_reports order by 1, 2",
    "outcomes": "select tool_id, successes, failures from tool_reports order by 1",
    "links": "select relation, reason from memory_links order by 2",
    "learnings": "select agent_id, outcome, cardinality(lessons), cardinality(memories), tools"
    " from learnings order by 1",
    "facts": "select type, count(*) from facts group by 1 order by 1",
}
"""All that a learning leaves in the ledger, but for ids and times."""


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


async def prepared(school: School) -> dict[str, Any]:
    """What was there before, and a learning that does all that one can do."""
    known = await school.taught(LESSON, agent_id="bob")
    wrong = await school.taught("never mind the currency", agent_id="bob")
    used = await school.rooms.remember("the board meets on Mondays", agent_id="ann")
    await school.register("ledger", "chart")
    return {
        "lessons": [
            {"content": LESSON},
            {"content": OTHER, "contradicts": [str(wrong.memory_id)]},
            {"content": OTHER.upper()},
        ],
        "memories": [{"memory_id": used, "helped": True}, {"memory_id": known.memory_id, "helped": False}],
        "tools": [
            {"tool_id": "ledger", "helped": True},
            {"tool_id": "chart"},
            {"tool_id": "none", "reported": True},
        ],
    }


async def effects(school: School) -> dict[str, list[tuple[Any, ...]]]:
    pool = school.rooms.pool
    return {name: [tuple(row) for row in await pool.fetch(query)] for name, query in EFFECTS.items()}


async def learn(school: School, told: dict[str, Any], of: Origin) -> LearningRecorded:
    return await school.learn(of=of, **told)


def statuses(learned: LearningRecorded) -> list[tuple[str, int, UUID]]:
    lessons = [one for one in learned.lessons if isinstance(one, LessonLearned)]
    return [(one.status, one.times, one.memory_id) for one in lessons]


def on_fuse(school: School, fuse: Fuse) -> School:
    """The same school, whose ports may end the work."""
    fused = School(school.rooms, {name: Fused(name, port, fuse) for name, port in school.ports.items()})
    fused.given["catalogs"] = Catalogs(fused.given["tools"], school.rooms.embedder, 1_000_000)
    return fused


class Notes(Fuse):
    """A fuse that never burns, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def burn(self, call: str) -> None:
        """Note the call."""
        self.calls.append(call)


async def test_every_call_of_a_port_is_among_the_steps(school: School) -> None:
    told, notes = await prepared(school), Notes()
    await learn(on_fuse(school, notes), told, origin())
    assert set(notes.calls) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_dies_at_any_step_teaches_once_when_the_command_comes_again(
    school: School, step: str
) -> None:
    told = await prepared(school)
    fuse, sender = Fuse(), origin()
    fused = on_fuse(school, fuse)

    fuse.at = step
    with pytest.raises(Crash):
        await learn(fused, told, sender)
    learned = await learn(fused, told, sender)

    assert [status for status, _, _ in statuses(learned)] == ["strengthened", "stored", "strengthened"]
    assert await effects(school) == EXPECTED
    assert await learn(fused, told, sender) == learned
    assert await effects(school) == EXPECTED


EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "lessons": [(2, LESSON), (1, OTHER), (1, "never mind the currency")],
    "usefulness": [("the board meets on Mondays", True)],
    "reports": [(0.0, 1.0), (1.0, 0.0)],
    "outcomes": [("chart", 1, 0), ("ledger", 1, 0)],
    "links": [("contradicts", "stated by the agent that learned it")],
    "learnings": [
        ("ann", "success", 2, 2, ["ledger", "chart"]),
        ("bob", "success", 1, 0, []),
        ("bob", "success", 1, 0, []),
    ],
    "facts": [
        ("memos.learning.recorded.v1", 3),
        ("memos.memory.stored.v1", 4),
        ("memos.tool.outcome.v1", 2),
        ("memos.tool.registered.v1", 2),
    ],
}


async def test_two_workers_that_have_the_same_command_teach_once(school: School) -> None:
    told = await prepared(school)
    sender = origin()

    answers = await asyncio.gather(*(learn(school, told, sender) for _ in range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert await effects(school) == EXPECTED


async def test_a_worker_that_looked_before_another_stored_the_lesson_does_not_count_it_again(
    school: School,
) -> None:
    sender = origin()
    slow = School(school.rooms, {"memories": Late(school.ports["memories"])})
    late = asyncio.create_task(slow.learn(LESSON, of=sender))
    await slow.ports["memories"].looked.wait()

    first = await school.learn(LESSON, of=sender)
    slow.ports["memories"].go_on.set()

    assert await late == first
    assert statuses(first)[0][:2] == ("stored", 1)
    assert await school.rooms.pool.fetchval("select times_stored from agent_memories") == 1


async def test_the_same_new_lesson_that_many_agents_learn_at_once_is_in_no_answer_twice(school: School) -> None:
    agents = [f"agent-{number % 10}" for number in range(20)]
    learned = await asyncio.gather(*(school.taught(agent_id=agent, task_id=agent) for agent in agents))

    assert await count(school.rooms.pool, "agent_memories") == 1
    assert {one.memory_id for one in learned} == {learned[0].memory_id}
    assert [one.status for one in learned].count("stored") == 1
    assert await school.rooms.pool.fetchval("select times_stored from agent_memories") == 10


async def test_reports_of_many_agents_at_once_are_all_kept(school: School) -> None:
    ids = [
        await school.rooms.remember(text, agent_id="ann", visibility="shared") for text in ("tea", "milk", "salt")
    ]
    uses = [{"memory_id": one, "helped": True} for one in ids]

    told = {f"agent-{number}": uses[:: (-1) ** number] for number in range(8)}
    await asyncio.gather(*(school.learn(agent_id=agent, memories=some) for agent, some in told.items()))

    assert await count(school.rooms.pool, "memory_reports where helped = 1") == 24
    values = await school.rooms.pool.fetch("select usefulness from agent_memories")
    assert {round(row["usefulness"], 6) for row in values} == {0.8}


class Late:
    """Memories that are slow to go on after it was looked whether a command was handled, once."""

    def __init__(self, memories: Any) -> None:
        self._memories = memories
        self.looked, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memories, name)

    async def handled(self, keys: Any) -> Any:
        """Look, and wait."""
        found = await self._memories.handled(keys)
        self.looked.set()
        await self.go_on.wait()
        return found
