"""Deletions of many memories, and purges, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID, uuid4

import asyncpg

from memos.ports.deletions import FIRST_ID, Deletion, Part, Progress, Reach, Selection, Tombstone, Tombstones
from memos.records import Origin, RecordKey
from memos.records.payloads import payload_of
from memos.stores.claims import claim, recorded, same_id_other_body
from memos.stores.filters import Clause, FieldCondition, MatchAny, MatchValue, parse_filter
from memos.stores.matching import matches
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.rows import columns
from memos.stores.sql import load_queries

SLICE = 500
MOST_EMPTY_SLICES = 20
"""Slices without anything that is meant, which are passed over together."""

LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
LAST_ID = UUID(int=2**128 - 1)

IN_SQL = ("kind", "session_id", "source")
"""Fields that the statement compares as well, so that fewer rows have to be read."""

Queryable: TypeAlias = "Connection | Pool"


class Slice(NamedTuple):
    """Ids of a tenant in their order, and the id with which the next slice begins, if there is one."""

    ids: Sequence[UUID]
    next: UUID | None


class Meant(NamedTuple):
    """Of a slice, the memories that are meant: live ones, and those buried already."""

    ids: Sequence[UUID]
    live: Sequence[UUID]
    buried: Sequence[UUID]
    next: UUID | None


class PostgresDeletions:
    """Fulfils the port `Deletions`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sql: Mapping[str, str] = {**load_queries("memories.sql"), **load_queries("deletions.sql")}

    async def begin(self, origin: Origin, digest: bytes) -> Deletion:
        """The deletion that a command began, or begins now."""

        async def work(connection: Connection) -> Deletion:
            deletion_id = uuid4()
            if await claim(connection, self._sql, [(origin.key, digest, {"deletion_id": str(deletion_id)})]):
                await connection.execute(self._sql["begin_deletion"], deletion_id, *origin.key, digest)
            else:
                known = (await recorded(connection, self._sql, [origin.key]))[origin.key]
                if known.digest != digest:
                    raise same_id_other_body(origin.command_id)
                deletion_id = UUID(known.reply["deletion_id"])
            return await self._deletion(connection, "read_deletion", deletion_id)

        return await transacted(self._pool, work)

    async def look(self, selection: Selection, start: UUID, *, buried_since: datetime | None = None) -> Part:
        """A slice of the live memories that are meant, or of those buried since a moment; changes nothing."""
        with translated():
            meant = await self._meant(self._pool, selection, start, None, buried_since)
            ids = meant.buried if buried_since else meant.live
            absent = 0
            if selection.foreseen_for and not buried_since:
                known = await self._pool.fetch(self._sql["known_memories"], selection.tenant, meant.ids)
                absent = len(meant.ids) - len(known)
        return Part(start, _records(selection.tenant, ids), absent, meant.next)

    async def bury(self, deletion: Deletion, selection: Selection) -> Part:
        """Leave tombstones in the next slice and count them; return what is to be forgotten elsewhere."""

        async def work(connection: Connection) -> Part:
            present = await self._deletion(connection, "lock_deletion", deletion.deletion_id)
            start = present.progress.start
            if present.finished:
                return Part(start, [], 0, None)
            begun = None if selection.memory_ids else present.begun
            absent = await self._foresee(connection, selection, start)
            meant = await self._meant(connection, selection, start, begun, present.begun, lock=True)
            if meant.live:
                tenants = [selection.tenant] * len(meant.live)
                await connection.fetch(self._sql["bury_memories"], tenants, meant.live, "requested")
            await self._note(connection, present, present.progress.with_part(meant.live, absent))
            records = _records(selection.tenant, sorted([*meant.live, *meant.buried]))
            return Part(start, records, absent, meant.next)

        return await transacted(self._pool, work)

    async def advance(self, deletion: Deletion, part: Part, reached: Sequence[Reach]) -> Deletion:
        """Note that the stores were told of a slice; after the last the deletion is finished."""

        async def work(connection: Connection) -> Deletion:
            present = await self._deletion(connection, "lock_deletion", deletion.deletion_id)
            if present.finished or present.progress.start != part.start:
                return present  # another worker that was given the same command has been faster
            progress = present.progress.with_reached(reached)
            if part.next is None:
                return await self._note(connection, present, progress, finished=True)
            return await self._note(connection, present, progress.model_copy(update={"start": part.next}))

        return await transacted(self._pool, work)

    async def correct(self, deletion: Deletion, reached: Sequence[Reach]) -> Deletion:
        """Note what the stores got rid of that was pending when the deletion finished, and what is still."""

        async def work(connection: Connection) -> Deletion:
            present = await self._deletion(connection, "lock_deletion", deletion.deletion_id)
            progress = present.progress.model_copy(update={"pending": {}}).with_reached(reached)
            return await self._note(connection, present, progress, finished=True)

        return await transacted(self._pool, work)

    async def tombstones(self, wanted: Tombstones, after: Tombstone | None) -> list[Tombstone]:
        """A slice of the tombstones that still hold their content, in the order of their time."""
        place = (after.deleted_at, after.record.memory_id) if after else (LONG_AGO, FIRST_ID)
        bounds = (wanted.tenant, wanted.deleted_before, *place, SLICE)
        with translated():
            if wanted.memory_ids is None:
                rows = await self._pool.fetch(self._sql["tombstones_by_time"], *bounds)
            else:
                rows = await self._pool.fetch(self._sql["tombstones_by_id"], *bounds, wanted.memory_ids)
        return [Tombstone(RecordKey(tenant, memory_id), at) for tenant, memory_id, at in rows]

    async def count_rows(self, tombstones: Sequence[Tombstone]) -> Mapping[str, int]:
        """How many rows of each table a purge would empty or delete."""
        if not tombstones:
            return {}
        with translated():
            row = await self._pool.fetchrow(self._sql["count_rows_to_purge"], *_columns(tombstones))
        return dict(row or {})

    async def purge(
        self, deletion: Deletion, tombstones: Sequence[Tombstone], reached: Sequence[Reach]
    ) -> Deletion:
        """Empty tombstones for good, with all that says what they held; without any the purge is finished."""

        async def work(connection: Connection) -> Deletion:
            present = await self._deletion(connection, "lock_deletion", deletion.deletion_id)
            if present.finished:
                return present
            progress = present.progress.with_reached(reached)
            if tombstones:
                rows = await connection.fetchrow(self._sql["purge_memories"], *_columns(tombstones))
                progress = progress.with_rows(dict(rows or {}))
            return await self._note(connection, present, progress, finished=not tombstones)

        return await transacted(self._pool, work)

    async def _meant(
        self,
        connection: Queryable,
        selection: Selection,
        start: UUID,
        created_until: datetime | None,
        buried_since: datetime | None,
        *,
        lock: bool = False,
    ) -> Meant:
        """The next slice with anything in it that is meant, or the last of some that have nothing."""
        statement = self._sql["matching_memories"] + (" for update" if lock else "")
        clause = parse_filter(selection.matching or {})
        conditions = (selection.agent_id, *(_wanted(clause, key) for key in IN_SQL))
        for _ in range(MOST_EMPTY_SLICES):
            ids, after = await self._slice(connection, selection, start)
            found = await connection.fetch(
                statement, selection.tenant, ids, created_until, buried_since, *conditions
            )
            rows = [row for row in found if matches(clause, _payload(row))]
            if rows or after is None or selection.foreseen_for:
                break
            start = after
        live = [row["memory_id"] for row in rows if row["live"]]
        return Meant(ids, live, [row["memory_id"] for row in rows if not row["live"]], after)

    async def _slice(self, connection: Queryable, selection: Selection, start: UUID) -> Slice:
        if selection.memory_ids is not None:
            ids = sorted(memory_id for memory_id in set(selection.memory_ids) if memory_id >= start)[:SLICE]
            return Slice(ids, _after(ids))
        rows = await connection.fetch(self._sql["next_memories"], start, SLICE)
        ids = [row["memory_id"] for row in rows if row["tenant"] == selection.tenant]
        return Slice(ids, _after([row["memory_id"] for row in rows]))

    async def _foresee(self, connection: Connection, selection: Selection, start: UUID) -> int:
        """Leave tombstones for what is yet to come; return how many. It waits for stores that are under way."""
        if selection.foreseen_for is None:
            return 0
        ids, _ = await self._slice(connection, selection, start)
        bounds = (selection.tenant, selection.foreseen_for, ids)
        return len(await connection.fetch(self._sql["leave_tombstones"], *bounds))

    async def _deletion(self, connection: Connection, statement: str, deletion_id: UUID) -> Deletion:
        row = await connection.fetchrow(self._sql[statement], deletion_id)
        assert row is not None  # no deletion is ever removed  # noqa: S101
        return _deletion_of(row)

    async def _note(
        self, connection: Connection, deletion: Deletion, progress: Progress, *, finished: bool = False
    ) -> Deletion:
        counts = progress.model_dump(mode="json")
        row = await connection.fetchrow(self._sql["note_progress"], deletion.deletion_id, counts, finished)
        assert row is not None  # the row is locked by this transaction  # noqa: S101
        return _deletion_of(row)


