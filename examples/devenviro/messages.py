"""What orchestrators and agents tell each other, as JSON in the field `message` of entries of Redis Streams."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from memos.errors import ConfigurationError
from memos.records import LearningOutcome, Record

MESSAGE = "message"
PREFIX = "devenviro"

State: TypeAlias = LearningOutcome | Literal["timed_out"]
"""How a task ends: `partial` did some of it, `timed_out` ran into its deadline."""


OrchestratorName: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")
]
"""What an orchestrator may be called: a text without `/`, which parts its name from the ids of its tasks."""


def tasks_of(agent: str) -> str:
    """The stream with the tasks of an agent."""
    return f"{PREFIX}:tasks:{agent}"


def results_of(orchestrator: str) -> str:
    """The stream with the results for an orchestrator."""
    return f"{PREFIX}:results:{orchestrator}"


def check_name(orchestrator: str) -> None:
    """Raise `ConfigurationError` for what an orchestrator may not be called."""
    try:
        TypeAdapter(OrchestratorName).validate_python(orchestrator)
    except ValidationError as error:
        raise ConfigurationError(
            f"An orchestrator cannot be called {orchestrator[:100]!r}: a name has 1 to 100 characters and no '/'."
        ) from error


class Task(Record):
    """What is to be done. Agents that do not have all capabilities of `needs` are not asked.

    Given again under the same id it is the same task, and not done again.
    """

    task_id: str = Field(min_length=1, max_length=100)
    text: str = Field(min_length=1, max_length=8000)
    needs: tuple[str, ...] = ()


class AgentCard(Record):
    """An agent that is there: `instance` is the process that serves it."""

    name: str
    instance: str
    capabilities: tuple[str, ...] = ()


class OfferedTool(Record):
    """A tool for a task; a model that is given its `spec` calls it `call_name`."""

    tool_id: str
    call_name: str
    spec: dict[str, Any]


class Briefing(Record):
    """What memory has for a task: a text for the prompt, tools, and what the text was made from, in its order.

    `missing` says what could not be had.
    """

    block: str = ""
    tools: Sequence[OfferedTool] = ()
    lessons: Sequence[UUID] = ()
    memories: Sequence[UUID] = ()
    missing: Sequence[str] = ()


class Delegation(Record):
    """A task that is given to an agent for the `attempt`-th time, with what memory has for it.

    `reply_to` is the stream that the result goes to, `deadline_at` the time (seconds since the epoch) after which
    nobody waits for it.
    """

    task: Task
    agent: str
    attempt: int = Field(ge=1)
    orchestrator: OrchestratorName
    reply_to: str
    deadline_at: float
    briefing: Briefing

    @property
    def work_id(self) -> str:
        """What the work on the task is called: other orchestrators may have tasks of the same id."""
        return f"{self.orchestrator}/{self.task.task_id}"


class Result(Record):
    """How a task ended and what it took; `reason` says why, unless it is a success.

    `lessons` are the ids of the memories that say what was learned; `note` says why it could not be learned of.
    """

    task_id: str
    attempt: int
    agent: str
    state: State
    answer: str = ""
    reason: str | None = None
    note: str | None = None
    lessons: Sequence[UUID] = ()
    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
