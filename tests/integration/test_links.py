"""Memories that say nearly the same are linked, once both can be found, and are never merged."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, change, count, draft, origin, vector_of
from running import until

from memos.embeddings.minilm import MiniLM
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.memories import GetMemory, MemoryChanges, UpdateMemory
from memos.handlers.memories.change import update_memory
from memos.handlers.memories.forget import delete_memories, purge_memories
from memos.handlers.memories.query import get_memory
from memos.ports.links import Comparison, Said
from memos.projection.comparing import ALIKE, MOST_AT_ONCE, Comparer, keep_comparing
from memos.records import Embedding, RecordKey, content_hash
from memos.stores.links import PostgresLinks
from memos.telemetry import Telemetry

pytest_plugins = ["rooms"]

TEXT = "every morning ada walks along the river to the old mill and back again"
ALMOST = "every morning ada walks along the river to the old mill and back again usually"
LONG = " ".join(f"word-{number}" for number in range(40))
OTHER = "the invoice of the printer was paid in march"


@dataclass(frozen=True)
class Linking:
    """The duty's parts on a ledger and an engine."""

    rooms: Rooms
    links: PostgresLinks
    comparer: Comparer

    async def remember(self, *texts: str, **fields: Any) -> list[UUID]:
        return [await self.rooms.remember(text, **{"agent_id": "ada", **fields}) for text in texts]

    async def compare_all(self) -> None:
        await self.comparer.compare()
        while self.comparer.amid:
            await self.comparer.compare()

    async def linked(self, memory_id: UUID, agent_id: str = "ada") -> list[UUID]:
        return [link.memory_id for link in await self.rooms.memories.links("default", agent_id, memory_id)]


@pytest.fixture
async def linking(rooms: Rooms) -> Linking:
    links = PostgresLinks(rooms.pool)
    return Linking(rooms, links, Comparer(links=links, **rooms.engines))


async def test_the_nearly_identical_are_linked_both_ways_and_nothing_else_is(linking: Linking) -> None:
    first, second, other = await linking.remember(TEXT, ALMOST, OTHER)

    await linking.compare_all()

    [link] = await linking.rooms.memories.links("default", "ada", first)
    assert link.memory_id == second
    assert link.similarity == pytest.approx(
        sum(a * b for a, b in zip(vector_of(TEXT), vector_of(ALMOST), strict=True))
    )
    assert (await linking.linked(second), await linking.linked(other)) == ([first], [])


async def test_a_pair_is_kept_once_the_later_memory_first(linking: Linking) -> None:
    first, second = await linking.remember(TEXT, ALMOST)

    await linking.compare_all()

    rows = await linking.rooms.pool.fetch("select memory_id, other_id from memory_links")
    assert [tuple(row) for row in rows] == [(second, first)]


async def test_links_come_with_the_memory_most_similar_first(linking: Linking) -> None:
    ids = await linking.remember(LONG, f"{LONG} usually always", f"{LONG} usually")
    await linking.compare_all()

    found = await get_memory(
        GetMemory(memory_id=ids[0], agent_id="ada"), origin=origin(), memories=linking.rooms.memories
    )

    assert [link.memory_id for link in found.links] == [ids[2], ids[1]]
    assert found.links[0].similarity > found.links[1].similarity >= ALIKE
    update = UpdateMemory(memory_id=ids[0], agent_id="ada", changes=MemoryChanges(tags=["walk"]))
    assert (await update_memory(update, origin=origin(), **linking.rooms.ports)).links == found.links


async def test_of_very_many_links_the_fifty_most_similar_come(linking: Linking) -> None:
    drafts = [draft(f"ok {number}") for number in range(52)]
    one, *others = [RecordKey("default", stored.memory_id) for stored in await linking.rooms.commit(*drafts)]
    said = [Said(each.content_hash, each.visibility) for each in drafts]
    pairs = enumerate(zip(others, said[1:], strict=True))
    alike = {key: (saying, 0.95 + place / 10_000) for place, (key, saying) in pairs}
    await linking.links.add([Comparison(one, said[0], alike)])

    assert await linking.linked(one.memory_id) == [key.memory_id for key in reversed(others)][:50]


