"""Loadouts, which equip an agent for a task, and the commands on them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from memos.events.commands import Command, Reply
from memos.events.filters import MemoryFilter
from memos.events.memories import MOST_RESULTS
from memos.events.seeds import WorkingSeeds
from memos.events.texts import Content, Identifier, Metadata, QueryText, storable
from memos.events.tools import MOST_TOOLS_FOUND, Capabilities, ToolId
from memos.records import Match, Record, SpecFormat

MOST_CHOICES = 64
MOST_INSTRUCTIONS = 64
MOST_LOADOUTS_LISTED = 1000
MOST_TOKENS = 10_000_000

SCHEMA_DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest JSON Schema that every editor of YAML reads; the schema of a loadout has nothing newer in it."""

NAME = r"^[a-z0-9][a-z0-9_.-]{0,127}$"


def _name(name: str) -> str:
    """Refuse what could not be part of a path or the name of a file as it is."""
    if not re.fullmatch(NAME, name):
        raise PydanticCustomError(
            "loadout_name",
            "must be at most 128 small letters, digits and . _ -, of which the first is a letter or a digit",
        )
    return name


LoadoutName = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME})]
Missing = Literal["error", "warning"]
IfMissing = Annotated[
    Missing | None, Field(description="What it is if there is no such tool; by default what the loadout says.")
]


class ToolById(Record):
    """The tool of an id."""

    id: ToolId
    missing: IfMissing = None


class ToolsByCapability(Record):
    """Tools that require any, or all, of some capabilities: those of them that are best for the task."""

    capabilities: Annotated[Capabilities, Field(min_length=1)]
    match: Match = "any"
    top_k: Annotated[int, Field(ge=1, le=MOST_TOOLS_FOUND)] = 5
    missing: IfMissing = None


class ToolsByDiscovery(Record):
    """The best tools for a query, in which `{task}` and `{agent}` stand for those that are equipped for."""

    discover: QueryText
    top_k: Annotated[int, Field(ge=1, le=MOST_TOOLS_FOUND)] = 3
    missing: IfMissing = None


CHOICES: Mapping[str, type[Record]] = {
    "id": ToolById,
    "capabilities": ToolsByCapability,
    "discover": ToolsByDiscovery,
}
"""How tools are chosen, by the field that says so."""


def _chosen(choice: Any) -> Any:
    """A choice of the kind that its field says; pydantic would tell the faults of all kinds."""
    if isinstance(choice, Record):
        return choice
    if not isinstance(choice, Mapping):
        raise PydanticCustomError("no_choice", "must be an object such as id: web_search")
    ways = [name for name in CHOICES if name in choice]
    if len(ways) != 1:
        has = f"both {' and '.join(ways)}" if ways else f"none of {', '.join(CHOICES)}"
        raise PydanticCustomError("choice", "has {has}; a choice of tools has exactly one of them", {"has": has})
    return CHOICES[ways[0]].model_validate(choice)


ToolChoice = Annotated[ToolById | ToolsByCapability | ToolsByDiscovery, BeforeValidator(_chosen)]


class MemoryChoice(Record):
    """Memories that answer a query, in which `{task}` and `{agent}` stand for those that are equipped for.

    They are among the agent's own and the shared ones, as of any query; the filter is that of queries.
    """

    query: QueryText = "{task}"
    filter: MemoryFilter | None = None
    top_k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 5
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="The most that they may cost together, beside what is left of the whole budget."
    )


class ModelChoice(Record):
    """The model that the agent is to run, and how; it is passed on as it is."""

    name: Identifier
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    options: Metadata = {}


ONE = TypeAdapter(Content)
SEVERAL = TypeAdapter(Annotated[list[Content], Field(max_length=MOST_INSTRUCTIONS)])


def _one_or_several(instructions: Any) -> Any:
    """A text or texts, refused as what they are; pydantic would tell the faults of both."""
    if instructions is None:
        return None
    return (SEVERAL if isinstance(instructions, list) else ONE).validate_python(instructions)


class Loadout(Record):
    """What equips an agent for a task.

    `{task}` and `{agent}` in persona, instructions, queries and working values stand for those that it is equipped
    for; other braces are left as they are.
    """

    name: LoadoutName
    description: Content | None = Field(default=None, description="What it is for, for whom looks for one.")
    persona: Content | None = Field(
        default=None, description="Who the agent is: the beginning of its system prompt."
    )
    instructions: Annotated[
        Content | Annotated[list[Content], Field(max_length=MOST_INSTRUCTIONS)] | None,
        BeforeValidator(_one_or_several),
    ] = Field(default=None, description="What it does, and how: the rest of its system prompt.")
    tools: Annotated[list[ToolChoice], Field(max_length=MOST_CHOICES)] = Field(
        default=[], description="Tools by id, by capabilities, or discovered by a query."
    )
    missing_tools: Missing = Field(default="warning", description="What it is if a chosen tool is missing.")
    memories: Annotated[list[MemoryChoice], Field(max_length=MOST_CHOICES)] = Field(
        default=[], description="Memories by query and filter."
    )
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = Field(
        default=None, description="What system prompt, tools and memories may cost together, in that order."
    )
    format: SpecFormat = Field(default="openai", description="In whose form the tools are given.")
    model: ModelChoice | None = None
    working: WorkingSeeds | None = Field(
        default=None, description="What is in the agent's session from the beginning, if one is named."
    )

    @model_validator(mode="after")
    def _equips_with_something(self) -> Self:
        if not (self.persona or self.instructions or self.tools or self.memories or self.working):
            raise PydanticCustomError("empty", "persona, instructions, tools, memories or working must be given")
        return self


def loadout_schema() -> dict[str, Any]:
    """The JSON Schema of a loadout file."""
    return {"$schema": SCHEMA_DIALECT, **Loadout.model_json_schema()}


class SaveLoadout(Command):
    """Keep a loadout; it takes the place of the one that its name had before."""

    loadout: Loadout


class SaveLoadoutOutcome(Reply):
    """What became of a loadout: new, at its next version, or there just so before."""

    success: Literal[True] = True
    name: str
    version: int
    status: Literal["saved", "updated", "unchanged"]
    message: str


class GetLoadout(Command):
    """Read one loadout."""

    name: LoadoutName


class LoadoutFound(Reply):
    """A loadout as it is now."""

    name: str
    version: int
    created_at: datetime
    updated_at: datetime
    loadout: Loadout


class ListLoadouts(Command):
    """Read the loadouts in the order of their names, a page at a time."""

    after: Annotated[str, StringConstraints(max_length=128), AfterValidator(storable)] = Field(
        default="", description="The name after which to go on."
    )
    limit: Annotated[int, Field(ge=1, le=MOST_LOADOUTS_LISTED)] = 100


class LoadoutsListed(Reply):
    """A page of loadouts; `next` is the `after` of the next page, if there is one."""

    count: int
    results: list[LoadoutFound]
    next: str | None


class DeleteLoadout(Command):
    """Forget a loadout."""

    name: LoadoutName


class DeleteLoadoutOutcome(Reply):
    """What a deletion did; `absent` says that there was no such loadout."""

    success: Literal[True] = True
    name: str
    status: Literal["deleted", "absent"]
    message: str


class LoadoutSaved(Record):
    """A loadout was saved, or has a new version."""

    name: str
    version: int


class LoadoutDeleted(Record):
    """A loadout was deleted; `version` was its last."""

    name: str
    version: int
