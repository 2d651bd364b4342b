"""The SDK without `await`; made from the asynchronous SDK by `make docs`."""

# ruff: noqa: A002

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Unpack
from uuid import UUID

from memos.client.connect import DEFAULT_URL
from memos.client.faces import Face
from memos.client.learning import Lessons, MemoriesUsed, ToolsUsed
from memos.client.llm import Request
from memos.client.options import (
    AnsweringOptions,
    CallOptions,
    ContextOptions,
    CountingOptions,
    DiscoveryOptions,
    EmbeddingOptions,
    EquipmentOptions,
    KeepingOptions,
    LearningOptions,
    LookUpOptions,
    MessageOptions,
    OutcomeOptions,
    QueryOptions,
    ReleaseOptions,
    SelectionOptions,
    SessionChoices,
)
from memos.client.retrying import RETRIES
from memos.client.sending import R
from memos.client.tool_answers import ToolAnswer
from memos.client.tools import Definition
from memos.events.answers import (
    AnswerLookedUp,
    AnswerReleased,
    AnswersForgotten,
    AnswerStored,
    CacheRead,
    LeaseRenewed,
)
from memos.events.commands import DEFAULT_AGENT, Command
from memos.events.context import TaskContext
from memos.events.deletions import DeletionReceipt, PurgeReceipt
from memos.events.embeddings import EmbeddingsCounted, EmbeddingsLookedUp, EmbeddingsStored
from memos.events.equipment import Equipment
from memos.events.facts import FactsRead
from memos.events.filters import MemoryFilter
from memos.events.health import Readiness
from memos.events.learning import Learning, LearningRecorded, LearningsListed
from memos.events.loadouts import DeleteLoadoutOutcome, Loadout, LoadoutFound, LoadoutsListed, SaveLoadoutOutcome
from memos.events.memories import (
    DeleteOutcome,
    IngestItem,
    MemoriesFound,
    MemoryFound,
    MemoryHistory,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
)
from memos.events.sessions import (
    LAST,
    Message,
    MessagesAppended,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionInfo,
    SessionMessage,
    SessionPromoted,
    SessionsListed,
)
from memos.events.tools import (
    DeregisterOutcome,
    OutcomeRecorded,
    OutcomesRecorded,
    RegisterOutcome,
    RegisterOutcomes,
    ToolFound,
    ToolOutcome,
    ToolsFound,
    ToolsListed,
)
from memos.events.usage import By, UsageRead
from memos.events.working import (
    ValueSet,
    ValueToSet,
    WorkingAppended,
    WorkingDeleted,
    WorkingFound,
    WorkingIncremented,
    WorkingListed,
    WorkingSet,
    WorkingValue,
)
from memos.records import Fact, LearningOutcome, SpecFormat, Tool, ToolDefinition, Visibility

