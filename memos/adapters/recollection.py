"""What a model may do with memory: functions whose names, docstrings and fields are written for it to read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from memos.client import Client
from memos.events.learning import LearningRecorded
from memos.events.problems import Problem
from memos.records import LearningOutcome, Memory, Visibility

MOST_RECALLED = 20

Text = Annotated[str, Field(min_length=1)]
MemoryId = Annotated[UUID, Field(description="The memory_id, as it was told.")]
MemoryIds = Sequence[UUID]


class Recollection:
    """The memory of one agent. Every function answers with text, and raises what those of `Client` do."""

    def __init__(self, client: Client, agent_id: str, visibility: Visibility, session_id: str | None) -> None:
        self._client = client
        self._agent = agent_id
        self._visibility = visibility
        self._session = session_id

    async def remember(
        self,
        *,
        content: Annotated[Text, Field(description="One fact, in a sentence that says all of it by itself.")],
        tags: Annotated[Sequence[str], Field(description="Words by which to group it.")] = (),
    ) -> str:
        """Remember a fact for later conversations. Check with recall first whether it is known already."""
        outcome = await self._client.store(
            content,
            tags=list(tags),
            agent_id=self._agent,
            visibility=self._visibility,
            session_id=self._session,
        )
        return _told({"memory_id": outcome.memory_id, "status": outcome.status})

    async def recall(
        self,
        *,
        query: Annotated[Text, Field(description="What to look for, in plain words.")],
        top_k: Annotated[int, Field(ge=1, le=MOST_RECALLED, description="Most memories to answer with.")] = 5,
    ) -> str:
        """Find what is remembered about something, best first. Call it before you say that you do not know."""
        found = await self._client.query(query, agent_id=self._agent, top_k=top_k)
        return _told({"memories": [_shown(one) for one in found.memories.results]})

    async def context(
        self,
        *,
        task: Annotated[Text, Field(description="What is to be done, in plain words.")],
    ) -> str:
        """Get what memory has for a task: lessons of earlier ones, and memories. Call it before you begin one."""
        found = await self._client.context(task, agent_id=self._agent, session_id=self._session, tools=0)
        ids = [one.memory_id for one in (*found.lessons, *found.memories)]
        missing = {one.section: one.detail for one in found.missing}
        return _told({"context": found.context, "memory_ids": ids, **({"missing": missing} if missing else {})})

    async def record_learning(
        self,
        *,
        task: Annotated[Text, Field(description="What was to be done, in plain words.")],
        outcome: Annotated[LearningOutcome, Field(description="How it ended.")],
        lessons: Annotated[Sequence[Text], Field(description="What to do, or not to do, next time.")] = (),
        helped: Annotated[MemoryIds, Field(description="The memory_ids of what helped.")] = (),
        misled: Annotated[MemoryIds, Field(description="The memory_ids of what was wrong.")] = (),
    ) -> str:
        """Tell how a task ended and what was learned of it, so that the next one like it goes better."""
        used: dict[UUID | str, bool | None] = {**dict.fromkeys(helped, True), **dict.fromkeys(misled, False)}
        recorded = await self._client.learning.record(
            task,
            outcome=outcome,
            lessons=lessons,
            memories=used,
            agent_id=self._agent,
            session_id=self._session,
            visibility=self._visibility,
        )
        return _told({"message": recorded.message, **_refused(recorded)})

    async def correct(
        self,
        *,
        memory_id: MemoryId,
        content: Annotated[Text, Field(description="What it is to say from now on.")],
    ) -> str:
        """Correct a memory that is wrong or out of date; what it said before is kept as its history."""
        memory = await self._client.update(memory_id, agent_id=self._agent, content=content)
        return _told(_shown(memory))

    async def forget(self, *, memory_id: MemoryId) -> str:
        """Forget a memory for good, when somebody asks for that. To correct one, use correct."""
        return (await self._client.delete(memory_id, agent_id=self._agent)).message


class SessionNotes:
    """What one agent keeps at hand in a session. Every function answers with text."""

    def __init__(self, client: Client, agent_id: str, session_id: str) -> None:
        self._working = client.working
        self._agent = agent_id
        self._session = session_id

    async def working_set(
        self,
        *,
        key: Annotated[Text, Field(max_length=255, description="What it is called.")],
        value: Annotated[str, Field(description="What to keep.")],
    ) -> str:
        """Keep something at hand for this session, a plan for instance; what had the same key is replaced."""
        done = await self._working.set(self._session, key, value, agent_id=self._agent)
        return _told({"key": done.key, "version": done.version})

    async def working_get(
        self,
        *,
        prefix: Annotated[str, Field(description="How the keys begin; all, if it is empty.")] = "",
    ) -> str:
        """Read what is kept at hand for this session."""
        listed = await self._working.list(self._session, agent_id=self._agent, prefix=prefix)
        return _told({"values": {one.key: one.value for one in listed.results}, "more": listed.next is not None})


def _shown(memory: Memory) -> dict[str, Any]:
    """A memory as a model reads it."""
    when: datetime = memory.occurred_at or memory.created_at
    return {"memory_id": memory.memory_id, "content": memory.content, "when": when.isoformat()}


def _refused(recorded: LearningRecorded) -> Mapping[str, Any]:
    refusals = [one.detail for one in (*recorded.lessons, *recorded.memories) if isinstance(one, Problem)]
    return {"refused": refusals} if refusals else {}


def _told(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, default=str)
