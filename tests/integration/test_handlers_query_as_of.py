"""Queries as of a moment: found by what was said then, judged by what was so then, and shown as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, draft, origin, vector_of

from memos.events.memories import DeleteMemory, MemoryChanges, RecalledMemory, UpdateMemory
from memos.handlers.memories.change import delete_memory, update_memory
from memos.projection.points import point_of
from memos.records import VersionKey

pytest_plugins = ["rooms"]

INSTANT = timedelta(microseconds=1)
SUPERSEDED = """
    update agent_memories
    set superseded_by = $1, superseded_at = now(), updated_at = now(), version = 2
    where memory_id <> $1
"""


@pytest.fixture(params=["twin", "edge"])
def site(request: pytest.FixtureRequest, rooms: Rooms) -> Rooms:
    """Every port, with either vector engine."""
    return rooms if request.param == "twin" else replace(rooms, vectors=request.getfixturevalue("edge"))


async def changed(site: Rooms, memory_id: UUID, *, agent_id: str = "default_agent", **values: Any) -> datetime:
    """Change a memory; return the last moment of before."""
    command = UpdateMemory(memory_id=memory_id, agent_id=agent_id, changes=MemoryChanges(**values))
    return (await update_memory(command, origin=origin(), **site.ports)).updated_at - INSTANT


async def stored_at(site: Rooms, memory_id: UUID, *, agent_id: str = "default_agent") -> datetime:
    return (await site.memories.get("default", agent_id, memory_id)).created_at


async def results(site: Rooms, query: str, as_of: datetime | None, **fields: Any) -> list[RecalledMemory]:
    return (await site.query(query, as_of=as_of, **fields)).memories.results


def seen(one: RecalledMemory) -> list[str]:
    """What made up a score."""
    assert one.explanation is not None
    return list(one.explanation["factors"])  # type: ignore[arg-type]


async def best(site: Rooms, query: str, as_of: datetime | None, **fields: Any) -> str:
    """What answers best."""
    return (await results(site, query, as_of, top_k=1, **fields))[0].content


async def test_an_updated_text_is_found_by_its_old_words_as_of_then_and_by_its_new_ones_now(site: Rooms) -> None:
    moved = await site.remember("ada lives at the old harbour")
    await site.remember("the library opens at nine")
    await site.remember("nine bridges cross the river")
    before = await changed(site, moved, content="ada lives by nine bridges")

    assert await best(site, "old harbour", before) == "ada lives at the old harbour"
    assert await best(site, "bridges", before) == "nine bridges cross the river"
    assert await best(site, "ada bridges", None) == "ada lives by nine bridges"
    assert "ada lives at the old harbour" not in await site.recalled("old harbour")
    assert "ada lives by nine bridges" not in await site.recalled("ada bridges", as_of=before)


@pytest.mark.parametrize("many", [1, 4, 7])
async def test_what_has_changed_is_scored_as_if_it_had_not(site: Rooms, many: int) -> None:
    texts = ["Ada: tea with milk", "tea without sugar", "Ada: coffee with milk", "what about a cup of tea?"]
    ids = [await site.remember(text, session_id="s", tags=["sugar"]) for text in texts]
    ids += [await site.remember(text) for text in ("tea in the cup", "milk for the cat", "ada is away")]
    question, before = "tea with milk, Ada?", await stored_at(site, ids[-1])
    untouched = await results(site, question, before, explain=True)
    for one in ids[:many]:
        await changed(site, one, metadata={"seen": True})

    former = await results(site, question, before, explain=True)

    assert [one.content for one in former] == [one.content for one in untouched]
    assert [one.score for one in former] == pytest.approx([one.score for one in untouched], abs=1e-5)
    assert [seen(one) for one in former] == [seen(one) for one in untouched]


@pytest.mark.parametrize(
    ("was", "is_now", "then", "now"),
    [
        ({"tags": ["draft"]}, {"tags": ["final"]}, {"tags": ["draft"]}, {"tags": ["final"]}),
        (
            {"metadata": {"floor": 1}},
            {"metadata": {"floor": 2}},
            {"metadata": {"floor": 1}},
            {"metadata": {"floor": {"gt": 1}}},
        ),
        (
            {"importance": 0.25},
            {"importance": 0.75},
            {"importance": {"lt": 0.5}},
            {"not": {"importance": {"lt": 0.5}}},
        ),
        (
            {"visibility": "private"},
            {"visibility": "shared"},
            {"visibility": "private"},
            {"or": [{"visibility": "shared"}, {"kind": "task"}]},
        ),
    ],
    ids=["tags", "metadata", "importance", "visibility"],
)
async def test_a_filter_is_judged_as_of_then(
    site: Rooms, was: dict[str, Any], is_now: dict[str, Any], then: dict[str, Any], now: dict[str, Any]
) -> None:
    one = await site.remember("the meeting is upstairs", **was)
    before = await changed(site, one, **is_now)

    assert [found.version for found in await results(site, "meeting", before, filter=then)] == [1]
    assert await results(site, "meeting", before, filter=now) == []
    assert [found.version for found in await results(site, "meeting", None, filter=now)] == [2]
    assert await results(site, "meeting", None, filter=then) == []


async def test_what_is_superseded_since_answers_as_of_before(site: Rooms) -> None:
    old = await site.remember("ada lives in paris")
    before = await stored_at(site, old)
    new = await site.remember("ada lives in berlin", supersedes=[old])
    after = await stored_at(site, new)

    [found] = await results(site, "where does ada live?", before)
    assert (found.content, found.superseded_by) == ("ada lives in paris", None)
    assert await site.recalled("where does ada live?", as_of=after) == ["ada lives in berlin"]
    assert await site.recalled("where does ada live?") == ["ada lives in berlin"]


async def test_what_was_superseded_then_answers_when_it_is_asked_for(site: Rooms) -> None:
    old = await site.remember("ada lives in paris")
    new = await site.remember("ada lives in berlin", supersedes=[old])
    after = await stored_at(site, new)
    await changed(site, old, tags=["former"])

    [found] = await results(site, "paris", after, include_superseded=True, top_k=1)
    assert (found.content, found.superseded_by, found.tags) == ("ada lives in paris", new, [])
    assert await site.recalled("paris", as_of=after) == ["ada lives in berlin"]


async def test_what_is_superseded_as_of_before_is_judged_by_that_moment_and_not_by_when_it_was_told(
    site: Rooms,
) -> None:
    now = datetime.now(UTC)
    moved = now - timedelta(days=2)
    old = await site.remember("ada lives in paris", occurred_at=now - timedelta(days=9))
    await site.remember("ada lives in berlin", occurred_at=moved, supersedes=[old])

    assert await site.recalled("ada", as_of=moved - INSTANT) == ["ada lives in paris"]
    assert await site.recalled("ada", as_of=moved) == ["ada lives in berlin"]
    assert await site.recalled("ada", as_of=now + timedelta(days=9)) == ["ada lives in berlin"]


async def test_what_is_superseded_by_a_clock_that_was_ahead_answers_until_then(site: Rooms) -> None:
    old = await site.remember("ada lives in paris")
    soon = datetime.now(UTC) + timedelta(seconds=50)
    await site.remember("ada lives in berlin", occurred_at=soon, supersedes=[old])

    assert await site.recalled("ada", as_of=soon - timedelta(seconds=1)) == ["ada lives in paris"]
    assert await site.recalled("ada", as_of=soon) == ["ada lives in berlin"]


@pytest.mark.parametrize("limit", ["MOST_CHANGED", "MOST_BYTES"])
async def test_what_is_superseded_since_answers_though_more_has_changed_than_can_be_read(
    site: Rooms, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    old = await site.remember("ada lives in paris")
    other = await site.remember("the library opens at nine")
    before = await stored_at(site, other)
    await site.remember("ada lives in berlin", supersedes=[old])
    await changed(site, other, tags=["hours"])
    monkeypatch.setattr(f"memos.stores.recalling.{limit}", 1)

    assert await best(site, "where does ada live?", before) == "ada lives in paris"


async def test_what_is_deleted_since_stays_forgotten(site: Rooms) -> None:
    one = await site.remember("the safe opens with 4711")
    before = await changed(site, one, content="the safe opens with 1147")
    await delete_memory(DeleteMemory(memory_id=one), origin=origin(), **site.deleting)

    assert await site.recalled("safe", as_of=before) == []


async def test_what_was_stored_later_is_not_shown_but_if_it_occurred_before(site: Rooms) -> None:
    first = await site.remember("tea at noon")
    then = await stored_at(site, first)
    await site.remember("tea at one")
    imported = await site.remember("tea at eleven", occurred_at=then - timedelta(hours=1))
    await changed(site, imported, content="tea at half past eleven")
    await changed(site, await site.remember("tea at two"), tags=["late"])

    assert sorted(await site.recalled("tea", as_of=then)) == ["tea at eleven", "tea at noon"]
    assert await site.recalled("tea", as_of=then - timedelta(minutes=1)) == ["tea at eleven"]
    assert await site.recalled("tea", as_of=then - timedelta(hours=2)) == []


async def test_another_agent_sees_what_was_shared_then_and_is_now(site: Rooms) -> None:
    opened = await site.remember("tea in the attic", agent_id="ada")
    closed = await site.remember("tea in the cellar", agent_id="ada", visibility="shared")
    kept = await site.remember("tea in the hall", agent_id="ada", visibility="shared")
    before = await changed(site, opened, agent_id="ada", visibility="shared")
    await changed(site, closed, agent_id="ada", visibility="private")
    await changed(site, kept, agent_id="ada", content="tea in the garden")

    assert await site.recalled("tea", agent_id="bob", as_of=before) == ["tea in the hall"]
    assert sorted(await site.recalled("tea", agent_id="bob")) == ["tea in the attic", "tea in the garden"]
    assert len(await site.recalled("tea", agent_id="ada", as_of=before)) == 3


async def test_what_had_expired_then_is_no_answer_though_its_time_was_extended_since(site: Rooms) -> None:
    one = await site.remember("tea", expires_at=datetime.now(UTC) + timedelta(hours=1))
    before = await changed(site, one, expires_at=None)
    assert await site.recalled("tea", as_of=before) == ["tea"]

    await site.pool.execute("update memory_versions set expires_at = $1", before)
    assert await site.recalled("tea", as_of=before) == []


async def test_enough_is_found_though_the_closest_have_all_changed(site: Rooms) -> None:
    for number in range(5):
        await site.remember(f"tea with milk and honey {number}")
    ids = [await site.remember(f"tea {number}") for number in range(70)]
    before = await stored_at(site, ids[-1])
    for one in ids:
        await changed(site, one, tags=["new"])

    found = await results(site, "tea", before, top_k=75)

    assert len(found) == 75
    assert len(await results(site, "tea", before, top_k=3)) == 3
    assert {one.version for one in found} == {1}


async def test_what_holds_is_found_beneath_very_many_that_it_has_superseded(rooms: Rooms) -> None:
    """All of them were superseded before the moment, so the engine finds them first and the ledger shows none."""
    old = [draft(f"tea {number}", agent_id="default_agent") for number in range(1500)]
    kept = await rooms.commit(*old)
    await rooms.vectors.upsert(
        [
            point_of(VersionKey("default", one.memory_id, 1), one, vector_of(one.content), stored)
            for one, stored in zip(old, kept, strict=True)
        ]
    )
    new = await rooms.remember("coffee, but tea for those who ask")
    await rooms.pool.execute(SUPERSEDED, new)

    assert await rooms.recalled("tea", as_of=datetime.now(UTC)) == ["coffee, but tea for those who ask"]


async def test_what_holds_is_found_beneath_more_superseded_ones_than_are_looked_through(
    site: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.handlers.memories.recall.MOST_FOUND", 50)
    old = [await site.remember(f"tea {number}") for number in range(60)]
    new = await site.remember("coffee, but tea for those who ask", supersedes=old)

    assert await site.recalled("tea", as_of=await stored_at(site, new)) == ["coffee, but tea for those who ask"]


async def test_neighbours_are_shown_and_count_as_they_were(site: Rooms) -> None:
    talk = ["what shall we drink?", "tea", "and to eat?"]
    ids = [await site.remember(text, session_id="s") for text in talk]
    before = await changed(site, ids[0], content="never mind")
    await changed(site, ids[2], content="goodbye")

    [found] = await results(site, "tea", before, top_k=1, around=1)

    assert ([one.content for one in found.before], found.content) == (talk[:1], "tea")
    assert [one.content for one in found.after] == talk[2:]


async def test_what_stood_beside_an_answer_is_found_though_it_was_not_among_the_closest(rooms: Rooms) -> None:
    talk = ["the harbour festival", "we had rain"]
    ids = [await rooms.remember(text, session_id="s") for text in talk]
    ids += [await rooms.remember(f"festival of spring {number}") for number in range(60)]
    before = await stored_at(rooms, ids[-1])
    for one in ids[1:]:
        await changed(rooms, one, content=f"forget {one}")

    assert await rooms.recalled("harbour festival", as_of=before, top_k=2) == talk


async def test_variety_is_judged_by_what_was_said_then(site: Rooms) -> None:
    ids = [await site.remember(text) for text in ("tea milk", "tea milk honey lemon", "tea rum")]
    before = await stored_at(site, ids[-1])
    for one, text in zip(ids, ("red fish", "bread", "fish"), strict=True):
        await changed(site, one, content=text)
    asked = {"as_of": before, "top_k": 2}

    assert await site.recalled("tea milk", **asked) == ["tea milk", "tea milk honey lemon"]
    assert await site.recalled("tea milk", **asked, diversity=0.9) == ["tea milk", "tea rum"]


async def test_an_explanation_says_as_of_when(site: Rooms) -> None:
    one = await site.remember("tea")
    before = await changed(site, one, content="coffee")

    [found] = await results(site, "tea", before, explain=True)
    assert found.explanation is not None
    assert found.explanation["as_of"] == before.isoformat()
    [found] = await results(site, "coffee", None, explain=True)
    assert found.explanation is not None
    assert "as_of" not in found.explanation


async def test_a_time_told_from_an_event_is_told_from_the_event_as_it_was(site: Rooms) -> None:
    moment = datetime(2026, 5, 1, 12, tzinfo=UTC)
    event = await site.remember("the harbour festival", occurred_at=moment)
    await site.remember("we had rain", occurred_at=moment + timedelta(days=1))
    before = await changed(site, event, content="something else entirely")

    found = await results(site, "what was the day after the harbour festival?", before, explain=True)

    rain = next(one for one in found if one.content == "we had rain")
    assert rain.explanation is not None
    assert rain.explanation["factors"]["time"]["value"] == pytest.approx(1)  # type: ignore[index, call-overload]


@pytest.mark.parametrize("most", [0, 64])
async def test_former_texts_that_the_present_model_has_not_read_are_read_or_found_by_their_words(
    site: Rooms, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr("memos.handlers.memories.past.MOST_READ", most)
    one = await site.remember("tea with milk")
    before = await changed(site, one, content="coffee")
    await site.pool.execute("update memory_embeddings set model = 'another' where version = 1")

    [found] = await results(site, "tea", before, explain=True)

    assert found.content == "tea with milk"
    assert found.explanation is not None
    meaning = found.explanation["factors"]["meaning"]["value"]  # type: ignore[index, call-overload]
    assert meaning == pytest.approx(3**-0.5 if most else 0, abs=1e-6)


async def test_only_queries_as_of_a_moment_look_for_what_has_changed(site: Rooms) -> None:
    one = await site.remember("tea")
    await changed(site, one, content="green tea")
    looked: list[datetime] = []

    class Watched(type(site.memories)):  # type: ignore[misc]
        async def changed_since(self, tenant: str, agent_id: str, as_of: datetime, *rest: Any, **more: Any) -> Any:
            looked.append(as_of)
            return await super().changed_since(tenant, agent_id, as_of, *rest, **more)

    watched = replace(site, memories=Watched(site.pool))
    now = datetime.now(UTC)
    await watched.recalled("tea")
    assert looked == []
    await watched.recalled("tea", as_of=now)
    assert looked == [now]
