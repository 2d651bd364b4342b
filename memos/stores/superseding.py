"""Storing memories that take the place of others.

What is superseded stays superseded, also when its successor is deleted. Two that would supersede one memory
are told apart: the second is a conflict that names the first, since it was written without knowing of it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from uuid import UUID

import asyncpg

from memos.errors import Conflict, MemosError, NotFound
from memos.records import Draft, Memory, Stored
from memos.stores.postgres import Connection
from memos.stores.recalling import not_found
from memos.stores.storing import Storing

Sql = Mapping[str, str]


async def store_in_turn(connection: Connection, sql: Sql, drafts: Sequence[Draft]) -> list[Stored | MemosError]:
    """One outcome per draft, in order, within one transaction.

    One that supersedes others is stored by itself, after those before it: it may name them, and what comes
    after it may say again what it has superseded.
    """
    outcomes: list[Stored | MemosError] = []
    for supersedes, some in groupby(drafts, key=lambda draft: bool(draft.supersedes)):
        if supersedes:
            outcomes += [await _store_alone(connection, sql, draft) for draft in some]
        else:
            outcomes += await Storing(connection, sql, list(some)).run()
    return outcomes


async def _store_alone(connection: Connection, sql: Sql, draft: Draft) -> Stored | MemosError:
    """Store a draft and supersede what it names, or leave no trace of either."""
    try:
        async with connection.transaction():
            [outcome] = await Storing(connection, sql, [draft]).run()
            if isinstance(outcome, Stored) and not outcome.replayed:
                await _supersede(connection, sql, draft, outcome.memory_id)
            return outcome
    except (NotFound, Conflict) as refusal:
        return refusal


async def _supersede(connection: Connection, sql: Sql, draft: Draft, memory_id: UUID) -> None:
    """Have a memory supersede those that a draft names, but for those that it has superseded before."""
    tenant, named = draft.origin.tenant, set(draft.supersedes)
    if memory_id in named:
        raise Conflict(
            f"Memory {memory_id} says just this; it cannot supersede itself. Store another text, or name others."
        )
    rows = await connection.fetch(sql["lock_superseded"], tenant, draft.agent_id, [*named, memory_id])
    found = {row["memory_id"]: row for row in rows}
    own = found.pop(memory_id)
    for one in sorted(named):
        _require_replaceable(one, found.get(one), draft.agent_id, own["visibility"])
    if own["superseded_by"] or not own["visible"]:
        raise Conflict(
            f"Memory {memory_id}, which says this, has itself been superseded, or its time is over. "
            "Send the command again, without an id if it names that one."
        )
    rows = await connection.fetch(sql["newest_memories"], tenant, named)
    newest = {row["first"]: row["newest"] for row in rows}
    due = [one for one in sorted(named) if _is_due(one, newest.get(one), {memory_id, *named})]
    if due:
        await connection.execute(sql["keep_versions"], tenant, due)
        await connection.execute(sql["supersede_memories"], tenant, memory_id, due, own["occurred_at"])


async def require_dispensable(connection: Connection, sql: Sql, tenant: str, memory: Memory) -> None:
    """Raise `Conflict` if other agents would be left with nothing when a shared memory is made private."""
    replaced = await connection.fetchval(sql["shared_before"], tenant, memory.memory_id, memory.created_at)
    if replaced:
        raise Conflict(
            f"Memory {memory.memory_id} has superseded the shared memory {replaced}, and cannot be made private: "
            "other agents would see neither. Leave it shared, and store what is private as a memory of its own."
        )


def _require_replaceable(memory_id: UUID, row: asyncpg.Record | None, agent_id: str, visibility: str) -> None:
    if row is None or not row["visible"]:
        raise not_found(memory_id, agent_id)
    if row["visibility"] == "shared" and visibility != "shared":
        raise Conflict(
            f"Memory {memory_id} is shared, and a private one cannot supersede it: other agents would see "
            "neither. Store this one with the visibility shared."
        )


def _is_due(memory_id: UUID, newest: UUID | None, known: set[UUID]) -> bool:
    """Whether a memory is to be superseded now, and not already by one that the sender knows."""
    if newest not in {None, *known}:
        raise Conflict(
            f"Memory {memory_id} has been superseded already, at last by memory {newest}. "
            "Look at that one, and supersede it instead if need be."
        )
    return newest in {None, memory_id}
