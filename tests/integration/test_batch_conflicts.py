"""A batch's id stands for all of its items: sent again it must say the same, no less and no more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest
from builders import Rooms, count, origin, statuses

from memos.errors import Conflict, MemosError
from memos.events.memories import IngestBatch, IngestItem, StoreMemories, StoreMemory, StoreOutcomes
from memos.handlers.memories.store import ingest_batch, store_memories
from memos.records import CommandKey, Draft, Origin, Source, Stored
from memos.stores.memories import PostgresMemories

pytest_plugins = ["rooms"]

Batch = StoreMemories | IngestBatch


def of_memories(texts: Sequence[str]) -> StoreMemories:
    return StoreMemories(memories=[StoreMemory(content=text) for text in texts])


def of_passages(texts: Sequence[str]) -> IngestBatch:
    return IngestBatch(items=[IngestItem(content=text, source=Source(uri="a.py")) for text in texts])


async def handle(rooms: Rooms, *batches: tuple[Origin, Batch]) -> list[StoreOutcomes | MemosError]:
    """Handle batches of one kind together."""
    origins, commands = [sender for sender, _ in batches], [batch for _, batch in batches]
    function = store_memories if isinstance(commands[0], StoreMemories) else ingest_batch
    return await function(commands, origins=origins, **rooms.storing)  # type: ignore[arg-type]


def outcomes(result: StoreOutcomes | MemosError) -> list[str]:
    assert isinstance(result, StoreOutcomes), result
    return [outcome.status for outcome in result.results]  # type: ignore[misc]


@pytest.mark.parametrize("batch_of", [of_memories, of_passages], ids=["batch", "ingest"])
@pytest.mark.parametrize(
    "other", [["a", "x"], ["a"], ["a", "b", "c"], ["b", "a"]], ids=["changed", "removed", "appended", "reordered"]
)
async def test_a_batch_id_with_other_items_is_one_conflict_and_stores_nothing(
    rooms: Rooms, batch_of: Callable[[Sequence[str]], Batch], other: list[str]
) -> None:
    sender = origin()
    [first] = await handle(rooms, (sender, batch_of(["a", "b"])))

    [refused] = await handle(rooms, (sender, batch_of(other)))

    assert outcomes(first) == ["stored", "stored"]
    assert isinstance(refused, Conflict)
    assert sender.command_id in refused.detail
    assert await count(rooms.pool, "agent_memories") == 2
    assert await handle(rooms, (sender, batch_of(["a", "b"]))) == [first]


async def test_a_conflict_among_batches_that_came_together_fails_alone(rooms: Rooms) -> None:
    sender, other = origin(), origin()

    results = await handle(
        rooms,
        (sender, of_memories(["a", "b"])),
        (sender, of_memories(["a"])),
        (other, of_memories(["c"])),
        (sender, of_memories(["a", "b"])),
    )

    assert isinstance(results[1], Conflict)
    assert [outcomes(results[index]) for index in (0, 2)] == [["stored"] * 2, ["stored"]]
    assert results[3] == results[0]
    assert await count(rooms.pool, "agent_memories") == 3


async def test_a_batch_and_a_single_store_do_not_share_an_id(rooms: Rooms) -> None:
    sender, other = origin(), origin()
    await handle(rooms, (sender, of_memories(["a"])))
    await rooms.store(StoreMemory(content="b"), origins=[other])

    assert statuses(await rooms.store(StoreMemory(content="a"), origins=[sender])) == ["conflict"]
    [refused] = await handle(rooms, (other, of_memories(["b"])))
    assert isinstance(refused, Conflict)


async def test_the_ids_of_one_tenant_and_sender_are_not_those_of_another(rooms: Rooms) -> None:
    for sender in (origin(command_id="1"), origin(command_id="1", tenant="t"), origin(command_id="1", source="s")):
        [result] = await handle(rooms, (sender, of_memories([f"{sender.tenant} {sender.source}"])))
        assert outcomes(result) == ["stored"]


class Interrupted(Exception):
    """What stands for a worker that is killed."""


class Killed(PostgresMemories):
    """Ends the worker's work between the claim of a batch and its items."""

    async def store(self, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
        raise Interrupted


async def test_a_crash_between_the_batch_and_its_items_is_harmless(rooms: Rooms) -> None:
    sender, batch = origin(), of_memories(["a", "b"])
    with pytest.raises(Interrupted):
        await store_memories([batch], origins=[sender], **{**rooms.storing, "memories": Killed(rooms.pool)})

    [again] = await handle(rooms, (sender, batch))

    assert outcomes(again) == ["stored", "stored"]


async def test_two_workers_that_get_different_batches_under_one_id_store_only_one(rooms: Rooms) -> None:
    sender = origin()

    results = await asyncio.gather(
        *(handle(rooms, (sender, of_memories([f"{worker} {n}" for n in range(5)]))) for worker in range(8))
    )

    assert sum(isinstance(result, StoreOutcomes) for [result] in results) == 1
    assert await count(rooms.pool, "agent_memories") == 5


class Counted(PostgresMemories):
    """Counts the claims."""

    claims = 0

    async def claim(self, digests: Mapping[CommandKey, bytes]) -> Mapping[CommandKey, bytes]:
        self.claims += 1
        return await super().claim(digests)


async def test_batches_that_came_together_are_claimed_together(rooms: Rooms) -> None:
    memories = Counted(rooms.pool)
    batches = [of_memories([f"{n}"]) for n in range(8)]

    await store_memories(batches, origins=[origin() for _ in batches], **{**rooms.storing, "memories": memories})

    assert memories.claims == 1


async def test_one_command_given_to_several_workers_at_once_makes_one_memory_and_one_reply(rooms: Rooms) -> None:
    senders = [origin() for _ in range(5)]
    commands = [StoreMemory(content=f"text {n}") for n in range(5)]

    answers = await asyncio.gather(*(rooms.store(*commands, origins=senders) for _ in range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert statuses(answers[0]) == ["stored"] * 5
    assert await count(rooms.pool, "agent_memories") == 5
    assert await rooms.pool.fetchval("select sum(times_stored) from agent_memories") == 5
    assert await rooms.vectors.count({}) == 5
