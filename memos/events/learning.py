"""Learning: what agents tell of a task that is over, so that the next one like it goes better."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.problems import Problem
from memos.events.texts import Content, Identifier, Metadata, Moment, QueryText, Tags
from memos.events.tools import LONGEST_LATENCY_MS, ErrorText, ToolId
from memos.records import LearningOutcome, Record, Visibility

MOST_LESSONS = 16
MOST_MEMORIES_USED = 256
MOST_TOOLS_USED = 64
MOST_CONTRADICTED = 16
MOST_LISTED = 1000
LONGEST_SECONDS = 10 * 366 * 86_400.0

LessonText = Annotated[Content, StringConstraints(max_length=16_000)]


class Lesson(Record):
    """What was learned, in words that help whoever has a task like it next.

    `contradicts` are earlier lessons that it shows to be wrong; others are found by what they say.
    """

    content: LessonText
    tags: Tags = []
    contradicts: Annotated[list[UUID], Field(max_length=MOST_CONTRADICTED)] = []


class MemoryUse(Record):
    """A memory or lesson that was used for the task, and whether it helped.

    Where that is not said it is taken from the task's outcome, and counts for less.
    """

    memory_id: UUID
    helped: bool | None = None


class ToolUse(Record):
    """A tool that was called for the task, and whether it helped.

    Where that is not said a success of the task is taken for one of the tool; otherwise nothing is counted. A call
    that was `reported` already, as `client.tools.call` does unless it is told not to, is not counted again.
    """

    tool_id: ToolId
    helped: bool | None = None
    latency_ms: Annotated[float, Field(ge=0, le=LONGEST_LATENCY_MS, allow_inf_nan=False)] | None = None
    error: ErrorText | None = Field(default=None, description="Why it failed; of one that did not help alone.")
    reported: bool = False

    @model_validator(mode="after")
    def _errors_are_of_failures(self) -> Self:
        if self.error is not None and self.helped is not False:
            raise PydanticCustomError("error_without_failure", "error must be given with helped false alone")
        return self


class RecordLearning(Command):
    """Tell how a task ended, what was learned, and what of memory and tools helped.

    Lessons become memories of kind `lesson`, which say the task; one that was known is strengthened instead of
    kept twice. Memories gain or lose usefulness, tools get outcomes. Whatever of the memories, lessons and tools
    is not known is told in the reply, and the rest is learned. A command that is delivered again teaches nothing
    twice.
    """

    task: QueryText = Field(description="What was to be done, in plain words.")
    outcome: LearningOutcome
    agent_id: Identifier = DEFAULT_AGENT
    task_id: Identifier | None = Field(default=None, description="What the task is called by whoever gave it.")
    session_id: Identifier | None = Field(default=None, description="The session in which it was done.")
    lessons: Annotated[list[Lesson], Field(max_length=MOST_LESSONS)] = []
    memories: Annotated[list[MemoryUse], Field(max_length=MOST_MEMORIES_USED)] = []
    tools: Annotated[list[ToolUse], Field(max_length=MOST_TOOLS_USED)] = []
    cost: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] | None = Field(
        default=None, description="What it cost, in the sender's currency."
    )
    tokens: Annotated[int, Field(ge=0, le=2**53)] | None = Field(
        default=None, description="Tokens that models took for it."
    )
    seconds: Annotated[float, Field(ge=0, le=LONGEST_SECONDS, allow_inf_nan=False)] | None = Field(
        default=None, description="How long it took."
    )
    visibility: Visibility = Field(
        default="shared", description="Whether all agents of the tenant learn from it, or this one alone."
    )
    metadata: Metadata = Field(default={}, description="What else the lessons are to say of themselves.")
    occurred_at: Moment | None = Field(default=None, description="When the task ended; now, unless given.")

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        memories = [use.memory_id for use in self.memories]
        if len(set(memories)) < len(memories):
            raise PydanticCustomError("repeated_memory", "memories must not name any twice")
        tools = [use.tool_id for use in self.tools]
        if len(set(tools)) < len(tools):
            raise PydanticCustomError("repeated_tool", "tools must not name any twice; sum up its calls")
        lessons = [lesson.content.strip() for lesson in self.lessons]
        if len(set(lessons)) < len(lessons):
            raise PydanticCustomError("repeated_lesson", "lessons must not say anything twice")
        return self


class Contradiction(Record):
    """An earlier lesson that says otherwise, and why that is thought so; `similarity` is the cosine of the two."""

    memory_id: UUID
    reason: str
    similarity: float | None


class LessonLearned(Record):
    """What became of a lesson: a memory of its own, or one known before, `strengthened`.

    `times` says of how many tasks it was learned, each counted once for each agent. `accepted` is committed and
    searchable once the vector engine is back. The lessons of `contradicts` are flagged, and stay; `unknown` are
    those that it names and that the agent does not see.
    """

    memory_id: UUID
    status: Literal["stored", "accepted", "strengthened"]
    times: int
    contradicts: list[Contradiction] = []
    unknown: list[UUID] = []


class MemoryJudged(Record):
    """A memory that was used, and its usefulness by now, from -1 to 1."""

    memory_id: UUID
    usefulness: float


class ToolJudged(Record):
    """A tool that was used, and whether an outcome was recorded by this."""

    tool_id: str
    recorded: bool


class LearningRecorded(Reply):
    """What was learned: one result or problem for each lesson, memory and tool, in order."""

    success: Literal[True] = True
    learning_id: UUID
    lessons: list[LessonLearned | Problem]
    memories: list[MemoryJudged | Problem]
    tools: list[ToolJudged | Problem]
    message: str


class ListLearnings(Command):
    """Read what agents told of their tasks, the newest first, a page at a time.

    What an agent told in private is among what is read of that agent alone.
    """

    agent_id: Identifier | None = Field(
        default=None, description="Of this agent alone, with what it told in private; what is shared, unless given."
    )
    task_id: Identifier | None = Field(default=None, description="Of this task alone.")
    outcome: LearningOutcome | None = Field(default=None, description="With this outcome alone.")
    before: UUID | None = Field(default=None, description="The learning after which to go on, back in time.")
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100


class Learning(Record):
    """What an agent told of a task. `task` is what its lessons say of it: without any there is none."""

    learning_id: UUID
    agent_id: str
    task_id: str | None
    session_id: str | None
    task: str | None
    outcome: LearningOutcome
    visibility: Visibility
    lessons: list[UUID]
    memories: int
    tools: int
    cost: float | None
    tokens: int | None
    seconds: float | None
    occurred_at: datetime
    recorded_at: datetime


class LearningsListed(Reply):
    """A page of learnings; `next` is the `before` of the next page, if there is one."""

    count: int
    results: list[Learning]
    next: UUID | None


class LearningNoted(Record):
    """An agent has told what it learned; `helped` and `hindered` are memories that were used.

    Of a private learning too it has ids, as facts of private memories have, and no words.
    """

    learning_id: UUID
    version: int
    agent_id: str
    task_id: str | None
    outcome: LearningOutcome
    visibility: Visibility
    lessons: list[UUID]
    strengthened: list[UUID]
    helped: list[UUID]
    hindered: list[UUID]
    tools: list[str]
