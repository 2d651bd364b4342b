"""What agents tell of their tasks, as the ledger keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from memos.records.memories import (
    MEMORY_NAMESPACE,
    SEPARATOR,
    CommandKey,
    Memory,
    Origin,
    Visibility,
    content_hash,
)

LearningOutcome = Literal["success", "failure", "partial"]

LESSON = "lesson"
"""The kind of memories that were learned."""

LEARNED: Mapping[LearningOutcome, str] = {
    "success": "Learned from this task",
    "partial": "Learned when this task was done in part",
    "failure": "Learned when this task failed",
}
"""What stands between a lesson and its task in the text of a memory."""


class Contradicted(NamedTuple):
    """A lesson that another contradicts, by its id; `similarity` is the cosine of the two."""

    memory_id: UUID
    reason: str
    similarity: float


class LessonKept(NamedTuple):
    """A lesson of a learning: the memory that says it, and what it contradicts.

    What was `known` before is strengthened, under the command of `origin`, which was `claimed` if it was found only
    when it was to be stored.
    """

    origin: Origin
    digest: bytes
    memory_id: UUID
    known: bool
    claimed: bool = False
    contradicts: Sequence[Contradicted] = ()


class UseOfMemory(NamedTuple):
    """A memory that was used; `weight` is how much it helped, from -1 to 1, in reports of one task."""

    memory_id: UUID
    weight: float


@dataclass(frozen=True, slots=True)
class LearningDraft:
    """What is to be kept of a task that is over.

    `reply` is what whoever sent it is told, but for what the ledger alone knows. It holds no text of the task:
    `task` is the key of its words.
    """

    origin: Origin
    digest: bytes
    learning_id: UUID
    agent_id: str
    task_id: str | None
    session_id: str | None
    task: bytes
    outcome: LearningOutcome
    visibility: Visibility
    lessons: Sequence[LessonKept]
    memories: Sequence[UseOfMemory]
    tools: Sequence[str]
    cost: float | None
    tokens: int | None
    seconds: float | None
    occurred_at: datetime | None
    reply: Mapping[str, Any]


class LearningKept(NamedTuple):
    """What the ledger made of a draft: by id the usefulness of memories, and how often lessons were learned.

    A memory that is absent is not known to the agent. `contradictions` are those of the lessons that are flagged,
    by the lesson. With `replayed` the command was handled before.
    """

    learning_id: UUID
    usefulness: Mapping[UUID, float]
    times: Mapping[UUID, int]
    contradictions: Mapping[UUID, Sequence[Contradicted]]
    reply: Mapping[str, Any]
    replayed: bool


class KeptLearning(NamedTuple):
    """A learning as the ledger has it; `task` is the text that its lessons say, if one is live and visible."""

    learning_id: UUID
    agent_id: str
    task_id: str | None
    session_id: str | None
    task: str | None
    outcome: LearningOutcome
    visibility: Visibility
    lessons: Sequence[UUID]
    memories: int
    tools: int
    cost: float | None
    tokens: int | None
    seconds: float | None
    occurred_at: datetime
    recorded_at: datetime


class LearningSelection(NamedTuple):
    """Which learnings are meant: those that meet every condition that is given. Private ones are their agent's."""

    agent_id: str | None
    task_id: str | None
    outcome: LearningOutcome | None


def learning_id_for(key: CommandKey) -> UUID:
    """The id of the learning that a command tells of: UUIDv5, so that it is the same however often it comes."""
    return uuid5(MEMORY_NAMESPACE, SEPARATOR.join(("learning", *key)))


def task_key(task: str) -> bytes:
    """What two tasks in the same words share (32 bytes)."""
    return content_hash(" ".join(task.casefold().split()))


def content_of(lesson: str, task: str, outcome: LearningOutcome) -> str:
    """The text of the memory that a lesson becomes, found by what it says, and by a task like that one."""
    return f"{lesson}\n\n{LEARNED[outcome]}: {task}"


def words_of(memory: Memory) -> str:
    """What a lesson says, without its task, in the words of now: it may have been corrected since."""
    ends = (f"\n\n{learned}: {memory.metadata.get('task')}" for learned in LEARNED.values())
    said = (memory.content.removesuffix(end) for end in ends if memory.content.endswith(end))
    return next(said, "").strip() or memory.content
