"""What an agent does with its memory, as methods."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Unpack
from uuid import UUID

from pydantic import ValidationError

from memos.client.ids import command_id_of
from memos.client.learning import Learnings
from memos.client.llm import Llm
from memos.client.loadouts import Loadouts
from memos.client.options import ContextOptions, QueryOptions
from memos.client.sending import R, build
from memos.client.tools import Tools
from memos.client.transport import Transport
from memos.client.working import Working
from memos.errors import InternalError, MemosError
from memos.events.commands import DEFAULT_AGENT, Command
from memos.events.context import RequestContext, TaskContext
from memos.events.deletions import DeleteMemories, DeletionReceipt, PurgeMemories, PurgeReceipt
from memos.events.facts import FactsRead, ReadFacts
from memos.events.filters import MemoryFilter
from memos.events.health import CheckBulkHealth, CheckHealth, HealthReport, Readiness
from memos.events.memories import (
    DeleteMemory,
    DeleteOutcome,
    GetHistory,
    GetMemory,
    IngestBatch,
    IngestItem,
    MemoriesFound,
    MemoryChanges,
    MemoryFound,
    MemoryHistory,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    StoreOutcome,
    StoreOutcomes,
    UpdateMemory,
)
from memos.events.problems import Problem, problem_of
from memos.records import Fact


class Client:
    """Remembers and recalls for agents.

    Every method raises `InvalidCommand` for arguments that do not fit, the error that memOS answers
    with, `DeadlineExceeded` after `timeout` seconds and `Unavailable` when memOS is out of reach. To
    repeat a write safely give it the same `command_id`.
    """

    def __init__(self, transport: Transport, *, timeout: float = 30.0) -> None:
        self._transport = transport
        self._timeout = timeout

    @property
    def tools(self) -> Tools:
        """What there is to do with tools."""
        return Tools(self)

    @property
    def loadouts(self) -> Loadouts:
        """What equips agents."""
        return Loadouts(self)

    @property
    def llm(self) -> Llm:
        """The cache of language models' answers, and what calls cost."""
        return Llm(self)

    @property
    def working(self) -> Working:
        """What agents keep at hand."""
        return Working(self)

    @property
    def learning(self) -> Learnings:
        """What agents learn of their tasks."""
        return Learnings(self)

    async def store(self, content: str, *, command_id: str | None = None, **fields: Any) -> StoreOutcome:
        """Remember a text; `fields` are those of `StoreMemory`. With `supersedes` raises `NotFound`, `Conflict`."""
        command = build(StoreMemory, content=content, **fields)
        return await self.send(command, StoreOutcome, command_id)

    async def store_later(self, content: str, *, command_id: str | None = None, **fields: Any) -> str:
        """Hand a text over without awaiting that it is stored; return the command's id."""
        return await self.post(build(StoreMemory, content=content, **fields), command_id)

    async def store_many(
        self, memories: Sequence[StoreMemory | Mapping[str, Any]], *, command_id: str | None = None
    ) -> StoreOutcomes:
        """Remember up to 100 texts; one outcome or problem each, in order."""
        command = build(StoreMemories, memories=list(memories))
        return await self.send(command, StoreOutcomes, command_id)

    async def ingest(
        self,
        items: Sequence[IngestItem | Mapping[str, Any]],
        *,
        agent_id: str = DEFAULT_AGENT,
        command_id: str | None = None,
        timeout: float | None = None,
    ) -> StoreOutcomes:
        """Remember up to 256 passages of documents at low priority, shared by all agents."""
        command = build(IngestBatch, items=list(items), agent_id=agent_id)
        return await self.send(command, StoreOutcomes, command_id, timeout=timeout)

    async def query(
        self,
        query: str,
        *,
        agent_id: str = DEFAULT_AGENT,
        top_k: int = 5,
        filter: MemoryFilter | Mapping[str, Any] | None = None,  # noqa: A002
        **options: Unpack[QueryOptions],
    ) -> MemoriesFound:
        """The memories that answer a text best, best first; `options` are the other fields of `QueryMemory`."""
        command = build(QueryMemory, query=query, agent_id=agent_id, top_k=top_k, filter=filter, **options)
        return await self.send(command, MemoriesFound)

    async def context(self, task: str, **options: Unpack[ContextOptions]) -> TaskContext:
        """All that memory has for a task, in one reply; `options` are the other fields of `RequestContext`.

        What is late or away is named as missing, so this waits for an answer as long as `deadline_ms` at least.
        """
        command = build(RequestContext, task=task, **options)
        return await self.send(command, TaskContext, timeout=max(self._timeout, command.patience))

    async def get(self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT) -> MemoryFound:
        """One memory as it is now. Raises `NotFound`."""
        return await self.send(build(GetMemory, memory_id=memory_id, agent_id=agent_id), MemoryFound)

    async def history(self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT) -> MemoryHistory:
        """Every version of a memory, oldest first. Raises `NotFound`."""
        return await self.send(build(GetHistory, memory_id=memory_id, agent_id=agent_id), MemoryHistory)

    async def update(
        self,
        memory_id: UUID | str,
        *,
        agent_id: str = DEFAULT_AGENT,
        expected_version: int | None = None,
        command_id: str | None = None,
        **changes: Any,
    ) -> MemoryFound:
        """Change a memory; `changes` are those of `MemoryChanges`. Raises `NotFound`, `Conflict`."""
        command = build(
            UpdateMemory,
            memory_id=memory_id,
            agent_id=agent_id,
            expected_version=expected_version,
            changes=build(MemoryChanges, **changes),
        )
        return await self.send(command, MemoryFound, command_id)

    async def delete(
        self, memory_id: UUID | str, *, agent_id: str = DEFAULT_AGENT, command_id: str | None = None
    ) -> DeleteOutcome:
        """Forget a memory, even one whose store has not arrived yet. Raises `NotFound`."""
        command = build(DeleteMemory, memory_id=memory_id, agent_id=agent_id)
        return await self.send(command, DeleteOutcome, command_id)

    async def delete_many(
        self,
        *,
        filter: MemoryFilter | Mapping[str, Any] | None = None,  # noqa: A002
        dry_run: bool = True,
        command_id: str | None = None,
        timeout: float | None = None,
        **conditions: Any,
    ) -> DeletionReceipt:
        """Forget all memories of the tenant that meet the conditions, which are those of `DeleteMemories`.

        Unless `dry_run` is false nothing is deleted, and the receipt says what would be. A deletion that takes
        longer than `timeout` goes on; asked again with the same `command_id` it answers when it is done.
        """
        command = build(DeleteMemories, filter=filter, dry_run=dry_run, **conditions)
        return await self.send(command, DeletionReceipt, command_id, timeout=timeout)

    async def purge(
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
        command = build(PurgeMemories, dry_run=dry_run, **conditions)
        return await self.send(command, PurgeReceipt, command_id, timeout=timeout)

    async def facts(self, *, after: int = 0, limit: int = 100, types: Sequence[str] = ()) -> FactsRead:
        """What has happened after a position, oldest first. Raises `Conflict` when the log ends before it."""
        return await self.send(build(ReadFacts, after=after, limit=limit, types=list(types)), FactsRead)

    def follow(
        self,
        *,
        after: int | None = 0,
        types: Sequence[str] = (),
        group: str | None = None,
        consumer: str | None = None,
    ) -> AsyncIterator[Fact]:
        """What has happened from the beginning or a position on, or with `None` happens from now on, endlessly.

        Facts come in the order of their positions; none is left out and none comes twice, whatever fails
        or restarts meanwhile: only what fails before the first answer is raised, and `Conflict` when the
        log ends before the position. To go on later give the position of the last fact as `after`.

        With a `group`, which needs the bus, Redis keeps the position for all processes that name it, and
        each fact goes to one of them, at least once: it is finished when the next one is asked for. A new
        group begins at `after`. What a `consumer` took and did not finish is given to it again when it
        comes back, so each process needs a lasting name of its own; a single one needs none.
        """
        read = build(ReadFacts, after=after or 0, types=list(types))
        given = None if after is None else read.after
        return self._transport.follow(given, read.types, group=group, consumer=consumer)

    async def health(self) -> Readiness:
        """Whether each lane has a worker that answers, and its engines answer."""
        lanes: dict[str, Command] = {"interactive": CheckHealth(), "bulk": CheckBulkHealth()}
        reports = dict(zip(lanes, await asyncio.gather(*map(self._check, lanes.values())), strict=True))
        ready = all(isinstance(report, HealthReport) and report.status == "ready" for report in reports.values())
        return Readiness(status="ready" if ready else "degraded", lanes=reports)

    async def _check(self, check: Command) -> HealthReport | Problem:
        try:
            return await self.send(check, HealthReport)
        except MemosError as error:
            return problem_of(error)

    async def send(
        self, command: Command, reply: type[R], command_id: str | None = None, *, timeout: float | None = None
    ) -> R:
        """Send any command and await its reply."""
        data = await self._transport.send(command, command_id_of(command_id), timeout or self._timeout)
        try:
            return reply.model_validate(data)
        except ValidationError as error:
            raise InternalError(
                f"The answer is no {reply.__name__}: {error.error_count()} fields do not fit. "
                "Use a client of the server's version."
            ) from error

    async def post(self, command: Command, command_id: str | None = None) -> str:
        """Hand over a command that may be answered later, without awaiting its reply; return its id."""
        command_id = command_id_of(command_id)
        await self._transport.post(command, command_id)
        return command_id
