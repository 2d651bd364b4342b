"""Who reports what: outcomes in a random order, spread over agents, some of whom lie. Pure functions."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import cycle, islice
from typing import NamedTuple

from datasets import Question

AGENTS = tuple(f"reporter-{number:02}" for number in range(20))
LIARS = frozenset({AGENTS[3], AGENTS[11]})
ATTACKER = "attacker"
SIZES = (20, 50, 100, 250, 1000)
FEW = 3


class Outcome(NamedTuple):
    """What an agent says became of a call of a tool for a task."""

    task: str
    tool: str
    agent: str
    success: bool = True


Tell = Callable[[Outcome], Outcome]
"""What a liar says in place of an outcome."""


class Lie(NamedTuple):
    """A way to lie, and the tools that it is to lift, if they are always the same."""

    tell: Tell
    lifts: tuple[str, ...] = ()


def spread(solved: Sequence[Question], seed: int, agents: Sequence[str] = AGENTS) -> list[Outcome]:
    """Every solved task once, in a random order of this seed, each reported by the next of the agents."""
    draw = random.Random(seed)  # noqa: S311 - the same order in every run
    order = draw.sample(solved, len(solved))
    return [
        Outcome(one.text, tool, agent)
        for one, agent in zip(order, cycle(agents), strict=False)
        for tool in sorted(one.wanted)
    ]


def sizes(count: int) -> list[int]:
    """After how many outcomes to measure; the last is all of them."""
    return [*(size for size in SIZES if size < count), count]


def lying(outcomes: Iterable[Outcome], tell: Tell, liars: AbstractSet[str] = LIARS) -> list[Outcome]:
    """The same outcomes, where the liars say something else."""
    return [tell(one) if one.agent in liars else one for one in outcomes]


def lies(tools: Sequence[str], confusable: Mapping[str, str], seed: int) -> dict[str, Lie]:
    """Ways to lie about tools; `confusable` names a wrong tool that looks right, by task."""
    draw = random.Random(seed)  # noqa: S311 - the same lies in every run
    few = draw.sample(tools, FEW)
    return {
        "a random tool": Lie(lambda one: one._replace(tool=another(tools, one.tool, draw))),
        "always one tool": Lie(lambda one: one._replace(tool=few[0]), (few[0],)),
        "a few tools": Lie(lambda one: one._replace(tool=draw.choice(few)), tuple(few)),
        "the most confusable tool": Lie(lambda one: one._replace(tool=confusable.get(one.task, few[0]))),
        "one tool, every other time": Lie(_now_and_then(few[0]), (few[0],)),
        "the right tool failed": Lie(lambda one: one._replace(success=False)),
    }


def another(tools: Sequence[str], right: str, draw: random.Random) -> str:
    """Any tool but the right one."""
    while (tool := draw.choice(tools)) == right:
        pass
    return tool


def flood(solved: Sequence[Question], tool: str, count: int, seed: int) -> list[Outcome]:
    """One agent claims that a tool solved so many tasks, which are other tools'."""
    draw = random.Random(seed)  # noqa: S311 - the same flood in every run
    tasks = [one.text for one in solved if tool not in one.wanted]
    return [Outcome(task, tool, ATTACKER) for task in draw.sample(tasks, min(count, len(tasks)))]


def slander(solved: Sequence[Question], tool: str, count: int) -> list[Outcome]:
    """One agent claims, so many times, that a tool failed at the tasks that it solves."""
    tasks = [one.text for one in solved if tool in one.wanted]
    return [Outcome(task, tool, ATTACKER, success=False) for task in islice(cycle(tasks), count)]


def _now_and_then(tool: str) -> Tell:
    """Lie about every other task only, to be believed."""
    turns: Counter[str] = Counter()

    def tell(one: Outcome) -> Outcome:
        turns[one.agent] += 1
        return one._replace(tool=tool) if turns[one.agent] % 2 else one

    return tell
