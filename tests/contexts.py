"""Tasks whose context is asked for, on a real ledger and a real Redis."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from builders import origin
from outfits import Outfitter, outfitter_on
from redis.asyncio import Redis
from sessions import MOMENT

from memos.events.context import RequestContext, TaskContext
from memos.events.sessions import Message
from memos.handlers.context.request import request_context
from memos.ranking import tokens_of
from memos.records import LESSON, LearningOutcome, MessageDraft, SessionKey, ValueDraft, content_of
from memos.stores.learning import PostgresLearnings
from memos.stores.postgres import Pool
from memos.waiting import Stragglers

CONTRADICT = """
insert into memory_links (tenant, memory_id, other_id, similarity, relation, reason)
values ('default', $1, $2, 0.9, 'contradicts', 'says otherwise')
"""

HEADINGS = ["## Lessons of earlier tasks", "## Memories", "## Working memory"]


@dataclass(frozen=True)
class Desk:
    """What agents know and have at hand; ada works here, in the session `s`, unless told otherwise."""

    outfitter: Outfitter
    learnings: PostgresLearnings

    @property
    def ports(self) -> dict[str, Any]:
        """The ports of the handler."""
        rooms, toolbox = self.outfitter.rooms, self.outfitter.toolbox
        return {
            "memories": rooms.memories,
            "vectors": rooms.vectors,
            "projections": rooms.projections,
            "embedder": rooms.embedder,
            "reranker": None,
            "learnings": self.learnings,
            "working": self.outfitter.working,
            "loadouts": self.outfitter.loadouts,
            "tools": toolbox.tools,
            "catalogs": toolbox.catalogs,
        }

    async def context(
        self,
        task: str = "find pages",
        *,
        tenant: str = "default",
        ports: dict[str, Any] | None = None,
        **fields: Any,
    ) -> TaskContext:
        """Ask for the context of a task; `ports` take the place of some."""
        command = RequestContext(**{"task": task, "agent_id": "ada", **fields})
        async with Stragglers() as stragglers:
            open_ports = {**self.ports, "stragglers": stragglers, **(ports or {})}
            return await request_context(command, origin=origin(tenant=tenant), **open_ports)

    async def remember(self, content: str, **fields: Any) -> UUID:
        """Store a memory."""
        return await self.outfitter.rooms.remember(content, **{"agent_id": "ada", **fields})

    async def learn(
        self, lesson: str, *, task: str = "find pages", outcome: LearningOutcome = "success", **fields: Any
    ) -> UUID:
        """Store a lesson, as an agent's learning leaves it."""
        metadata = {"lesson": lesson, "task": task, "task_id": None, "outcome": outcome}
        told = {"kind": LESSON, "visibility": "shared", "metadata": metadata, **fields}
        return await self.remember(content_of(lesson, task, outcome), **told)

    async def contradict(self, later: UUID, earlier: UUID) -> None:
        """Flag a lesson as one that says otherwise than another."""
        await self.outfitter.rooms.pool.execute(CONTRADICT, later, earlier)

    async def say(self, *contents: str, **fields: Any) -> list[UUID]:
        """Append messages to a session; return their ids."""
        key = self._session(fields)
        drafts = [
            MessageDraft(Message(content=one, occurred_at=MOMENT, **fields).model_dump(mode="json"), 1)
            for one in contents
        ]
        sender = origin(tenant=key.tenant)
        return list((await self.outfitter.working.add_messages(sender, b"digest", key, drafts)).memory_ids)

    async def set(self, name: str, json: bytes, **fields: Any) -> None:
        """Keep a value in a session."""
        key = self._session(fields)
        await self.outfitter.working.set(origin(tenant=key.tenant), b"digest", key, [ValueDraft(name, json)])

    @staticmethod
    def _session(fields: dict[str, Any]) -> SessionKey:
        """Which session is meant; what says so is taken from the fields."""
        tenant, agent = fields.pop("tenant", "default"), fields.pop("agent_id", "ada")
        return SessionKey(tenant, agent, fields.pop("session_id", "s"))


async def desk_on(pool: Pool, redis: Redis) -> Desk:
    """An empty, migrated ledger, and an empty Redis."""
    return Desk(await outfitter_on(pool, redis), PostgresLearnings(pool))


def assert_adds_up(context: TaskContext) -> None:
    """Fail unless the tokens are those of the text, of the prompt and of the tools."""
    tokens = context.tokens
    assert tokens.system_prompt == tokens_of(context.system_prompt)
    assert tokens.tools == sum(tool.tokens for tool in context.tools)
    assert tokens.lessons + tokens.memories + tokens.working == tokens_of(context.context)
    assert tokens.total == tokens.system_prompt + tokens_of(context.context) + tokens.tools
    assert tokens.budget is None or tokens.total <= tokens.budget


def headings(context: TaskContext) -> list[str]:
    """The lines of the text that are at the margin and begin a section."""
    return [line for line in context.context.splitlines() if line.startswith("#")]