async def test_what_other_agents_tenants_or_readers_say_is_not_linked(linking: Linking) -> None:
    [one] = await linking.remember(TEXT)
    await linking.remember(ALMOST, agent_id="bob")
    await linking.remember(ALMOST, tenant="other")
    await linking.remember(ALMOST, visibility="shared")

    await linking.compare_all()

    assert await linking.linked(one) == []
    assert await count(linking.rooms.pool, "memory_links") == 0


async def test_each_memory_is_compared_once(linking: Linking) -> None:
    await linking.remember(*(f"{TEXT} {number}" for number in range(MOST_AT_ONCE + 1)))
    assert await linking.links.to_compare() == MOST_AT_ONCE + 1

    assert (await linking.comparer.compare(), linking.comparer.amid) == (MOST_AT_ONCE, True)
    assert (await linking.comparer.compare(), linking.comparer.amid) == (1, False)

    assert (await linking.comparer.compare(), await linking.links.to_compare()) == (0, 0)


async def test_another_text_is_compared_anew(linking: Linking) -> None:
    first, second, third = await linking.remember(TEXT, ALMOST, OTHER)
    await linking.compare_all()

    await linking.rooms.memories.update(change(first, content=f"{OTHER} again"))
    assert (await linking.linked(second), await linking.links.to_compare()) == ([], 1)
    await linking.rooms.reproject([RecordKey("default", first)])
    await linking.compare_all()

    assert (await linking.linked(first), await linking.linked(second)) == ([third], [])


async def test_other_tags_change_no_link(linking: Linking) -> None:
    first, second = await linking.remember(TEXT, ALMOST)
    await linking.compare_all()

    await linking.rooms.memories.update(change(first, tags=["walk"]))

    assert (await linking.linked(first), await linking.links.to_compare()) == ([second], 0)


@pytest.mark.parametrize("how", ["one", "many", "expired"])
async def test_what_is_deleted_has_no_links(linking: Linking, how: str) -> None:
    first, second, third = await linking.remember(TEXT, ALMOST, f"{TEXT} mostly")
    await linking.compare_all()
    memories, pool = linking.rooms.memories, linking.rooms.pool

    if how == "one":
        await memories.delete(origin(), b"d", "ada", second)
    elif how == "many":
        command = DeleteMemories(memory_ids=[second], dry_run=False)
        await delete_memories(command, origin=origin(), **linking.rooms.deleting_many)
    else:
        await pool.execute("update agent_memories set expires_at = now() where memory_id = $1", second)
        assert await linking.linked(first) == [third]
        await memories.bury_expired(10)

    assert (await linking.linked(first), await linking.linked(second)) == ([third], [])
    assert await count(pool, "memory_links") == 1


async def test_a_purge_removes_what_links_are_left(linking: Linking) -> None:
    ids = await linking.remember(TEXT, OTHER, "tea")
    command = DeleteMemories(memory_ids=ids[:2], dry_run=False)
    await delete_memories(command, origin=origin(), **linking.rooms.deleting_many)
    await linking.rooms.pool.executemany(
        "insert into memory_links values ('default', $1, $2, 1)", [(ids[1], ids[0]), (ids[2], ids[1])]
    )

    told = await purge_memories(PurgeMemories(memory_ids=ids), origin=origin(), **linking.rooms.deleting_many)
    done = await purge_memories(
        PurgeMemories(memory_ids=ids, dry_run=False), origin=origin(), **linking.rooms.deleting_many
    )

    assert told.tables["memory_links"] == done.tables["memory_links"] == 2
    assert await count(linking.rooms.pool, "memory_links") == 0


async def test_what_is_not_searchable_yet_waits_and_is_linked_then(linking: Linking) -> None:
    [first] = await linking.remember(TEXT)
    one = draft(ALMOST)
    await linking.rooms.commit(one)

    await linking.compare_all()
    assert (await linking.linked(first), await linking.links.to_compare()) == ([], 1)

    await linking.rooms.reproject([RecordKey("default", one.memory_id)])
    await linking.compare_all()
    assert (await linking.linked(first), await linking.links.to_compare()) == ([one.memory_id], 0)


