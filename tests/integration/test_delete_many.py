"""Deleting many memories at once: what is meant, how far it reaches, and that it goes on where it was."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import Rooms, count, draft, facts_in, origin, statuses, vector_of
from running import until

from memos.errors import Conflict, Unavailable
from memos.events.deletions import DeleteMemories, DeletionReceipt
from memos.events.filters import MemoryFilter
from memos.events.memories import DeleteMemory, StoreMemory
from memos.handlers.memories.change import delete_memory
from memos.handlers.memories.filters import filter_of
from memos.handlers.memories.forget import delete_memories
from memos.ports import Vectors
from memos.ports.deletions import Deletion, Part, Reach, Selection
from memos.projection.derived import DerivedVectors
from memos.records import Draft, Origin, RecordKey, Source
from memos.stores.deletions import PostgresDeletions
from memos.stores.postgres import Connection
from memos.stores.sql import load_queries
from memos.stores.storing import Storing

pytest_plugins = ["rooms"]


async def delete(
    rooms: Rooms, of: Origin | None = None, *, dry_run: bool = False, **conditions: Any
) -> DeletionReceipt:
    command = DeleteMemories(dry_run=dry_run, **conditions)
    return await delete_memories(command, origin=of or origin(), **rooms.deleting_many)


def removed(receipt: DeletionReceipt) -> dict[str, int]:
    return {store.name: store.removed for store in receipt.stores}


def pending(receipt: DeletionReceipt) -> dict[str, int]:
    return {store.name: store.pending for store in receipt.stores}


async def live(rooms: Rooms) -> list[str]:
    """The contents of all memories of all tenants that are not deleted."""
    rows = await rooms.pool.fetch("select content from agent_memories where deleted_at is null order by content")
    return [content for (content,) in rows]


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> int:
    """Slices of three, of which two without anything that is meant are passed over together."""
    monkeypatch.setattr("memos.stores.deletions.SLICE", 3)
    monkeypatch.setattr("memos.stores.deletions.MOST_EMPTY_SLICES", 2)
    return 3


MONDAY, TUESDAY = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
WANTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"agent_id": "ada"}, {"agent_id": "bob"}),
    ({"filter": {"session_id": "s"}}, {"session_id": "t"}),
    ({"filter": {"source": "a.py"}}, {"source": Source(uri="a.pyx")}),
    ({"filter": {"tags": ["x", "y"]}}, {"tags": ["x"]}),
    ({"filter": {"kind": "note"}}, {"kind": "task"}),
    ({"filter": {"visibility": "shared"}}, {"visibility": "private"}),
    ({"filter": {"metadata": {"n": 1, "b": True}}}, {"metadata": {"n": 1, "b": False}}),
    ({"filter": {"occurred_after": MONDAY}}, {"occurred_at": MONDAY - timedelta(microseconds=1)}),
    (
        {"filter": {"occurred_before": TUESDAY}},
        {"occurred_at": TUESDAY},
    ),
    ({"filter": {"kind": ["note", "idea"]}}, {"kind": "task"}),
    ({"filter": {"agent_id": ["ada", "eve"]}}, {"agent_id": "bob"}),
    ({"filter": {"session_id": ["s", "u"]}}, {"session_id": "t"}),
    ({"filter": {"source": ["a.py", "b.py"]}}, {"source": Source(uri="c.py")}),
    ({"filter": {"tags_any": ["x", "w"]}}, {"tags": ["y"]}),
    ({"filter": {"importance": {"gt": 0.25}}}, {"importance": 0.25}),
    ({"filter": {"importance": {"gt": 0.25}}}, {"importance": None}),
    ({"filter": {"sequence": {"gte": 3, "lt": 5}}}, {"sequence": 5}),
    ({"filter": {"metadata": {"n": 1.0}}}, {"metadata": {"n": True, "b": True}}),
    ({"filter": {"metadata": {"n": [1, 2]}}}, {"metadata": {"n": 1.5}}),
    ({"filter": {"metadata": {"more": {"gte": 2}}}}, {"metadata": {"n": 1, "b": True, "more": [1]}}),
    ({"filter": {"metadata": {"due": {"lt": TUESDAY.isoformat()}}}}, {"metadata": {"due": "2026-05-05T00:00:00Z"}}),
    ({"filter": {"not": {"visibility": "private"}}}, {"visibility": "private"}),
    ({"filter": {"or": [{"kind": "idea"}, {"tags": ["z"]}]}}, {"tags": ["x"]}),
    ({"filter": {"and": [{"kind": "note"}, {"not": {"tags": ["u"]}}]}}, {"tags": ["u"]}),
]


@pytest.mark.parametrize(("conditions", "other"), WANTED, ids=[str(conditions) for conditions, _ in WANTED])
async def test_what_meets_a_condition_is_deleted_and_what_misses_it_by_a_little_is_not(
    rooms: Rooms, conditions: dict[str, Any], other: dict[str, Any]
) -> None:
    fields: dict[str, Any] = {
        "agent_id": "ada",
        "session_id": "s",
        "source": Source(uri="a.py", symbol="f"),
        "tags": ["y", "z", "x"],
        "kind": "note",
        "visibility": "shared",
        "metadata": {"n": 1, "b": True, "more": [1, 2], "due": "2026-05-04T23:59:59.999Z"},
        "importance": 0.5,
        "sequence": 4,
        "occurred_at": MONDAY,
    }
    await rooms.remember("meant", **fields)
    await rooms.remember("other", **{**fields, **other})

    receipt = await delete(rooms, **conditions)

    assert await live(rooms) == ["other"]
    assert (receipt.status, receipt.matched) == ("deleted", 1)


async def test_memories_are_deleted_by_the_time_at_which_they_were_stored(rooms: Rooms) -> None:
    first = await rooms.remember("first")
    await rooms.remember("second")
    moment = await rooms.pool.fetchval("select created_at from agent_memories where memory_id = $1", first)
    after = (moment + timedelta(microseconds=1)).isoformat()

    assert (await delete(rooms, dry_run=True, filter={"created_after": moment.isoformat()})).matched == 2
    assert (await delete(rooms, filter={"created_before": after})).matched == 1
    assert await live(rooms) == ["second"]


async def test_a_deletion_means_what_a_query_with_the_same_filter_finds(rooms: Rooms) -> None:
    for number in range(40):
        await rooms.remember(
            f"a {number}",
            agent_id="ada",
            tags=[f"t{number % 3}"],
            importance=number / 40,
            metadata={"n": number, "half": number / 2, "odd": number % 2 == 1},
            **({"session_id": f"s{number % 4}"} if number % 5 else {}),
        )
    some = {"or": [{"tags": ["t1"], "importance": {"gte": 0.5}}, {"not": {"metadata": {"n": {"lt": 36}}}}]}
    wanted = {"and": [some], "not": {"session_id": "s1"}, "metadata": {"odd": [True, 0], "half": {"gt": 3}}}
    matching = filter_of("default", "ada", MemoryFilter.model_validate(wanted))
    hits = await rooms.vectors.search(vector_of("a"), matching=matching, limit=100)

    receipt = await delete(rooms, filter=wanted)

    assert set(receipt.examples) == {hit.memory_id for hit in hits}
    assert 0 < receipt.matched < 20


async def test_slices_without_a_match_are_passed_over_whatever_the_filter(rooms: Rooms, short_slices: int) -> None:
    for number in range(5 * short_slices):
        await rooms.remember(f"text {number}", metadata={"n": number})

    receipt = await delete(rooms, filter={"metadata": {"n": {"gte": 7, "lt": 9}}})

    assert receipt.matched == 2
    assert len(await live(rooms)) == 5 * short_slices - 2


async def test_all_conditions_must_be_met(rooms: Rooms) -> None:
    ids = [
        await rooms.remember("a", agent_id="ada", tags=["x"]),
        await rooms.remember("b", agent_id="ada"),
        await rooms.remember("c", agent_id="bob", tags=["x"]),
    ]
    await rooms.remember("d", agent_id="ada", tags=["x"])

    await delete(rooms, memory_ids=ids, agent_id="ada", filter={"tags": ["x"]})

    assert await live(rooms) == ["b", "c", "d"]


async def test_the_receipt_counts_every_store_and_each_memory_is_a_fact(rooms: Rooms) -> None:
    ids = {await rooms.remember(f"text {n}", agent_id="ada") for n in range(3)}

    receipt = await delete(rooms, agent_id="ada")

    assert receipt.model_dump(exclude={"deletion_id", "examples", "message"}) == {
        "success": True,
        "dry_run": False,
        "status": "deleted",
        "matched": 3,
        "absent": 0,
        "stores": [
            {"name": "ledger", "removed": 3, "pending": 0},
            {"name": "vectors", "removed": 3, "pending": 0},
        ],
    }
    assert set(receipt.examples) == ids
    assert await rooms.vectors.count({}) == 0
    assert await rooms.projections.behind() == 0
    gone = [fact.model_dump() for kind, fact in await facts_in(rooms.pool) if kind == "memos.memory.deleted.v1"]
    assert {fact["memory_id"] for fact in gone} == ids
    assert {fact["reason"] for fact in gone} == {"requested"}


async def test_a_dry_run_tells_what_would_be_deleted_and_changes_nothing(rooms: Rooms) -> None:
    ids = {await rooms.remember(f"text {n}", agent_id="ada") for n in range(120)}
    missing, sender = uuid4(), origin()
    before = await contents(rooms)

    told = await delete(rooms, sender, dry_run=True, agent_id="ada")
    by_id = await delete(rooms, sender, dry_run=True, memory_ids=[*ids, missing])

    assert await contents(rooms) == before
    assert await rooms.vectors.count({}) == 120
    assert (told.deletion_id, told.dry_run, told.status, told.matched) == (None, True, "dry-run", 120)
    assert removed(told) == {"ledger": 120, "vectors": 120}
    assert len(told.examples) == 100
    assert set(told.examples) < ids
    assert (by_id.matched, by_id.absent) == (120, 1)
    done = await delete(rooms, sender, agent_id="ada")
    assert (done.matched, removed(done)) == (120, removed(told))


async def contents(rooms: Rooms) -> list[Any]:
    """Every row of every table, with the transactions that wrote and locked it."""
    tables = await rooms.pool.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [await rooms.pool.fetch(f"select xmin, xmax, * from {name} order by ctid") for (name,) in tables]  # noqa: S608


async def test_another_tenant_is_never_touched(rooms: Rooms, short_slices: int) -> None:
    memory_id = uuid4()
    for tenant in ("a", "b"):
        await rooms.remember("same", tenant=tenant, id=memory_id, agent_id="ada")
        for n in range(2 * short_slices):
            await rooms.remember(f"{tenant} {n}", tenant=tenant, agent_id="ada")

    receipt = await delete(rooms, origin(tenant="a"), agent_id="ada")
    by_id = await delete(rooms, origin(tenant="c"), memory_ids=[memory_id])

    assert receipt.matched == 2 * short_slices + 1
    assert (by_id.matched, by_id.absent) == (0, 1)
    assert await rooms.recalled("same", tenant="b", agent_id="ada", top_k=1) == ["same"]
    assert await live(rooms) == [*(f"b {n}" for n in range(2 * short_slices)), "same"]


async def test_a_deletion_of_ids_that_comes_before_the_stores_wins(rooms: Rooms) -> None:
    known, early = await rooms.remember("known"), uuid4()

    receipt = await delete(rooms, memory_ids=[known, early, early])
    [late] = await rooms.store(StoreMemory(content="late", id=early))

    assert (receipt.matched, receipt.absent) == (1, 1)
    assert statuses([late]) == ["gone"]
    again = await delete(rooms, memory_ids=[known, early])
    assert (again.status, again.matched, again.absent) == ("deleted", 0, 0)


async def test_ids_with_a_filter_refuse_no_store_that_comes_later(rooms: Rooms) -> None:
    early = uuid4()

    receipt = await delete(rooms, memory_ids=[early], filter={"kind": "note"})

    assert receipt.absent == 0
    assert statuses(await rooms.store(StoreMemory(content="late", id=early))) == ["stored"]


async def test_ids_at_both_ends_of_their_space_are_reached(rooms: Rooms, short_slices: int) -> None:
    for number in (0, 1, 2**128 - 1):
        await rooms.remember(f"text {number}", id=UUID(int=number), agent_id="ada")

    assert (await delete(rooms, agent_id="ada")).matched == short_slices
    assert await live(rooms) == []


async def test_ids_that_tenants_share_are_told_apart_wherever_a_slice_ends(rooms: Rooms, short_slices: int) -> None:
    for number in range(2 * short_slices):
        for tenant in ("a", "b"):
            await rooms.commit(draft(f"{tenant} {number}", of=origin(tenant=tenant), memory_id=UUID(int=number)))

    receipts = [await delete(rooms, origin(tenant=tenant), agent_id="ada") for tenant in ("a", "b")]

    assert [receipt.matched for receipt in receipts] == [2 * short_slices] * 2


async def test_a_store_that_is_under_way_when_its_id_is_deleted_is_deleted_too(rooms: Rooms) -> None:
    one = draft()
    gate = asyncio.Event()

    async def store() -> None:
        async with rooms.pool.acquire() as connection, connection.transaction():
            await Storing(connection, load_queries("memories.sql"), [one]).run()
            gate.set()
            await blocked(rooms)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        storing = tasks.create_task(store())
        await gate.wait()
        receipt = await delete(rooms, memory_ids=[one.memory_id])
        await storing

    assert (receipt.matched, receipt.absent) == (1, 0)
    assert await live(rooms) == []


class StoringFirst(PostgresDeletions):
    """Stores a memory whose id is about to be refused, in a transaction that began after the deletion's."""

    def __init__(self, rooms: Rooms, one: Draft) -> None:
        super().__init__(rooms.pool)
        self._rooms = rooms
        self._one = one

    async def _foresee(self, connection: Connection, selection: Selection, start: UUID) -> int:
        await self._rooms.commit(self._one)
        return await super()._foresee(connection, selection, start)