class Tools(Face):
    """Registers tools, finds them for a task, and reports what became of their calls.

    Every method raises what those of `Client` do.
    """

    def register(
        self, definition: Definition | None = None, *, command_id: str | None = None, **fields: Any
    ) -> RegisterOutcome:
        """Make a tool known, or change it; `fields` are those of `RegisterTool` and go before the definition's."""

    def register_many(
        self, definitions: Sequence[Definition], *, command_id: str | None = None, timeout: float | None = None
    ) -> RegisterOutcomes:
        """Make up to 256 tools known at low priority; one outcome or problem each, in order."""

    def get(self, tool_id: str, *, format: SpecFormat | None = None) -> ToolFound:
        """One tool as it is now; with `format` also as a model's provider wants it. Raises `NotFound`."""

    def list(self, *, after: str = "", limit: int = 100, **selection: Unpack[SelectionOptions]) -> ToolsListed:
        """A page of tools in the order of their ids; `selection` are the other fields of `ListTools`."""

    def every(self, **selection: Unpack[SelectionOptions]) -> Iterator[Tool]:
        """All tools that are meant, in the order of their ids, read page by page."""

    def deregister(self, tool_id: str, *, command_id: str | None = None) -> DeregisterOutcome:
        """Remove a tool, with all that was reported of it; one that is not there is no error."""

    def discover(self, query: str | None = None, **options: Unpack[DiscoveryOptions]) -> ToolsFound:
        """The tools for a task, best first; `options` are the other fields of `DiscoverTools`."""

    def report(
        self, tool_id: str, *, success: bool, command_id: str | None = None, **outcome: Unpack[OutcomeOptions]
    ) -> OutcomeRecorded:
        """Tell what became of a call; `outcome` are the other fields of `ToolOutcome`. Raises `NotFound`."""

    def report_later(
        self, tool_id: str, *, success: bool, command_id: str | None = None, **outcome: Unpack[OutcomeOptions]
    ) -> str:
        """Tell what became of a call without awaiting that it is recorded; return the command's id."""

    def report_many(
        self,
        outcomes: Sequence[ToolOutcome | Mapping[str, Any]],
        *,
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> OutcomesRecorded:
        """Tell what became of up to 256 calls; one record or problem each, in order."""

    def call(
        self,
        tool: str | ToolDefinition,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        agent_id: str = DEFAULT_AGENT,
        task: str | None = None,
        report: bool = True,
        **options: Unpack[CallOptions],
    ) -> ToolAnswer:
        """Call a tool, or the one of an id, with arguments as an object or as the JSON that a model gives.

        They are checked before anything is sent, and so is the answer before it is given; then what became of the
        call is reported, with the `task` that the tool was called for. Raises `InvalidCommand` naming each argument
        that does not fit, and `ToolFailed` when the tool does not answer as it should.
        """

class Loadouts(Face):
    """Keeps loadouts, and equips agents by them; `memos.client.loadout_files` reads them from YAML.

    Every method raises what those of `Client` do.
    """

    def save(self, loadout: Loadout | Mapping[str, Any], *, command_id: str | None = None) -> SaveLoadoutOutcome:
        """Keep a loadout; it takes the place of the one that its name had before."""

    def get(self, name: str) -> LoadoutFound:
        """One loadout as it is now. Raises `NotFound`."""

    def list(self, *, after: str = "", limit: int = 100) -> LoadoutsListed:
        """A page of loadouts in the order of their names."""

    def every(self) -> Iterator[LoadoutFound]:
        """All loadouts in the order of their names, read page by page."""

    def delete(self, name: str, *, command_id: str | None = None) -> DeleteLoadoutOutcome:
        """Forget a loadout; one that is not there is no error."""

    def equip(self, loadout: str, *, task: str, **options: Unpack[EquipmentOptions]) -> Equipment:
        """All that a loadout equips an agent with for a task; `options` are the other fields of `EquipAgent`.

        Raises `NotFound` when there is no such loadout, or it lacks a tool that it must have, and `InvalidCommand`
        when its system prompt alone costs more than everything may.
        """

class Llm(Face):
    """Keeps answers of language models and finds them again, and tells what calls cost.

    Agents that call a model by themselves use `answered`, which does what `look_up`, `store`, `renew` and
    `release` are for. Every method raises what those of `Client` do.
    """

    def answered(
        self, request: Request, compute: Callable[[], Mapping[str, Any]], **options: Unpack[AnsweringOptions]
    ) -> AnswerLookedUp:
        """The answer to a request: one that is kept, or else what `compute` returns, which is kept then.

        `compute` calls the model and returns its answer as a mapping. Of all who ask the same at once, in whichever
        process, one computes and the others wait for its answer; if that fails or is cancelled, another computes.
        What `compute` raises is raised to whoever it was called for. Where the cache is out of reach the answer is
        computed without it.
        """

    def look_up(self, request: Request, **options: Unpack[LookUpOptions]) -> AnswerLookedUp:
        """What is kept for a request; `options` are the other fields of `LookUpAnswer`."""

    def store(
        self,
        request: Request,
        answer: Mapping[str, Any],
        *,
        command_id: str | None = None,
        **options: Unpack[KeepingOptions],
    ) -> AnswerStored:
        """Keep the answer to a request, and count the call; `options` are the other fields of `StoreAnswer`."""

    def renew(self, key: str, lease: str, *, lease_seconds: float = 30.0) -> LeaseRenewed:
        """Keep the lease of the answer under a key for some seconds more."""

    def release(
        self,
        request: Request,
        *,
        command_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[ReleaseOptions],
    ) -> AnswerReleased:
        """Give a lease back without an answer; `options` are the other fields of `ReleaseAnswer`."""

    def forget(
        self,
        *,
        keys: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
        model: str | None = None,
        everything: bool = False,
        command_id: str | None = None,
    ) -> AnswersForgotten:
        """Forget cached answers: under `keys`, made from any of `sources`, of a `model`, or, if it says so, all."""

    def cache(self) -> CacheRead:
        """How much the cache holds."""

    def look_up_embeddings(
        self, model: str, inputs: Sequence[str | Sequence[int]], **options: Unpack[EmbeddingOptions]
    ) -> EmbeddingsLookedUp:
        """The embeddings of inputs that are kept, in order, and none for each of the others."""

    def store_embeddings(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        embeddings: Sequence[Sequence[float] | str],
        *,
        prompt_tokens: int = 0,
        seconds: float = 0.0,
        shared: Mapping[str, int] | None = None,
        command_id: str | None = None,
        **options: Unpack[EmbeddingOptions],
    ) -> EmbeddingsStored:
        """Keep the embeddings of inputs, one each, and count the call, which others may have `shared`."""

    def count_embeddings(
        self, model: str, *, command_id: str | None = None, **options: Unpack[CountingOptions]
    ) -> EmbeddingsCounted:
        """Count a call for embeddings of which none are kept; `options` are the fields of `CountEmbeddings`."""

    def usage(
        self,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        by: Sequence[By] = ("day", "model", "agent_id", "kind"),
        **selection: Any,
    ) -> UsageRead:
        """What calls cost and hits saved, by default in the last seven days (UTC), added up `by` what is named.

        `selection` can have `model`, `agent_id` and `kind`.
        """

class Working(Face):
    """Keeps values and messages of an agent's sessions at hand, for as long as a session lasts.

    Every method raises what those of `Client` do. Writes begin a session that there is not yet, and raise
    `TooLarge` and `QuotaExceeded` for what it has no room for.
    """

    def say(
        self,
        session_id: str,
        content: str,
        role: str = "user",
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        **options: Unpack[MessageOptions],
    ) -> MessagesAppended:
        """Append a message to the log of a session; `options` are the other fields of `Message`."""

    def say_many(
        self,
        session_id: str,
        messages: Sequence[Message | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
    ) -> MessagesAppended:
        """Append up to 100 messages in their order: all of them, or none."""

    def read(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        last: int = LAST,
        first: int | None = None,
        max_tokens: int | None = None,
        after: int = 0,
    ) -> SessionFound:
        """A session, its summary if there is one, and its newest messages, oldest first. Raises `NotFound`.

        With `first` they are the oldest above the number `after`.
        """

    def every_message(
        self, session_id: str, *, agent_id: str = DEFAULT_AGENT, after: int = 0
    ) -> Iterator[SessionMessage]:
        """All messages in a log above the number `after`, oldest first, read page by page. Raises `NotFound`."""

    def sessions(self, *, agent_id: str = DEFAULT_AGENT, after: str = "", limit: int = 100) -> SessionsListed:
        """A page of an agent's sessions in the order of their ids."""

    def every_session(self, *, agent_id: str = DEFAULT_AGENT) -> Iterator[SessionInfo]:
        """All sessions of an agent in the order of their ids, read page by page."""

    def configure(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        **options: Unpack[SessionChoices],
    ) -> SessionConfigured:
        """Set how a session is kept, and begin it if there is none; `options` are those of `SessionOptions`."""

    def end(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        promote: bool | None = None,
        command_id: str | None = None,
    ) -> SessionEndOutcome:
        """End a session; its messages become memories if `promote` says so, or without it the session's options."""

    def promote(
        self,
        session_id: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        keys: Iterable[str] | None = None,
        through: int | None = None,
        visibility: Visibility = "private",
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> SessionPromoted:
        """Make memories of a session's messages, up to the number `through` if given, or of chosen keys.

        Raises `NotFound`. One that takes longer than `timeout` goes on; asked again with the same `command_id` it
        answers when it is done.
        """

    def set(
        self,
        session_id: str,
        key: str,
        value: Any,
        *,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        if_version: int | None = None,
        command_id: str | None = None,
    ) -> ValueSet:
        """Keep a value, as JSON, under a key. Raises `Conflict` when it is not at `if_version`, 0 for none."""

    def set_many(
        self,
        session_id: str,
        values: Mapping[str, Any] | Sequence[ValueToSet | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
    ) -> WorkingSet:
        """Keep values by their keys, or as `ValueToSet` says: all of them, or none. Raises `Conflict`."""

    def get(self, session_id: str, key: str, *, agent_id: str = DEFAULT_AGENT) -> WorkingValue:
        """The value of a key, with its version. Raises `NotFound`."""

    def get_many(self, session_id: str, keys: Iterable[str], *, agent_id: str = DEFAULT_AGENT) -> WorkingFound:
        """The values of those keys that there are, and the names of the others."""

    def list(
        self, session_id: str, *, agent_id: str = DEFAULT_AGENT, prefix: str = "", after: str = "", limit: int = 100
    ) -> WorkingListed:
        """A page of the keys that begin with a prefix, with their values, in order."""

    def every(self, session_id: str, *, agent_id: str = DEFAULT_AGENT, prefix: str = "") -> Iterator[WorkingValue]:
        """All keys that begin with a prefix, with their values, in order, read page by page."""

    def delete(
        self,
        session_id: str,
        *keys: str,
        agent_id: str = DEFAULT_AGENT,
        if_version: int | None = None,
        command_id: str | None = None,
    ) -> WorkingDeleted:
        """Delete keys; one that is not there is no error. Raises `Conflict` when it is not at `if_version`."""

    def increment(
        self,
        session_id: str,
        key: str,
        by: int | float = 1,
        *,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        command_id: str | None = None,
    ) -> WorkingIncremented:
        """Add to a number, 0 if there is none. Raises `Conflict` for what is no number."""

    def append(
        self,
        session_id: str,
        key: str,
        *items: Any,
        agent_id: str = DEFAULT_AGENT,
        ttl: int | None = None,
        command_id: str | None = None,
    ) -> WorkingAppended:
        """Append items to a list, an empty one if there is none. Raises `Conflict` for what is no list."""

class Learnings(Face):
    """Tells memOS how tasks ended, so that the next one like it goes better, and reads what was told.

    Every method raises what those of `Client` do.
    """

    def record(
        self,
        task: str,
        *,
        outcome: LearningOutcome,
        lessons: Lessons = (),
        memories: MemoriesUsed = (),
        tools: ToolsUsed = (),
        command_id: str | None = None,
        timeout: float | None = None,
        **more: Unpack[LearningOptions],
    ) -> LearningRecorded:
        """Tell how a task ended, what was learned, and what helped; `more` are other fields of `RecordLearning`.

        One result or problem comes back for each lesson, memory and tool, in order.
        """

    def record_later(
        self,
        task: str,
        *,
        outcome: LearningOutcome,
        lessons: Lessons = (),
        memories: MemoriesUsed = (),
        tools: ToolsUsed = (),
        command_id: str | None = None,
        **more: Unpack[LearningOptions],
    ) -> str:
        """Tell how a task ended without awaiting that it is learned; return the command's id."""

    def list(
        self,
        *,
        agent_id: str | None = None,
        task_id: str | None = None,
        outcome: LearningOutcome | None = None,
        before: UUID | str | None = None,
        limit: int = 100,
    ) -> LearningsListed:
        """A page of what was told, newest first, from the one after `before`. Raises `NotFound` for that."""

    def every(
        self, *, agent_id: str | None = None, task_id: str | None = None, outcome: LearningOutcome | None = None
    ) -> Iterator[Learning]:
        """All that was told, newest first, read page by page."""

class Client(Face):
    """Remembers and recalls for agents.

    Every method raises `InvalidCommand` for arguments that do not fit, the error that memOS answers
    with, `DeadlineExceeded` after `timeout` seconds and `Unavailable` when memOS is out of reach. To
    repeat a write safely give it the same `command_id`.
    """

    @property
    def tools(self) -> Tools:
        """What there is to do with tools."""

    @property
    def loadouts(self) -> Loadouts:
        """What equips agents."""

    @property
    def llm(self) -> Llm:
        """The cache of language models' answers, and what calls cost."""

    @property
    def working(self) -> Working:
        """What agents keep at hand."""

    @property
    def learning(self) -> Learnings:
        """What agents learn of their tasks."""

    def store(self, content: str, *, command_id: str | None = None, **fields: Any) -> StoreOutcome:
        """Remember a text; `fields` are those of `StoreMemory`. With `supersedes` raises `NotFound`, `Conflict`."""

    def store_later(self, content: str, *, command_id: str | None = None, **fields: Any) -> str:
        """Hand a text over without awaiting that it is stored; return the command's id."""

    def store_many(
        self, memories: Sequence[StoreMemory | Mapping[str, Any]], *, command_id: str | None = None
    ) -> StoreOutcomes:
        """Remember up to 100 texts; one outcome or problem each, in order."""

    def ingest(
        self,
        items: Sequence[IngestItem | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> StoreOutcomes:
        """Remember up to 256 passages of documents at low priority, shared by all agents."""

    def query(
        self,
        query: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        top_k: int = 5,
        filter: MemoryFilter | Mapping[str, Any] | None = None,
        **options: Unpack[QueryOptions],
    ) -> MemoriesFound:
        """The memories that answer a text best, best first; `options` are the other fields of `QueryMemory`."""

    def context(self, task: str, **options: Unpack[ContextOptions]) -> TaskContext:
        """All that memory has for a task, in one reply; `options` are the other fields of `RequestContext`.

        What is late or away is named as missing, so this waits for an answer as long as `deadline_ms` at least.
        """

    def get(self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT) -> MemoryFound:
        """One memory as it is now. Raises `NotFound`."""

    def history(self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT) -> MemoryHistory:
        """Every version of a memory, oldest first. Raises `NotFound`."""

    def update(
        self,
        memory_id: UUID | str,
        *,
        agent_id: str = DEFAULT_AGENT,
        expected_version: int | None = None,
        command_id: str | None = None,
        **changes: Any,
    ) -> MemoryFound:
        """Change a memory; `changes` are those of `MemoryChanges`. Raises `NotFound`, `Conflict`."""

    def delete(
        self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT, command_id: str | None = None
    ) -> DeleteOutcome:
        """Forget a memory, even one whose store has not arrived yet. Raises `NotFound`."""

    def delete_many(
        self,
        *,
        filter: MemoryFilter | Mapping[str, Any] | None = None,
        dry_run: bool = True,
        command_id: str | None = None,
        timeout: float | None = None,
        **conditions: Any,
    ) -> DeletionReceipt:
        """Forget all memories of the tenant that meet the conditions, which are those of `DeleteMemories`.

        Unless `dry_run` is false nothing is deleted, and the receipt says what would be. A deletion that takes
        longer than `timeout` goes on; asked again with the same `command_id` it answers when it is done.
        """

    def purge(
        self,
        *,
        dry_run: bool = True,
        command_id: str | None = None,
        timeout: float | None = None,
        **conditions: Any,
    ) -> PurgeReceipt:
        """Remove the content of deleted memories for good; `conditions` are those of `PurgeMemories`.

        Unless `dry_run` is false nothing is removed, and the receipt says what would be.
        """

    def facts(self, *, after: int = 0, limit: int = 100, types: Sequence[str] = ()) -> FactsRead:
        """What has happened after a position, oldest first. Raises `Conflict` when the log ends before it."""

    def follow(
        self,
        *,
        after: int | None = 0,
        types: Sequence[str] = (),
        group: str | None = None,
        consumer: str | None = None,
    ) -> Iterator[Fact]:
        """What has happened from the beginning or a position on, or with `None` happens from now on, endlessly.

        Facts come in the order of their positions; none is left out and none comes twice, whatever fails
        or restarts meanwhile: only what fails before the first answer is raised, and `Conflict` when the
        log ends before the position. To go on later give the position of the last fact as `after`.

        With a `group`, which needs the bus, Redis keeps the position for all processes that name it, and
        each fact goes to one of them, at least once: it is finished when the next one is asked for. A new
        group begins at `after`. What a `consumer` took and did not finish is given to it again when it
        comes back, so each process needs a lasting name of its own; a single one needs none.
        """

    def health(self) -> Readiness:
        """Whether each lane has a worker that answers, and its engines answer."""

    def send(
        self, command: Command, reply: type[R], command_id: str | None = None, *, timeout: float | None = None
    ) -> R:
        """Send any command and await its reply."""

    def post(self, command: Command, command_id: str | None = None) -> str:
        """Hand over a command that may be answered later, without awaiting its reply; return its id."""

@contextmanager
def connect(
    url: str = DEFAULT_URL, *, source: str = "memos.client", timeout: float = 30.0, retries: int = RETRIES
) -> Iterator[Client]:
    """A client over HTTP (`http://…`) or over the bus (`redis://…`, `unix://…`).

    `source` names the sender on the bus: command ids are unique within it. A command is given up after `timeout`
    seconds, within which it is sent again up to `retries` times while memOS is out of reach or overloaded, 0 for
    never; see `memos.client.retrying`. Raises `ConfigurationError` for any other URL.
    """
