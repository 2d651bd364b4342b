"""Sessions of working memory on a real Redis, and the ledger in which they become memories."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from builders import Rooms, origin
from redis.asyncio import Redis

from memos.events.sessions import EndSession, Message, PromoteSession, SessionPromoted
from memos.handlers.digests import digest_of
from memos.handlers.working.clearing import Clearing
from memos.handlers.working.promote import promote_session
from memos.handlers.working.promoting import Promoting
from memos.ports import Facts, LanguageModel, SessionChanges, Working
from memos.records import (
    EndedSession,
    KeptSession,
    KeptSummary,
    MessageDraft,
    Promotion,
    SessionKey,
    SessionPolicy,
    ValueDraft,
    WorkingLimits,
)
from memos.stores.working import RedisWorking

MOMENT = datetime(2026, 3, 2, 18, tzinfo=UTC)
LIMITS = WorkingLimits(1_000_000, 8_000_000, 1000, 64_000_000, 1000)
POLICY = SessionPolicy(ttl=3600, window_messages=4, window_tokens=16_000, promote="window")


@dataclass(frozen=True)
class Sessions:
    """Working memory, and all that its sessions become; the session is ada's `s` unless told otherwise."""

    redis: Any
    working: Working
    facts: Facts
    rooms: Rooms
    key: SessionKey = field(default=SessionKey("default", "ada", "s"))

    @property
    def promoting(self) -> Promoting:
        rooms = self.rooms
        return Promoting(rooms.memories, rooms.vectors, rooms.projections, rooms.embedder)

    def clearing(self, model: LanguageModel | None = None, clock: Callable[[], float] | None = None) -> Clearing:
        """The duty of a worker that has just begun; pauses are measured by the clock, if one is given."""
        return Clearing(self.working, self.facts, self.promoting, model, clock)

    def of(self, session_id: str, *, agent_id: str = "ada", tenant: str = "default") -> "Sessions":
        """The same for another session."""
        return replace(self, key=SessionKey(tenant, agent_id, session_id))

    async def say(self, *contents: str, **fields: Any) -> list[UUID]:
        """Append messages; return the ids of the memories that they may become."""
        drafts = [
            MessageDraft(Message(content=one, **{"occurred_at": MOMENT, **fields}).model_dump(mode="json"), 1)
            for one in contents
        ]
        sender = origin(tenant=self.key.tenant)
        return list((await self.working.add_messages(sender, b"digest", self.key, drafts)).memory_ids)

    async def set(self, key: str, json: bytes, *, ttl: int | None = None) -> None:
        await self.working.set(origin(tenant=self.key.tenant), b"digest", self.key, [ValueDraft(key, json, ttl)])

    async def configure(self, promote: Promotion, **changes: Any) -> KeptSession:
        made = SessionChanges(promote=promote, **changes)
        return await self.working.configure(origin(tenant=self.key.tenant), b"digest", self.key, made)

    async def end(self, *, promote: bool | None = None) -> EndedSession | None:
        command = EndSession(session_id=self.key.session_id, agent_id=self.key.agent_id, promote=promote)
        return await self.working.end(origin(tenant=self.key.tenant), digest_of(command), self.key, command.promote)

    async def promote(self, **fields: Any) -> SessionPromoted:
        """Handle the command."""
        command = PromoteSession(session_id=self.key.session_id, agent_id=self.key.agent_id, **fields)
        return await promote_session(
            command,
            origin=origin(tenant=self.key.tenant),
            working=self.working,
            memories=self.rooms.memories,
            vectors=self.rooms.vectors,
            projections=self.rooms.projections,
            embedder=self.rooms.embedder,
        )

    async def left(self) -> list[str]:
        """The contents of the log."""
        return [one.document["content"] for one in await self.working.messages(self.key, after=0)]

    async def kept(self) -> KeptSession:
        return await self.working.session(self.key)

    async def summary(self) -> KeptSummary:
        """The running summary, which there is."""
        summary = (await self.kept()).summary
        assert summary is not None
        return summary

    async def remembered(self) -> list[tuple[int, str]]:
        """Number and content of every memory of the session, in order."""
        rows = await self.rooms.pool.fetch(
            "select sequence, content from agent_memories where session_id = $1 and agent_id = $2 and tenant = $3 "
            "and deleted_at is null order by sequence",
            self.key.session_id,
            self.key.agent_id,
            self.key.tenant,
        )
        return [tuple(row) for row in rows]

    async def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of every fact of a kind, in order."""
        rows = await self.rooms.pool.fetch("select data from facts where type = $1 order by sequence", kind)
        return [row["data"] for row in rows]

    async def over(self) -> None:
        """Have the session expire now."""
        epoch = (await self.kept()).epoch
        keys = [key async for key in self.redis.scan_iter(f"*{epoch}:meta")]
        assert keys
        for key in keys:
            await self.redis.hset(key, "expires", "1")


def working_on(redis: Redis, policy: SessionPolicy = POLICY, limits: WorkingLimits = LIMITS) -> RedisWorking:
    return RedisWorking(redis, policy, limits)


def numbered(contents: Sequence[str], first: int = 1) -> list[tuple[int, str]]:
    return list(enumerate(contents, first))
