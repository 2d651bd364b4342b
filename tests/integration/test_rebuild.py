"""Rebuilding on a real ledger and a real vector engine, while memories are stored, changed, deleted and queried."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from builders import WordsEmbedder, change, draft, origin, vector_of
from rebuilding import Reversed, Site, numbered

from memos.errors import CollectionMissing, Conflict, EmbeddingRefused
from memos.events.memories import MemoryChanges, StoreMemory, UpdateMemory
from memos.handlers.memories.change import update_memory
from memos.projection.rebuild import Stage
from memos.projection.reconciler import Reconciler
from memos.projection.retirement import drop_retired
from memos.projection.verify import verify
from memos.records import Embedding, RecordKey, Vector, VersionKey

pytest_plugins = ["rooms", "rebuilding_fixtures"]


async def test_a_rebuild_with_the_same_model_embeds_nothing(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(20)))
    embedder = WordsEmbedder()
    stages: list[Stage] = []

    made = await site.rebuild(embedder, lambda stage, _done, _total: stages.append(stage))

    assert embedder.asked == []
    assert (made.generation, made.records, made.points, made.differences) == (2, 20, 20, 0)
    assert list(dict.fromkeys(stages)) == ["noting", "writing", "verifying", "reading", "switching", "lingering"]
    async with site.current() as after:
        assert after.projections.generation == 2
        assert await after.recalled("memory number7", top_k=1) == ["memory number7"]


async def test_an_empty_ledger_is_rebuilt_as_well(site: Site) -> None:
    assert (await site.rebuild(WordsEmbedder())).records == 0


async def test_a_rebuild_with_another_model_embeds_every_text_and_keeps_the_vectors(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(10)))
    first, again = Reversed(), Reversed()

    await site.rebuild(first)
    await site.rebuild(again)

    assert (len(first.asked), again.asked) == (10, [])
    async with site.current() as after:
        assert isinstance(after.embedder, Reversed)
        assert await after.recalled("memory number7", top_k=1) == ["memory number7"]


async def test_back_at_a_former_model_only_what_is_new_is_embedded(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(10)))
    await site.rebuild(Reversed())
    async with site.current() as between:
        await between.store(*numbered(range(10, 12)))
    back = WordsEmbedder()

    await site.rebuild(back)

    assert sorted(back.asked) == ["memory number10", "memory number11"]


async def test_a_text_that_was_changed_is_embedded_anew_and_one_that_was_not_keeps_its_vector(site: Site) -> None:
    changed, retagged = draft("before"), draft("stays")
    await site.rooms.commit(changed, retagged)
    await site.rebuild(Reversed())
    for one, values in ((changed, {"content": "after"}), (retagged, {"tags": ["new"]})):
        await site.rooms.memories.update(change(one.memory_id, **values))
    embedder = Reversed()

    async with site.current() as now:
        await Reconciler(vectors=now.vectors, projections=now.projections, embedder=embedder).reconcile()

        assert embedder.asked == ["after"]
        found = await now.projections.embedded([RecordKey("default", one.memory_id) for one in (changed, retagged)])
        assert {one.memory.content: one.vector for one in found} == {
            text: pytest.approx(list(vector_of(text))[::-1]) for text in ("after", "stays")
        }
        assert await now.projections.behind() == 0


async def test_what_is_stored_changed_deleted_and_asked_meanwhile_is_never_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.rebuild.MOST_WRITTEN", 32)
    monkeypatch.setattr("memos.projection.rebuild.MOST_NOTED", 16)
    finished = asyncio.Event()
    async with site.current() as worker:
        there = [await worker.remember(content=f"first number{number}") for number in range(200)]

        async def write() -> None:
            number = 0
            while not finished.is_set():
                [_, deleted] = await asyncio.gather(
                    worker.remember(f"meanwhile number{number}"), worker.remember(f"gone number{number}")
                )
                changes = MemoryChanges(content=f"changed number{number}")
                command = UpdateMemory(memory_id=there[number % 100], changes=changes)
                await update_memory(command, origin=origin(), **worker.ports)
                await worker.memories.delete(origin(), b"d", "default_agent", deleted)
                await worker.withdraw([RecordKey("default", deleted)])
                number += 1

        async def ask() -> None:
            number = 0
            while not finished.is_set():
                number = (number + 1) % 100
                text = f"first number{100 + number}"
                assert text in await worker.recalled(text, top_k=100)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            tasks.create_task(ask())
            await site.rebuild(Reversed())
            finished.set()

    async with site.current() as after:
        await Reconciler(vectors=after.vectors, projections=after.projections, embedder=after.embedder).catch_up(10)
        found = await verify(vectors=after.vectors, projections=after.projections)
        assert (found.differences, found.behind, found.generation) == (0, 0, 2), found
        assert found.records == found.points > 202
        for text in ("first number150", "meanwhile number0", "changed number0"):
            assert text in await after.recalled(text, top_k=100)
        assert "gone number0" not in await after.recalled("gone number0", top_k=1000)


class Killed(BaseException):
    """The end of a process in the midst of its work."""


@pytest.mark.parametrize("stage", ["noting", "writing", "verifying", "switching"])
async def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    site: Site, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.rebuild.MOST_WRITTEN", 8)
    monkeypatch.setattr("memos.projection.rebuild.MOST_NOTED", 8)
    async with site.current() as before:
        await before.store(*numbered(range(30)))

    def kill(reached: Stage, done: int, total: int) -> None:
        if reached == stage and (done or stage == "switching"):
            raise Killed

    first, second = Reversed(), Reversed()
    with suppress(Killed):
        await site.rebuild(first, kill)
    async with site.current() as worker:
        assert worker.projections.generation == 1
        await worker.remember("stored between")

    made = await site.rebuild(second)

    assert (made.generation, made.records, made.points, made.differences) == (2, 31, 31, 0)
    assert sorted(first.asked + second.asked) == sorted(
        [*(one.content for one in numbered(range(30))), "stored between"]
    )


async def test_an_unfinished_generation_of_another_model_is_dropped_and_begun_anew(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(5)))
    abandoned = await site.begun(Reversed())

    made = await site.rebuild(WordsEmbedder())

    assert (made.generation, made.points) == (3, 5)
    _, second, third = await site.generations.known()
    assert (second.number, second.dropped_at is None, second.retired_at) == (abandoned.number, False, None)
    assert third.is_current


async def test_two_rebuilds_at_once_are_refused(site: Site) -> None:
    async with site.generations.rebuilding():
        with pytest.raises(Conflict, match="Another process is rebuilding"):
            await site.rebuild(WordsEmbedder())

    assert len(await site.generations.known()) == 1


class Choosy(Reversed):
    """A model that refuses one text."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if "memory number3" in texts:
            raise EmbeddingRefused("Too long.")
        return await super().embed(texts)