async def test_a_store_that_begins_after_a_deletion_of_its_id_and_is_faster_is_deleted_too(rooms: Rooms) -> None:
    one = draft()

    receipt = await delete_memories(
        DeleteMemories(memory_ids=[one.memory_id], dry_run=False),
        origin=origin(),
        **{**rooms.deleting_many, "deletions": StoringFirst(rooms, one)},
    )

    assert (receipt.matched, receipt.absent) == (1, 0)
    assert await live(rooms) == []


async def blocked(rooms: Rooms) -> None:
    """Return when a transaction waits for another."""

    async def waits() -> bool:
        return bool(await rooms.pool.fetchval("select count(*) from pg_locks where not granted"))

    await until(waits)


class Interrupted(Exception):
    """What stands for a worker that is killed."""


class KilledBefore(PostgresDeletions):
    """Ends the worker's work before or after the calls that a test counts down."""

    def __init__(self, rooms: Rooms, *, buries: int = 99, advances: int = 99) -> None:
        super().__init__(rooms.pool)
        self._left = {"bury": buries, "advance": advances}

    async def bury(self, deletion: Deletion, selection: Selection) -> Part:
        part = await super().bury(deletion, selection)
        self._count_down("bury")
        return part

    async def advance(self, deletion: Deletion, part: Part, reached: Sequence[Reach]) -> Deletion:
        self._count_down("advance")
        return await super().advance(deletion, part, reached)

    def _count_down(self, name: str) -> None:
        self._left[name] -= 1
        if self._left[name] < 0:
            raise Interrupted


