"""Tools that remember, recall and forget."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from memos.client.ids import uuid7
from memos.client.sending import build
from memos.errors import DeadlineExceeded
from memos.events.conditions import WrittenMoment
from memos.events.memories import StoreMemory, StoreOutcome
from memos.events.texts import Content, Importance, Metadata, QueryText, Tags
from memos.mcp_server.agent import Agent, Answer
from memos.records import Kind, Memory, Record, Visibility

STORED_WITHIN = 2.0
"""Seconds that a text may take to be stored, before it is acknowledged as queued."""

MOST_RECALLED = 50
USUAL_TOKENS = 10_000
MOST_TOKENS = 200_000
MOST_SUPERSEDED = 16

QUEUED = "It is on its way and will be stored; there is nothing more to do."

MostTokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)]


class Remember(Record):
    """A text to remember."""

    content: Content = Field(description="What to remember, in words that can be understood without this chat.")
    kind: Kind = Field(default="episodic", description="What it is, such as episodic, semantic, preference, note.")
    tags: Tags = Field(default=[], description="Words by which to find it again.")
    importance: Importance | None = Field(default=None, description="From 0, trivial, to 1, vital.")
    visibility: Visibility = Field(
        default="private", description="Whether this agent alone recalls it, or all of its tenant."
    )
    metadata: Metadata = Field(default={}, description="Anything else to keep with it.")
    supersedes: Annotated[list[UUID], Field(max_length=MOST_SUPERSEDED)] = Field(
        default=[], description="Ids of memories that it corrects or replaces; they are no longer recalled."
    )


class Remembered(Record):
    """What became of a text."""

    memory_id: UUID
    status: Literal["stored", "accepted", "queued", "duplicate"]
    message: str


class Recall(Record):
    """A question to memory."""

    query: QueryText = Field(description="What to look for, in plain words.")
    top_k: Annotated[int, Field(ge=1, le=MOST_RECALLED)] = Field(default=5, description="Most memories to get.")
    kind: Kind | None = Field(default=None, description="Memories of this kind alone.")
    tags: Tags = Field(default=[], description="Memories that have all of these tags alone.")
    since: WrittenMoment | None = Field(
        default=None, description="Memories stored then or later alone, such as 2026-05-01T00:00:00Z."
    )
    max_tokens: MostTokens = Field(
        default=USUAL_TOKENS, description="What the memories may cost together; what does not fit is left out."
    )
    include_superseded: bool = Field(default=False, description="Whether to get replaced memories, too.")


class MemoryShown(Record):
    """A memory, with what there is to say of it; `when` it happened, or else was stored."""

    memory_id: UUID
    content: str
    kind: str
    agent_id: str
    when: datetime
    tags: list[str]
    source: str | None = Field(description="The document that it comes from, as a URI.")
    superseded_by: UUID | None
    score: float | None = None


class Recalled(Record):
    """Memories, best first."""

    count: int
    memories: list[MemoryShown]


class Forget(Record):
    """A memory to forget."""

    memory_id: UUID = Field(description="The id of the memory, as recall gives it.")


class Forgotten(Record):
    """What a deletion did."""

    memory_id: UUID
    status: Literal["deleted", "accepted", "absent"]
    message: str


async def remember(agent: Agent, given: Remember) -> Answer:
    """Store a text; what takes longer than a short while is handed over and acknowledged.

    It has an id from the beginning, so that whatever becomes of it, it is stored once.
    """
    command_id, memory_id = str(uuid7()), uuid7()
    command = build(StoreMemory, id=memory_id, agent_id=agent.agent_id, session_id=agent.session, **dict(given))
    try:
        stored = await agent.client.send(command, StoreOutcome, command_id, timeout=STORED_WITHIN)
    except DeadlineExceeded:
        await agent.client.post(command, command_id)
        stored = StoreOutcome(memory_id=memory_id, status="queued", message=QUEUED)
    data = Remembered(memory_id=stored.memory_id, status=stored.status, message=stored.message)
    return Answer(f"{data.status}: memory {data.memory_id}. {data.message}", data)


async def recall(agent: Agent, given: Recall) -> Answer:
    """The memories that answer a question best."""
    found = await agent.client.query(
        given.query,
        agent_id=agent.agent_id,
        top_k=given.top_k,
        filter={"kind": given.kind, "tags": given.tags, "created_after": given.since},
        max_tokens=given.max_tokens,
        include_superseded=given.include_superseded,
    )
    memories = [shown(memory, memory.score) for memory in found.memories.results]
    text = "\n\n".join(f"{place}. {told(one)}" for place, one in enumerate(memories, start=1))
    nothing = f"Nothing is remembered of that, or nothing that fits into {given.max_tokens} tokens."
    return Answer(text or nothing, Recalled(count=len(memories), memories=memories))


async def forget(agent: Agent, given: Forget) -> Answer:
    """Delete a memory."""
    done = await agent.client.delete(given.memory_id, agent_id=agent.agent_id)
    data = Forgotten(memory_id=done.memory_id, status=done.status, message=done.message)
    return Answer(f"{data.status}: memory {data.memory_id}. {data.message}", data)


def shown(memory: Memory, score: float | None = None) -> MemoryShown:
    """A memory without what nobody would read."""
    return MemoryShown(
        memory_id=memory.memory_id,
        content=memory.content,
        kind=memory.kind,
        agent_id=memory.agent_id,
        when=memory.occurred_at or memory.created_at,
        tags=memory.tags,
        source=memory.document.uri if memory.document else None,
        superseded_by=memory.superseded_by,
        score=score,
    )


def told(memory: MemoryShown) -> str:
    """A memory as text: what it says, and in brackets what it is."""
    parts = [memory.kind, f"{memory.when:%Y-%m-%d %H:%M}", memory.source or f"of {memory.agent_id}"]
    if memory.tags:
        parts.append(f"tags {', '.join(memory.tags)}")
    if memory.superseded_by:
        parts.append(f"superseded by {memory.superseded_by}")
    return f"{memory.content}\n[{'; '.join(parts)}; id {memory.memory_id}]"
