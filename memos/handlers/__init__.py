"""What memOS does for each command: plain functions of a command and the ports that it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from memos.events.answers import ForgetAnswers, LookUpAnswer, ReadCache, ReleaseAnswer, RenewLease, StoreAnswer
from memos.events.commands import Command
from memos.events.context import RequestContext
from memos.events.deletions import DeleteMemories, PurgeMemories
from memos.events.embeddings import CountEmbeddings, LookUpEmbeddings, StoreEmbeddings
from memos.events.equipment import EquipAgent
from memos.events.facts import ReadFacts
from memos.events.health import CheckBulkHealth, CheckHealth
from memos.events.learning import ListLearnings, RecordLearning
from memos.events.loadouts import DeleteLoadout, GetLoadout, ListLoadouts, SaveLoadout
from memos.events.memories import (
    DeleteMemory,
    GetHistory,
    GetMemory,
    IngestBatch,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    PromoteSession,
    ReadSession,
)
from memos.events.tools import (
    DeregisterTool,
    DiscoverTools,
    GetTool,
    ListTools,
    RegisterTool,
    RegisterTools,
    ToolOutcome,
    ToolOutcomes,
)
from memos.events.usage import ReadUsage
from memos.events.working import AppendWorking, DeleteWorking, GetWorking, IncrementWorking, ListWorking, SetWorking
from memos.handlers.answers.cache import forget_answers, read_cache, renew_lease
from memos.handlers.answers.embeddings import count_embeddings, look_up_embeddings, store_embeddings
from memos.handlers.answers.keeping import release_answer, store_answer
from memos.handlers.answers.looking_up import look_up_answer
from memos.handlers.answers.usage import read_usage
from memos.handlers.context.request import request_context
from memos.handlers.facts import read_facts
from memos.handlers.health import check_health
from memos.handlers.learning.learn import list_learnings, record_learning
from memos.handlers.loadouts.equip import equip_agent
from memos.handlers.loadouts.keeping import delete_loadout, get_loadout, list_loadouts, save_loadout
from memos.handlers.memories.change import delete_memory, update_memory
from memos.handlers.memories.forget import delete_memories, purge_memories
from memos.handlers.memories.query import get_history, get_memory, query_memory
from memos.handlers.memories.store import ingest_batch, store_memories, store_memory
from memos.handlers.tools.discover import discover_tools
from memos.handlers.tools.outcomes import record_outcome, record_outcomes
from memos.handlers.tools.registry import deregister_tool, get_tool, list_tools, register_tool, register_tools
from memos.handlers.working.promote import promote_session
from memos.handlers.working.sessions import (
    append_message,
    append_messages,
    configure_session,
    end_session,
    list_sessions,
    read_session,
)
from memos.handlers.working.values import (
    append_working,
    delete_working,
    get_working,
    increment_working,
    list_working,
    set_working,
)


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
    Handler(RegisterTool, register_tool, batch=64),
    Handler(RegisterTools, register_tools, batch=2),
    Handler(GetTool, get_tool),
    Handler(ListTools, list_tools),
    Handler(DeregisterTool, deregister_tool),
    Handler(DiscoverTools, discover_tools),
    Handler(ToolOutcome, record_outcome, batch=64),
    Handler(ToolOutcomes, record_outcomes, batch=4),
    Handler(SaveLoadout, save_loadout),
    Handler(GetLoadout, get_loadout),
    Handler(ListLoadouts, list_loadouts),
    Handler(DeleteLoadout, delete_loadout),
    Handler(EquipAgent, equip_agent),
    Handler(RequestContext, request_context),
    Handler(RecordLearning, record_learning),
    Handler(ListLearnings, list_learnings),
    Handler(LookUpAnswer, look_up_answer),
    Handler(StoreAnswer, store_answer),
    Handler(ReleaseAnswer, release_answer),
    Handler(RenewLease, renew_lease),
    Handler(ForgetAnswers, forget_answers),
    Handler(ReadCache, read_cache),
    Handler(LookUpEmbeddings, look_up_embeddings),
    Handler(StoreEmbeddings, store_embeddings),
    Handler(CountEmbeddings, count_embeddings),
    Handler(SetWorking, set_working),
    Handler(GetWorking, get_working),
    Handler(ListWorking, list_working),
    Handler(DeleteWorking, delete_working),
    Handler(IncrementWorking, increment_working),
    Handler(AppendWorking, append_working),
    Handler(AppendMessage, append_message),
    Handler(AppendMessages, append_messages),
    Handler(ReadSession, read_session),
    Handler(ListSessions, list_sessions),
    Handler(ConfigureSession, configure_session),
    Handler(EndSession, end_session),
    Handler(PromoteSession, promote_session),
    Handler(ReadUsage, read_usage),
    Handler(CheckHealth, check_health),
    Handler(CheckBulkHealth, check_health),
)
