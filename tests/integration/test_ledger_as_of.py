"""The ledger as it was at a moment: what was known then, as it was put then, and not forgotten since."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import pytest
from builders import MODEL, Rooms, change, draft, origin, vector_of

from memos.ports import Filter
from memos.projection.points import match
from memos.records import Embedding, Memory

pytest_plugins = ["rooms"]

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 3))
CREATED = "update agent_memories set created_at = $2, updated_at = $2 where memory_id = $1"
CHANGED = "update agent_memories set updated_at = $2 where memory_id = $1"


async def stored(rooms: Rooms, content: str, *, at: datetime = MONDAY, **fields: Any) -> UUID:
    """Store a memory as if at a moment."""
    [one] = await rooms.commit(draft(content, **fields))
    await rooms.pool.execute(CREATED, one.memory_id, at)
    return one.memory_id


async def changed(rooms: Rooms, memory_id: UUID, *, at: datetime, **values: Any) -> None:
    """Change a memory as if at a moment."""
    await rooms.memories.update(change(memory_id, **values))
    await rooms.pool.execute(CHANGED, memory_id, at)


async def seen(rooms: Rooms, as_of: datetime, *ids: UUID, agent_id: str = "ada", **options: Any) -> list[Memory]:
    found = await rooms.memories.visible("default", agent_id, ids, as_of=as_of, **options)
    return [found[one] for one in ids if one in found]


async def said(rooms: Rooms, as_of: datetime, *ids: UUID, **options: Any) -> list[str]:
    return [memory.content for memory in await seen(rooms, as_of, *ids, **options)]


async def former(
    rooms: Rooms, as_of: datetime, *, matching: Filter | None = None, superseded: bool = False
) -> Sequence[tuple[str, Any]]:
    """What was said by what has changed since and matched then, with the vectors of that."""
    found = await rooms.memories.changed_since(
        "default", "ada", as_of, MODEL, matching=matching or {}, superseded=superseded
    )
    return [(one.memory.content, one.vector and list(one.vector)) for one in found.memories]


async def ids_changed(rooms: Rooms, as_of: datetime, agent_id: str = "ada", tenant: str = "default") -> set[UUID]:
    return set((await rooms.memories.changed_since(tenant, agent_id, as_of, MODEL, matching={})).changed)


async def is_complete(rooms: Rooms, as_of: datetime) -> bool:
    return (await rooms.memories.changed_since("default", "ada", as_of, MODEL, matching={})).complete


def vector(text: str) -> Any:
    return pytest.approx(list(vector_of(text)))


async def test_what_was_stored_later_was_not_known(rooms: Rooms) -> None:
    one = await stored(rooms, "tea", at=TUESDAY)

    assert await said(rooms, MONDAY, one) == []
    assert await said(rooms, TUESDAY, one) == ["tea"]


async def test_what_was_imported_counts_from_when_it_occurred(rooms: Rooms) -> None:
    one = await stored(rooms, "tea", at=THURSDAY, occurred_at=TUESDAY)
    await changed(rooms, one, at=THURSDAY, tags=["late"])

    assert await said(rooms, MONDAY, one) == []
    [memory] = await seen(rooms, WEDNESDAY, one)
    assert (memory.content, memory.version, memory.tags) == ("tea", 1, [])


async def test_each_version_holds_until_the_next(rooms: Rooms) -> None:
    one = await stored(rooms, "tea", tags=["a"], importance=0.25, metadata={"n": 1})
    before = (await seen(rooms, MONDAY, one))[0]
    await changed(rooms, one, at=TUESDAY, content="green tea", tags=["b"], importance=None, metadata={})
    await changed(rooms, one, at=THURSDAY, content="black tea")

    assert await seen(rooms, MONDAY, one) == [before]
    [memory] = await seen(rooms, WEDNESDAY, one)
    assert (memory.content, memory.tags, memory.importance, memory.metadata) == ("green tea", ["b"], None, {})
    assert (memory.version, memory.updated_at) == (2, TUESDAY)
    assert await seen(rooms, THURSDAY, one) == [await rooms.memories.get("default", "ada", one)]


async def test_what_was_superseded_later_was_an_answer_then(rooms: Rooms) -> None:
    old = await stored(rooms, "ada lives in paris")
    new = await stored(rooms, "ada lives in berlin", at=THURSDAY, occurred_at=WEDNESDAY, supersedes=[old])

    [memory] = await seen(rooms, TUESDAY, old, new)
    assert (memory.content, memory.superseded_by, memory.superseded_at) == ("ada lives in paris", None, None)
    assert await said(rooms, WEDNESDAY, old, new) == ["ada lives in berlin"]
    [memory] = await seen(rooms, WEDNESDAY, old, superseded=True)
    assert (memory.superseded_by, memory.superseded_at) == (new, WEDNESDAY)


async def test_what_had_expired_then_was_no_answer(rooms: Rooms) -> None:
    one = await stored(rooms, "tea")
    await changed(rooms, one, at=THURSDAY, expires_at=None)
    await rooms.pool.execute("update memory_versions set expires_at = $1", TUESDAY)

    assert await said(rooms, MONDAY, one) == ["tea"]
    assert await said(rooms, WEDNESDAY, one) == []
    assert await said(rooms, THURSDAY, one) == ["tea"]


async def test_what_is_forgotten_now_stays_forgotten(rooms: Rooms) -> None:
    deleted = await stored(rooms, "tea")
    await rooms.memories.delete(origin(), b"d", "ada", deleted)
    expired = await stored(rooms, "coffee", expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert await said(rooms, MONDAY, deleted, expired) == []


async def test_others_see_only_what_was_shared_then_and_is_now(rooms: Rooms) -> None:
    opened, closed = await stored(rooms, "tea"), await stored(rooms, "coffee", visibility="shared")
    await changed(rooms, opened, at=WEDNESDAY, visibility="shared")
    await changed(rooms, closed, at=WEDNESDAY, visibility="private")

    assert await said(rooms, TUESDAY, opened, closed, agent_id="bob") == []
    assert await said(rooms, THURSDAY, opened, closed, agent_id="bob") == ["tea"]
    assert await said(rooms, TUESDAY, opened, closed) == ["tea", "coffee"]


async def test_another_tenant_sees_nothing_of_it(rooms: Rooms) -> None:
    one = await stored(rooms, "tea")
    await changed(rooms, one, at=WEDNESDAY, content="green tea")

    assert await rooms.memories.visible("other", "ada", [one], as_of=TUESDAY) == {}
    assert await ids_changed(rooms, TUESDAY, tenant="other") == set()


async def test_what_has_changed_since_comes_as_it_was_with_the_vector_of_what_it_said(rooms: Rooms) -> None:
    one, other = await stored(rooms, "tea"), await stored(rooms, "coffee")
    await stored(rooms, "milk")
    await changed(rooms, one, at=TUESDAY, content="green tea")
    await changed(rooms, one, at=THURSDAY, content="black tea")
    await changed(rooms, other, at=WEDNESDAY, tags=["hot"])

    assert await former(rooms, MONDAY) == [("tea", vector("tea")), ("coffee", vector("coffee"))]
    assert await former(rooms, WEDNESDAY) == [("green tea", vector("green tea"))]
    assert await former(rooms, THURSDAY) == []


async def test_what_was_said_then_and_is_said_again_now_comes_as_well(rooms: Rooms) -> None:
    one = await stored(rooms, "tea")
    await changed(rooms, one, at=TUESDAY, content="coffee")
    await changed(rooms, one, at=THURSDAY, content="tea")

    assert await former(rooms, MONDAY) == [("tea", vector("tea"))]
    assert await former(rooms, TUESDAY) == [("coffee", vector("coffee"))]


async def test_what_another_model_has_read_comes_without_a_vector(rooms: Rooms) -> None:
    one = await stored(rooms, "tea", embedding=Embedding("another", [1.0], computed=True))
    await changed(rooms, one, at=WEDNESDAY, content="green tea")

    assert await former(rooms, TUESDAY) == [("tea", None)]


async def test_what_is_superseded_since_has_changed_and_what_was_then_comes_when_it_is_asked_for(
    rooms: Rooms,
) -> None:
    one = await stored(rooms, "tea")
    await stored(rooms, "coffee", occurred_at=TUESDAY, supersedes=[one])

    assert await former(rooms, MONDAY) == [("tea", vector("tea"))]
    assert (await former(rooms, WEDNESDAY), await ids_changed(rooms, WEDNESDAY)) == ([], {one})
    assert await former(rooms, WEDNESDAY, superseded=True) == [("tea", vector("tea"))]


async def test_a_filter_is_judged_by_what_was_then(rooms: Rooms) -> None:
    one = await stored(rooms, "tea", tags=["hot"], metadata={"cups": 1}, importance=0.25, kind="note")
    await changed(rooms, one, at=WEDNESDAY, tags=["cold"], metadata={"cups": 2}, importance=0.75)
    then: list[Filter] = [
        match("tenant", "default"),
        match("kind", "note"),
        match("tags", "hot"),
        {"key": "metadata.cups", "range": {"lte": 1}},
        {"key": "importance", "range": {"lt": 0.5}},
        {"key": "created_at", "range": {"lte": MONDAY.isoformat()}},
    ]
    now = [match("tenant", "other"), match("tags", "cold"), {"key": "metadata.cups", "range": {"gte": 2}}]

    assert [await former(rooms, TUESDAY, matching={"must": each}) for each in then] == [[("tea", ANY)]] * len(then)
    assert [await former(rooms, TUESDAY, matching={"must": each}) for each in now] == [[]] * len(now)
    assert await ids_changed(rooms, TUESDAY) == {one}


async def test_what_nobody_may_be_shown_has_not_changed_for_anybody(rooms: Rooms) -> None:
    later, private = await stored(rooms, "tea", at=WEDNESDAY), await stored(rooms, "coffee")
    deleted, shared = await stored(rooms, "milk"), await stored(rooms, "water", visibility="shared")
    for one in (later, private, deleted, shared):
        await changed(rooms, one, at=THURSDAY, tags=["drink"])
    await rooms.memories.delete(origin(), b"d", "ada", deleted)

    assert await ids_changed(rooms, TUESDAY) == {private, shared}
    assert await ids_changed(rooms, TUESDAY, agent_id="bob") == {shared}


async def test_of_very_many_the_most_lately_changed_come(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.stores.recalling.MOST_CHANGED", 2)
    for number in range(3):
        one = await stored(rooms, f"tea {number}")
        await changed(rooms, one, at=WEDNESDAY - timedelta(hours=number), tags=["hot"])

    assert [text for text, _ in await former(rooms, TUESDAY)] == ["tea 0", "tea 1"]
    assert not await is_complete(rooms, TUESDAY)
    assert await is_complete(rooms, WEDNESDAY - timedelta(hours=1))


async def test_of_very_long_ones_the_most_lately_changed_come_as_far_as_their_former_texts_fit(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.recalling.MOST_BYTES", 5000)
    for number in range(3):
        one = await stored(rooms, f"{number}" * 2000, metadata={"n": number})
        await changed(rooms, one, at=WEDNESDAY - timedelta(hours=number), content=f"short {number}")
    longer = await stored(rooms, "short")
    await changed(rooms, longer, at=THURSDAY, content="4" * 9000)

    assert [text[:5] for text, _ in await former(rooms, TUESDAY)] == ["short", "00000", "11111"]
    assert (len(await ids_changed(rooms, TUESDAY)), await is_complete(rooms, TUESDAY)) == (3, False)
    assert await is_complete(rooms, WEDNESDAY - timedelta(hours=2))


async def test_what_is_superseded_as_of_a_moment_that_is_yet_to_come_has_changed_until_then(rooms: Rooms) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=50)
    one = await stored(rooms, "tea")
    await stored(rooms, "coffee", occurred_at=soon, supersedes=[one])

    assert await former(rooms, soon - timedelta(seconds=1)) == [("tea", vector("tea"))]
    assert (await former(rooms, soon), await ids_changed(rooms, soon)) == ([], set())