@pytest.mark.parametrize("calls", [{"buries": 2}, {"advances": 1}], ids=["after tombstones", "after points"])
async def test_a_deletion_that_a_crash_cut_short_goes_on_where_it_was(
    rooms: Rooms, short_slices: int, calls: dict[str, int]
) -> None:
    ids = [await rooms.remember(f"text {n}", agent_id="ada") for n in range(3 * short_slices + 1)]
    command, sender = DeleteMemories(agent_id="ada", dry_run=False), origin()
    ports = {**rooms.deleting_many, "deletions": KilledBefore(rooms, **calls)}
    with pytest.raises(Interrupted):
        await delete_memories(command, origin=sender, **ports)
    assert 0 < len(await live(rooms)) < len(ids)

    receipt = await delete_memories(command, origin=sender, **rooms.deleting_many)

    assert (receipt.status, receipt.matched, removed(receipt)["ledger"]) == ("deleted", len(ids), len(ids))
    assert set(receipt.examples) == set(ids)
    assert len(receipt.examples) == len(ids)
    assert await live(rooms) == []
    assert await rooms.vectors.count({}) == 0
    assert await delete_memories(command, origin=sender, **rooms.deleting_many) == receipt
    assert len([1 for kind, _ in await facts_in(rooms.pool) if kind == "memos.memory.deleted.v1"]) == len(ids)


