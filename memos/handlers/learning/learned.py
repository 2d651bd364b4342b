"""What is told of a learning: kept with its command as ids and numbers, and read from that when it is repeated."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from memos.errors import MemosError, NotFound
from memos.events.learning import (
    Contradiction,
    LearningRecorded,
    LessonLearned,
    MemoryJudged,
    RecordLearning,
    ToolJudged,
)
from memos.events.problems import Problem, problem_of
from memos.handlers.learning.lessons import Learned
from memos.records import LearningKept, Origin

Told = dict[str, Any]


def told_of(
    command: RecordLearning,
    origin: Origin,
    lessons: Sequence[Learned | MemosError],
    tools: Sequence[ToolJudged | MemosError],
) -> Told:
    """What is kept of a reply, as JSON, but for what the ledger alone knows; it has no word of what was learned."""
    named = [[str(one) for one in dict.fromkeys(lesson.contradicts)] for lesson in command.lessons]
    return {
        "agent_id": command.agent_id,
        "lessons": [
            _problem(one, origin)
            if isinstance(one, MemosError)
            else {"memory_id": str(one.kept.memory_id), "status": one.status, "named": against}
            for one, against in zip(lessons, named, strict=True)
        ],
        "memories": [str(use.memory_id) for use in command.memories],
        "tools": [
            _problem(one, origin) if isinstance(one, MemosError) else one.model_dump(mode="json") for one in tools
        ],
    }


def recorded_of(kept: LearningKept) -> LearningRecorded:
    """The reply to a learning, as it was when the command was first handled."""
    told = kept.reply
    lessons = [_lesson(one, kept) for one in told["lessons"]]
    memories = [_memory(UUID(one), kept) for one in told["memories"]]
    tools = [_read(one) or ToolJudged.model_validate(one) for one in told["tools"]]
    return LearningRecorded(
        learning_id=kept.learning_id,
        lessons=lessons,
        memories=memories,
        tools=tools,
        message=_message(lessons, memories, tools),
    )


def _lesson(told: Mapping[str, Any], kept: LearningKept) -> LessonLearned | Problem:
    if problem := _read(told):
        return problem
    memory_id = UUID(told["memory_id"])
    if memory_id not in kept.times:
        return _not_known(memory_id, kept)
    contradicts = [Contradiction(**one._asdict()) for one in kept.contradictions.get(memory_id, ())]
    flagged = {other for lesson, other in kept.reply["contradicts"] if lesson == told["memory_id"]}
    return LessonLearned(
        memory_id=memory_id,
        status=told["status"],
        times=kept.times[memory_id],
        contradicts=contradicts,
        unknown=[UUID(one) for one in told["named"] if one not in flagged | {told["memory_id"]}],
    )


def _memory(memory_id: UUID, kept: LearningKept) -> MemoryJudged | Problem:
    if memory_id not in kept.usefulness:
        return _not_known(memory_id, kept)
    return MemoryJudged(memory_id=memory_id, usefulness=round(kept.usefulness[memory_id], 4))


def _not_known(memory_id: UUID, kept: LearningKept) -> Problem:
    agent_id = kept.reply["agent_id"]
    error = NotFound(f"No memory {memory_id} is visible to agent {agent_id}. Check the id and the agent_id.")
    return problem_of(error)


def _problem(error: MemosError, origin: Origin) -> Told:
    return {"problem": problem_of(error, origin.command_id).model_dump(mode="json")}


def _read(told: Mapping[str, Any]) -> Problem | None:
    return Problem.model_validate(told["problem"]) if "problem" in told else None


def _message(*parts: Sequence[object]) -> str:
    """What was learned, and whether anything was not, in a sentence or two."""
    named = ("lesson", "memory", "tool"), ("lessons", "memories", "tools")
    counts = [sum(not isinstance(one, Problem) for one in part) for part in parts]
    words = [f"{count} {named[count != 1][place]}" for place, count in enumerate(counts)]
    missed = sum(map(len, parts)) - sum(counts)
    failed = f" {missed} more could not be, for the reasons that stand in their places." if missed else ""
    return f"The task is over and learned from: {words[0]}, {words[1]} and {words[2]}.{failed}"
