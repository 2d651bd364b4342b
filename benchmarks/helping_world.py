"""Tasks with regularities that nobody tells the agents: which tool is right, and what each tool insists on."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from datasets import Question
from discovery_api import tool_id_of

CONVENTIONS: Mapping[str, Sequence[str]] = {
    "region": ("eu-west", "eu-north", "us-east", "us-central", "ap-south", "sa-east"),
    "locale": ("en-GB", "de-DE", "fr-FR", "pt-BR", "ja-JP", "nl-NL"),
    "units": ("metric", "imperial", "nautical", "SI"),
    "account": ("ops-01", "sales-07", "lab-12", "legal-03", "press-09"),
    "mode": ("batch", "preview", "strict", "draft", "replay"),
    "channel": ("stable", "beta", "archive", "mirror", "edge"),
}
"""What a tool may insist on that its description does not say, and the values that it may have."""

INSISTING = 0.5
"""The share of tools that insist on something."""

MOST_CALLS = 4
"""Calls after which an agent gives a task up."""


class Task(NamedTuple):
    """A task in plain words, and the agent that has it."""

    text: str
    agent: str


class Answered(NamedTuple):
    """What a call comes to; `wants` is what the tool says that it insists on, as name and value."""

    right: bool
    wants: tuple[str, str] | None = None

    @property
    def solved(self) -> bool:
        """Whether the task is done."""
        return self.right and self.wants is None


@dataclass(frozen=True)
class World:
    """Tasks in their order, the tools that solve them, and what the tools insist on until and from a change."""

    tasks: Sequence[Task]
    right: Mapping[str, frozenset[str]]
    before: Mapping[str, tuple[str, str]]
    after: Mapping[str, tuple[str, str]]
    change: int

    def call(self, number: int, tool: str, given: tuple[str, str] | None) -> Answered:
        """Call a tool for the task of a number, with what the agent believes that it insists on."""
        if tool not in self.right[self.tasks[number].text]:
            return Answered(right=False)
        wants = (self.before if number < self.change else self.after).get(tool)
        return Answered(right=True, wants=None if given == wants else wants)

    def repeats(self, number: int) -> bool:
        """Whether an earlier task wanted the same tool, so that there was something to learn."""
        wanted = self.right[self.tasks[number].text]
        return any(wanted & self.right[task.text] for task in self.tasks[:number])


def world_of(solved: Sequence[Question], *, tasks: int, agents: int, changed: float, seed: int) -> World:
    """So many of the solved tasks in a random order, spread over agents.

    After two thirds of them, a share `changed` of the tools that insist on something insists on something else.
    """
    draw = random.Random(seed)  # noqa: S311 - the same world in every run
    chosen = draw.sample(solved, tasks)
    right = {one.text: frozenset(map(tool_id_of, one.wanted)) for one in chosen}
    tools = sorted({tool for wanted in right.values() for tool in wanted})
    insisting = draw.sample(tools, round(INSISTING * len(tools)))
    before = {tool: _insists(draw) for tool in insisting}
    moved = set(draw.sample(insisting, round(changed * len(insisting))))
    after = {tool: _another(draw, wants) if tool in moved else wants for tool, wants in before.items()}
    numbered = [Task(one.text, f"agent-{number % agents}") for number, one in enumerate(chosen)]
    return World(numbered, right, before, after, round(tasks * 2 / 3))


def _insists(draw: random.Random) -> tuple[str, str]:
    name = draw.choice(sorted(CONVENTIONS))
    return name, draw.choice(CONVENTIONS[name])


def _another(draw: random.Random, wants: tuple[str, str]) -> tuple[str, str]:
    name, value = wants
    return name, draw.choice([one for one in CONVENTIONS[name] if one != value])
