"""Purging: the content of what was deleted is gone for good, and its tombstone still refuses a late store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from builders import Rooms, count, origin, statuses, vector_of

from memos.errors import Conflict, NotFound
from memos.events.deletions import DeleteMemories, PurgeMemories, PurgeReceipt
from memos.events.memories import (
    DeleteMemory,
    MemoryChanges,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
    UpdateMemory,
)
from memos.handlers.digests import digest_of, digest_of_batch
from memos.handlers.memories.change import delete_memory, update_memory
from memos.handlers.memories.forget import delete_memories, purge_memories
from memos.handlers.memories.store import store_memories
from memos.ports.deletions import Deletion, Reach, Tombstone
from memos.records import Origin, Source, content_hash
from memos.stores.deletions import PostgresDeletions
from memos.stores.postgres import pack

pytest_plugins = ["rooms"]

SAID = "xyzzy-5e5a-the-vault-opens-at-nine"
OTHER = "xyzzy-77aa-the-vault-opens-at-ten"
WORD = "xyzzy"
FIELDS: dict[str, Any] = {
    "agent_id": "ada",
    "metadata": {f"{WORD}-key": f"{WORD}-value"},
    "tags": [f"{WORD}-tag"],
    "source": Source(uri=f"{WORD}-uri", symbol=f"{WORD}-symbol", line=77),
    "importance": 0.75,
    "occurred_at": datetime(2001, 2, 3, tzinfo=UTC),
    "kind": "note",
    "session_id": "monday",
}


async def purge(
    rooms: Rooms, of: Origin | None = None, *, dry_run: bool = False, **conditions: Any
) -> PurgeReceipt:
    command = PurgeMemories(dry_run=dry_run, **conditions)
    return await purge_memories(command, origin=of or origin(), **rooms.deleting_many)


async def delete(rooms: Rooms, *ids: UUID, tenant: str = "default") -> None:
    command = DeleteMemories(memory_ids=list(ids), dry_run=False)
    receipt = await delete_memories(command, origin=origin(tenant=tenant), **rooms.deleting_many)
    assert receipt.matched == len(ids)


async def places(rooms: Rooms, *needles: bytes) -> set[str]:
    """The columns of all tables in which any of the needles occurs, as text or bytes or in hexadecimal digits."""
    columns = await rooms.pool.fetch(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
    )
    forms = [form for needle in needles for form in (needle, needle.hex().encode())]
    found = set()
    for table, column, kind in columns:
        as_bytes = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
        query = (
            f"select exists (select from {table} cross join unnest($1::bytea[]) as n (needle) "  # noqa: S608
            f"where position(needle in {as_bytes}) > 0)"
        )
        if await rooms.pool.fetchval(query, forms):
            found.add(f"{table}.{column}")
    return found


def in_points(rooms: Rooms) -> bool:
    """Whether the vector engine has the word anywhere in a payload."""
    return WORD in repr(rooms.vectors._kept)


PLACES = {
    "agent_memories.content",
    "agent_memories.content_hash",
    "agent_memories.metadata",
    "agent_memories.source_symbol",
    "agent_memories.source_uri",
    "agent_memories.tags",
    "commands.digest",
    "memory_embeddings.content_hash",
    "memory_embeddings.vector",
    "memory_versions.content",
    "memory_versions.metadata",
    "memory_versions.tags",
}


async def told_in_every_way(rooms: Rooms) -> tuple[list[UUID], list[bytes]]:
    """Two memories, stored alone, again, changed and in a batch; and all that could give away what they say."""
    command, update = StoreMemory(content=SAID, **FIELDS), MemoryChanges(content=OTHER)
    [stored] = await rooms.store(command, origins=[origin()])
    assert isinstance(stored, StoreOutcome)
    assert statuses(await rooms.store(command, origins=[origin()])) == ["duplicate"]
    change = UpdateMemory(memory_id=stored.memory_id, agent_id="ada", changes=update)
    await update_memory(change, origin=origin(), **rooms.ports)
    [batched] = await store_memories([StoreMemories(memories=[command])], origins=[origin()], **rooms.storing)
    assert isinstance(batched, StoreOutcomes)
    [in_batch] = batched.results
    assert isinstance(in_batch, StoreOutcome)
    texts = [made for text in (SAID, OTHER) for made in (content_hash(text), pack(vector_of(text)))]
    digests = [digest_of(command), digest_of(change), digest_of_batch([digest_of(command)])]
    return [stored.memory_id, in_batch.memory_id], [WORD.encode(), *texts, *digests]


async def test_after_deletion_and_purge_a_text_occurs_nowhere(rooms: Rooms) -> None:
    ids, needles = await told_in_every_way(rooms)
    assert await places(rooms, *needles) == PLACES
    assert in_points(rooms)
    await delete(rooms, *ids)

    told = await purge(rooms, dry_run=True, memory_ids=ids)
    receipt = await purge(rooms, memory_ids=ids)

    assert receipt.status == "purged"
    assert receipt.tables == told.tables
    assert receipt.tables == {
        "agent_memories": 2,
        "memory_versions": 1,
        "memory_embeddings": 3,
        "memory_links": 0,
        "memory_reports": 0,
        "commands": 5,
    }
    assert await places(rooms, *needles) == set()
    assert not in_points(rooms)


async def test_a_purged_memory_leaves_a_tombstone_that_says_nothing(rooms: Rooms) -> None:
    ids, _ = await told_in_every_way(rooms)
    await delete(rooms, *ids)

    await purge(rooms, memory_ids=ids)

    [row] = await rooms.pool.fetch("select * from agent_memories where memory_id = $1", ids[0])
    assert row["purged_at"] >= row["deleted_at"]
    kept = {"tenant", "memory_id", "agent_id", "visibility", "version", "times_stored"}
    moments = {"created_at", "updated_at", "deleted_at", "purged_at"}
    emptied = {name: value for name, value in row.items() if name not in kept | moments}
    assert all(not value or value == "episodic" for value in emptied.values()), emptied


async def test_a_store_that_comes_after_the_purge_is_refused_and_the_first_one_answered_as_before(
    rooms: Rooms,
) -> None:
    sender, change = origin(), origin()
    command = StoreMemory(content=SAID)
    [first] = await rooms.store(command, origins=[sender])
    assert isinstance(first, StoreOutcome)
    update = UpdateMemory(memory_id=first.memory_id, changes=MemoryChanges(tags=["x"]))
    await update_memory(update, origin=change, **rooms.ports)
    await delete(rooms, first.memory_id)
    await purge(rooms, memory_ids=[first.memory_id])

    assert await rooms.store(command, StoreMemory(content="other"), origins=[sender, sender]) == [first, first]
    assert statuses(await rooms.store(StoreMemory(content=SAID, id=first.memory_id))) == ["gone"]
    with pytest.raises(NotFound):
        await update_memory(update, origin=change, **rooms.ports)
    with pytest.raises(Conflict, match="used before"):
        await delete_memory(DeleteMemory(memory_id=first.memory_id), origin=sender, **rooms.deleting)
    with pytest.raises(Conflict, match="used before"):
        await update_memory(update, origin=sender, **rooms.ports)
    assert await rooms.recalled(SAID) == []


async def test_texts_of_memories_that_were_purged_do_not_hinder_each_other_nor_new_ones(rooms: Rooms) -> None:
    ids = [await rooms.remember(text) for text in ("a", "b", "c")]
    await delete(rooms, *ids)

    assert (await purge(rooms, deleted_before=datetime.now(UTC) + timedelta(days=1))).purged == 3
    assert await rooms.remember("a") not in ids


async def test_only_tombstones_of_before_the_moment_are_purged_and_no_live_memory_is(rooms: Rooms) -> None:
    old, new, live = [await rooms.remember(text) for text in ("old", "new", "live")]
    await delete(rooms, old)
    between = await rooms.pool.fetchval("select clock_timestamp()")
    await delete(rooms, new)

    by_time = await purge(rooms, deleted_before=between)
    left = await contents(rooms)
    both = await purge(rooms, deleted_before=between, memory_ids=[new, live])
    by_id = await purge(rooms, memory_ids=[new, live])

    assert (by_time.purged, left) == (1, ["", "live", "new"])
    assert both.purged == 0
    assert (by_id.purged, await contents(rooms)) == (1, ["", "", "live"])


async def contents(rooms: Rooms) -> list[str]:
    return [text for (text,) in await rooms.pool.fetch("select content from agent_memories order by content")]


async def test_a_dry_run_counts_the_rows_and_changes_nothing(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a")
    update = UpdateMemory(memory_id=memory_id, changes=MemoryChanges(content="b"))
    await update_memory(update, origin=origin(), **rooms.ports)
    await delete(rooms, memory_id)

    told = await purge(rooms, dry_run=True, memory_ids=[memory_id])

    assert (told.status, told.purge_id, told.purged) == ("dry-run", None, 1)
    assert await contents(rooms) == ["b"]
    assert await count(rooms.pool, "memory_versions") == 1
    assert await count(rooms.pool, "commands where digest = ''") == 0
    assert (await purge(rooms, memory_ids=[memory_id])).tables == told.tables


async def test_a_purge_keeps_to_its_tenant(rooms: Rooms) -> None:
    memory_id = UUID(int=7)
    for tenant in ("a", "b"):
        await rooms.remember("same", tenant=tenant, id=memory_id)
        await delete(rooms, memory_id, tenant=tenant)

    receipt = await purge(rooms, origin(tenant="a"), memory_ids=[memory_id])

    assert receipt.tables == {
        "agent_memories": 1,
        "memory_versions": 0,
        "memory_embeddings": 1,
        "memory_links": 0,
        "memory_reports": 0,
        "commands": 1,
    }
    rows = await rooms.pool.fetch("select tenant, content, purged_at is null from agent_memories order by tenant")
    assert [tuple(row) for row in rows] == [("a", "", False), ("b", "same", True)]
    assert await count(rooms.pool, "commands where tenant = 'b' and digest = ''") == 0
    assert await count(rooms.pool, "memory_embeddings where tenant = 'b'") == 1


class Interrupted(Exception):
    """What stands for a worker that is killed."""


class KilledAfterTwo(PostgresDeletions):
    """Ends the worker's work after two slices."""

    slices = 2

    async def purge(
        self, deletion: Deletion, tombstones: Sequence[Tombstone], reached: Sequence[Reach]
    ) -> Deletion:
        if not self.slices:
            raise Interrupted
        self.slices -= 1
        return await super().purge(deletion, tombstones, reached)


