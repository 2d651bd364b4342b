"""Rows of the ledger as records."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from pydantic_core import to_json

from memos.records import Draft, Embedding, Memory, MemoryVersion, Source, duplicate_key
from memos.records.payloads import payload_of
from memos.records.usefulness import Usefulness
from memos.stores.postgres import pack

MEMORY_FIELDS = tuple(name for name in Memory.model_fields if name not in {"source", "usefulness"})
VERSION_FIELDS = tuple(MemoryVersion.model_fields)
DAY = timedelta(days=1)


def memory_of(row: asyncpg.Record) -> Memory:
    """The memory in a row of `agent_memories`, as useful as it is by now; trusted, so not validated again."""
    uri = row["source_uri"]
    source = uri and Source.model_construct(uri=uri, symbol=row["source_symbol"], line=row["source_line"])
    fields = {name: row[name] for name in MEMORY_FIELDS}
    return Memory.model_construct(source=source, usefulness=usefulness_in(row), **fields)


def usefulness_in(row: asyncpg.Record, now: datetime | None = None) -> float:
    """The usefulness of the memory in a row, faded since it was written."""
    value: float = row["usefulness"]
    if not value or row["usefulness_at"] is None:
        return value
    days = ((now or datetime.now(UTC)) - row["usefulness_at"]) / DAY
    return Usefulness(value, row["usefulness_evidence"]).faded(days)


def version_of(row: asyncpg.Record) -> MemoryVersion:
    """The version in a row of `memory_versions`."""
    return MemoryVersion.model_construct(**{name: row[name] for name in VERSION_FIELDS})


def present_version(memory: Memory) -> MemoryVersion:
    """A memory as the last of its versions."""
    return MemoryVersion.model_construct(**{name: getattr(memory, name) for name in VERSION_FIELDS})


def payload_as_of(tenant: str, memory: Memory) -> dict[str, Any]:
    """What filters see of a memory as it was at the moment that it was read for."""
    fields = payload_of(
        agent_id=memory.agent_id,
        visibility=memory.visibility,
        kind=memory.kind,
        session_id=memory.session_id,
        source=memory.source.uri if memory.source else None,
        tags=memory.tags,
        metadata=memory.metadata,
        importance=memory.importance,
        sequence=memory.sequence,
        occurred_at=memory.occurred_at,
        created_at=memory.created_at,
        superseded=memory.superseded_by is not None,
    )
    return {"tenant": tenant, **fields}


def columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as the columns that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def draft_row(draft: Draft, sequence: int | None, embedding: Embedding) -> tuple[Any, ...]:
    """A draft as `insert_memories` takes it; its tags as JSON, since `unnest` flattens arrays of arrays."""
    source = draft.source
    return (
        draft.origin.tenant,
        draft.memory_id,
        draft.agent_id,
        draft.visibility,
        draft.kind,
        draft.content,
        draft.content_hash,
        duplicate_key(draft.origin.tenant, draft),
        draft.metadata,
        to_json(draft.tags).decode(),
        draft.importance,
        source and source.uri,
        source and source.symbol,
        source and source.line,
        draft.session_id,
        sequence,
        draft.occurred_at,
        draft.expires_at,
        embedding.model,
        pack(embedding.vector),
        embedding.computed,
    )
