"""Verifying: every kind of difference between the ledger and a real vector engine is found, and mended."""

import asyncio
from dataclasses import replace
from typing import cast

import pytest
from builders import Rooms, change, draft, origin, vector_of

from memos.events.memories import StoreMemory
from memos.ports import Vectors
from memos.projection.audit import Audit
from memos.projection.points import point_of
from memos.projection.verify import Difference, Verification, verify
from memos.records import Draft, RecordKey, VersionKey
from memos.stores.projections import PostgresProjections
from memos.testing import TwinVectors

pytest_plugins = ["rooms"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.projection.verify.PAUSES", (0.01, 0.01))


@pytest.fixture
async def kept(rooms: Rooms, edge: Vectors) -> Rooms:
    """Every port, with the real vector engine."""
    return replace(rooms, vectors=cast("TwinVectors", edge))


async def verified(rooms: Rooms) -> Verification:
    return await verify(vectors=rooms.vectors, projections=rooms.projections)


async def repaired(rooms: Rooms) -> Verification:
    return await verify(vectors=rooms.vectors, projections=rooms.projections, embedder=rooms.embedder)


async def filled(rooms: Rooms, number: int = 5) -> list[Draft]:
    """Memories that are stored and searchable."""
    drafts = [draft(f"number {number}") for number in range(number)]
    await rooms.commit(*drafts)
    await rooms.project([point_of(key_of(one), one, vector_of(one.content)) for one in drafts])
    return drafts


def key_of(one: Draft, version: int = 1) -> VersionKey:
    return VersionKey(one.origin.tenant, one.memory_id, version)


async def test_a_projection_that_has_what_the_ledger_has_differs_in_nothing(kept: Rooms) -> None:
    await filled(kept)

    assert await verified(kept) == Verification("memories", 1, 5, 5, 0, 0, 0, 0, ())


async def test_nothing_differs_in_nothing(kept: Rooms) -> None:
    assert (await verified(kept)).differences == 0


async def test_a_point_that_is_gone_is_missing(kept: Rooms) -> None:
    one, *_ = await filled(kept)
    await kept.vectors.delete([key_of(one).record])

    found = await verified(kept)

    assert (found.missing, found.differences, found.points) == (1, 1, 4)
    assert found.examples == (Difference("missing", "default", one.memory_id),)


async def test_a_point_of_what_was_never_stored_or_is_deleted_is_extra(kept: Rooms) -> None:
    deleted, *_ = await filled(kept)
    point = point_of(key_of(deleted), deleted, vector_of("x"))
    await kept.memories.delete(origin(), b"d", "ada", deleted.memory_id)
    await kept.withdraw([point.key.record])
    never = draft("never stored")
    await kept.vectors.upsert([point, point_of(key_of(never), never, vector_of("y"))])

    found = await verified(kept)

    assert (found.extra, found.differences, found.records, found.points) == (2, 2, 4, 6)
    assert {one.memory_id for one in found.examples} == {deleted.memory_id, never.memory_id}


async def test_a_point_of_another_version_or_text_is_stale(kept: Rooms) -> None:
    version, text, *_ = await filled(kept)
    other = replace(text, content="another text")
    await kept.vectors.upsert(
        [
            point_of(key_of(version, 7), version, vector_of("x")),
            point_of(key_of(text), other, vector_of("x")),
        ]
    )

    found = await verified(kept)

    assert (found.stale, found.differences) == (2, 2)
    assert {one.memory_id for one in found.examples} == {version.memory_id, text.memory_id}


async def test_a_point_of_before_hashes_were_kept_is_compared_by_its_version(kept: Rooms) -> None:
    one, *_ = await filled(kept)
    point = point_of(key_of(one), one, vector_of(one.content))
    payload = {name: value for name, value in point.payload.items() if name != "content_hash"}
    await kept.vectors.upsert([replace(point, payload=payload)])

    assert (await verified(kept)).differences == 0


async def test_a_record_that_no_account_is_kept_of_is_stale(kept: Rooms) -> None:
    one, *_ = await filled(kept)
    await kept.pool.execute("delete from projections where record_id = $1", one.memory_id)

    assert (await verified(kept)).stale == 1
    await repaired(kept)

    await kept.memories.update(change(one.memory_id, tags=["new"]))
    assert await kept.projections.behind() == 1


async def test_what_is_known_to_be_left_to_do_is_no_difference(kept: Rooms) -> None:
    changed, deleted, *_ = await filled(kept)
    await kept.commit(draft("new"))
    await kept.memories.update(change(changed.memory_id, content="other"))
    await kept.memories.delete(origin(), b"d", "ada", deleted.memory_id)

    found = await verified(kept)

    assert (found.differences, found.behind, found.records, found.points) == (0, 3, 5, 5)


async def test_every_difference_is_mended(kept: Rooms) -> None:
    missing, stale, *_ = await filled(kept)
    await kept.vectors.delete([key_of(missing).record])
    await kept.vectors.upsert([point_of(key_of(stale, 7), stale, vector_of("x"))])
    never = draft("never stored", of=origin(tenant="other"))
    await kept.vectors.upsert([point_of(key_of(never), never, vector_of("y"))])

    found = await repaired(kept)

    assert (found.missing, found.stale, found.extra) == (1, 1, 1)
    after = await verified(kept)
    assert (after.differences, after.behind, after.points) == (0, 0, 5)


async def test_no_more_than_twenty_differences_are_named(kept: Rooms) -> None:
    drafts = await filled(kept, 30)
    await kept.vectors.delete([key_of(one).record for one in drafts])

    found = await verified(kept)

    assert (found.missing, len(found.examples)) == (30, 20)


async def test_what_is_more_than_a_page_is_compared_whole(kept: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.projection.verify.PAGE", 7)
    drafts = await filled(kept, 30)
    never = [draft(f"never {number}") for number in range(10)]
    await kept.vectors.upsert([point_of(key_of(one), one, vector_of("y")) for one in never])
    await kept.vectors.delete([key_of(one).record for one in drafts[::3]])
    seen: list[int] = []

    found = await verify(vectors=kept.vectors, projections=kept.projections, looked=seen.append)

    assert (found.records, found.points, found.missing, found.extra) == (30, 30, 10, 10)
    assert sum(seen) == 60


async def test_work_that_is_done_while_it_is_looked_at_is_no_difference(
    kept: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is read before a deletion, and the engine after it."""
    one, *_ = await filled(kept)
    read = kept.projections.some_accounts

    async def then_deleted(self: PostgresProjections, limit: int, after: RecordKey | None) -> object:
        accounts = await read(limit, after)
        if after is None:
            await kept.memories.delete(origin(), b"d", "ada", one.memory_id)
            await kept.withdraw([key_of(one).record])
        return accounts

    monkeypatch.setattr(PostgresProjections, "some_accounts", then_deleted)

    found = await verified(kept)

    assert (found.differences, found.points) == (0, 4)


async def test_an_audit_goes_round_and_mends_what_it_finds(kept: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.projection.verify.PAGE", 2)
    missing, *_ = await filled(kept)
    await kept.vectors.delete([key_of(missing).record])
    never = draft("an upsert of a worker that was killed before it asked the ledger again")
    await kept.vectors.upsert([point_of(key_of(never), never, vector_of("y"))])
    audit = Audit(vectors=kept.vectors, projections=kept.projections, embedder=kept.embedder)

    differed = 0
    while not audit.rounds:
        differed += await audit.look_at_a_page()

    assert differed == 2
    assert (await verified(kept)).differences == 0
    while audit.rounds < 2:
        assert await audit.look_at_a_page() == 0


async def test_two_audits_at_once_do_no_harm(kept: Rooms) -> None:
    drafts = await filled(kept)
    await kept.vectors.delete([key_of(one).record for one in drafts])
    audits = [Audit(vectors=kept.vectors, projections=kept.projections, embedder=kept.embedder) for _ in range(2)]

    async def round_of(audit: Audit) -> None:
        while not audit.rounds:
            await audit.look_at_a_page()

    await asyncio.gather(*map(round_of, audits), kept.store(StoreMemory(content="meanwhile")))

    found = await verified(kept)
    assert (found.differences, found.behind, found.points) == (0, 0, 6)
