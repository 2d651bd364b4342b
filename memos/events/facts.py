"""Facts: what has happened, as rows of the ledger's `facts` table carry it, and how they are read."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from memos.errors import MalformedEntry
from memos.events.commands import Command, Reply
from memos.events.envelope import Envelope, decode
from memos.events.learning import LearningNoted
from memos.events.loadouts import LoadoutDeleted, LoadoutSaved
from memos.events.sessions import SessionEnded
from memos.events.tools import ToolDeregistered, ToolOutcomeRecorded, ToolRegistered
from memos.events.working import WorkingExpired
from memos.records import Fact, Kind, Record, Visibility

MOST_FACTS = 1000
MOST_TYPES = 32


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


class MemorySuperseded(MemoryStored):
    """A memory has been replaced by another, `superseded_by`; queries leave it out from now on."""

    superseded_by: UUID


class MemoryDeleted(Record):
    """A memory, or one yet to come, was forgotten; `reason` says why."""

    memory_id: UUID
    version: int
    agent_id: str
    reason: Literal["requested", "expired"]


FACTS: Mapping[str, type[Record]] = {
    "memos.memory.stored.v1": MemoryStored,
    "memos.memory.updated.v1": MemoryUpdated,
    "memos.memory.superseded.v1": MemorySuperseded,
    "memos.memory.deleted.v1": MemoryDeleted,
    "memos.tool.registered.v1": ToolRegistered,
    "memos.tool.deregistered.v1": ToolDeregistered,
    "memos.tool.outcome.v1": ToolOutcomeRecorded,
    "memos.loadout.saved.v1": LoadoutSaved,
    "memos.loadout.deleted.v1": LoadoutDeleted,
    "memos.working.expired.v1": WorkingExpired,
    "memos.session.ended.v1": SessionEnded,
    "memos.learning.recorded.v1": LearningNoted,
}
"""The data of a fact by its CloudEvents type. All of it has a `version`, that of the record it tells of."""


def known_type(name: str) -> str:
    """Refuse a type that no fact has: whoever waited for one would wait in silence."""
    if name not in FACTS:
        known = ", ".join(FACTS)
        raise PydanticCustomError("unknown_fact", "must be one of {known}", {"known": known})
    return name


Position = Annotated[int, Field(ge=0, lt=2**63)]
FactTypes = Annotated[list[Annotated[str, AfterValidator(known_type)]], Field(max_length=MOST_TYPES)]


class ReadFacts(Command):
    """Read the tenant's facts that come after a position; without `types`, those of every type."""

    after: Position = 0
    limit: Annotated[int, Field(ge=1, le=MOST_FACTS)] = 100
    types: FactTypes = []


class FactsRead(Reply):
    """Facts in the order of their positions.

    Go on after `position`, at once while there is `more`: positions are those of all tenants' facts, so
    it moves on even when a page holds none of this tenant's. `newest` is the last position given so far.
    """

    facts: list[Fact]
    position: int
    newest: int
    more: bool


def document_of(fact: Fact) -> bytes:
    """A fact as the CloudEvents document that the stream of facts carries."""
    return Envelope.model_construct(
        id=str(fact.position),
        source="memos",
        type=fact.type,
        time=fact.occurred_at,
        data=fact.data,
        tenant=fact.tenant,
        subject=str(fact.record_id),
        position=fact.position,
    ).encode()


def fact_in(document: bytes) -> Fact:
    """The fact that `document_of` wrote. Raises `MalformedEntry` for anything else."""
    envelope = decode(document)
    try:
        return Fact.model_validate(
            {
                "position": envelope.position,
                "tenant": envelope.tenant,
                "type": envelope.type,
                "record_id": envelope.subject,
                "version": envelope.data["version"],
                "data": envelope.data,
                "occurred_at": envelope.time,
            }
        )
    except (ValidationError, LookupError, TypeError) as error:
        raise MalformedEntry(f"The document {envelope.id} of type {envelope.type} is no fact: {error}.") from error
