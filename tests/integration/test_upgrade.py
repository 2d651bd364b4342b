"""A ledger that version 0.1 has written is migrated, and its commands are repeated."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from builders import (
    COLLECTION,
    DIMENSION,
    MODEL,
    Rooms,
    WordsEmbedder,
    change,
    count,
    draft,
    memory,
    origin,
    rooms_on,
    vector_of,
)

from memos.errors import Conflict
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.handlers.memories.forget import delete_memories, purge_memories
from memos.records import Change, Draft, Memory, RecordKey, Stored, duplicate_key
from memos.stores.generations import PostgresGenerations
from memos.stores.memories import PostgresMemories
from memos.stores.migrate import find_migrations, migrate
from memos.stores.postgres import Pool, open_pool, pack
from memos.stores.projections import PostgresProjections
from memos.testing import TwinVectors

SAID = "xyzzy: the vault opens at nine"

WRITE = {
    "generation": "insert into generations values ('memories', 1, $1, $2, true)",
    "memory": """
        insert into agent_memories (
            tenant, memory_id, agent_id, visibility, kind, content, content_hash, duplicate_key, version, deleted_at
        ) values ('default', $1, 'ada', 'private', 'episodic', $2, $3, $4, $5, case when $6::boolean then now() end)
    """,
    "embedding": "insert into memory_embeddings values ('default', $1, $2, $3, $4, $5, $6, true)",
    "projection": "insert into projections values ('memories', 1, 'default', $1, $2, $3)",
    "command": "insert into commands values ('default', 'tests', $1, $2, $3)",
}


@dataclass(frozen=True)
class Old:
    """What version 0.1 was told before the upgrade: each command with its reply and its effect in the ledger."""

    kept: Draft
    changed: Draft
    update: Change
    gone: Draft
    deletion: dict[str, Any]
    item: Draft


@pytest.fixture
async def ledger(empty_database: str) -> AsyncIterator[tuple[Pool, Old]]:
    """The pool on a ledger that was migrated after version 0.1 had written to it, and what it wrote."""
    migrations = find_migrations()
    await migrate(empty_database, migrations[:3])
    async with open_pool(empty_database) as pool:
        old = await written_by_the_old_version(pool)
    await migrate(empty_database)
    async with open_pool(empty_database) as pool:
        yield pool, old


async def written_by_the_old_version(pool: Pool) -> Old:
    await pool.execute(WRITE["generation"], MODEL, DIMENSION)
    kept, changed, gone = draft("the sky is blue"), draft(SAID), draft("the sun sets")
    item = draft("the first of two", of=origin(command_id="batch").item(0))
    update = change(changed.memory_id, content=SAID)
    for each in (kept, gone, item):
        await write(pool, each, 1, deleted=each is gone)
        await recorded(pool, each.origin.command_id, each.digest, stored(each))
    await write(pool, changed, 2)
    await recorded(pool, changed.origin.command_id, changed.digest, stored(changed))
    await recorded(pool, update.origin.command_id, update.digest, updated(changed.memory_id))
    asked = origin()
    deletion: dict[str, Any] = {
        "origin": asked,
        "digest": b"delete",
        "agent_id": "ada",
        "memory_id": gone.memory_id,
    }
    await recorded(pool, asked.command_id, b"delete", deleted(gone.memory_id))
    return Old(kept, changed, update, gone, deletion, item)


async def write(pool: Pool, old: Draft, version: int, *, deleted: bool = False) -> None:
    key = duplicate_key("default", old)
    await pool.execute(
        WRITE["memory"], old.memory_id, old.content, old.content_hash, key, version + deleted, deleted
    )
    vector = pack(vector_of(old.content))
    await pool.execute(WRITE["embedding"], old.memory_id, version, MODEL, DIMENSION, vector, old.content_hash)
    await pool.execute(WRITE["projection"], old.memory_id, None if deleted else version, 0)


async def recorded(pool: Pool, command_id: str, digest: bytes, reply: dict[str, Any]) -> None:
    await pool.execute(WRITE["command"], command_id, digest, reply)


def stored(old: Draft) -> dict[str, Any]:
    return {"memory_id": str(old.memory_id), "version": 1, "duplicate": False}


def updated(memory_id: UUID) -> dict[str, Any]:
    """The reply to an update: the whole memory."""
    whole: Memory = memory().model_copy(update={"memory_id": memory_id, "content": SAID, "version": 2})
    return whole.model_dump(mode="json")


def deleted(memory_id: UUID) -> dict[str, Any]:
    return {"memory_id": str(memory_id), "version": 2, "found": True}


async def test_commands_that_were_handled_before_the_upgrade_are_answered_as_before(
    ledger: tuple[Pool, Old],
) -> None:
    pool, old = ledger
    memories = PostgresMemories(pool)

    assert await memories.store([old.kept]) == [Stored(old.kept.memory_id, 1, duplicate=False, replayed=True)]
    assert await memories.store([old.gone]) == [Stored(old.gone.memory_id, 1, duplicate=False, replayed=True)]
    again = await memories.update(old.update)
    assert (again.memory_id, again.version, again.content) == (old.changed.memory_id, 2, SAID)
    assert await memories.delete(**old.deletion) == (old.gone.memory_id, 2, True, {})
    assert await count(pool, "facts") == 0
    for other in (b"x", old.update.digest):
        with pytest.raises(Conflict, match="used before with another body"):
            await memories.delete(**{**old.deletion, "digest": other})


async def test_no_reply_holds_a_text_after_the_upgrade(ledger: tuple[Pool, Old]) -> None:
    pool, _ = ledger
    assert await count(pool, "commands") == 6
    assert await count(pool, "commands where reply::text like '%xyzzy%'") == 0


async def test_the_generation_goes_on_and_what_it_lacked_is_made(ledger: tuple[Pool, Old]) -> None:
    pool, old = ledger
    current = await PostgresGenerations(pool, "memories").first("openai", "another", 3)
    assert (current.number, current.embedder, current.model, current.dimension) == (1, "openai", MODEL, DIMENSION)

    projections, vectors = PostgresProjections(pool, COLLECTION), TwinVectors(COLLECTION)
    rooms = Rooms(pool, PostgresMemories(pool), projections, vectors, WordsEmbedder())
    await rooms.reproject(await projections.some_behind(10))

    assert await projections.some_behind(10) == []
    live = [RecordKey("default", each.memory_id) for each in (old.kept, old.changed, old.item)]
    assert len(await vectors.present([*live, RecordKey("default", old.gone.memory_id)])) == 3


async def test_replies_that_an_old_worker_writes_during_the_upgrade_are_understood_and_purged(
    ledger: tuple[Pool, Old],
) -> None:
    pool, old = ledger
    late, undone = change(old.changed.memory_id, content=SAID), {**old.deletion, "origin": origin()}
    await recorded(pool, late.origin.command_id, late.digest, updated(old.changed.memory_id))
    await recorded(pool, undone["origin"].command_id, b"delete", deleted(old.gone.memory_id))
    memories = PostgresMemories(pool)

    assert (await memories.update(late)).content == SAID
    assert await memories.delete(**undone) == (old.gone.memory_id, 2, True, {})
    await memories.note_reach(undone["origin"], (await memories.delete(**undone))._replace(reached={"vectors": 1}))
    assert (await memories.delete(**undone)).reached == {"vectors": 1}

    rooms = await rooms_on(pool)
    ids = [old.changed.memory_id]
    await delete_memories(
        DeleteMemories(memory_ids=ids, agent_id="ada", dry_run=False), origin=origin(), **rooms.deleting_many
    )
    told = await purge_memories(PurgeMemories(memory_ids=ids), origin=origin(), **rooms.deleting_many)
    done = await purge_memories(
        PurgeMemories(memory_ids=ids, dry_run=False), origin=origin(), **rooms.deleting_many
    )

    assert told.tables == done.tables == {**done.tables, "commands": 3}
    assert await count(pool, "commands where digest = ''") == 3
    assert await count(pool, "commands where reply::text like '%xyzzy%'") == 0


async def test_a_batch_of_the_old_version_is_repeated_and_purged(ledger: tuple[Pool, Old]) -> None:
    pool, old = ledger
    rooms = await rooms_on(pool)
    [again] = await rooms.memories.store([old.item])
    assert again == Stored(old.item.memory_id, 1, duplicate=False, replayed=True)
    batch = origin(command_id="batch")
    assert await rooms.memories.claim({batch.key: b"all"}) == {batch.key: b"all"}
    assert await rooms.memories.claim({batch.key: b"some"}) == {batch.key: b"all"}
    ids = [old.item.memory_id]
    await delete_memories(
        DeleteMemories(memory_ids=ids, agent_id="ada", dry_run=False), origin=origin(), **rooms.deleting_many
    )
    await purge_memories(PurgeMemories(memory_ids=ids, dry_run=False), origin=origin(), **rooms.deleting_many)

    assert await count(pool, "commands where command_id like 'batch%' and digest = ''") == 2
    assert await rooms.memories.claim({batch.key: b"any"}) == {batch.key: b"any"}
