"""What agents learn of their tasks, as methods: `client.learning`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Unpack
from uuid import UUID

from memos.client.options import LearningOptions
from memos.client.sending import Sender, build
from memos.events.learning import (
    MOST_LISTED,
    Learning,
    LearningRecorded,
    LearningsListed,
    Lesson,
    ListLearnings,
    MemoryUse,
    RecordLearning,
    ToolUse,
)
from memos.records import LearningOutcome

Lessons = Sequence[str | Lesson | Mapping[str, Any]]
"""What was learned: each in plain words, or as `Lesson` says."""

MemoriesUsed = Sequence[UUID | str | MemoryUse | Mapping[str, Any]] | Mapping[UUID | str, bool | None]
"""What was used of memory: by ids, as `MemoryUse` says, or by id whether it helped."""

ToolsUsed = Sequence[str | ToolUse | Mapping[str, Any]] | Mapping[str, bool | None]
"""What tools were used: by ids, as `ToolUse` says, or by id whether it helped."""


class Learnings:
    """Tells memOS how tasks ended, so that the next one like it goes better, and reads what was told.

    Every method raises what those of `Client` do.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def record(
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
        command = _learned(task, outcome, lessons=lessons, memories=memories, tools=tools, **more)
        return await self._sender.send(command, LearningRecorded, command_id, timeout=timeout)

    async def record_later(
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
        return await self._sender.post(
            _learned(task, outcome, lessons=lessons, memories=memories, tools=tools, **more), command_id
        )

    async def list(
        self,
        *,
        agent_id: str | None = None,
        task_id: str | None = None,
        outcome: LearningOutcome | None = None,
        before: UUID | str | None = None,
        limit: int = 100,
    ) -> LearningsListed:
        """A page of what was told, newest first, from the one after `before`. Raises `NotFound` for that."""
        selection = {"agent_id": agent_id, "task_id": task_id, "outcome": outcome}
        return await self._sender.send(
            build(ListLearnings, **selection, before=before, limit=limit), LearningsListed
        )

    async def every(
        self,
        *,
        agent_id: str | None = None,
        task_id: str | None = None,
        outcome: LearningOutcome | None = None,
    ) -> AsyncIterator[Learning]:
        """All that was told, newest first, read page by page."""
        before: UUID | None = None
        while True:
            page = await self.list(
                agent_id=agent_id, task_id=task_id, outcome=outcome, before=before, limit=MOST_LISTED
            )
            for learning in page.results:
                yield learning
            before = page.next
            if before is None:
                return


def _learned(
    task: str,
    outcome: LearningOutcome,
    *,
    lessons: Lessons,
    memories: MemoriesUsed,
    tools: ToolsUsed,
    **more: Any,
) -> Any:
    said = [{"content": one} if isinstance(one, str) else one for one in _several(lessons)]
    used = {"memories": _uses("memory_id", memories), "tools": _uses("tool_id", tools)}
    return build(RecordLearning, task=task, outcome=outcome, lessons=said, **used, **more)


def _uses(name: str, used: MemoriesUsed | ToolsUsed) -> Sequence[Any]:
    """Uses as the contract has them; `name` is what it calls an id."""
    if isinstance(used, Mapping):
        return [{name: one, "helped": helped} for one, helped in used.items()]
    return [{name: one} if isinstance(one, str | UUID) else one for one in _several(used)]


def _several(given: Sequence[Any]) -> Sequence[Any]:
    """A sequence; a text, whose elements would be its letters, is one element of its own."""
    return [given] if isinstance(given, str) else given
