"""Commands on tools, and their replies."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.endpoints import EndpointUrl, check_invocation
from memos.events.problems import Problem
from memos.events.schemas import JsonSchema
from memos.events.texts import Identifier, QueryText, Tags, meaningful, storable
from memos.records import PRINTABLE, HttpInvocation, Invocation, Match, Record, SpecFormat, Tool, ToolDefinition

MOST_TOOLS_REGISTERED = 256
MOST_OUTCOMES = 256
MOST_TOOLS_LISTED = 1000
MOST_TOOLS_FOUND = 100
MOST_EXAMPLES = 16
MOST_CAPABILITIES = 64
LONGEST_LATENCY_MS = 86_400_000


def _different(texts: list[str]) -> list[str]:
    """Refuse what is said twice."""
    if len(set(texts)) < len(texts):
        raise PydanticCustomError("repeated", "must not name anything twice")
    return texts


def _one_step(tool_id: str) -> str:
    """Refuse an id that could not be one step of a path as it is written."""
    if re.search(r"[\s\x00-\x1f\x7f/\\?#%]", tool_id) or tool_id.startswith("."):
        raise PydanticCustomError(
            "tool_id", "must have no spaces, control characters and none of / \\ ? # %, nor begin with a dot"
        )
    return tool_id


ToolId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(storable),
    AfterValidator(_one_step),
    Field(json_schema_extra={"pattern": r"^[^\s/\\?#%.][^\s/\\?#%]*$"}),
]
"""One step of a path as it is written."""
ToolName = Annotated[Identifier, AfterValidator(meaningful)]
ToolText = Annotated[
    str, StringConstraints(max_length=16_000), AfterValidator(storable), AfterValidator(meaningful)
]
Example = Annotated[str, StringConstraints(max_length=1000), AfterValidator(storable), AfterValidator(meaningful)]
Capability = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=PRINTABLE), AfterValidator(storable)
]
Capabilities = Annotated[list[Capability], Field(max_length=MOST_CAPABILITIES), AfterValidator(_different)]
ErrorText = Annotated[str, StringConstraints(max_length=2000), AfterValidator(storable)]


class RegisterTool(Command, ToolDefinition):
    """Make a tool known, or change it: the definition takes the place of the one that its id had before."""

    tool_id: ToolId
    name: ToolName
    description: ToolText = Field(description="What the tool does, for whom looks for one; discovery compares it.")
    endpoint_url: EndpointUrl | None = Field(
        default=None, description="Where it is called, with `{placeholders}` for arguments; required but for stdio."
    )
    request_schema: JsonSchema | None = Field(
        default=None, description="JSON Schema of the arguments, each a property of an object."
    )
    response_schema: JsonSchema | None = Field(default=None, description="JSON Schema of what it answers.")
    required_capabilities: Capabilities = Field(default=[], description="What an agent must have to use it.")
    tags: Tags = []
    examples: Annotated[list[Example], Field(max_length=MOST_EXAMPLES), AfterValidator(_different)] = Field(
        default=[], description="Tasks that it is for, as those would say it who have them."
    )
    invocation: Invocation = Field(default=HttpInvocation(), description="How it is called.")

    @model_validator(mode="after")
    def _can_be_called(self) -> Self:
        check_invocation(self)
        return self


class RegisterTools(Command):
    """Make several tools known at low priority; each is registered or refused on its own."""

    tools: Annotated[list[RegisterTool], Field(min_length=1, max_length=MOST_TOOLS_REGISTERED)]


class RegisterOutcome(Reply):
    """What became of a tool: new, at its next version, or there just so before."""

    success: Literal[True] = True
    tool_id: str
    version: int
    status: Literal["registered", "updated", "unchanged"]
    message: str


class RegisterOutcomes(Reply):
    """One outcome or problem per tool of a batch, in order."""

    results: list[RegisterOutcome | Problem]


class GetTool(Command):
    """Read one tool; with `format` also as a model's provider wants it."""

    tool_id: ToolId
    format: SpecFormat | None = None


class ToolFound(Reply, Tool):
    """A tool as it is now. A model that is given its `spec` calls it `call_name`."""

    call_name: str
    spec: dict[str, JsonValue] | None = None