async def test_points_of_a_slice_that_a_crash_cut_off_from_its_tombstones_are_removed(
    rooms: Rooms, short_slices: int
) -> None:
    for n in range(short_slices):
        await rooms.remember(f"text {n}", agent_id="ada")
    command, sender = DeleteMemories(agent_id="ada", dry_run=False), origin()
    with pytest.raises(Interrupted):
        await delete_memories(
            command, origin=sender, **{**rooms.deleting_many, "deletions": KilledBefore(rooms, buries=0)}
        )
    assert (await live(rooms), await rooms.vectors.count({})) == ([], short_slices)

    receipt = await delete_memories(command, origin=sender, **rooms.deleting_many)

    assert removed(receipt) == {"ledger": short_slices, "vectors": short_slices}
    assert await rooms.vectors.count({}) == 0


async def test_two_workers_with_one_deletion_count_each_memory_once(rooms: Rooms, short_slices: int) -> None:
    for n in range(8 * short_slices):
        await rooms.remember(f"text {n}", agent_id="ada")
    sender = origin()

    receipts = await asyncio.gather(*(delete(rooms, sender, agent_id="ada") for _ in range(4)))

    assert {receipt.matched for receipt in receipts} == {8 * short_slices}
    assert all(receipt == receipts[0] for receipt in receipts)
    assert await rooms.vectors.count({}) == 0


