"""The ledger's account of what a projection has, and what it should have."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from builders import COLLECTION, Rooms, change, draft, origin, vector_of

from memos.errors import ConfigurationError, ModelMismatch
from memos.projection.points import memories_collection
from memos.records import Draft, RecordKey, VersionKey
from memos.stores.postgres import Pool
from memos.stores.projections import open_projections

pytest_plugins = ["rooms"]


def key_of(one: Draft, version: int = 1) -> VersionKey:
    return VersionKey(one.origin.tenant, one.memory_id, version)


async def test_a_stored_memory_is_behind_until_it_is_marked(rooms: Rooms) -> None:
    one, other = draft("one"), draft("other")
    await rooms.memories.store([one, other])
    assert await rooms.projections.behind() == 2

    assert await rooms.projections.mark([key_of(one)]) == []

    assert await rooms.projections.behind() == 1
    records = [key_of(one).record, key_of(other).record, RecordKey("default", uuid4())]
    assert await rooms.projections.behind_among(records) == {key_of(other).record}


async def test_what_was_changed_meanwhile_is_not_marked_but_returned(rooms: Rooms) -> None:
    one, other = draft("one"), draft("other")
    await rooms.memories.store([one, other])
    await rooms.memories.update(change(one.memory_id, tags=["new"]))

    assert await rooms.projections.mark([key_of(one), key_of(other)]) == [key_of(one).record]

    assert await rooms.projections.behind_among([key_of(one).record]) == {key_of(one).record}
    assert await rooms.projections.mark([key_of(one, 2)]) == []
    assert await rooms.projections.behind() == 0


async def test_a_changed_memory_that_was_marked_is_behind_again(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])
    await rooms.projections.mark([key_of(one)])

    await rooms.memories.update(change(one.memory_id, tags=["new"]))

    assert await rooms.projections.behind() == 1


async def test_a_deleted_memory_is_behind_until_it_is_unmarked(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])
    await rooms.projections.mark([key_of(one)])
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)
    assert await rooms.projections.behind_among([key_of(one).record]) == {key_of(one).record}
    assert await rooms.projections.mark([key_of(one)]) == [key_of(one).record]

    await rooms.projections.unmark([key_of(one).record])

    assert await rooms.projections.behind() == 0
    assert await rooms.projections.behind_among([key_of(one).record]) == set()


async def test_a_live_memory_is_never_unmarked(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.store([one])
    await rooms.projections.mark([key_of(one)])

    await rooms.projections.unmark([key_of(one).record])

    assert await rooms.projections.mark([key_of(one)]) == []


async def test_a_deletion_that_comes_before_its_store_leaves_nothing_to_project(rooms: Rooms) -> None:
    one = draft()
    await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)
    await rooms.memories.store([one])

    assert await rooms.projections.behind() == 0


async def test_embedded_are_the_live_memories_as_they_are_now_with_the_vector_of_their_text(rooms: Rooms) -> None:
    kept, changed, retagged, deleted = [draft(name, of=origin(tenant="t")) for name in "abcd"]
    await rooms.memories.store([kept, changed, retagged, deleted])
    sender = origin(tenant="t")
    await rooms.memories.update(change(changed.memory_id, content="new", of=sender))
    await rooms.memories.update(change(retagged.memory_id, tags=["new"], of=origin(tenant="t")))
    await rooms.memories.delete(origin(tenant="t"), b"d", "ada", deleted.memory_id)

    found = await rooms.projections.embedded([key_of(one).record for one in (kept, changed, retagged, deleted)])

    assert {(one.tenant, one.memory.content, one.memory.version) for one in found} == {
        ("t", "a", 1),
        ("t", "new", 2),
        ("t", "c", 2),
    }
    assert all(one.vector == pytest.approx(vector_of(one.memory.content)) for one in found)
    assert await rooms.projections.embedded([RecordKey("default", kept.memory_id)]) == []


async def test_an_expired_twin_that_was_buried_is_to_be_removed(rooms: Rooms) -> None:
    expired = draft(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await rooms.memories.store([expired])
    await rooms.projections.mark([key_of(expired)])

    new = draft()
    await rooms.memories.store([new])

    records = [key_of(expired).record, key_of(new).record]
    assert await rooms.projections.behind_among(records) == set(records)


async def test_tenants_with_the_same_id_are_kept_apart(rooms: Rooms) -> None:
    memory_id = uuid4()
    mine, theirs = draft(memory_id=memory_id), draft(memory_id=memory_id, of=origin(tenant="other"))
    await rooms.memories.store([mine, theirs])

    await rooms.projections.mark([key_of(mine)])

    assert await rooms.projections.behind_among([key_of(mine).record, key_of(theirs).record]) == {
        key_of(theirs).record
    }


async def test_nothing_is_asked_about_nothing(rooms: Rooms) -> None:
    assert await rooms.projections.embedded([]) == []
    assert await rooms.projections.mark([]) == []
    assert await rooms.projections.behind_among([]) == set()
    await rooms.projections.unmark([])
    assert await rooms.projections.behind() == 0


async def test_an_account_is_opened_again_with_what_it_has(rooms: Rooms) -> None:
    await rooms.memories.store([draft()])

    assert await (await open_projections(rooms.pool, COLLECTION)).behind() == 1


@pytest.mark.parametrize(("model", "dimension"), [("another", 64), ("words", 32)])
async def test_another_model_is_refused_in_one_clear_line(rooms: Rooms, model: str, dimension: int) -> None:
    with pytest.raises(ModelMismatch) as refusal:
        await open_projections(rooms.pool, memories_collection(model, dimension))

    assert "\n" not in refusal.value.detail
    for said in ("words (64 dimensions)", f"{model} ({dimension})", "MEMOS_EMBEDDING_MODEL"):
        assert said in refusal.value.detail


async def test_a_ledger_without_a_current_generation_is_refused(pool: Pool) -> None:
    await open_projections(pool, COLLECTION)
    await pool.execute("update generations set is_current = false")

    with pytest.raises(ConfigurationError, match="No generation of memories is current"):
        await open_projections(pool, COLLECTION)
