"""The one table of streams: which command travels where, who answers it and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memos.events.answers import (
    AnswerLookedUp,
    AnswerReleased,
    AnswersForgotten,
    AnswerStored,
    CacheRead,
    ForgetAnswers,
    LeaseRenewed,
    LookUpAnswer,
    ReadCache,
    ReleaseAnswer,
    RenewLease,
    StoreAnswer,
)
from memos.events.commands import Command, Reply
from memos.events.context import RequestContext, TaskContext
from memos.events.deletions import DeleteMemories, DeletionReceipt, PurgeMemories, PurgeReceipt
from memos.events.embeddings import (
    CountEmbeddings,
    EmbeddingsCounted,
    EmbeddingsLookedUp,
    EmbeddingsStored,
    LookUpEmbeddings,
    StoreEmbeddings,
)
from memos.events.equipment import EquipAgent, Equipment
from memos.events.facts import FactsRead, ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth, HealthReport
from memos.events.learning import LearningRecorded, LearningsListed, ListLearnings, RecordLearning
from memos.events.loadouts import (
    DeleteLoadout,
    DeleteLoadoutOutcome,
    GetLoadout,
    ListLoadouts,
    LoadoutFound,
    LoadoutsListed,
    SaveLoadout,
    SaveLoadoutOutcome,
)
from memos.events.memories import (
    DeleteMemory,
    DeleteOutcome,
    GetHistory,
    GetMemory,
    IngestBatch,
    MemoriesFound,
    MemoryFound,
    MemoryHistory,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
    UpdateMemory,
)
from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    MessagesAppended,
    PromoteSession,
    ReadSession,
    SessionConfigured,
    SessionEndOutcome,
    SessionFound,
    SessionPromoted,
    SessionsListed,
)
from memos.events.tools import (
    DeregisterOutcome,
    DeregisterTool,
    DiscoverTools,
    GetTool,
    ListTools,
    OutcomeRecorded,
    OutcomesRecorded,
    RegisterOutcome,
    RegisterOutcomes,
    RegisterTool,
    RegisterTools,
    ToolFound,
    ToolOutcome,
    ToolOutcomes,
    ToolsFound,
    ToolsListed,
)
from memos.events.usage import ReadUsage, UsageRead
from memos.events.working import (
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    ListWorking,
    SetWorking,
    WorkingAppended,
    WorkingDeleted,
    WorkingFound,
    WorkingIncremented,
    WorkingListed,
    WorkingSet,
)

Lane = Literal["interactive", "bulk"]
GROUP = "memos"
FACTS_STREAM = "memos:facts"
"""The newest facts of all tenants; the id of an entry is `<position>-0`."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A Redis Stream of one command; `writes` is true when the command must never be dropped."""

    name: str
    event_type: str
    command: type[Command]
    reply: type[Reply]
    lane: Lane
    writes: bool

    @property
    def reply_type(self) -> str:
        """The CloudEvents type of the reply."""
        return self.event_type.replace(".v", ".reply.v")

    @property
    def delayed(self) -> str:
        """The sorted set of entries that are to be tried again, in the same cluster slot."""
        return f"{{{self.name}}}:delayed"

    @property
    def dead(self) -> str:
        """The stream of entries that could not be handled, in the same cluster slot."""
        return f"{{{self.name}}}:dead"

    @property
    def keys(self) -> tuple[str, str, str]:
        """Every key in Redis that belongs to the stream."""
        return self.name, self.delayed, self.dead


def _read(name: str, command: type[Command], reply: type[Reply], lane: Lane = "interactive") -> Stream:
    return Stream(f"memos:{name}", f"memos.{name}.v1", command, reply, lane, writes=False)


def _write(name: str, command: type[Command], reply: type[Reply], lane: Lane = "interactive") -> Stream:
    return Stream(f"memos:{name}", f"memos.{name}.v1", command, reply, lane, writes=True)


