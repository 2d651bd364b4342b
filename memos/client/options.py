"""What may be asked beside a text, and told beside what has to be."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

from memos.events.filters import MemoryFilter
from memos.records import Match, Preferences, Promotion, SpecFormat, Visibility

if TYPE_CHECKING:
    from httpx import AsyncClient


class QueryOptions(TypedDict, total=False):
    """The fields of `QueryMemory`, which says what they mean, that a query is rarely given."""

    max_tokens: int | None
    around: int
    as_of: datetime | str | None
    include_superseded: bool
    diversity: float
    preferences: Preferences | Mapping[str, float]
    rerank: bool
    include_tools: bool
    agent_capabilities: Sequence[str] | None
    explain: bool


class SelectionOptions(TypedDict, total=False):
    """The fields of `ListTools` that say which tools are meant."""

    capabilities: Sequence[str]
    match: Match
    tags: Sequence[str]
    contains: str | None


class DiscoveryOptions(TypedDict, total=False):
    """The fields of `DiscoverTools` beside the task."""

    capabilities: Sequence[str]
    match: Match
    tags: Sequence[str]
    agent_capabilities: Sequence[str] | None
    top_k: int
    format: SpecFormat | None
    explain: bool


class OutcomeOptions(TypedDict, total=False):
    """The fields of `ToolOutcome` beside the tool and whether it succeeded."""

    agent_id: str
    task: str | None
    latency_ms: float | None
    error: str | None


class EquipmentOptions(TypedDict, total=False):
    """The fields of `EquipAgent` beside the loadout and the task."""

    agent_id: str
    agent_capabilities: Sequence[str] | None
    format: SpecFormat | None
    max_tokens: int | None
    session_id: str | None


class ContextOptions(TypedDict, total=False):
    """The fields of `RequestContext`, which says what they mean, beside the task."""

    agent_id: str
    agent_capabilities: Sequence[str] | None
    session_id: str | None
    loadout: str | None
    lessons: int
    memories: int
    tools: int
    messages: int
    filter: MemoryFilter | Mapping[str, Any] | None
    preferences: Preferences | Mapping[str, float]
    format: SpecFormat | None
    max_tokens: int | None
    deadline_ms: int


class LearningOptions(TypedDict, total=False):
    """The fields of `RecordLearning` beside the task, its outcome, and what was learned and used."""

    agent_id: str
    task_id: str | None
    session_id: str | None
    cost: float | None
    tokens: int | None
    seconds: float | None
    visibility: Visibility
    metadata: Mapping[str, Any]
    occurred_at: datetime | str | None


class MessageOptions(TypedDict, total=False):
    """The fields of `Message` beside who says what."""

    name: str | None
    occurred_at: datetime | str | None
    metadata: Mapping[str, Any]


class SessionChoices(TypedDict, total=False):
    """The fields of `SessionOptions`."""

    ttl: int | None
    lasting: bool | None
    window_messages: int | None
    window_tokens: int | None
    promote: Promotion | None


class Session(Protocol):
    """What calls tools of an MCP server: a `ClientSession` or a `Client` of the package `mcp`."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """The result of a call."""
        ...


class CallOptions(TypedDict, total=False):
    """How a tool is called: `timeout` seconds for the whole call, 30 if none are given.

    `headers`, credentials for instance, go before those of the tool. With `http`, or `session` for tools of MCP
    servers, a connection can be used again; each call has its own otherwise.
    """

    headers: Mapping[str, str]
    timeout: float
    http: "AsyncClient | None"
    session: Session | None


class CallOfChat(TypedDict, total=False):
    """The fields of every command on one answer of a model beside the request."""

    upstream: str
    agent_id: str


class LookUpOptions(CallOfChat, total=False):
    """The fields of `LookUpAnswer`, which says what they mean, beside the request."""

    semantic: bool
    threshold: float | None
    max_age: int | None
    min_fresh: int | None
    refresh: bool
    lease_seconds: float | None
    sources: Sequence[str]


class KeepingOptions(CallOfChat, total=False):
    """The fields of `StoreAnswer` beside the request and the answer."""

    ttl: int | None
    semantic: bool
    sources: Sequence[str]
    lease: str | None
    moment: int | None
    seconds: float
    shared: Mapping[str, int]


class ReleaseOptions(CallOfChat, total=False):
    """The fields of `ReleaseAnswer` beside the request."""

    lease: str | None
    outcome: Literal["miss", "error", "none"]
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    shared: Mapping[str, int]


class CountingOptions(TypedDict, total=False):
    """The fields of `CountEmbeddings` beside the model."""

    agent_id: str
    outcome: Literal["miss", "error", "none"]
    prompt_tokens: int
    seconds: float
    shared: Mapping[str, int]


class AnsweringOptions(CallOfChat, total=False):
    """How an answer is looked for, and kept for `ttl` seconds if it has to be computed.

    While it is, the lease is renewed; `lease_seconds` without a sign of life let another compute it, 30 by default.
    """

    semantic: bool
    threshold: float | None
    max_age: int | None
    min_fresh: int | None
    refresh: bool
    sources: Sequence[str]
    ttl: int | None
    lease_seconds: float


class EmbeddingOptions(TypedDict, total=False):
    """The fields of commands on cached embeddings beside the model and the inputs.

    `options` are those of the request to the server that change the embeddings, such as `dimensions`.
    """

    options: Mapping[str, Any]
    upstream: str
    agent_id: str
