"""Facts: what has happened, as rows of the ledger's `facts` table carry it."""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from memos.records import Kind, Record, Visibility


class MemoryStored(Record):
    """A memory was committed for the first time."""

    memory_id: UUID
    version: int
    agent_id: str
    visibility: Visibility
    kind: Kind
    session_id: str | None


class MemoryUpdated(MemoryStored):
    """A memory has a new version."""


class MemoryDeleted(Record):
    """A memory, or one yet to come, was forgotten; `reason` says why."""

    memory_id: UUID
    version: int
    agent_id: str
    reason: Literal["requested", "expired"]


FACTS: Mapping[str, type[Record]] = {
    "memos.memory.stored.v1": MemoryStored,
    "memos.memory.updated.v1": MemoryUpdated,
    "memos.memory.deleted.v1": MemoryDeleted,
}
"""The data of a fact by its CloudEvents type."""
