"""The one table of streams: which command travels where, who answers it and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from memos.events.deletions import DeleteMemories, DeletionReceipt, PurgeMemories, PurgeReceipt
from memos.events.facts import FactsRead, ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth, HealthReport
from memos.events.memories import (
    Command,
    DeleteMemory,
    DeleteOutcome,
    GetHistory,
    GetMemory,
    IngestBatch,
    MemoriesFound,
    MemoryFound,
    MemoryHistory,
    QueryMemory,
    Reply,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
    UpdateMemory,
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


STREAMS: tuple[Stream, ...] = (
    Stream("memos:store", "memos.store.v1", StoreMemory, StoreOutcome, "interactive", writes=True),
    Stream("memos:store-batch", "memos.store-batch.v1", StoreMemories, StoreOutcomes, "interactive", writes=True),
    Stream("memos:query", "memos.query.v1", QueryMemory, MemoriesFound, "interactive", writes=False),
    Stream("memos:get", "memos.get.v1", GetMemory, MemoryFound, "interactive", writes=False),
    Stream("memos:history", "memos.history.v1", GetHistory, MemoryHistory, "interactive", writes=False),
    Stream("memos:update", "memos.update.v1", UpdateMemory, MemoryFound, "interactive", writes=True),
    Stream("memos:delete", "memos.delete.v1", DeleteMemory, DeleteOutcome, "interactive", writes=True),
    Stream("memos:read-facts", "memos.read-facts.v1", ReadFacts, FactsRead, "interactive", writes=False),
    Stream("memos:health", "memos.health.v1", CheckHealth, HealthReport, "interactive", writes=False),
    Stream("memos:health-bulk", "memos.health-bulk.v1", CheckBulkHealth, HealthReport, "bulk", writes=False),
    Stream("memos:ingest", "memos.ingest.v1", IngestBatch, StoreOutcomes, "bulk", writes=True),
    Stream("memos:delete-many", "memos.delete-many.v1", DeleteMemories, DeletionReceipt, "bulk", writes=True),
    Stream("memos:purge", "memos.purge.v1", PurgeMemories, PurgeReceipt, "bulk", writes=True),
)

STREAM_OF: Mapping[type[Command], Stream] = {stream.command: stream for stream in STREAMS}
"""The stream on which a command travels."""

LASTING_KEYS: frozenset[str] = frozenset({FACTS_STREAM}).union(*(stream.keys for stream in STREAMS))
"""The keys in Redis that are kept without a TTL; every other one ends by itself."""
