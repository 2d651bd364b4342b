"""What memOS does for each command: plain functions of a command and the ports that it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.facts import ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth
from memos.events.memories import (
    Command,
    DeleteMemory,
    GetHistory,
    GetMemory,
    IngestBatch,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.handlers.change import delete_memory, update_memory
from memos.handlers.facts import read_facts
from memos.handlers.forget import delete_memories, purge_memories
from memos.handlers.health import check_health
from memos.handlers.query import get_history, get_memory, query_memory
from memos.handlers.store import ingest_batch, store_memories, store_memory


@dataclass(frozen=True, slots=True)
class Handler:
    """The function for a command. It takes its ports by name, and who sent the command as `origin`.

    With `batch` above 1 it takes up to that many commands that came together, and `origins`, and
    returns one result or error for each.
    """

    command: type[Command]
    function: Callable[..., Awaitable[Any]]
    batch: int = 1


HANDLERS: tuple[Handler, ...] = (
    Handler(StoreMemory, store_memory, batch=256),
    Handler(StoreMemories, store_memories, batch=8),
    Handler(IngestBatch, ingest_batch, batch=2),
    Handler(QueryMemory, query_memory),
    Handler(GetMemory, get_memory),
    Handler(GetHistory, get_history),
    Handler(UpdateMemory, update_memory),
    Handler(DeleteMemory, delete_memory),
    Handler(DeleteMemories, delete_memories),
    Handler(PurgeMemories, purge_memories),
    Handler(ReadFacts, read_facts),
    Handler(CheckHealth, check_health),
    Handler(CheckBulkHealth, check_health),
)
