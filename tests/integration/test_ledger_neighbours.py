"""What stands beside a memory: those of its session, or of its document, in their order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, draft, origin

from memos.records import Neighbours, Source

pytest_plugins = ["rooms"]

PAGE = Source(uri="file:///notes.md")
Beside = tuple[list[str], list[str]]


async def stored(rooms: Rooms, *texts: str, **fields: Any) -> list[UUID]:
    """Store texts, one after the other."""
    return [(await rooms.commit(draft(text, **fields)))[0].memory_id for text in texts]


async def beside(rooms: Rooms, *ids: UUID, distance: int = 1, agent_id: str = "ada", **asked: Any) -> list[Beside]:
    found = await rooms.memories.neighbours("default", agent_id, ids, distance, **asked)
    both = [found.get(one, Neighbours([], [])) for one in ids]
    named = [one for neighbours in both for side in neighbours for one in side]
    said = await rooms.memories.visible("default", agent_id, named, as_of=asked.get("as_of"))
    return [([said[one].content for one in before], [said[one].content for one in after]) for before, after in both]


async def test_the_neighbours_in_a_session_come_in_order(rooms: Rooms) -> None:
    ids = await stored(rooms, *"abcde", session_id="s")

    assert await beside(rooms, *ids) == [
        ([], ["b"]),
        (["a"], ["c"]),
        (["b"], ["d"]),
        (["c"], ["e"]),
        (["d"], []),
    ]
    assert await beside(rooms, ids[2], distance=2) == [(["a", "b"], ["d", "e"])]
    assert await beside(rooms, ids[3], distance=10) == [(["a", "b", "c"], ["e"])]


async def test_the_neighbours_in_a_document_come_in_order(rooms: Rooms) -> None:
    ids = [(await stored(rooms, text, source=PAGE, sequence=place))[0] for place, text in enumerate("abc")]

    assert await beside(rooms, *ids) == [([], ["b"]), (["a"], ["c"]), (["b"], [])]


async def test_gaps_are_passed_over_and_equals_follow_their_time(rooms: Rooms) -> None:
    first, *_ = [
        (await stored(rooms, text, session_id="s", sequence=place))[0]
        for text, place in [("a", 7), ("c", 900), ("b", 90), ("d", 900)]
    ]

    assert await beside(rooms, first, distance=3) == [([], ["b", "c", "d"])]


@pytest.mark.parametrize(
    "other",
    [
        {"session_id": "t"},
        {"session_id": "s", "agent_id": "bob", "visibility": "shared"},
        {"session_id": "s", "of": origin(tenant="other")},
        {"source": PAGE, "sequence": 1},
        {"session_id": "s", "source": PAGE, "expires_at": datetime.now(UTC) - timedelta(seconds=1)},
    ],
    ids=["of another session", "of another agent", "of another tenant", "of a document", "expired"],
)
async def test_others_are_no_neighbours(rooms: Rooms, other: dict[str, Any]) -> None:
    [one] = await stored(rooms, "a", session_id="s", source=PAGE)
    await stored(rooms, "b", **other)

    assert await beside(rooms, one) == [([], [])]


async def test_what_is_deleted_or_superseded_stands_between_none(rooms: Rooms) -> None:
    ids = await stored(rooms, *"abcd", session_id="s")
    await rooms.memories.delete(origin(), b"d", "ada", ids[1])
    await stored(rooms, "c!", supersedes=[ids[2]])

    assert await beside(rooms, ids[0], ids[3]) == [([], ["d"]), (["a"], [])]
    assert await beside(rooms, ids[2]) == [(["a"], ["d"])]


async def test_another_agent_sees_the_shared_ones_beside_a_shared_one_alone(rooms: Rooms) -> None:
    [first] = await stored(rooms, "a", session_id="s")
    [second] = await stored(rooms, "b", session_id="s", visibility="shared")
    await stored(rooms, "c", session_id="s")
    await stored(rooms, "d", session_id="s", visibility="shared")

    assert await beside(rooms, first, second, agent_id="bob", distance=2) == [([], []), ([], ["d"])]
    assert await beside(rooms, second, distance=2) == [(["a"], ["c", "d"])]


async def test_what_has_no_place_has_no_neighbours(rooms: Rooms) -> None:
    ids = [*await stored(rooms, "a", "b"), *await stored(rooms, "c", "d", source=PAGE)]

    assert await rooms.memories.neighbours("default", "ada", ids, 3) == {}
    assert await rooms.memories.neighbours("default", "ada", [], 3) == {}


async def test_the_neighbours_of_then_are_those_that_stood_there(rooms: Rooms) -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    ids = [
        (await stored(rooms, text, session_id="s", occurred_at=monday + timedelta(days=day)))[0]
        for day, text in enumerate("abc")
    ]
    await stored(rooms, "a!", occurred_at=monday + timedelta(days=4), supersedes=[ids[0]])

    assert await beside(rooms, ids[1], as_of=monday + timedelta(days=1)) == [(["a"], [])]
    assert await beside(rooms, ids[1], as_of=monday + timedelta(days=3)) == [(["a"], ["c"])]
    assert await beside(rooms, ids[1], as_of=monday + timedelta(days=4)) == [([], ["c"])]