def _deletion_of(row: asyncpg.Record) -> Deletion:
    finished = row["finished_at"] is not None
    return Deletion(row["deletion_id"], row["created_at"], finished, Progress.model_validate(row["counts"]))


def _wanted(clause: Clause, key: str) -> list[str] | None:
    """The values of which a filter asks for one; it may ask for them elsewhere too."""
    for condition in clause.must:
        match condition:
            case FieldCondition(key=named, match=MatchValue(value=value)) if named == key:
                return [str(value)]
            case FieldCondition(key=named, match=MatchAny(any=values)) if named == key:
                return [str(value) for value in values]
    return None


def _payload(row: asyncpg.Record) -> dict[str, Any]:
    return payload_of(**{name: value for name, value in row.items() if name not in {"memory_id", "live"}})


def _after(ids: Sequence[UUID]) -> UUID | None:
    """The id with which the next slice begins; `None` after one that was not full."""
    if len(ids) < SLICE or ids[-1] == LAST_ID:
        return None
    return UUID(int=ids[-1].int + 1)


def _records(tenant: str, ids: Sequence[UUID]) -> list[RecordKey]:
    return [RecordKey(tenant, memory_id) for memory_id in ids]


def _columns(tombstones: Sequence[Tombstone]) -> list[list[object]]:
    return columns([tombstone.record for tombstone in tombstones])
