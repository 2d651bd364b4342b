"""Courses of learning, each on a memOS of its own: outcomes are reported, and questions asked now and then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
from datasets import Question
from discovery_api import definitions, found_for, register, report
from discovery_plans import AGENTS, LIARS, Outcome, flood, lies, lying, sizes, slander, spread
from discovery_scores import Asked, best_wrong, clauses, intruders, most_wanted
from provenance import EMBEDDED
from recall_api import say
from stack import Connection, Stack, connections, running_memos

CLIENTS = 4
TOP = 10
LIES_AFTER = 250
"""The least outcomes after which liars are looked at: before, a liar has hardly said anything."""

ATTACKED_AFTER = (0, 1000)
ATTACKS = 500
Answers = Mapping[str, Sequence[Asked]]


@dataclass(frozen=True)
class Data:
    """Tools with their descriptions, questions by file, and which tools solved which tasks."""

    tools: Mapping[str, str]
    single: Mapping[str, Sequence[Question]]
    pairs: Mapping[str, Sequence[Question]]
    solved: Sequence[Question]

    @property
    def repeated(self) -> int:
        """How many questions are among the solved tasks word for word."""
        known = {one.text for one in self.solved}
        questions = {**self.single, **self.pairs}.values()
        return sum(one.text in known for some in questions for one in some)


@dataclass(frozen=True)
class Point:
    """What was found after so many outcomes, by file of questions."""

    outcomes: int
    answers: Answers


@dataclass(frozen=True)
class Course:
    """How discovery fared while outcomes came in; those of one name have different `seed`s of the order.

    `lifts` are the tools that reports were to lift, `buries` the one that they were to bury.
    """

    name: str
    seed: int
    points: Sequence[Point]
    lifts: tuple[str, ...] = ()
    buries: str | None = None


@dataclass(frozen=True)
class Plan:
    """Outcomes, and after how many of them the questions are asked."""

    name: str
    seed: int
    outcomes: Sequence[Outcome]
    sizes: Sequence[int]
    lifts: tuple[str, ...] = ()
    buries: str | None = None


def read(folder: Path) -> Data:
    """The sets below a folder."""

    def questions(pattern: str) -> dict[str, list[Question]]:
        return {path.name: datasets.tool_questions(path) for path in datasets.matching(folder, pattern)}

    return Data(
        datasets.tools(folder / "metatool/tools.json"),
        questions("metatool/single_*.jsonl"),
        questions("metatool/two_tool_*.jsonl"),
        [one for some in questions("metatool/outcomes_*.jsonl").values() for one in some],
    )


async def learning(data: Data, seeds: int) -> list[Course]:
    """Honest outcomes in several random orders; the first begins without any."""
    steps = sizes(len(data.solved))
    plans = [
        Plan("honest", seed, spread(data.solved, seed), steps if seed else [0, *steps]) for seed in range(seeds)
    ]
    return [await follow(data, plan) for plan in plans]


async def one_reporter(data: Data) -> list[Course]:
    """All outcomes from a single agent."""
    outcomes = spread(data.solved, 0, AGENTS[:1])
    return [await follow(data, Plan("one reporter", 0, outcomes, _later(data)))]


async def liars(data: Data) -> list[Course]:
    """Two of the agents lie, in one way after another."""
    outcomes = spread(data.solved, 0)
    confusable = await confused(data, [one for one in outcomes if one.agent in LIARS])
    told = lies(list(data.tools), confusable, seed=7)
    plans = [
        Plan(f"lie: {name}", 0, lying(outcomes, lie.tell), _later(data), lie.lifts) for name, lie in told.items()
    ]
    return [await follow(data, plan) for plan in plans]


async def attacks(data: Data, cold: Point) -> list[Course]:
    """One agent alone floods discovery, or slanders a tool, before and after the others have reported."""
    honest = spread(data.solved, 0)
    asked = [one for name in data.single for one in cold.answers[name]]
    ordered = intruders(asked, list(data.tools))
    wanted = most_wanted([one.question for one in asked])
    courses = []
    for after in (size for size in ATTACKED_AFTER if size < len(honest)):
        for plan in (_flooded(data, ordered[0]), _flooded(data, ordered[-1]), _slandered(data, wanted)):
            whole = [*honest[:after], *plan.outcomes]
            steps = [after, len(whole)]
            courses.append(await follow(data, Plan(plan.name, 0, whole, steps, plan.lifts, plan.buries)))
    return courses


async def follow(data: Data, plan: Plan) -> Course:
    """Register the tools with a memOS that has none, report what the plan says, and ask when it says so."""
    points = []
    async with running_memos(**EMBEDDED) as stack:
        await prepare(stack, data)
        done = 0
        for size in plan.sizes:
            async with connections(stack.port, 1) as reporting:
                await report(reporting, plan.outcomes[done:size])
            done = size
            async with connections(stack.port, CLIENTS) as clients:
                points.append(Point(size, await answers(clients, data)))
            say(f"{plan.name}, order {plan.seed}: asked after {size} outcomes")
    return Course(plan.name, plan.seed, points, plan.lifts, plan.buries)


async def prepare(stack: Stack, data: Data) -> None:
    """Register the tools."""
    async with connections(stack.port, 1) as registering:
        await register(registering, definitions(data.tools))


async def answers(clients: Sequence[Connection], data: Data) -> Answers:
    """What is found for every question as it is, and for the clauses of those that need several tools."""
    single = {name: await _asked(clients, some) for name, some in data.single.items()}
    pairs = {name: await _asked_with_clauses(clients, some) for name, some in data.pairs.items()}
    return {**single, **pairs}


async def confused(data: Data, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The wrong tool that stands highest for each task before anything was learned."""
    async with running_memos(**EMBEDDED) as stack:
        await prepare(stack, data)
        async with connections(stack.port, CLIENTS) as clients:
            found = await found_for(clients, [one.task for one in outcomes], TOP)
    wrong = {one.task: best_wrong(some, one.tool) for one, some in zip(outcomes, found, strict=True)}
    return {task: tool for task, tool in wrong.items() if tool}


def _later(data: Data) -> list[int]:
    return [size for size in sizes(len(data.solved)) if size >= LIES_AFTER]


def _flooded(data: Data, tool: str) -> Plan:
    return Plan("flood", 0, flood(data.solved, tool, ATTACKS, seed=5), (), lifts=(tool,))


def _slandered(data: Data, tool: str) -> Plan:
    return Plan("slander", 0, slander(data.solved, tool, ATTACKS), (), buries=tool)


async def _asked(clients: Sequence[Connection], questions: Sequence[Question]) -> list[Asked]:
    found = await found_for(clients, [one.text for one in questions], TOP)
    return [Asked(question, some) for question, some in zip(questions, found, strict=True)]


async def _asked_with_clauses(clients: Sequence[Connection], questions: Sequence[Question]) -> list[Asked]:
    """The best tool of each clause beside what the whole question finds."""
    asked = await _asked(clients, questions)
    parts = [(number, part) for number, one in enumerate(questions) for part in clauses(one.text)]
    found = await found_for(clients, [part for _, part in parts], 1)
    best: list[list[str]] = [[] for _ in questions]
    for (number, _), some in zip(parts, found, strict=True):
        best[number] += some.ranked
    return [Asked(one.question, one.found, tuple(tools)) for one, tools in zip(asked, best, strict=True)]
