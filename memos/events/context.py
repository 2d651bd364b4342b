"""The context of a task: all that memory has for it, gathered in one reply."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.filters import MemoryFilter
from memos.events.loadouts import LoadoutName, ModelChoice
from memos.events.sessions import Role
from memos.events.texts import Identifier, QueryText
from memos.events.tools import Capabilities
from memos.events.working import WorkingName
from memos.records import LearningOutcome, Preferences, Record, SpecFormat

MOST_OF_A_SECTION = 100
LONGEST_DEADLINE_MS = 60_000
GRACE = 1.0
"""Seconds that a context may take beyond its deadline, on the way to the worker and back."""

Section = Literal["lessons", "memories", "working", "tools", "loadout"]
"""A part of a context; what a loadout chooses is among the tools and memories."""

SomeOfSection = Annotated[int, Field(ge=0, le=MOST_OF_A_SECTION)]


class RequestContext(Command):
    """Gather what there is for a task: lessons, memories, tools, and working memory.

    The sections are gathered at the same time. One that is late at `deadline_ms`, or whose engine is away, is named
    as missing and the rest comes; only what is asked wrongly is refused as a whole. Nothing is changed by it. The
    deadline counts from when a worker begins: time that the command waits for one comes before it. Of the session's
    values the first 100 in the order of their keys are looked at, and of these the newest are the best; one of more
    than 16,000 bytes of JSON is not shown.
    """

    task: QueryText = Field(description="What is to be done, in plain words.")
    agent_id: Identifier = DEFAULT_AGENT
    agent_capabilities: Capabilities | None = Field(
        default=None, description="What the agent has; it is given no tool that requires more."
    )
    session_id: WorkingName | None = Field(
        default=None, description="The agent's session of working memory whose state and messages belong to it."
    )
    loadout: LoadoutName | None = Field(
        default=None, description="What equips the agent: its prompt and model, and tools and memories beside."
    )
    lessons: SomeOfSection = Field(default=5, description="Most lessons of earlier tasks.")
    memories: SomeOfSection = Field(default=5, description="Most memories that are no lessons.")
    tools: SomeOfSection = Field(default=5, description="Most tools that are discovered for the task.")
    messages: SomeOfSection = Field(default=10, description="Most of the session's newest messages.")
    filter: MemoryFilter | None = Field(default=None, description="Which memories and lessons are meant.")
    preferences: Preferences = Field(
        default=Preferences(), description="How much recency, importance and usefulness count."
    )
    format: SpecFormat | None = Field(
        default=None, description="In whose form the tools are given; by default what the loadout says, or openai."
    )
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="What everything may cost together; the best of each section first, what does not fit is left "
        "out. By default what the loadout says.",
    )
    deadline_ms: Annotated[int, Field(ge=1, le=LONGEST_DEADLINE_MS)] = Field(
        default=2000, description="Milliseconds after which what is late is left out."
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.lessons or self.memories or self.tools or self.session_id or self.loadout):
            raise PydanticCustomError(
                "asks_nothing", "lessons, memories, tools, session_id or loadout must ask for something"
            )
        return self

    @property
    def patience(self) -> float:
        """Seconds to await the answer: the deadline, and the way there and back."""
        return self.deadline_ms / 1000 + GRACE


class ContextMemory(Record):
    """A memory for the task, best first by `score`, which has no unit; `tokens` is what it costs as it is shown."""

    memory_id: UUID
    version: int
    agent_id: str
    kind: str
    content: str
    source: str | None = Field(description="The document that it comes from, as a URI.")
    session_id: str | None
    when: datetime = Field(description="When it happened, or else was stored.")
    score: float
    usefulness: float
    tokens: int


class ContextLesson(ContextMemory):
    """What was learned of an earlier `task`, and how that ended; learned `times` times.

    Lessons of the same words are one, the newest. `contradicts` are lessons that say otherwise, as far as they are
    known; the newer of two comes first, and an older one is not shown without a newer, unless the filter excludes
    that.
    """

    task: str | None
    outcome: LearningOutcome | None
    times: int
    contradicts: list[UUID] = []


class ContextTool(Record):
    """A tool for the task, best first; a model that is given its `spec` calls it `call_name`."""

    tool_id: str
    version: int
    call_name: str
    description: str
    spec: dict[str, Any]
    score: float | None
    reasons: list[str] = []
    chosen_by: str = Field(description="`discovery`, or the choice of the loadout that it comes from: `tools.0`.")
    tokens: int


class ContextMessage(Record):
    """A message of the session; the newest has the best score, its number in the session."""

    message_id: UUID
    sequence: int
    role: Role
    name: str | None
    content: str
    occurred_at: datetime
    score: float
    tokens: int


class ContextValue(Record):
    """A value of the session under its key; the newest has the best score, when it was written (Unix seconds)."""

    key: str
    version: int
    value: JsonValue
    score: float
    tokens: int


class ContextWorking(Record):
    """What the agent keeps at hand: of its session the summary, values, and messages, oldest first."""

    session_id: str
    summary: str | None = None
    values: list[ContextValue] = []
    messages: list[ContextMessage] = []
    tokens: int = 0


class MissingSection(Record):
    """A section that is not in the context, or lacks what `detail` tells.

    `late` ran into the deadline, of `away` an engine did not answer, `not_found` is a loadout, or a tool that it
    must not lack.
    """

    section: Section
    reason: Literal["late", "away", "failed", "not_found"]
    detail: str


class ContextTokens(Record):
    """What each section costs, estimated at one token per four characters, and what they may cost together."""

    system_prompt: int
    lessons: int
    memories: int
    working: int
    tools: int
    total: int
    budget: int | None


class TaskContext(Reply):
    """All that there is for a task, as far as it fits and came in time.

    `context` is the text for a prompt: lessons and memories, numbered in the order of the lists, and working memory
    with the messages under their own numbers, each section under a heading. Tools are beside it, in the form that a
    model takes them. `omitted` counts what was found and did not fit, by section. `took_ms` is the worker's time in
    milliseconds, `section_ms` that of each section.
    """

    task: str
    agent_id: str
    context: str
    system_prompt: str = ""
    model: ModelChoice | None = None
    lessons: list[ContextLesson] = []
    memories: list[ContextMemory] = []
    working: ContextWorking | None = None
    tools: list[ContextTool] = []
    missing: list[MissingSection] = []
    warnings: list[str] = []
    omitted: dict[str, int] = {}
    tokens: ContextTokens
    took_ms: float
    section_ms: dict[str, float] = {}
