"""The ledger's account of what a projection has, and what it should have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from builders import MODEL, Rooms, change, draft, origin, vector_of

from memos.records import Draft, Embedding, RecordKey, VersionKey

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
    assert await rooms.projections.accounts([]) == {}
    await rooms.projections.unmark([])
    await rooms.projections.enrol_again([])
    await rooms.projections.add_embeddings([])
    assert await rooms.projections.behind() == 0


async def test_a_vector_of_a_text_that_was_changed_since_is_none(rooms: Rooms) -> None:
    one = draft("a")
    await rooms.memories.store([one])
    new = Embedding("another", [1.0], computed=True)
    await rooms.memories.update(replace(change(one.memory_id, content="b"), embedding=new))

    [found] = await rooms.projections.embedded([key_of(one).record])

    assert (found.memory.content, found.vector) == ("b", None)


async def test_a_vector_is_kept_for_the_text_that_it_was_made_from_and_no_other(rooms: Rooms) -> None:
    _, changed, deleted = drafts = [
        draft(text, embedding=Embedding("another", [1.0], computed=True)) for text in "abc"
    ]
    await rooms.memories.store(drafts)
    await rooms.memories.update(change(changed.memory_id, content="new", of=origin()))
    await rooms.memories.delete(origin(), b"d", "ada", deleted.memory_id)
    made = [
        (key_of(one).record, one.content_hash, Embedding(MODEL, vector_of("x"), computed=True)) for one in drafts
    ]

    await rooms.projections.add_embeddings(made)
    await rooms.projections.add_embeddings(made)

    found = await rooms.projections.embedded([key_of(one).record for one in drafts])
    assert {one.memory.content: one.vector for one in found} == {
        "a": pytest.approx(vector_of("x")),
        "new": pytest.approx(vector_of("new")),
    }
    assert await rooms.pool.fetchval("select count(*) from memory_embeddings where model = $1", MODEL) == 2


async def test_a_vector_of_another_length_takes_the_place_of_the_former(rooms: Rooms) -> None:
    one = draft("a", embedding=Embedding(MODEL, [1.0, 0.0], computed=True))
    await rooms.memories.store([one])
    [found] = await rooms.projections.embedded([key_of(one).record])
    assert found.vector is None

    await rooms.projections.add_embeddings(
        [(key_of(one).record, one.content_hash, Embedding(MODEL, vector_of("a"), computed=True))]
    )

    [found] = await rooms.projections.embedded([key_of(one).record])
    assert found.vector == pytest.approx(vector_of("a"))


async def test_an_account_says_what_the_projection_should_have_and_whether_it_has_it(rooms: Rooms) -> None:
    settled, behind, buried, gone = drafts = [draft(text) for text in "abcd"]
    await rooms.memories.store(drafts)
    await rooms.projections.mark([key_of(one) for one in (settled, buried, gone)])
    for one in (buried, gone):
        await rooms.memories.delete(origin(), b"d", "ada", one.memory_id)
    await rooms.projections.unmark([key_of(gone).record])
    lost = draft("e")
    await rooms.memories.store([lost])
    await rooms.pool.execute("delete from projections where record_id = $1", lost.memory_id)

    accounts = await rooms.projections.accounts([key_of(one).record for one in (*drafts, lost)])

    assert accounts == {
        key_of(settled).record: (1, settled.content_hash, "settled"),
        key_of(behind).record: (1, behind.content_hash, "behind"),
        key_of(buried).record: (None, None, "behind"),
        key_of(lost).record: (1, lost.content_hash, "unaccounted"),
    }
    assert dict(await rooms.projections.some_accounts(10, None)) == {
        key: account for key, account in accounts.items() if account.version
    }


async def test_live_records_are_gone_through_in_pages(rooms: Rooms) -> None:
    drafts = [draft(str(number)) for number in range(7)]
    await rooms.memories.store(drafts)
    found: list[RecordKey] = []

    while page := await rooms.projections.some_accounts(3, found[-1] if found else None):
        found += page

    assert sorted(found) == sorted(key_of(one).record for one in drafts)
    assert len(found) == await rooms.projections.live() == 7


async def test_what_is_behind_is_gone_through_in_pages(rooms: Rooms) -> None:
    await rooms.memories.store([draft(str(number)) for number in range(7)])
    found: list[RecordKey] = []

    while page := await rooms.projections.some_behind(3, found[-1] if found else None):
        found += page

    assert len(set(found)) == len(found) == 7


async def test_what_is_enrolled_again_is_behind_again(rooms: Rooms) -> None:
    known, lost, deleted = drafts = [draft(text) for text in "abc"]
    await rooms.memories.store(drafts)
    await rooms.projections.mark([key_of(one) for one in drafts])
    await rooms.pool.execute("delete from projections where record_id = $1", lost.memory_id)
    await rooms.memories.delete(origin(), b"d", "ada", deleted.memory_id)
    await rooms.projections.unmark([key_of(deleted).record])

    await rooms.projections.enrol_again([key_of(one).record for one in drafts])

    assert set(await rooms.projections.some_behind(10)) == {key_of(known).record, key_of(lost).record}