STREAMS: tuple[Stream, ...] = (
    _write("store", StoreMemory, StoreOutcome),
    _write("store-batch", StoreMemories, StoreOutcomes),
    _read("query", QueryMemory, MemoriesFound),
    _read("get", GetMemory, MemoryFound),
    _read("history", GetHistory, MemoryHistory),
    _write("update", UpdateMemory, MemoryFound),
    _write("delete", DeleteMemory, DeleteOutcome),
    _read("read-facts", ReadFacts, FactsRead),
    _read("health", CheckHealth, HealthReport),
    _read("health-bulk", CheckBulkHealth, HealthReport, lane="bulk"),
    _write("tool-register", RegisterTool, RegisterOutcome),
    _read("tool-get", GetTool, ToolFound),
    _read("tool-list", ListTools, ToolsListed),
    _write("tool-deregister", DeregisterTool, DeregisterOutcome),
    _read("tool-discover", DiscoverTools, ToolsFound),
    _write("tool-register-batch", RegisterTools, RegisterOutcomes, lane="bulk"),
    _write("tool-outcome", ToolOutcome, OutcomeRecorded, lane="bulk"),
    _write("tool-outcome-batch", ToolOutcomes, OutcomesRecorded, lane="bulk"),
    _write("loadout-save", SaveLoadout, SaveLoadoutOutcome),
    _read("loadout-get", GetLoadout, LoadoutFound),
    _read("loadout-list", ListLoadouts, LoadoutsListed),
    _write("loadout-delete", DeleteLoadout, DeleteLoadoutOutcome),
    _read("equip", EquipAgent, Equipment),
    _read("context", RequestContext, TaskContext),
    _write("learning", RecordLearning, LearningRecorded, lane="bulk"),
    _read("learning-list", ListLearnings, LearningsListed),
    _write("working-set", SetWorking, WorkingSet),
    _read("working-get", GetWorking, WorkingFound),
    _read("working-list", ListWorking, WorkingListed),
    _write("working-delete", DeleteWorking, WorkingDeleted),
    _write("working-increment", IncrementWorking, WorkingIncremented),
    _write("working-append", AppendWorking, WorkingAppended),
    _write("message-append", AppendMessage, MessagesAppended),
    _write("message-append-batch", AppendMessages, MessagesAppended),
    _read("session-read", ReadSession, SessionFound),
    _read("session-list", ListSessions, SessionsListed),
    _write("session-configure", ConfigureSession, SessionConfigured),
    _write("session-end", EndSession, SessionEndOutcome),
    _write("session-promote", PromoteSession, SessionPromoted, lane="bulk"),
    _read("answer-look-up", LookUpAnswer, AnswerLookedUp),
    _write("answer-store", StoreAnswer, AnswerStored),
    _write("answer-release", ReleaseAnswer, AnswerReleased),
    _read("answer-renew", RenewLease, LeaseRenewed),
    _write("answer-forget", ForgetAnswers, AnswersForgotten),
    _read("cache-read", ReadCache, CacheRead),
    _read("embeddings-look-up", LookUpEmbeddings, EmbeddingsLookedUp),
    _write("embeddings-store", StoreEmbeddings, EmbeddingsStored),
    _write("embeddings-count", CountEmbeddings, EmbeddingsCounted),
    _read("usage-read", ReadUsage, UsageRead),
    _write("ingest", IngestBatch, StoreOutcomes, lane="bulk"),
    _write("delete-many", DeleteMemories, DeletionReceipt, lane="bulk"),
    _write("purge", PurgeMemories, PurgeReceipt, lane="bulk"),
)

STREAM_OF: Mapping[type[Command], Stream] = {stream.command: stream for stream in STREAMS}
"""The stream on which a command travels."""

LASTING_KEYS: frozenset[str] = frozenset({FACTS_STREAM}).union(*(stream.keys for stream in STREAMS))
"""The keys in Redis that are kept without a TTL; every other one ends by itself."""
