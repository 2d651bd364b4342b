"""The handler that answers queries: the best of what the agent may see, as the ledger has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import Rooms, change, contributed, draft, factors_of, origin

from memos.errors import Unavailable
from memos.events.memories import MemoriesFound
from memos.ports import Filter
from memos.projection.points import point_of
from memos.records import Candidate, Question, Source, VersionKey
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def test_the_best_come_first_in_the_order_of_their_scores(rooms: Rooms) -> None:
    for content in ("red green blue", "red green", "red", "quite something else"):
        await rooms.remember(content)

    found = await rooms.query("red green blue", top_k=3)

    results = found.memories.results
    assert [one.content for one in results] == ["red green blue", "red green", "red"]
    assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)
    assert len({one.score for one in results}) == 3
    assert (found.query, found.memories.count) == ("red green blue", 3)
    assert found.tools.count == 0
    assert found.took_ms > 0
    assert all(one.explanation is None for one in results)
    assert MemoriesFound.model_validate_json(found.model_dump_json()) == found


async def test_a_query_of_nothing_stored_finds_nothing(rooms: Rooms) -> None:
    assert await rooms.recalled("anything") == []


async def test_every_memory_is_found_when_more_are_asked_for_than_there_are(rooms: Rooms) -> None:
    await rooms.remember("a")
    await rooms.remember("b")

    assert await rooms.recalled("a", top_k=1000) == ["a", "b"]


async def test_an_explanation_says_the_rank_and_what_makes_up_the_score(rooms: Rooms) -> None:
    for content in ("red green blue", "red green", "red"):
        await rooms.remember(content)

    results = (await rooms.query("red green blue", explain=True)).memories.results

    assert [one.explanation for one in results] == [
        {"rank": rank, "factors": factors_of(one)} for rank, one in enumerate(results, start=1)
    ]
    meanings = [factors_of(one)["meaning"]["value"] for one in results]
    assert meanings == pytest.approx([1, (2 / 3) ** 0.5, (1 / 3) ** 0.5], abs=1e-5)
    for one in results:
        assert contributed(one) == pytest.approx(one.score, abs=1e-5)


async def test_memories_that_do_not_fit_the_budget_of_tokens_are_passed_over(rooms: Rooms) -> None:
    await rooms.remember("a b c d e f g h")
    await rooms.remember("a b")

    assert await rooms.recalled("a b", max_tokens=5) == ["a b", "a b c d e f g h"]
    assert await rooms.recalled("a b c d e f g h", max_tokens=3) == ["a b"]
    assert await rooms.recalled("a b c d", max_tokens=1) == ["a b"]


async def test_an_agent_sees_its_own_memories_and_the_shared_ones_of_its_tenant(rooms: Rooms) -> None:
    await rooms.remember("x mine", agent_id="ada")
    await rooms.remember("x their own", agent_id="bob")
    await rooms.remember("x they share", agent_id="bob", visibility="shared")
    await rooms.remember("x elsewhere", agent_id="ada", visibility="shared", tenant="other")

    assert sorted(await rooms.recalled("x", agent_id="ada")) == ["x mine", "x they share"]
    assert await rooms.recalled("x", agent_id="eve") == ["x they share"]
    assert await rooms.recalled("x", agent_id="bob", tenant="other") == ["x elsewhere"]


FIELDS: dict[str, Any] = {
    "kind": "note",
    "session_id": "s",
    "source": Source(uri="file:///a.py", symbol="f"),
    "tags": ["x", "y"],
    "visibility": "shared",
    "metadata": {"topic": "sky", "count": 2, "done": True, "deep": {"a": 1}},
    "occurred_at": NOON,
}


@pytest.mark.parametrize(
    ("wanted", "unwanted"),
    [
        ({"kind": "note"}, {"kind": "task"}),
        ({"session_id": "s"}, {"session_id": "t"}),
        ({"source": "file:///a.py"}, {"source": "file:///b.py"}),
        ({"tags": ["x"]}, {"tags": ["z"]}),
        ({"tags": ["x", "y"]}, {"tags": ["x", "z"]}),
        ({"visibility": "shared"}, {"visibility": "private"}),
        ({"metadata": {"topic": "sky"}}, {"metadata": {"topic": "sea"}}),
        ({"metadata": {"count": 2}}, {"metadata": {"count": 3}}),
        ({"metadata": {"done": True}}, {"metadata": {"done": False}}),
        ({"metadata": {"topic": "sky", "count": 2}}, {"metadata": {"topic": "sky", "count": 3}}),
        ({"occurred_after": NOON}, {"occurred_after": NOON + timedelta(seconds=1)}),
        ({"occurred_before": NOON + timedelta(seconds=1)}, {"occurred_before": NOON}),
        (
            {"occurred_after": NOON - timedelta(1), "occurred_before": NOON + timedelta(1)},
            {"occurred_after": NOON + timedelta(1), "occurred_before": NOON + timedelta(2)},
        ),
        ({"kind": "note", "tags": ["y"]}, {"kind": "note", "tags": ["z"]}),
    ],
    ids=str,
)
async def test_a_filter_keeps_what_meets_it(rooms: Rooms, wanted: dict[str, Any], unwanted: dict[str, Any]) -> None:
    await rooms.remember("a b c", **FIELDS)
    await rooms.remember("a b d")

    assert await rooms.recalled("a b", filter=wanted) == ["a b c"]
    assert await rooms.recalled("a b", filter=unwanted) in ([], ["a b d"])
    assert "a b c" not in await rooms.recalled("a b", filter=unwanted)


async def test_an_empty_filter_keeps_everything(rooms: Rooms) -> None:
    await rooms.remember("a")

    assert await rooms.recalled("a", filter={}) == ["a"]


async def test_a_filter_never_widens_what_the_agent_sees(rooms: Rooms) -> None:
    await rooms.remember("a b", agent_id="bob", kind="note")

    assert await rooms.recalled("a b", agent_id="ada", filter={"kind": "note", "visibility": "private"}) == []


async def test_deleted_and_expired_memories_that_the_engine_still_has_make_room_for_live_ones(rooms: Rooms) -> None:
    """The engine lags: it still has what the ledger has buried, and those points are the closest."""
    stale = [draft(f"a b c {number}", agent_id="default_agent") for number in range(40)]
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = [draft(f"a b c d {number}", agent_id="default_agent", expires_at=past) for number in range(40)]
    await rooms.memories.store([*stale, *expired])
    await rooms.vectors.upsert(
        [
            point_of(VersionKey("default", one.memory_id, 1), one, one.embedding.vector)
            for one in (*stale, *expired)
            if one.embedding
        ]
    )
    for one in stale:
        await rooms.memories.delete(origin(), b"d", "default_agent", one.memory_id)
    for number in range(5):
        await rooms.remember(f"a {number}")

    found = await rooms.recalled("a b c", top_k=5)

    assert sorted(found) == [f"a {number}" for number in range(5)]


async def test_a_memory_is_answered_as_the_ledger_has_it_though_the_engine_has_a_former_version(
    rooms: Rooms,
) -> None:
    memory_id = await rooms.remember("a b c", agent_id="ada")
    await rooms.memories.update(change(memory_id, tags=["new"], metadata={"n": 1}))

    [found] = (await rooms.query("a b c", agent_id="ada")).memories.results

    assert (found.version, found.tags, found.metadata) == (2, ["new"], {"n": 1})


class Counting(TwinVectors):
    """Notes how many candidates it was asked for each time."""

    def __init__(self, twin: TwinVectors) -> None:
        super().__init__(twin.collection)
        self._kept = twin._kept
        self.limits: list[int] = []

    async def candidates(
        self, question: Question, *, matching: Filter, corpus: Filter, limit: int
    ) -> list[Candidate]:
        self.limits.append(limit)
        return await super().candidates(question, matching=matching, corpus=corpus, limit=limit)


async def test_a_projection_that_is_up_to_date_is_searched_once(rooms: Rooms) -> None:
    for number in range(30):
        await rooms.remember(f"a {number}")
    vectors = Counting(rooms.vectors)

    found = await replace(rooms, vectors=vectors).query("a", top_k=5)

    assert found.memories.count == 5
    assert len(vectors.limits) == 1


async def test_superseded_memories_cost_no_second_search(rooms: Rooms) -> None:
    former = [await rooms.remember(f"former {number}") for number in range(60)]
    for number in range(5):
        await rooms.remember(f"present {number}", supersedes=former[number::5])
    vectors = Counting(rooms.vectors)

    found = await replace(rooms, vectors=vectors).recalled("former", top_k=5)

    assert sorted(found) == [f"present {number}" for number in range(5)]
    assert len(vectors.limits) == 1


async def test_a_query_is_unavailable_while_the_vector_engine_is_away(rooms: Rooms) -> None:
    rooms.vectors.away = True

    with pytest.raises(Unavailable):
        await rooms.query("a")
