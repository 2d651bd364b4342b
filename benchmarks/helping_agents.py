"""Agents that solve tasks with and without memory: the same policy, what they are given alone differs."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from helping_world import MOST_CALLS, World

from memos.client import Client
from memos.events.context import TaskContext

LESSON = re.compile(r"Tool (\S+) insists on (\w+)=(\S+)\.")
TOOLS_OFFERED = 5
LESSONS_OFFERED = 5


class Believed(NamedTuple):
    """What a lesson says that a tool insists on."""

    lesson: UUID
    wants: tuple[str, str]


class Given(NamedTuple):
    """What an agent is given for a task: tools, best first, and by tool what lessons say, best first."""

    tools: Sequence[str]
    believed: Mapping[str, Sequence[Believed]]


@dataclass
class Solving:
    """How a task went: its calls as tools with whether each was right, and what was found out and used."""

    solved: bool = False
    calls: list[tuple[str, bool]] = field(default_factory=list)
    found_out: list[str] = field(default_factory=list)
    helped: dict[UUID, bool] = field(default_factory=dict)

    @property
    def at_once(self) -> bool:
        """Whether the first call solved it."""
        return self.solved and len(self.calls) == 1

    @property
    def chosen_at_once(self) -> bool:
        """Whether the first tool was right, whatever it insisted on."""
        return bool(self.calls) and self.calls[0][1]


class Memory(Protocol):
    """What an agent asks before a task, and tells after it."""

    async def given(self, task: str, agent: str) -> Given:
        """What there is for a task."""
        ...

    async def told(self, number: int, task: str, agent: str, solving: Solving) -> None:
        """How the task went."""
        ...


def solve(world: World, number: int, given: Given) -> Solving:
    """Call the tools in their order: each with what is believed of it, and then with what it says itself."""
    solving = Solving()
    for tool in given.tools:
        belief = next(iter(given.believed.get(tool, ())), None)
        wants = belief.wants if belief else None
        while len(solving.calls) < MOST_CALLS:
            answered = world.call(number, tool, wants)
            solving.calls.append((tool, answered.right))
            if belief and answered.right:
                solving.helped[belief.lesson] = answered.solved
            if answered.solved:
                solving.solved = True
                return solving
            if not answered.wants:
                break
            solving.found_out.append(f"Tool {tool} insists on {answered.wants[0]}={answered.wants[1]}.")
            belief, wants = None, answered.wants
    return solving


@dataclass(frozen=True)
class WithMemory:
    """Asks memOS for the context of each task, and tells it what became of it; `lies` are agents that tell lies."""

    client: Client
    lies: frozenset[str] = frozenset()
    taken: dict[str, list[float]] = field(default_factory=lambda: {"context": [], "learning": []})

    async def given(self, task: str, agent: str) -> Given:
        """The tools and lessons of the task's context."""
        started = time.perf_counter()
        context = await self.client.context(
            task, agent_id=agent, lessons=LESSONS_OFFERED, memories=0, tools=TOOLS_OFFERED, deadline_ms=30_000
        )
        self.taken["context"].append((time.perf_counter() - started) * 1000)
        if context.missing:
            raise SystemExit(f"The context of a task is not whole: {context.missing}")
        return Given([tool.tool_id for tool in context.tools], _believed(context))

    async def told(self, number: int, task: str, agent: str, solving: Solving) -> None:
        """Record the learning; a liar says of everything the opposite."""
        lies = agent in self.lies
        right = dict(reversed(solving.calls))
        started = time.perf_counter()
        await self.client.learning.record(
            task,
            outcome="success" if solving.solved != lies else "failure",
            agent_id=agent,
            task_id=f"task-{number}",
            lessons=[] if lies else solving.found_out[-1:],
            memories={lesson: helped != lies for lesson, helped in solving.helped.items()},
            tools={tool: was != lies for tool, was in right.items()},
        )
        self.taken["learning"].append((time.perf_counter() - started) * 1000)


@dataclass(frozen=True)
class WithoutMemory:
    """Asks for the tools alone, and tells nobody anything."""

    client: Client

    async def given(self, task: str, agent: str) -> Given:
        """The tools that say that they are for it."""
        found = await self.client.tools.discover(task, top_k=TOOLS_OFFERED)
        return Given([tool.tool_id for tool in found.results], {})

    async def told(self, number: int, task: str, agent: str, solving: Solving) -> None:
        """Forget it."""


def _believed(context: TaskContext) -> dict[str, list[Believed]]:
    believed: dict[str, list[Believed]] = {}
    for lesson in context.lessons:
        for tool, name, value in LESSON.findall(lesson.content):
            believed.setdefault(tool, []).append(Believed(lesson.memory_id, (name, value)))
    return believed