async def test_a_slice_that_two_workers_have_in_hand_is_counted_once(rooms: Rooms, short_slices: int) -> None:
    for n in range(short_slices + 1):
        await rooms.commit(draft(f"text {n}"))
    deletions, selection = PostgresDeletions(rooms.pool), Selection("default", agent_id="ada")
    begun = await deletions.begin(origin(), b"digest")

    parts = [await deletions.bury(begun, selection) for _ in range(2)]
    for part in parts:
        begun = await deletions.advance(begun, part, [Reach("vectors", 2, 1)])

    assert parts[0] == parts[1]
    assert begun.progress.removed == {"ledger": short_slices, "vectors": 2}
    assert begun.progress.pending == {"vectors": 1}
    assert begun.progress.start == parts[0].next


async def test_a_deletion_repeated_with_its_id_deletes_nothing_that_came_since(rooms: Rooms) -> None:
    sender = origin()
    await rooms.remember("before", agent_id="ada")
    first = await delete(rooms, sender, agent_id="ada")
    await rooms.remember("since", agent_id="ada")

    assert await delete(rooms, sender, agent_id="ada") == first
    assert await live(rooms) == ["since"]
    with pytest.raises(Conflict, match="used before with another body"):
        await delete(rooms, sender, agent_id="bob")
    with pytest.raises(Conflict, match="used before with another body"):
        await delete_memory(DeleteMemory(memory_id=uuid4()), origin=sender, **rooms.deleting)


