"""Equipping an agent: everything that a loadout chooses, made ready in one reply."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.loadouts import MOST_TOKENS, LoadoutName, ModelChoice
from memos.events.texts import Identifier, QueryText
from memos.events.tools import Capabilities
from memos.events.working import WorkingName
from memos.records import Record, SpecFormat


class Assignment(Record):
    """For which task an agent is equipped, and what is known of both."""

    task: QueryText = Field(description="What the agent is to do, in plain words.")
    agent_id: Identifier = DEFAULT_AGENT
    agent_capabilities: Capabilities | None = Field(
        default=None, description="What the agent has; it is given no tool that requires more."
    )
    format: SpecFormat | None = Field(
        default=None, description="In whose form the tools are given; by default what the loadout says."
    )
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = Field(
        default=None, description="What everything may cost together; by default what the loadout says."
    )
    session_id: WorkingName | None = Field(
        default=None, description="The agent's session that gets the loadout's working values which it has not yet."
    )


class EquipAgent(Command, Assignment):
    """Make everything ready that a loadout equips an agent with for a task.

    Nothing is changed by it, unless a session is named: the loadout's working values whose keys are not in it yet
    are set in it then. What is there stays as it is, however often an agent is equipped.
    """

    loadout: LoadoutName


class EquippedTool(Record):
    """A tool that the agent is given: a model that is given its `spec` calls it `call_name`."""

    tool_id: str
    version: int
    call_name: str
    spec: dict[str, Any]
    tokens: int
    chosen_by: str = Field(description="The choice of the loadout that it comes from, as a path: `tools.0`.")
    score: float | None = None
    reasons: list[str] = []


class EquippedMemory(Record):
    """Where a memory of the context comes from."""

    memory_id: UUID
    version: int
    agent_id: str
    score: float
    tokens: int
    chosen_by: str = Field(description="The choice of the loadout that it comes from, as a path: `memories.0`.")


class Tokens(Record):
    """What each part costs, estimated at one token per four characters, and what they may cost together."""

    system_prompt: int
    tools: int
    context: int
    total: int
    budget: int | None


class Equipment(Reply):
    """All that an agent needs for its task.

    `context` holds the memories as numbered text, in the order of `memories`, which says where each comes from.
    `warnings` name what was chosen and is missing, or did not fit. `seeded` are the keys that were set in the
    session `session_id` now.
    """

    loadout: str
    version: int
    agent_id: str
    task: str
    system_prompt: str
    tools: list[EquippedTool]
    context: str
    memories: list[EquippedMemory]
    model: ModelChoice | None
    tokens: Tokens
    warnings: list[str]
    session_id: str | None = None
    seeded: list[str] = []
    took_ms: float
