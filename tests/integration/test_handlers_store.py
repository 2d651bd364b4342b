"""The handlers that store: what is committed is answered so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from builders import Rooms, count, facts_in, origin, statuses

from memos.errors import Conflict, InvalidCommand
from memos.events.memories import (
    IngestBatch,
    IngestItem,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
)
from memos.events.problems import Problem
from memos.handlers.memories.remember import Outcome
from memos.handlers.memories.store import ingest_batch, store_memories, store_memory
from memos.ports import Vectors
from memos.records import Source, memory_id_for

pytest_plugins = ["rooms"]


HUGE = {"n": 10**400}


"""Metadata that the ledger would hold and Qdrant does not, and that the contract therefore refuses."""


def ids(outcomes: Sequence[Outcome | Problem]) -> list[UUID]:
    return [outcome.memory_id for outcome in outcomes if isinstance(outcome, StoreOutcome)]


async def test_a_stored_memory_is_committed_and_searchable(rooms: Rooms) -> None:
    sender = origin()

    [outcome] = await rooms.store(StoreMemory(content="a b c", agent_id="ada"), origins=[sender])

    assert outcome == StoreOutcome(
        memory_id=memory_id_for(sender.key), status="stored", message="The memory is committed and searchable."
    )
    assert await rooms.recalled("a b c", agent_id="ada") == ["a b c"]
    assert await rooms.projections.behind() == 0
    assert len(await facts_in(rooms.pool)) == 1


async def test_every_field_of_a_command_reaches_the_ledger(rooms: Rooms) -> None:
    given: dict[str, Any] = {
        "content": "a b c",
        "agent_id": "ada",
        "metadata": {"a": [1, {"b": None}]},
        "tags": ["x", "y"],
        "session_id": "s",
        "sequence": 4,
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "expires_at": datetime(2998, 1, 1, tzinfo=UTC),
        "kind": "note",
        "visibility": "shared",
        "importance": 0.5,
        "source": Source(uri="file:///a", symbol="f", line=1),
    }
    memory_id = uuid4()

    await rooms.store(StoreMemory(**given, id=memory_id))

    memory = await rooms.memories.get("default", "bob", memory_id)
    assert {name: getattr(memory, name) for name in given} == given


async def test_a_duplicate_is_answered_with_the_first_memory_and_is_searchable(rooms: Rooms) -> None:
    command = StoreMemory(content="a b c")

    outcomes = await rooms.store(command, command)

    assert statuses(outcomes) == ["stored", "duplicate"]
    assert len(set(ids(outcomes))) == 1
    assert await rooms.recalled("a b c") == ["a b c"]


async def test_a_duplicate_brings_a_memory_that_was_only_accepted_into_the_search(rooms: Rooms) -> None:
    rooms.vectors.away = True
    assert statuses(await rooms.store(StoreMemory(content="a b c"))) == ["accepted"]
    rooms.vectors.away = False

    assert statuses(await rooms.store(StoreMemory(content="a b c"))) == ["duplicate"]

    assert await rooms.recalled("a b c") == ["a b c"]


async def test_a_source_that_the_ledger_cannot_hold_is_refused_alone(rooms: Rooms) -> None:
    source = Source.model_construct(uri="file:///\x00", symbol=None, line=None)
    bad = StoreMemory.model_construct(content="bad", source=source)

    outcomes = await rooms.store(StoreMemory(content="a"), bad, StoreMemory(content="b"))

    assert statuses(outcomes) == ["stored", "invalid", "stored"]


async def test_while_the_vector_engine_is_away_memories_are_accepted(rooms: Rooms) -> None:
    rooms.vectors.away = True

    outcomes = await rooms.store(StoreMemory(content="a"), StoreMemory(content="b"), StoreMemory(content="a"))

    assert statuses(outcomes) == ["accepted"] * 3
    assert await rooms.projections.behind() == 2


async def test_what_the_vector_engine_refuses_is_committed_and_hinders_no_neighbour(
    rooms: Rooms, edge: Vectors
) -> None:
    huge = StoreMemory(content="huge").model_copy(update={"metadata": HUGE})
    commands = [StoreMemory(content="a"), huge, StoreMemory(content="b")]
    senders = [origin() for _ in commands]
    ports = {**rooms.storing, "vectors": edge}

    outcomes = await store_memory(commands, origins=senders, **ports)
    again = await store_memory(commands, origins=senders, **ports)

    assert statuses(outcomes) == statuses(again) == ["stored", "accepted", "stored"]
    assert await edge.count({}) == 2
    assert await rooms.projections.behind() == 1


async def test_a_conflict_in_a_batch_is_its_own(rooms: Rooms) -> None:
    sender = origin()
    await rooms.store(StoreMemory(content="a"), origins=[sender])

    refused, stored = await rooms.store(
        StoreMemory(content="other"), StoreMemory(content="b"), origins=[sender, origin()]
    )

    assert isinstance(refused, Conflict)
    assert statuses([stored]) == ["stored"]


async def test_a_batch_has_one_result_for_each_of_its_memories_in_order(rooms: Rooms) -> None:
    batch, other = origin(command_id="batch"), origin(command_id="other")
    taken = await rooms.remember("taken")
    commands = [
        StoreMemories(memories=[StoreMemory(content="a"), StoreMemory(content="b", id=taken)]),
        StoreMemories(memories=[StoreMemory(content="c")]),
    ]

    first, second = await store_memories(commands, origins=[batch, other], **rooms.storing)

    assert isinstance(first, StoreOutcomes)
    assert isinstance(second, StoreOutcomes)
    stored, refused = first.results
    assert stored.status == "stored"
    assert isinstance(stored, StoreOutcome)
    assert stored.memory_id == memory_id_for(batch.item(0).key)
    assert isinstance(refused, Problem)
    assert (refused.code, refused.command_id) == ("conflict", "batch/1")
    assert [result.status for result in second.results] == ["stored"]


async def test_a_batch_sent_again_gives_its_first_results(rooms: Rooms) -> None:
    sender = origin()
    command = StoreMemories(memories=[StoreMemory(content="a"), StoreMemory(content="a"), StoreMemory(content="b")])

    [first] = await store_memories([command], origins=[sender], **rooms.storing)
    [again] = await store_memories([command], origins=[sender], **rooms.storing)

    assert again == first
    assert await count(rooms.pool, "agent_memories") == 2


async def test_nothing_is_superseded_as_of_the_future(rooms: Rooms) -> None:
    former = await rooms.remember("ada lives in paris", agent_id="ada")
    ahead, now = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC)
    moved = {"content": "ada lives in berlin", "agent_id": "ada", "supersedes": [former]}
    batch = StoreMemories(
        memories=[
            StoreMemory(**moved, occurred_at=ahead),
            StoreMemory(content="ada will live in rome", agent_id="ada", occurred_at=ahead),
            StoreMemory(**moved, occurred_at=now),
        ]
    )

    [alone] = await rooms.store(StoreMemory(**moved, occurred_at=ahead))
    [answer] = await store_memories([batch], origins=[origin()], **rooms.storing)

    assert isinstance(alone, InvalidCommand)
    assert [fault.field for fault in alone.faults] == ["occurred_at"]
    assert isinstance(answer, StoreOutcomes)
    first, *others = answer.results
    assert isinstance(first, Problem)
    assert (first.code, [fault.field for fault in first.faults]) == ("invalid", ["occurred_at"])
    assert [isinstance(one, StoreOutcome) and one.status for one in others] == ["stored", "stored"]
    memory = await rooms.memories.get("default", "ada", former)
    assert (memory.superseded_by, memory.superseded_at) == (ids(others)[1], now)


async def test_passages_of_documents_are_shared_and_keep_their_place(rooms: Rooms) -> None:
    item = IngestItem(
        content="def f",
        source=Source(uri="file:///a.py", symbol="f", line=3),
        sequence=1,
        metadata={"language": "python"},
        tags=["code"],
    )

    [outcomes] = await ingest_batch(
        [IngestBatch(items=[item, item], agent_id="ingest")], origins=[origin()], **rooms.storing
    )

    assert isinstance(outcomes, StoreOutcomes)
    assert [result.status for result in outcomes.results] == ["stored", "duplicate"]
    [found] = (await rooms.query("def f", agent_id="bob")).memories.results
    assert (found.visibility, found.kind, found.agent_id) == ("shared", "document", "ingest")
    assert {name: getattr(found, name) for name in IngestItem.model_fields if name != "kind"} == {
        name: getattr(item, name) for name in IngestItem.model_fields if name != "kind"
    }
