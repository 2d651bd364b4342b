"""The usefulness of memories in the ledger: it fades as it is read, and nothing else of the memory changes."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from builders import Rooms, change, origin
from taught import School

from memos.records import AnswerSource, RecordKey
from memos.records.usefulness import HALF_LIFE_DAYS
from memos.stores.provenance import PostgresProvenance

pytest_plugins = ["rooms"]


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


@pytest.fixture
async def tea(school: School) -> UUID:
    return await school.rooms.remember("tea is made of leaves", agent_id="ann", visibility="shared")


async def age(school: School, days: float) -> None:
    """Have everything that was reported be so old."""
    pool = school.rooms.pool
    await pool.execute(
        "update agent_memories set usefulness_at = usefulness_at - make_interval(secs => $1)", days * 86_400
    )
    await pool.execute(
        "update memory_reports set updated_at = updated_at - make_interval(secs => $1)", days * 86_400
    )


async def usefulness(school: School, memory_id: UUID, agent_id: str = "ann") -> float:
    return (await school.memory(memory_id, agent_id)).usefulness


async def test_it_fades_wherever_a_memory_is_read(school: School, tea: UUID) -> None:
    fresh = await school.judged(tea, helped=True)
    await age(school, HALF_LIFE_DAYS)

    memories = school.rooms.memories
    as_of = await memories.visible("default", "ann", [tea], as_of=datetime.now(UTC))
    [embedded] = await school.rooms.projections.embedded([RecordKey("default", tea)])
    [recalled] = (await school.rooms.query("tea", agent_id="ann")).memories.results
    changed = await memories.update(change(tea, agent_id="ann", tags=["drink"]))
    for memory in (await school.memory(tea), as_of[tea], embedded.memory, recalled, changed):
        assert memory.usefulness == pytest.approx(0.2, abs=1e-4)
    assert fresh == pytest.approx(1 / 3, abs=1e-4)


async def test_a_report_counts_from_what_is_left_of_those_before(school: School, tea: UUID) -> None:
    await school.judged(tea, helped=False)
    await age(school, 10 * HALF_LIFE_DAYS)
    assert await school.judged(tea, helped=True) == pytest.approx(1 / 3, abs=0.01)


async def test_what_is_not_said_is_taken_from_the_outcome_and_counts_for_less(school: School) -> None:
    ids = [await school.rooms.remember(text, agent_id="ann") for text in ("tea", "milk", "salt", "bread")]
    implied = [
        await school.judged(one, outcome=how)
        for one, how in zip(ids, ("success", "failure", "partial"), strict=False)
    ]
    said = await school.judged(ids[3], helped=True)
    assert implied[0] == -implied[1]
    assert 0 == implied[2] < implied[0] < said / 2
    assert await school.rooms.pool.fetchval("select count(*) from memory_reports") == 3


async def test_an_agent_that_lies_moves_little_and_gains_nothing_by_repeating_it(school: School, tea: UUID) -> None:
    for agent in ("ann", "bob", "cid", "dee"):
        honest = await school.judged(tea, helped=True, agent_id=agent)
    first = await school.judged(tea, helped=False, agent_id="eve")
    for _ in range(30):
        last = await school.judged(tea, helped=False, agent_id="eve")
    assert honest > first >= last > honest - 0.15


async def test_nothing_else_of_a_memory_changes_when_it_becomes_useful(school: School, tea: UUID) -> None:
    before = await school.memory(tea)
    sources = [AnswerSource("memory", str(tea))]
    versions = await PostgresProvenance(school.rooms.pool).versions("default", sources)
    seen = await school.rooms.vectors.present([RecordKey("default", tea)])

    await school.judged(tea, helped=True, agent_id="bob")

    after = await school.memory(tea)
    assert after.usefulness > 0
    assert after.model_copy(update={"usefulness": 0.0}) == before
    assert await PostgresProvenance(school.rooms.pool).versions("default", sources) == versions
    assert await school.rooms.vectors.present([RecordKey("default", tea)]) == seen
    assert await school.rooms.projections.some_behind(10) == []
    assert len(await school.rooms.memories.history("default", "ann", tea)) == 1


async def test_it_is_kept_apart_for_each_tenant(school: School) -> None:
    one = UUID(int=7)
    for tenant in ("default", "other"):
        await school.rooms.remember("tea", agent_id="ann", tenant=tenant, id=one)
    await school.judged(one, helped=True)
    assert await school.judged(one, helped=False, of=origin(tenant="other")) < 0 < await usefulness(school, one)


async def test_what_helped_comes_before_what_hindered(school: School) -> None:
    good, bad = [await school.rooms.remember(f"tea {word}", agent_id="ann") for word in ("leaves", "bags")]
    for _ in range(2):
        await school.judged(good, helped=True)
        await school.judged(bad, helped=False)
    assert await school.rooms.recalled("tea", agent_id="ann") == ["tea leaves", "tea bags"]