async def test_what_the_model_has_not_read_holds_up_nothing(linking: Linking) -> None:
    for number in range(MOST_AT_ONCE):
        await linking.rooms.commit(draft(f"unread {number}", embedding=Embedding("another", [1.0], computed=True)))
    first, second = await linking.remember(TEXT, ALMOST)

    await linking.compare_all()

    assert await linking.linked(first) == [second]


async def test_a_stale_point_makes_no_link(linking: Linking) -> None:
    first, second = await linking.remember(TEXT, ALMOST)
    await linking.rooms.memories.update(change(first, content=OTHER))

    await linking.compare_all()

    assert await count(linking.rooms.pool, "memory_links") == 0
    assert await linking.linked(second) == []


async def test_what_changes_while_it_is_compared_is_left_to_be_compared_again(linking: Linking) -> None:
    first, second, third = await linking.remember(TEXT, ALMOST, f"{TEXT} mostly")
    keys = [RecordKey("default", one) for one in (first, second, third)]
    said = [Said(content_hash(text), "private") for text in (TEXT, ALMOST, f"{TEXT} mostly")]
    await linking.rooms.memories.update(change(second, content=OTHER))

    added = await linking.links.add(
        [
            Comparison(keys[0], said[0], {keys[1]: (said[1], 0.97), keys[2]: (said[2], 0.96)}),
            Comparison(keys[1], said[1], {keys[0]: (said[0], 0.97)}),
        ]
    )

    assert added == 1
    assert await linking.linked(first) == [third]
    assert {one.record for one in await linking.links.some_to_compare(10, None)} == {keys[1], keys[2]}


async def test_one_process_compares_at_a_time(linking: Linking) -> None:
    await linking.remember(TEXT)

    async with linking.links.turn() as granted:
        assert granted
        assert await linking.comparer.compare() == 0

    assert await linking.comparer.compare() == 1


async def test_a_worker_links_what_comes_until_it_is_told_to_stop(
    linking: Linking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.comparing.PAUSE_SECONDS", 60)
    stopping, telemetry = asyncio.Event(), Telemetry()
    first, second = await linking.remember(TEXT, ALMOST)
    duty = keep_comparing(stopping, links=linking.links, **linking.rooms.engines, telemetry=telemetry)
    task = asyncio.create_task(duty)

    async def linked() -> bool:
        return await linking.linked(first) == [second]

    await until(linked)
    stopping.set()
    async with asyncio.timeout(20):
        await task

    assert telemetry.registry.get_sample_value("memos_memories_to_compare") == 0


async def test_an_engine_that_is_away_is_waited_for(linking: Linking) -> None:
    await linking.remember(TEXT)
    linking.rooms.vectors.away = True
    stopping = asyncio.Event()
    task = asyncio.create_task(keep_comparing(stopping, links=linking.links, **linking.rooms.engines))

    stopping.set()
    async with asyncio.timeout(20):
        await task

    assert await linking.links.to_compare() == 1


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (
            "Ada prefers green tea over coffee in the morning.",
            "ada prefers green tea over coffee in the morning",
            True,
        ),
        (
            "The quarterly report is due on Friday, 14 May.",
            "The quarterly report is due on Friday, 14 May really.",
            True,
        ),
        (
            "My sister Anna lives in Paris and works as a nurse.",
            "My sister Anna lives in Berlin and is a nurse.",
            False,
        ),
        ("The deploy script fails at night.", "Backups are kept for thirty days.", False),
    ],
)
async def test_the_embedded_model_finds_alike_what_differs_in_little(one: str, other: str, *, alike: bool) -> None:
    async with MiniLM() as model:
        first, second = await model.embed([one, other])

    assert (sum(a * b for a, b in zip(first, second, strict=True)) >= ALIKE) is alike
