"""The comparison: what was promised against what the ledger, the vector engine and the answers have."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from redis.asyncio import Redis

from faults.findings import Findings
from faults.journal import Journal, Note
from memos.client import Client
from memos.errors import NotFound
from memos.events.envelope import FIELD
from memos.events.memories import MOST_RESULTS
from memos.events.streams import STREAMS

AT_ONCE = 16
MOST_SAMPLED = 2000
"""Queries by a memory's own text; every memory is found by the query for all of its agent besides."""

MEMORIES = """
select memory_id, content, version, times_stored, deleted_at is null as live
from agent_memories
"""
FACTS = """
select record_id, type, count(*) as number
from facts
group by record_id, type
"""


async def check_ledger(dsn: str, journal: Journal, findings: Findings) -> None:
    """Every promise is in the ledger once, every deletion too, and nothing that nobody asked for."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = {row["memory_id"]: row for row in await connection.fetch(MEMORIES)}
        facts = await connection.fetch(FACTS)
    finally:
        await connection.close()
    _compare_rows(journal.notes, rows, findings)
    _compare_facts(journal.notes, facts, findings)


def _compare_rows(notes: Sequence[Note], rows: dict[UUID, Any], findings: Findings) -> None:
    asked = {note.memory_id for note in notes}
    for memory_id in rows.keys() - asked:
        findings.add("unasked", f"memory {memory_id}: {rows[memory_id]['content']!r}")
    for text, number in Counter(row["content"] for row in rows.values() if row["live"]).items():
        if number > 1:
            findings.add("duplicated", f"{number} memories say {text!r}")
    for note in notes:
        _compare_row(note, rows.get(note.memory_id), findings)


def _compare_row(note: Note, row: Any, findings: Findings) -> None:
    if row is None:
        if note.state != "asked" or note.deleted:
            findings.add("lost", f"{note.key.command_id}, {note.state}: {note.text!r}")
    elif note.deleted or note.refused:
        if row["live"]:
            findings.add("resurrected", f"{note.key.command_id}: {note.text!r}")
    elif not row["live"]:
        findings.add("lost", f"{note.key.command_id}, {note.state}, is deleted: {note.text!r}")
    elif row["version"] < note.version or row["content"] != note.text:
        findings.add("lost", f"{note.key.command_id} at version {row['version']}, not {note.version}")
    elif row["version"] > note.version or row["times_stored"] > 1:
        times = f"version {row['version']}, stored {row['times_stored']} times"
        findings.add("duplicated", f"{note.key.command_id} at version {note.version} was done again: {times}")


def _compare_facts(notes: Sequence[Note], facts: Iterable[Any], findings: Findings) -> None:
    numbers = {(row["record_id"], row["type"]): row["number"] for row in facts}
    for note in notes:
        kept = note.state != "asked" and not note.refused
        expected = {"stored": int(kept), "updated": note.version - 1, "deleted": int(note.deleted)}
        for event, number in expected.items():
            found = numbers.get((note.memory_id, f"memos.memory.{event}.v1"), 0)
            if found != number and (kept or note.refused):
                findings.add("facts wrong", f"{note.key.command_id} has {found} facts {event}, not {number}")


async def check_dead_letters(redis: Redis, findings: Findings) -> None:
    """No command was given up."""
    for stream in STREAMS:
        for entry, fields in await _entries(redis, stream.dead):
            reason = {name: value for name, value in fields.items() if name != FIELD.encode()}
            findings.add("dead letters", f"{entry!r} of {stream.name}: {reason}")


async def _entries(redis: Any, name: str) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of a stream; the client answers in bytes, which redis-py's types leave open."""
    entries: Sequence[tuple[bytes, dict[bytes, bytes]]] = await redis.xrange(name)
    return entries


async def check_answers(client: Client, journal: Journal, findings: Findings) -> None:
    """Each agent and each document is asked for all that it has; that is every live memory once, and no other."""
    live: dict[tuple[str, str | None], dict[UUID, Note]] = defaultdict(dict)
    for note in journal.notes:
        if note.live:
            live[note.agent if note.document is None else "", note.document][note.memory_id] = note
    places = {(note.agent if note.document is None else "", note.document) for note in journal.notes}

    async def ask(place: tuple[str, str | None]) -> None:
        agent, document = place
        matching = {"visibility": "private"} if document is None else {"source": document}
        found = await client.query("note", agent_id=agent or "reader", top_k=MOST_RESULTS, filter=matching)
        _compare_answers(live[place], [one.memory_id for one in found.memories.results], findings)

    await _all(sorted(places, key=str), ask)


def _compare_answers(live: dict[UUID, Note], found: Sequence[UUID], findings: Findings) -> None:
    times = Counter(found)
    for memory_id, note in live.items():
        if times[memory_id] == 0:
            findings.add("not searchable", f"{note.key.command_id}: {note.text!r}")
        elif times[memory_id] > 1:
            findings.add("duplicated", f"{note.key.command_id} is found {times[memory_id]} times")
    for memory_id in times.keys() - live.keys():
        findings.add("resurrected", f"memory {memory_id} is found, but should not be there")


async def check_texts(client: Client, notes: Sequence[Note], findings: Findings) -> None:
    """A memory's own text brings it before all others."""

    async def ask(note: Note) -> None:
        matching = None if note.document is None else {"source": note.document}
        found = await client.query(note.text, agent_id=note.agent, top_k=3, filter=matching)
        best = found.memories.results[:1]
        if [one.content for one in best] != [note.text]:
            findings.add("not searchable", f"{note.text!r} brings {[one.content for one in best]}")

    await _all(notes[:MOST_SAMPLED], ask)


async def check_deleted(client: Client, journal: Journal, findings: Findings) -> None:
    """What was deleted is not there for whoever asks by its id."""

    async def ask(note: Note) -> None:
        try:
            await client.get(note.memory_id, agent_id=note.agent)
        except NotFound:
            return
        findings.add("resurrected", f"{note.key.command_id} can be read")

    await _all([note for note in journal.notes if note.deleted][:MOST_SAMPLED], ask)


async def _all(items: Sequence[Any], ask: Callable[[Any], Awaitable[None]]) -> None:
    """Ask for each, some at once."""
    pending = iter(items)

    async def drain() -> None:
        for item in pending:
            await ask(item)

    await asyncio.gather(*(drain() for _ in range(AT_ONCE)))
