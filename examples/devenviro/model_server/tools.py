"""The tools that the model is offered, and how well each fits what is to be done."""

import math
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devenviro.model_server.wire import FunctionOffered, ToolOffered
from devenviro.model_server.words import stem, words

NAME_WEIGHT = 2.0
"""How much more a word in a tool's name counts than one in its description."""

UNKNOWN_WEIGHT = 0.5

_READING = "check discover fetch find get list look query read recall retrieve search show"
READING = frozenset(stem(word) for word in _READING.split())
"""What the description of a tool begins with that changes nothing."""


@dataclass(frozen=True)
class Tool:
    """A tool, and what it says of itself."""

    offered: FunctionOffered

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.offered.name

    @property
    def names(self) -> tuple[str, ...]:
        """What lessons may call it: its name, and that without what stands before `__`."""
        return tuple(dict.fromkeys((self.name, self.name.rpartition("__")[2])))

    @cached_property
    def name_words(self) -> frozenset[str]:
        """The words of its name."""
        return words(self.name.rpartition("__")[2])

    @cached_property
    def all_words(self) -> frozenset[str]:
        """The words of its name and its description."""
        return self.name_words | words(self.offered.description)

    @property
    def reads(self) -> bool:
        """Whether it only looks something up, going by the first word of its description."""
        return self.verb in READING

    @property
    def verb(self) -> str:
        """What it does, going by the first word of its description, or else of its name."""
        first = re.match(r"\W*(\w+)", self.offered.description or self.name.rpartition("__")[2])
        return stem(first[1].casefold()) if first else ""

    def stands_in_for(self, other: "Tool") -> bool:
        """Whether it can do what another does: each tool that reads, but of others only one that does the same."""
        return self.reads and other.reads if self.reads or other.reads else self.verb == other.verb

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each argument, with what it refers to in its place."""
        found = self.offered.parameters.get("properties", {})
        return {name: self._plain(schema) for name, schema in found.items()}

    @property
    def required(self) -> Sequence[str]:
        """The arguments that it cannot be called without."""
        return [name for name in self.offered.parameters.get("required", ()) if name in self.properties]

    def _plain(self, schema: Any) -> Mapping[str, Any]:
        """A schema without reference, and of several that would do the first that is not null."""
        if not isinstance(schema, Mapping):
            return {}
        reference = str(schema.get("$ref", ""))
        if reference.startswith("#/$defs/"):
            target = self.offered.parameters.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
            return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        for branch in schema.get("anyOf", ()):
            if isinstance(branch, Mapping) and branch.get("type") != "null":
                return {**schema, **self._plain(branch)}
        return schema


@dataclass(frozen=True)
class Toolbox:
    """All tools that are offered, in order."""

    tools: Sequence[Tool]

    @classmethod
    def of(cls, offered: Sequence[ToolOffered]) -> "Toolbox":
        """The tools of a request."""
        return cls([Tool(one.function) for one in offered])

    @classmethod
    def named_only(cls, names: Sequence[str]) -> "Toolbox":
        """Tools of which no more is known than their names."""
        return cls([Tool(FunctionOffered.model_construct(name=name)) for name in dict.fromkeys(names)])

    def ranked(self, text: str, avoiding: AbstractSet[str] = frozenset()) -> list[tuple[float, Tool]]:
        """The tools that share words with a text, most first; words that few tools say count for more.

        Those to avoid come after all others.
        """
        scored = [(self.score(text, tool), tool) for tool in self.tools]
        fitting = [(score, tool) for score, tool in scored if score > 0]
        return sorted(fitting, key=lambda one: (one[1].name in avoiding, -one[0]))

    def named(self, name: str) -> Tool | None:
        """The tool of a name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def score(self, text: str, tool: Tool) -> float:
        """How many words a tool shares with a text, by what each counts for; none is 0."""
        shared = sorted(words(text) & tool.all_words)  # sums of floats depend on their order
        return sum(self.rarity(word) * (NAME_WEIGHT if word in tool.name_words else 1.0) for word in shared)

    def rarity(self, word: str) -> float:
        """What a word counts for; one that no tool says is what a task is about, and counts little."""
        having = sum(word in tool.all_words for tool in self.tools)
        return math.log(1 + len(self.tools) / having) if having else UNKNOWN_WEIGHT
