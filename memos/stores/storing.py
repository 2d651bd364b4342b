"""One transaction that stores many drafts, each with an outcome of its own."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from memos.errors import Conflict, Gone, MemosError
from memos.records import CommandKey, Draft, Origin, RecordKey, Stored, duplicate_key
from memos.stores.claims import (
    Recorded,
    Shape,
    claim_first,
    recorded,
    release,
    repeats,
    same_id_other_body,
    trace_removed,
)
from memos.stores.postgres import Connection
from memos.stores.rows import columns, draft_row

MOST_ROUNDS = 3


STORED = Shape(frozenset({"memory_id", "version", "duplicate"}), frozenset({"batch"}))


class Storing:
    """The drafts of one transaction, and what has become of each.

    A draft is first claimed by its command, then inserted; what stands in its way makes it a
    duplicate, a conflict or gone. Only an expired twin is moved out of the way.
    """

    def __init__(self, connection: Connection, sql: Mapping[str, str], drafts: Sequence[Draft]) -> None:
        self._connection = connection
        self._sql = sql
        self._drafts = drafts
        self._outcomes: dict[int, Stored | MemosError] = {}
        self._sequences: dict[int, int | None] = {}

    async def run(self) -> list[Stored | MemosError]:
        """One outcome per draft, in order."""
        claimed = await self._claim()
        await self._draw_sequences(claimed)
        for _ in range(MOST_ROUNDS):
            if pending := [index for index in claimed if index not in self._outcomes]:
                await self._insert(pending)
        await self._settle(claimed)
        await self._replay()
        return [self._outcomes[index] for index in range(len(self._drafts))]

    async def _claim(self) -> list[int]:
        replies = [reply_of(draft.origin, draft.memory_id, 1, duplicate=False) for draft in self._drafts]
        return await claim_first(self._connection, self._sql, self._drafts, replies)

    async def _draw_sequences(self, claimed: Sequence[int]) -> None:
        unplaced: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        placed: dict[tuple[str, str, str], int] = {}
        for index in claimed:
            draft = self._drafts[index]
            self._sequences[index] = draft.sequence
            if draft.session_id is None:
                continue
            session = (draft.origin.tenant, draft.agent_id, draft.session_id)
            if draft.sequence is None:
                unplaced[session].append(index)
            else:
                placed[session] = max(draft.sequence, placed.get(session, 0))
        if placed:
            # all sessions at once, so that every transaction locks them in one order
            rows = [(*session, placed.get(session, -1)) for session in placed.keys() | unplaced.keys()]
            await self._connection.execute(self._sql["raise_sequences"], *columns(rows))
        if unplaced:
            await self._place(unplaced)

    async def _place(self, unplaced: Mapping[tuple[str, str, str], list[int]]) -> None:
        rows = [(*session, len(indexes) - 1) for session, indexes in unplaced.items()]
        for tenant, agent_id, session_id, last in await self._connection.fetch(
            self._sql["draw_sequences"], *columns(rows)
        ):
            indexes = unplaced[tenant, agent_id, session_id]
            for place, index in enumerate(indexes, start=last - len(indexes) + 1):
                self._sequences[index] = place

    async def _insert(self, pending: Sequence[int]) -> None:
        chosen: dict[RecordKey, int] = {}
        for index in pending:
            chosen.setdefault(self._record(index), index)
        rows = [self._row(index) for index in chosen.values()]
        for tenant, memory_id, version, created_at in await self._connection.fetch(
            self._sql["insert_memories"], *columns(rows)
        ):
            index = chosen[RecordKey(tenant, memory_id)]
            self._outcomes[index] = Stored(memory_id, version, False, False, created_at, self._sequences[index])
        if hindered := [index for index in pending if index not in self._outcomes]:
            await self._explain(hindered)

    async def _explain(self, hindered: Sequence[int]) -> None:
        drafts = [self._drafts[index] for index in hindered]
        rows = [
            (draft.origin.tenant, draft.memory_id, duplicate_key(draft.origin.tenant, draft)) for draft in drafts
        ]
        expired: set[RecordKey] = set()
        for row in await self._connection.fetch(self._sql["find_obstacles"], *columns(rows)):
            index, draft = hindered[row["draft"]], drafts[row["draft"]]
            if row["twin_id"] and row["twin_expired"]:
                expired.add(RecordKey(draft.origin.tenant, row["twin_id"]))
            elif outcome := _obstacle(draft, row):
                self._outcomes[index] = outcome
        if expired:
            await self._connection.execute(self._sql["bury_memories"], *columns(sorted(expired)), "expired")

    async def _settle(self, claimed: Sequence[int]) -> None:
        for index in claimed:
            if index not in self._outcomes:
                self._outcomes[index] = Conflict(
                    f"Memory {self._drafts[index].memory_id} was stored and deleted by others meanwhile. "
                    "Send the command again."
                )
        await self._count_duplicates(claimed)
        refused = [
            self._drafts[index].origin.key for index in claimed if isinstance(self._outcomes[index], MemosError)
        ]
        await release(self._connection, self._sql, refused)

    async def _count_duplicates(self, claimed: Iterable[int]) -> None:
        times: Counter[RecordKey] = Counter()
        replies: list[tuple[Any, ...]] = []
        for index in claimed:
            outcome, draft, origin = self._outcomes[index], self._drafts[index], self._drafts[index].origin
            if isinstance(outcome, Stored) and outcome.duplicate:
                times[RecordKey(origin.tenant, outcome.memory_id)] += draft.sameness is None
                reply = reply_of(origin, outcome.memory_id, outcome.version, duplicate=True)
                replies.append((*origin.key, reply))
        if times:
            counted = sorted((*record, count) for record, count in times.items())
            await self._connection.execute(self._sql["count_again"], *columns(counted))
            await self._connection.execute(self._sql["correct_replies"], *columns(replies))

    async def _replay(self) -> None:
        repeated = [index for index in range(len(self._drafts)) if index not in self._outcomes]
        if not repeated:
            return
        keys = [self._drafts[index].origin.key for index in repeated]
        known = await recorded(self._connection, self._sql, list(dict.fromkeys(keys)))
        refusals = {
            self._drafts[index].origin.key: outcome
            for index, outcome in self._outcomes.items()
            if isinstance(outcome, MemosError)
        }
        for index, key in zip(repeated, keys, strict=True):
            self._outcomes[index] = replayed(known[key], self._drafts[index]) if key in known else refusals[key]
        await self._join_batches(known, repeated)

    async def _join_batches(self, known: Mapping[CommandKey, Recorded], repeated: Iterable[int]) -> None:
        """Note the batches of items that were recorded without, so that a purge finds those, or has been there."""
        items = {
            (*draft.origin.key, draft.origin.batch)
            for draft, outcome in ((self._drafts[index], self._outcomes[index]) for index in repeated)
            if draft.origin.batch is not None
            and isinstance(outcome, Stored)
            and ("batch" not in known[draft.origin.key].reply or not known[draft.origin.key].digest)
        }
        if items:
            await self._connection.execute(self._sql["join_batches"], *columns(sorted(items)))

    def _row(self, index: int) -> tuple[Any, ...]:
        draft = self._drafts[index]
        if draft.embedding is None:
            raise trace_removed(draft.origin.command_id)
        return draft_row(draft, self._sequences[index], draft.embedding)

    def _record(self, index: int) -> RecordKey:
        draft = self._drafts[index]
        return RecordKey(draft.origin.tenant, draft.memory_id)


def reply_of(origin: Origin, memory_id: UUID, version: int, *, duplicate: bool) -> dict[str, Any]:
    """What the ledger keeps of the answer to a store; of an item also the id of its batch."""
    reply = {"memory_id": str(memory_id), "version": version, "duplicate": duplicate}
    return reply if origin.batch is None else {**reply, "batch": origin.batch}


def replayed(known: Recorded, draft: Draft) -> Stored | MemosError:
    """The outcome of a command that was handled before."""
    if not repeats(known, draft.digest, STORED):
        return same_id_other_body(draft.origin.command_id)
    reply = known.reply
    return Stored(UUID(reply["memory_id"]), reply["version"], reply["duplicate"], replayed=True)


def _obstacle(draft: Draft, row: asyncpg.Record) -> Stored | MemosError | None:
    if row["twin_id"] and (not row["taken"] or row["twin_id"] == draft.memory_id):
        return Stored(row["twin_id"], row["twin_version"], duplicate=True, replayed=False)
    if row["gone"]:
        return Gone(
            f"Memory {draft.memory_id} was deleted or had expired before this store arrived, and that wins. "
            "Store it under another id if it is wanted after all."
        )
    if row["repeated"]:  # it has been superseded, or it would be its own twin
        return Stored(draft.memory_id, row["version"], duplicate=True, replayed=False)
    if row["taken"]:
        return Conflict(
            f"The memory id {draft.memory_id} is taken by another memory. "
            "Change that one with an update, or store under another id."
        )
    return None
