"""Handlers of the commands that delete many memories, and that purge what was deleted."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

from memos.errors import MemosError
from memos.events.commands import DEFAULT_AGENT
from memos.events.deletions import DeleteMemories, DeletionReceipt, PurgeMemories, PurgeReceipt
from memos.events.memories import StoreReceipt
from memos.handlers.digests import digest_of
from memos.handlers.memories.filters import conditions_of
from memos.ports import Derived
from memos.ports.deletions import (
    FIRST_ID,
    LEDGER,
    Deletion,
    Deletions,
    Part,
    Progress,
    Reach,
    Selection,
    Tombstone,
    Tombstones,
)
from memos.records import Origin, RecordKey

log = logging.getLogger(__name__)

Done = TypeVar("Done", Literal["deleted"], Literal["purged"])

TABLES = (
    "agent_memories",
    "memory_versions",
    "memory_embeddings",
    "memory_links",
    "memory_reports",
    "commands",
)


class Wording(NamedTuple):
    """What a receipt says: of a dry run, of no memory, and by status of one memory and of several."""

    foretold: str
    nothing: str
    done: Mapping[str, tuple[str, str]]

    def of(self, status: str, number: int) -> str:
        """The sentence for a number of memories."""
        if status == "dry-run":
            return self.foretold
        if number == 0:
            return self.nothing
        one, several = self.done[status]
        return one if number == 1 else several.format(number)


DELETED = Wording(
    foretold="Nothing is deleted. Send this with dry_run false to delete what is counted here.",
    nothing="No memory meets the conditions; nothing was deleted.",
    done={
        "deleted": (
            "1 memory is deleted: no answer and no store has it any more.",
            "{} memories are deleted: no answer and no store has them any more.",
        ),
        "accepted": (
            "1 memory is deleted; a store that was away drops what it has of it once it is back.",
            "{} memories are deleted; a store that was away drops what it has of them once it is back.",
        ),
    },
)
PURGED = Wording(
    foretold="Nothing is purged. Send this with dry_run false to remove for good what is counted here.",
    nothing=(
        "Nothing was purged: no deleted memory that still holds its content meets the conditions. "
        "Delete a memory before you purge it."
    ),
    done={
        "purged": (
            "1 memory: its content is gone for good from the ledger and every store; the tombstone stays.",
            "{} memories: their content is gone for good from the ledger and every store; the tombstones stay.",
        ),
        "accepted": (
            "1 memory: its content is gone for good from the ledger; a store that was away drops it later.",
            "{} memories: their content is gone for good from the ledger; a store that was away drops it later.",
        ),
    },
)


async def delete_memories(
    command: DeleteMemories, *, origin: Origin, deletions: Deletions, derived: Sequence[Derived]
) -> DeletionReceipt:
    """Forget every memory that is meant, a slice at a time; sent again it goes on where it was."""
    selection = _selection(origin.tenant, command)
    if command.dry_run:
        return _deleted(None, await _foretold(selection, deletions, derived), derived)
    deletion = await deletions.begin(origin, digest_of(command))
    if deletion.finished and any(deletion.progress.pending.values()):
        deletion = await _remind(deletion, selection, deletions, derived)
    while not deletion.finished:
        part = await deletions.bury(deletion, selection)
        deletion = await deletions.advance(deletion, part, await forget_everywhere(part.records, derived))
    return _deleted(deletion.deletion_id, deletion.progress, derived)


async def purge_memories(
    command: PurgeMemories, *, origin: Origin, deletions: Deletions, derived: Sequence[Derived]
) -> PurgeReceipt:
    """Remove the content of deleted memories for good, a slice at a time; sent again it goes on where it was."""
    wanted = Tombstones(origin.tenant, command.memory_ids, command.deleted_before)
    if command.dry_run:
        return _purged(None, await _purge_foretold(wanted, deletions, derived), derived)
    purge = await deletions.begin(origin, digest_of(command))
    wanted = replace(wanted, deleted_before=min(command.deleted_before or purge.begun, purge.begun))
    after: Tombstone | None = None
    while not purge.finished:
        slice_ = await deletions.tombstones(wanted, after)
        purge = await deletions.purge(purge, slice_, await forget_everywhere(_records(slice_), derived))
        after = slice_[-1] if slice_ else None
    return _purged(purge.deletion_id, purge.progress, derived)


async def forget_everywhere(records: Sequence[RecordKey], derived: Sequence[Derived]) -> list[Reach]:
    """Have every store forget buried records; one that is away still has to be reminded."""
    return [await _ask(store, store.forget, records) for store in derived] if records else []


async def _count_everywhere(records: Sequence[RecordKey], derived: Sequence[Derived]) -> list[Reach]:
    return [await _ask(store, store.count, records) for store in derived] if records else []


async def _ask(
    store: Derived, ask: Callable[[Sequence[RecordKey]], Awaitable[int]], records: Sequence[RecordKey]
) -> Reach:
    try:
        return Reach(store.name, await ask(records), 0)
    except MemosError as error:
        log.warning("%s may still have something of %d memories: %s", store.name, len(records), error)
        return Reach(store.name, 0, len(records))


async def _foretold(selection: Selection, deletions: Deletions, derived: Sequence[Derived]) -> Progress:
    progress = Progress()
    async for part in _parts(selection, deletions):
        ids = [record.memory_id for record in part.records]
        counted = await _count_everywhere(part.records, derived)
        progress = progress.with_part(ids, part.absent).with_reached(counted)
    return progress


async def _remind(
    deletion: Deletion, selection: Selection, deletions: Deletions, derived: Sequence[Derived]
) -> Deletion:
    """Have the stores forget once more what was buried; some were away when the ledger had done its part."""
    reached: list[Reach] = []
    async for part in _parts(selection, deletions, buried_since=deletion.begun):
        reached.extend(await forget_everywhere(part.records, derived))
    return await deletions.correct(deletion, reached)


async def _parts(
    selection: Selection, deletions: Deletions, buried_since: datetime | None = None
) -> AsyncIterator[Part]:
    start: UUID | None = FIRST_ID
    while start is not None:
        part = await deletions.look(selection, start, buried_since=buried_since)
        yield part
        start = part.next


async def _purge_foretold(wanted: Tombstones, deletions: Deletions, derived: Sequence[Derived]) -> Progress:
    progress = Progress()
    slice_ = await deletions.tombstones(wanted, None)
    while slice_:
        counted = await _count_everywhere(_records(slice_), derived)
        progress = progress.with_rows(await deletions.count_rows(slice_)).with_reached(counted)
        slice_ = await deletions.tombstones(wanted, slice_[-1])
    return progress


def _selection(tenant: str, command: DeleteMemories) -> Selection:
    foreseen = command.memory_ids is not None and command.filter is None
    return Selection(
        tenant=tenant,
        memory_ids=command.memory_ids,
        agent_id=command.agent_id,
        matching={"must": conditions_of(command.filter)} if command.filter else None,
        foreseen_for=(command.agent_id or DEFAULT_AGENT) if foreseen else None,
    )


def _records(tombstones: Sequence[Tombstone]) -> list[RecordKey]:
    return [tombstone.record for tombstone in tombstones]


def _deleted(deletion_id: UUID | None, progress: Progress, derived: Sequence[Derived]) -> DeletionReceipt:
    stores = _stores([LEDGER, *(store.name for store in derived)], progress)
    status = _status("deleted", deletion_id, progress)
    matched = progress.removed.get(LEDGER, 0)
    return DeletionReceipt(
        deletion_id=deletion_id,
        dry_run=deletion_id is None,
        status=status,
        matched=matched,
        absent=progress.absent,
        stores=stores,
        examples=progress.examples,
        message=DELETED.of(status, matched),
    )


def _purged(purge_id: UUID | None, progress: Progress, derived: Sequence[Derived]) -> PurgeReceipt:
    status = _status("purged", purge_id, progress)
    purged = progress.rows.get(TABLES[0], 0)
    return PurgeReceipt(
        purge_id=purge_id,
        dry_run=purge_id is None,
        status=status,
        purged=purged,
        tables={table: progress.rows.get(table, 0) for table in TABLES},
        stores=_stores([store.name for store in derived], progress),
        message=PURGED.of(status, purged),
    )


def _status(done: Done, deletion_id: UUID | None, progress: Progress) -> Done | Literal["accepted", "dry-run"]:
    if deletion_id is None:
        return "dry-run"
    return "accepted" if any(progress.pending.values()) else done


def _stores(names: Sequence[str], progress: Progress) -> list[StoreReceipt]:
    return receipts([Reach(name, progress.removed.get(name, 0), progress.pending.get(name, 0)) for name in names])


def receipts(reached: Sequence[Reach]) -> list[StoreReceipt]:
    """What stores did, for the answer to a deletion."""
    return [StoreReceipt(name=name, removed=removed, pending=pending) for name, removed, pending in reached]