async def test_a_purge_that_a_crash_cut_short_goes_on_where_it_was(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.stores.deletions.SLICE", 3)
    await delete(rooms, *[await rooms.remember(f"text {n}") for n in range(10)])
    command = PurgeMemories(deleted_before=datetime.now(UTC) + timedelta(days=1), dry_run=False)
    sender = origin()
    ports = {**rooms.deleting_many, "deletions": KilledAfterTwo(rooms.pool)}
    with pytest.raises(Interrupted):
        await purge_memories(command, origin=sender, **ports)
    assert (await contents(rooms)).count("") == 6

    receipt = await purge_memories(command, origin=sender, **rooms.deleting_many)

    assert (receipt.purged, receipt.tables["memory_embeddings"]) == (10, 10)
    assert (await contents(rooms)).count("") == 10
    assert await purge_memories(command, origin=sender, **rooms.deleting_many) == receipt
    with pytest.raises(Conflict, match="used before with another body"):
        await purge(rooms, sender, memory_ids=[UUID(int=1)])


async def test_a_purge_reaches_what_the_vector_engine_kept_of_a_deletion_while_it_was_away(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a", metadata={"key": WORD})
    rooms.vectors.away = True
    await delete(rooms, memory_id)
    rooms.vectors.away = False
    assert in_points(rooms)

    receipt = await purge(rooms, memory_ids=[memory_id])

    assert [store.model_dump() for store in receipt.stores] == [{"name": "vectors", "removed": 1, "pending": 0}]
    assert not in_points(rooms)


async def test_a_purge_while_the_vector_engine_is_away_says_that_it_may_still_have_something(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a")
    rooms.vectors.away = True
    await delete(rooms, memory_id)

    receipt = await purge(rooms, memory_ids=[memory_id])

    assert (receipt.status, receipt.purged, receipt.stores[0].pending) == ("accepted", 1, 1)
    assert await contents(rooms) == [""]
    rooms.vectors.away = False
    await rooms.reproject(await rooms.projections.some_behind(10))
    assert await rooms.vectors.count({}) == 0


async def digests(rooms: Rooms) -> dict[str, bytes]:
    """What is kept of the body of every command that stored something, by its id."""
    rows = await rooms.pool.fetch("select command_id, digest from commands where not reply ? 'deletion_id'")
    return {row["command_id"]: row["digest"] for row in rows}


async def store_batch(rooms: Rooms, sender: Origin, *texts: str) -> list[StoreOutcome]:
    """Store a batch whose items all succeed."""
    command = StoreMemories(memories=[StoreMemory(content=text) for text in texts])
    [stored] = await store_memories([command], origins=[sender], **rooms.storing)
    assert isinstance(stored, StoreOutcomes), stored
    return [outcome for outcome in stored.results if isinstance(outcome, StoreOutcome)]


async def test_a_purge_leaves_a_batch_alone_whose_id_only_looks_like_that_of_the_memory_s_command(
    rooms: Rooms,
) -> None:
    batch, single = origin(command_id="x"), origin(command_id="x/1")
    await store_batch(rooms, batch, "in a batch")
    [stored] = await rooms.store(StoreMemory(content=SAID), origins=[single])
    assert isinstance(stored, StoreOutcome)
    await delete(rooms, stored.memory_id)
    before = await digests(rooms)

    told = await purge(rooms, dry_run=True, memory_ids=[stored.memory_id])
    receipt = await purge(rooms, memory_ids=[stored.memory_id])

    assert (told.tables, receipt.tables["commands"]) == (receipt.tables, 1)
    assert await digests(rooms) == {**before, "x/1": b""}
    other = StoreMemories(memories=[StoreMemory(content="another text")])
    [refused] = await store_memories([other], origins=[batch], **rooms.storing)
    assert isinstance(refused, Conflict)


async def test_a_batch_that_comes_again_after_the_purge_is_answered_as_before_and_brings_nothing_back(
    rooms: Rooms,
) -> None:
    sender = origin(command_id="x")
    first = await store_batch(rooms, sender, SAID, OTHER)
    await delete(rooms, first[0].memory_id)
    assert (await purge(rooms, memory_ids=[first[0].memory_id])).tables["commands"] == 2
    before = await digests(rooms)

    assert await store_batch(rooms, sender, SAID, OTHER) == first
    assert await digests(rooms) == before
    assert (before["x"], before["x/0"]) == (b"", b"")
    assert before["x/1"] == digest_of(StoreMemory(content=OTHER))
    [outcome] = await rooms.store(StoreMemory(content="single"), origins=[sender])
    assert isinstance(outcome, Conflict)


async def test_an_id_whose_single_memory_was_purged_is_no_batch(rooms: Rooms) -> None:
    sender = origin()
    [stored] = await rooms.store(StoreMemory(content=SAID), origins=[sender])
    assert isinstance(stored, StoreOutcome)
    await delete(rooms, stored.memory_id)
    await purge(rooms, memory_ids=[stored.memory_id])

    batch = StoreMemories(memories=[StoreMemory(content="a")])
    [refused] = await store_memories([batch], origins=[sender], **rooms.storing)

    assert isinstance(refused, Conflict)


@pytest.mark.parametrize("purged_first", [False, True])
async def test_a_batch_whose_item_was_handled_as_a_command_of_its_own_is_purged_as_well(
    rooms: Rooms, purged_first: bool
) -> None:
    sender = origin(command_id="x")
    [stored] = await rooms.store(StoreMemory(content=SAID), origins=[sender.item(0)])
    single = replace(sender.item(0), batch=None)
    [again] = await rooms.store(StoreMemory(content=SAID), origins=[single])
    assert again == stored
    assert isinstance(stored, StoreOutcome)
    await rooms.pool.execute("update commands set reply = reply - 'batch'")  # as version 0.1 recorded it

    async def forget() -> None:
        await delete(rooms, stored.memory_id)
        await purge(rooms, memory_ids=[stored.memory_id])

    steps = [forget, lambda: store_batch(rooms, sender, SAID)]
    for step in steps if purged_first else reversed(steps):
        await step()

    assert await digests(rooms) == {"x": b"", "x/0": b""}


async def test_a_purge_without_a_condition_cannot_be_sent() -> None:
    nothings: list[dict[str, Any]] = [{}, {"memory_ids": []}, {"dry_run": False}]
    for nothing in nothings:
        with pytest.raises(ValueError, match=r"at least one condition|at least 1 item"):
            PurgeMemories.model_validate(nothing)