async def test_a_model_that_refuses_a_memory_does_not_become_current_until_that_is_mended(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(10)))
        [refused] = [hit.memory_id for hit in (await before.query("memory number3", top_k=1)).memories.results]

        with pytest.raises(EmbeddingRefused, match=f"1 memories are searchable now.*{refused}"):
            await site.rebuild(Choosy())

        current = await site.generations.current()
        assert current is not None
        assert current.number == 1
        await before.memories.delete(origin(), b"d", "default_agent", refused)
    made = await site.rebuild(Choosy())
    assert (made.generation, made.points) == (2, 9)


async def test_what_was_not_searchable_before_holds_up_no_rebuild(site: Site) -> None:
    await site.rooms.commit(draft("memory number3", embedding=Embedding("words", [1.0], computed=True)))

    made = await site.rebuild(Choosy())

    assert (made.generation, made.records, made.points, made.behind) == (2, 1, 0, 1)


async def test_a_retired_generation_is_dropped_by_the_engine_and_by_the_ledger(site: Site) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(5)))
        await site.rebuild(WordsEmbedder())

        await drop_retired(3600, site.others(in_use=2))
        assert await before.vectors.count({}) == 5

        await drop_retired(0, site.others(in_use=1))
        assert await before.vectors.count({}) == 5

        for _ in range(2):
            await drop_retired(0, site.others(in_use=2))

        former, current = await site.generations.known()
        assert former.dropped_at is not None
        assert await site.rooms.pool.fetchval("select array_agg(distinct generation) from projections") == [2]
        async with site.open_generation(former) as made_anew:
            assert await made_anew.count({}) == 0
        async with site.open_generation(current) as kept:
            assert await kept.count({}) == 5


async def test_a_difference_that_arises_while_a_generation_is_built_is_mended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.current() as before:
        await before.store(*numbered(range(5)))
    generation = await site.begun(Reversed())
    [key, *_] = await site.rooms.projections.some_accounts(1, None)
    projections = site.account_of(generation)
    await projections.enrol(100, None)
    await projections.mark([VersionKey(*key, 1)])  # as if its point had been lost

    made = await site.rebuild(Reversed())

    assert (made.points, made.differences) == (5, 0)


async def test_a_dropped_generation_that_a_sleeping_worker_makes_anew_is_dropped_again(site: Site) -> None:
    async with site.current() as sleeper:
        await sleeper.store(*numbered(range(5)))
        await site.rebuild(WordsEmbedder())
        await drop_retired(0, site.others(in_use=2))

        await sleeper.vectors.recreate()
        await drop_retired(0, site.others(in_use=2))

        with pytest.raises(CollectionMissing):
            await sleeper.vectors.count({})


async def test_what_a_worker_stores_before_it_goes_over_is_written_however_much_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused records come first, and are more than a page."""
    monkeypatch.setattr("memos.projection.rebuild.LINGERING_SECONDS", 1.0)
    monkeypatch.setattr("memos.projection.rebuild.LINGERING_PAUSE", 0.01)
    monkeypatch.setattr("memos.projection.rebuild.MOST_WRITTEN", 8)
    unread = Embedding("words", [1.0], computed=True)
    refused = [draft(f"refused {number}", memory_id=UUID(int=number), embedding=unread) for number in range(1, 21)]
    await site.rooms.commit(*refused)
    storing: list[asyncio.Task[Any]] = []

    def store_late(stage: Stage, done: int, total: int) -> None:
        if stage == "lingering" and not storing:
            storing.append(asyncio.create_task(site.rooms.store(StoreMemory(content="stored late"))))

    await site.rebuild(Forbidding(), store_late)

    await storing[0]
    async with site.current() as after:
        assert (after.projections.generation, await after.recalled("stored late")) == (2, ["stored late"])
        assert await after.projections.behind() == 20


class Forbidding(Reversed):
    """A model that refuses many texts."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if any(text.startswith("refused") for text in texts):
            raise EmbeddingRefused("No.")
        return await super().embed(texts)