class ListTools(Command):
    """Read the tools in the order of their ids, a page at a time.

    A page has `limit` tools, or fewer when their definitions would be more than 8 MB: `next` says whether it is the
    last.
    """

    after: Annotated[str, StringConstraints(max_length=255), AfterValidator(storable)] = Field(
        default="", description="The id after which to go on."
    )
    limit: Annotated[int, Field(ge=1, le=MOST_TOOLS_LISTED)] = 100
    capabilities: Capabilities = Field(default=[], description="Tools that require any, or all, of these.")
    match: Match = "any"
    tags: Tags = Field(default=[], description="Tools that have all of these.")
    contains: Annotated[str, StringConstraints(max_length=255), AfterValidator(storable)] | None = Field(
        default=None, description="Text in the id, name or description, whatever the case."
    )


class ToolsListed(Reply):
    """A page of tools; `next` is the `after` of the next page, if there is one."""

    count: int
    results: list[Tool]
    next: str | None


class DeregisterTool(Command):
    """Remove a tool, with all that was reported of it."""

    tool_id: ToolId


class DeregisterOutcome(Reply):
    """What a deregistration did; `absent` says that there was no such tool."""

    success: Literal[True] = True
    tool_id: str
    status: Literal["deregistered", "absent"]
    message: str


class DiscoverTools(Command):
    """Find the tools for a task, or with capabilities, or both.

    With `agent_capabilities` only those tools are found whose required capabilities are all among them; not given,
    what an agent has is not known and restricts nothing.
    """

    query: QueryText | None = Field(
        default=None, description="The task, in plain words; it may need several tools."
    )
    capabilities: Capabilities = Field(default=[], description="Tools that require any, or all, of these.")
    match: Match = "any"
    tags: Tags = Field(default=[], description="Tools that have all of these.")
    agent_capabilities: Capabilities | None = Field(
        default=None, description="What the agent has; it is shown no tool that requires more."
    )
    top_k: Annotated[int, Field(ge=1, le=MOST_TOOLS_FOUND)] = 5
    format: SpecFormat | None = Field(default=None, description="In whose form to add the tools' `spec`.")
    explain: bool = Field(default=False, description="Whether to show what each score is made up of.")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.query is None and not self.capabilities and not self.tags:
            raise PydanticCustomError("asks_nothing", "query, capabilities or tags must be given")
        return self


class DiscoveredTool(Tool):
    """A tool for a task, best first by `score`, which has no unit. `reasons` say what speaks for it, most first.

    Where the task needs several tools, `need` is the part of it that this one is for. A model that is given its
    `spec` calls it `call_name`.
    """

    score: float
    reasons: list[str] = []
    need: str | None = None
    call_name: str
    spec: dict[str, JsonValue] | None = None
    explanation: dict[str, JsonValue] | None = None


class ToolResults(Reply):
    """Tools, best first."""

    count: int = 0
    results: list[DiscoveredTool] = []


class ToolsFound(ToolResults):
    """The answer to a search for tools; `took_ms` is the worker's time in milliseconds."""

    query: str | None
    took_ms: float


class ToolOutcome(Command):
    """What became of a call of a tool: discovery learns from it for which tasks the tool is right."""

    tool_id: ToolId
    agent_id: Identifier = DEFAULT_AGENT
    task: QueryText | None = Field(default=None, description="What the tool was called for, in plain words.")
    success: bool
    latency_ms: Annotated[float, Field(ge=0, le=LONGEST_LATENCY_MS, allow_inf_nan=False)] | None = None
    error: ErrorText | None = Field(default=None, description="Why it failed; of a failure alone.")

    @model_validator(mode="after")
    def _errors_are_of_failures(self) -> Self:
        if self.success and self.error is not None:
            raise PydanticCustomError("error_of_success", "error must not be given with success true")
        return self


class ToolOutcomes(Command):
    """What became of several calls; each is recorded or refused on its own."""

    outcomes: Annotated[list[ToolOutcome], Field(min_length=1, max_length=MOST_OUTCOMES)]


class OutcomeRecorded(Reply):
    """An outcome is in the ledger; the next search for tools goes by it."""

    success: Literal[True] = True
    tool_id: str
    message: str


class OutcomesRecorded(Reply):
    """One record or problem per outcome of a batch, in order."""

    results: list[OutcomeRecorded | Problem]


class ToolRegistered(Record):
    """A tool has become known, or has a new version."""

    tool_id: str
    version: int
    name: str
    status: Literal["registered", "updated"]


class ToolDeregistered(Record):
    """A tool is no longer known; `version` was its last."""

    tool_id: str
    version: int


class ToolOutcomeRecorded(Record):
    """An agent has told what became of a call; `version` is the tool's."""

    tool_id: str
    version: int
    agent_id: str
    success: bool
    latency_ms: float | None
    error: str | None
