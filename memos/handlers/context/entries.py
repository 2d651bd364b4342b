"""What belongs to a task, as entries of its context: none can pass for another one, or for a heading."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args
from uuid import UUID

from pydantic_core import to_json

from memos.events.context import ContextLesson, ContextMemory, ContextMessage, ContextTool, ContextValue
from memos.events.memories import RecalledMemory
from memos.events.sessions import SessionMessage
from memos.handlers.context.lessons import Lesson, when_of
from memos.handlers.loadouts.choosing import ChosenTool
from memos.handlers.memories.shown import described, provenance_of
from memos.records import KeptValue, LearningOutcome, Memory, SpecFormat, words_of
from memos.specs import call_name, spec_of

LONGEST_TASK = 200
"""Characters of an earlier task that are shown beside what was learned of it."""

Listed = Literal["lessons", "memories", "working", "tools"]
Item: TypeAlias = ContextLesson | ContextMemory | ContextMessage | ContextValue | ContextTool | None


class Entry(NamedTuple):
    """A part of a context: how it is shown, and what the reply tells of it, if it is listed.

    Of a section those of the least `place` come first. An entry without a `mark` is numbered. One that is to come
    `after` others is left out unless one of these memories is in its section before it.
    """

    section: Listed
    text: str
    item: Item
    mark: str | None = None
    place: int = 0
    after: frozenset[UUID] = frozenset()


def lesson_entries(lessons: Sequence[Lesson]) -> list[Entry]:
    """Lessons with what is known of them; one comes only where one of the newer ones is that say otherwise."""
    return [_lesson_entry(lesson) for lesson in lessons]


def memory_entries(memories: Sequence[RecalledMemory]) -> list[Entry]:
    """Memories as they are shown to an agent that is equipped."""
    return [
        Entry("memories", described(provenance_of(one), one.content), ContextMemory(**_told_of_memory(one)))
        for one in memories
    ]


def summary_entry(text: str) -> Entry:
    """The summary of what was said before the messages."""
    return Entry("working", described((), text), None, mark="Summary: ", place=-2)


def message_entry(message: SessionMessage) -> Entry:
    """A message under its number in the session."""
    item = ContextMessage(
        message_id=message.message_id,
        sequence=message.sequence,
        role=message.role,
        name=message.name,
        content=message.content,
        occurred_at=message.occurred_at,
        score=message.sequence,
        tokens=0,
    )
    who = (message.role, message.name) if message.name else (message.role,)
    text = described(who, message.content)
    return Entry("working", text, item, mark=f"{message.sequence}. ", place=message.sequence)


def value_entry(value: KeptValue) -> Entry:
    """A value after its key."""
    json = to_json(value.value).decode()
    item = ContextValue(
        key=value.key, version=value.version, value=value.value, score=value.updated_at.timestamp(), tokens=0
    )
    return Entry("working", described((), f"{' '.join(value.key.split())} = {json}"), item, mark="- ", place=-1)


def tool_entry(chosen: ChosenTool, form: SpecFormat) -> Entry:
    """A tool, which costs what its spec does."""
    spec = spec_of(chosen.tool, form)
    item = ContextTool(
        tool_id=chosen.tool.tool_id,
        version=chosen.tool.version,
        call_name=call_name(chosen.tool.tool_id),
        description=chosen.tool.description,
        spec=spec,
        score=chosen.score,
        reasons=list(chosen.reasons),
        chosen_by=chosen.chosen_by,
        tokens=0,
    )
    return Entry("tools", to_json(spec).decode(), item)


def _lesson_entry(lesson: Lesson) -> Entry:
    memory, words = lesson.memory, words_of(lesson.memory)
    item = ContextLesson(
        **{**_told_of_memory(memory), "content": words},
        task=_text(memory, "task"),
        outcome=_outcome(memory),
        times=memory.times_stored,
        contradicts=list(lesson.contradicts),
    )
    return Entry("lessons", described(_told_of_lesson(item, lesson.otherwise), words), item, after=lesson.newer)


def _told_of_lesson(lesson: ContextLesson, otherwise: str | None) -> Iterator[str]:
    """When it was learned, of what, how that ended, and whether another lesson says otherwise."""
    yield f"{lesson.when:%Y-%m-%d}"
    if lesson.outcome:
        yield lesson.outcome
    if lesson.times > 1:
        yield f"learned {lesson.times} times"
    if otherwise:
        yield otherwise
    if lesson.task:
        task = " ".join(lesson.task.split())
        yield f"task: {task if len(task) <= LONGEST_TASK else f'{task[:LONGEST_TASK]}…'}"


def _told_of_memory(memory: RecalledMemory) -> dict[str, Any]:
    """What the reply tells of a memory; what it costs is known when it is shown."""
    return {
        "memory_id": memory.memory_id,
        "version": memory.version,
        "agent_id": memory.agent_id,
        "kind": memory.kind,
        "content": memory.content,
        "source": memory.document.uri if memory.document else None,
        "session_id": memory.session_id,
        "when": when_of(memory),
        "score": memory.score,
        "usefulness": memory.usefulness,
        "tokens": 0,
    }


def _text(memory: Memory, name: str) -> str | None:
    """What metadata says under a name, if it is a text with something in it; anyone may write it."""
    value = memory.metadata.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _outcome(memory: Memory) -> LearningOutcome | None:
    said = memory.metadata.get("outcome")
    return next((outcome for outcome in get_args(LearningOutcome) if outcome == said), None)
