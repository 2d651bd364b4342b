"""Commands on memories, and their replies."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, model_validator

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.conditions import WrittenMoment
from memos.events.filters import MemoryFilter
from memos.events.problems import Problem
from memos.events.texts import (
    Content,
    Identifier,
    Importance,
    Metadata,
    Moment,
    QueryText,
    Tags,
)
from memos.events.tools import Capabilities, ToolResults
from memos.records import Kind, Link, Memory, MemoryVersion, Preferences, Record, Source, Visibility

MOST_BATCHED = 100
MOST_INGESTED = 256
MOST_RESULTS = 1000
MOST_AROUND = 10
MOST_SUPERSEDED = 100

Finite = Annotated[float, Field(allow_inf_nan=False)]


class StoreMemory(Command):
    """Remember a text. With `embedding`, `embedding_model` names the model that made the vector.

    The memories that it `supersedes` must be there and visible; from now on queries leave them out, also when
    this one is deleted later.
    """

    content: Content
    agent_id: Identifier = DEFAULT_AGENT
    metadata: Metadata = {}
    tags: Tags = []
    session_id: Identifier | None = None
    sequence: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    occurred_at: Moment | None = None
    expires_at: Moment | None = None
    kind: Kind = "episodic"
    visibility: Visibility = "private"
    importance: Importance | None = None
    source: Source | None = None
    supersedes: list[UUID] = Field(
        default=[],
        max_length=MOST_SUPERSEDED,
        description="Memories whose place it takes, from `occurred_at` or else from now; queries leave them out.",
    )
    embedding: Annotated[list[Finite], Field(min_length=1, max_length=65536)] | None = None
    embedding_model: Identifier | None = None
    id: UUID | None = None

    @model_validator(mode="after")
    def _vector_and_model_come_together(self) -> "StoreMemory":
        if (self.embedding is None) != (self.embedding_model is None):
            raise ValueError("embedding and embedding_model must be given together")
        return self


class StoreMemories(Command):
    """Remember several texts in one request; each is stored, refused or a duplicate on its own."""

    memories: Annotated[list[StoreMemory], Field(min_length=1, max_length=MOST_BATCHED)]


class IngestItem(Command):
    """A passage of a document: its text and where it stands."""

    content: Content
    source: Source
    sequence: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    kind: Kind = "document"
    metadata: Metadata = {}
    tags: Tags = []


class IngestBatch(Command):
    """Remember passages of documents, shared by all agents of the tenant, at low priority."""

    items: Annotated[list[IngestItem], Field(min_length=1, max_length=MOST_INGESTED)]
    agent_id: Identifier = DEFAULT_AGENT


class StoreOutcome(Reply):
    """What became of one memory.

    `stored`: committed and searchable. `accepted`: committed, searchable once the vector engine is
    back. `queued`: on the stream only. `duplicate`: already known as `memory_id`, counted again.
    """

    success: Literal[True] = True
    memory_id: UUID
    status: Literal["stored", "accepted", "queued", "duplicate"]
    message: str


class StoreOutcomes(Reply):
    """One outcome or problem per memory of a batch, in order."""

    results: list[StoreOutcome | Problem]


class QueryMemory(Command):
    """Find the memories that answer a text best, among the agent's own and the shared ones."""

    query: QueryText
    agent_id: Identifier = DEFAULT_AGENT
    top_k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 5
    filter: MemoryFilter | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="The most that the results may cost together; what does not fit is left out."
    )
    around: int = Field(
        default=0,
        ge=0,
        le=MOST_AROUND,
        description="How many neighbours to add on each side of a result, from its agent's session or document.",
    )
    as_of: WrittenMoment | None = Field(default=None, description="Answer as if asked at that moment.")
    include_superseded: bool = Field(default=False, description="Whether to find superseded memories, too.")
    diversity: float = Field(
        default=0.0, ge=0, le=1, allow_inf_nan=False, description="How much variety counts beside relevance."
    )
    preferences: Preferences = Field(
        default=Preferences(), description="How much recency, importance and usefulness count."
    )
    rerank: bool = Field(default=True, description="Whether to use the reranking model, if one is set up.")
    include_tools: bool = Field(default=False, description="Whether to find tools for it, too.")
    agent_capabilities: Capabilities | None = Field(
        default=None, description="What the agent has; of tools it is shown none that requires more."
    )
    explain: bool = Field(default=False, description="Whether to show what each score is made up of.")


class RecalledMemory(Memory):
    """A memory that answers a query.

    Results come in the order of `score`, which has no unit, unless `diversity` asks otherwise. `before` and
    `after` are its neighbours, in order, as far as `around` asks for them. `repeats` are memories that say the same
    and were left out for it.
    """

    score: float
    before: list[Memory] = []
    after: list[Memory] = []
    repeats: list[UUID] = []
    explanation: dict[str, JsonValue] | None = None


class MemoryResults(Reply):
    """Memories, best first."""

    count: int
    results: list[RecalledMemory]


class MemoriesFound(Reply):
    """The answer to a query; `took_ms` is the worker's time in milliseconds."""

    query: str
    memories: MemoryResults
    tools: ToolResults = ToolResults()
    took_ms: float


class GetMemory(Command):
    """Read one memory."""

    memory_id: UUID
    agent_id: Identifier = DEFAULT_AGENT


class GetHistory(Command):
    """Read every version of one memory."""

    memory_id: UUID
    agent_id: Identifier = DEFAULT_AGENT


class MemoryFound(Reply, Memory):
    """A memory as it is now, with those that say nearly the same, most similar first."""

    links: list[Link] = []


class MemoryHistory(Reply):
    """The versions of a memory, oldest first; the last is the present one."""

    memory_id: UUID
    versions: list[MemoryVersion]


class MemoryChanges(Record):
    """New values of a memory; fields that are not given keep theirs, null clears where it may."""

    content: Content | None = None
    metadata: Metadata | None = None
    tags: Tags | None = None
    importance: Importance | None = None
    visibility: Visibility | None = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "MemoryChanges":
        if not self.model_fields_set:
            raise ValueError("at least one field must be given")
        cleared = [
            name
            for name in ("content", "metadata", "tags", "visibility")
            if name in self.model_fields_set and getattr(self, name) is None
        ]
        if cleared:
            raise ValueError(f"{', '.join(cleared)} cannot be null")
        return self


class UpdateMemory(Command):
    """Change a memory; its former version is kept. `expected_version` guards against lost updates."""

    memory_id: UUID
    agent_id: Identifier = DEFAULT_AGENT
    changes: MemoryChanges
    expected_version: Annotated[int, Field(ge=1)] | None = None


class DeleteMemory(Command):
    """Forget a memory, even one whose store has not arrived yet."""

    memory_id: UUID
    agent_id: Identifier = DEFAULT_AGENT


class StoreReceipt(Reply):
    """What a store got rid of, and of how many memories it may still have something, being away.

    `ledger` is the store of all memories, the others hold what was made from them. A memory that was gone
    before, or that another worker removes meanwhile, is not counted.
    """

    name: str
    removed: int
    pending: int = 0


class DeleteOutcome(Reply):
    """What a deletion did.

    `deleted`: in no answer and in no store any more; the ledger keeps a tombstone, with the text until a purge.
    `accepted`: in no answer any more, and removed from a store that is away once it is back. `absent`: there was
    none; a store of this id that comes later is refused. `stores` says what each store got rid of.
    """

    success: Literal[True] = True
    memory_id: UUID
    status: Literal["deleted", "accepted", "absent"]
    message: str
    stores: list[StoreReceipt] = []