class StoringMore(PostgresDeletions):
    """Stores another memory of the same agent after every slice."""

    def __init__(self, rooms: Rooms) -> None:
        super().__init__(rooms.pool)
        self._rooms = rooms
        self.stored = 0

    async def bury(self, deletion: Deletion, selection: Selection) -> Part:
        part = await super().bury(deletion, selection)
        last = UUID(int=2**128 - 1 - self.stored)
        await self._rooms.commit(draft(f"more {self.stored}", agent_id="ada", memory_id=last))
        self.stored += 1
        return part


async def test_memories_stored_while_a_deletion_goes_on_are_left_alone_so_that_it_ends(
    rooms: Rooms, short_slices: int
) -> None:
    for n in range(2 * short_slices):
        await rooms.remember(f"text {n}", agent_id="ada")
    storing = StoringMore(rooms)

    async with asyncio.timeout(20):
        receipt = await delete_memories(
            DeleteMemories(agent_id="ada", dry_run=False),
            origin=origin(),
            **{**rooms.deleting_many, "deletions": storing},
        )

    assert receipt.matched == 2 * short_slices
    assert await live(rooms) == [f"more {n}" for n in range(storing.stored)]


async def test_what_is_far_apart_is_found_all_the_same(rooms: Rooms, short_slices: int) -> None:
    for number in range(12 * short_slices):
        agent = "ada" if number % (5 * short_slices) == 4 else "bob"
        await rooms.commit(draft(f"text {number:02}", memory_id=UUID(int=number), agent_id=agent))

    receipt = await delete(rooms, agent_id="ada")

    assert receipt.matched == 3
    assert len(await live(rooms)) == 12 * short_slices - 3


async def test_an_engine_that_is_away_is_reminded_when_the_deletion_is_repeated(
    rooms: Rooms, short_slices: int
) -> None:
    for n in range(2 * short_slices):
        await rooms.remember(f"text {n}", agent_id="ada")
    sender = origin()
    rooms.vectors.away = True

    told = await delete(rooms, dry_run=True, agent_id="ada")
    accepted = await delete(rooms, sender, agent_id="ada")
    still = await delete(rooms, sender, agent_id="ada")

    assert (told.matched, pending(told)) == (6, {"ledger": 0, "vectors": 6})
    assert (accepted.status, pending(accepted)) == ("accepted", {"ledger": 0, "vectors": 6})
    assert still == accepted
    assert await live(rooms) == []
    rooms.vectors.away = False
    await rooms.remember("since", agent_id="ada")
    done = await delete(rooms, sender, agent_id="ada")
    assert (done.status, removed(done), pending(done)) == (
        "deleted",
        {"ledger": 6, "vectors": 6},
        {"ledger": 0, "vectors": 0},
    )
    assert await live(rooms) == ["since"]
    assert await rooms.vectors.count({}) == 1


async def test_points_of_the_embedded_engine_are_counted_and_removed(rooms: Rooms, edge: Vectors) -> None:
    drafts = [draft(f"text {n}", agent_id="ada" if n < 700 else "bob") for n in range(1000)]
    await rooms.commit(*drafts)
    await rooms.reproject([RecordKey("default", one.memory_id) for one in drafts], vectors=edge)
    ports = {**rooms.deleting_many, "derived": [DerivedVectors(edge, rooms.projections)]}

    told = await delete_memories(DeleteMemories(agent_id="ada"), origin=origin(), **ports)
    assert (removed(told), await edge.count({})) == ({"ledger": 700, "vectors": 700}, 1000)
    done = await delete_memories(DeleteMemories(agent_id="ada", dry_run=False), origin=origin(), **ports)

    assert (removed(done), await edge.count({})) == ({"ledger": 700, "vectors": 700}, 300)
    assert await rooms.projections.behind() == 0


class Answers:
    """Cached answers, by the memories that they were made from; refuses when told to."""

    name = "answers"

    def __init__(self, *records: RecordKey) -> None:
        self.made_from = set(records)
        self.away = False

    async def count(self, records: Sequence[RecordKey]) -> int:
        if self.away:
            raise Unavailable("The answers are away.")
        return len(self.made_from & set(records))

    async def forget(self, records: Sequence[RecordKey]) -> int:
        removed = await self.count(records)
        self.made_from -= set(records)
        return removed


async def test_whatever_is_registered_is_reached_and_named_in_the_receipts(rooms: Rooms) -> None:
    one, other, kept = [RecordKey("default", await rooms.remember(text, agent_id="ada")) for text in "abc"]
    answers = Answers(one, other, kept)
    derived = [DerivedVectors(rooms.vectors, rooms.projections), answers]

    single = await delete_memory(
        DeleteMemory(memory_id=one.memory_id, agent_id="ada"),
        origin=origin(),
        **{**rooms.deleting, "derived": derived},
    )
    command, sender = DeleteMemories(memory_ids=[other.memory_id], dry_run=False), origin()
    answers.away = True
    ports = {**rooms.deleting_many, "derived": derived}
    accepted = await delete_memories(command, origin=sender, **ports)
    answers.away = False
    done = await delete_memories(command, origin=sender, **ports)

    counted = {store.name: store.removed for store in single.stores}
    assert counted == {"ledger": 1, "vectors": 1, "answers": 1}
    assert (accepted.status, pending(accepted)) == ("accepted", {"ledger": 0, "vectors": 0, "answers": 1})
    assert (done.status, removed(done)) == ("deleted", {"ledger": 1, "vectors": 1, "answers": 1})
    assert answers.made_from == {kept}


async def test_a_change_that_takes_a_memory_out_of_what_is_meant_in_time_saves_it(rooms: Rooms) -> None:
    memory_id = await rooms.remember("a", tags=["old"])
    async with rooms.pool.acquire() as connection, connection.transaction():
        await connection.execute("update agent_memories set tags = '{new}' where memory_id = $1", memory_id)
        deleting = asyncio.create_task(delete(rooms, filter={"tags": ["old"]}))
        await blocked(rooms)

    assert (await deleting).matched == 0
    assert await live(rooms) == ["a"]


async def test_stores_changes_and_deletions_at_once_leave_no_point_of_what_is_deleted(rooms: Rooms) -> None:
    ids = [uuid4() for _ in range(30)]
    stores = [StoreMemory(content=f"text {n}", id=memory_id, agent_id="ada") for n, memory_id in enumerate(ids)]

    await asyncio.gather(
        *(rooms.store(*stores[start : start + 5]) for start in range(0, 30, 5)),
        *(delete(rooms, memory_ids=ids[start : start + 10]) for start in range(0, 30, 10)),
        rooms.reproject([RecordKey("default", memory_id) for memory_id in ids]),
    )

    assert await live(rooms) == []
    assert await rooms.vectors.count({}) == 0
    assert await rooms.projections.behind() == 0


async def test_what_has_expired_but_is_not_buried_yet_is_deleted_with_the_rest(rooms: Rooms) -> None:
    await rooms.commit(draft(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    assert (await delete(rooms, agent_id="ada")).matched == 1
    assert await count(rooms.pool, "agent_memories where deleted_at is null") == 0


async def test_an_empty_selection_cannot_be_sent() -> None:
    nothings: list[dict[str, Any]] = [{}, {"filter": {}}, {"memory_ids": []}, {"filter": {"tags": []}}]
    for nothing in nothings:
        with pytest.raises(ValueError, match=r"at least one condition|at least 1 item"):
            DeleteMemories.model_validate(nothing)
