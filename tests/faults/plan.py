"""What a run does: how much is stored, and which faults fall on which process, drawn from a seed."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

Kind = Literal["kill", "stop", "restart", "disconnect", "flush"]

WORKERS = ("worker-interactive-1", "worker-interactive-2", "worker-bulk")
ENGINES = ("valkey", "postgres", "edge")
BACKEND = "postgres-backend"

KILLS: Mapping[str, int] = {
    "worker-interactive-1": 20,
    "worker-interactive-2": 20,
    "worker-bulk": 15,
    "api": 10,
    "valkey": 10,
    "postgres": 8,
    BACKEND: 8,
    "edge": 9,
}
"""Of a hundred SIGKILLs, how many fall on what, beyond the one that each has first."""

STOPS: Mapping[str, int] = {**dict.fromkeys((*WORKERS, *ENGINES), 3), "api": 1}
RESTARTS: Mapping[str, int] = {**dict.fromkeys(WORKERS, 3), **dict.fromkeys(("api", *ENGINES), 1)}

STOP = (1.0, 8.0)
"""From and to how many seconds; more than a lease."""

LONG_STOP = (12.0, 25.0)
"""The same for a long stop: more than any patience with an engine, so that what was given up comes late."""

LONG = 0.2
"""The share of stops that are long, where the plan has such."""

TOGETHER = 0.15
"""The share of faults that fall at the same time as the one before."""

ALONE = 0.15
"""The share of killed workers that are left to recover before anything else is hit."""


@dataclass(frozen=True)
class Plan:
    """The size of a run, and the seed that repeats its schedule and what is stored."""

    seed: int = 1
    stores: int = 100_000
    kills: int = 200
    producers: int = 48
    flush: bool = False
    long_stops: bool = True
    mutation: str | None = None


@dataclass(frozen=True)
class Fault:
    """What is done to a process.

    `seconds` is how long it is stopped. It falls `together` with the fault before, or `alone`, when all is
    well, and the next one waits until it is over.
    """

    kind: Kind
    target: str
    seconds: float = 0.0
    together: bool = False
    alone: bool = False

    @property
    def name(self) -> str:
        """What the report counts it as."""
        return f"{self.kind} {self.target}"


def seeded(*parts: object) -> random.Random:
    """Random numbers that are the same for the same parts."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - a run must be repeatable


def schedule(plan: Plan) -> list[Fault]:
    """The faults of a run in their order: `kills` times SIGKILL, and half as many others among them."""
    numbers = seeded(plan.seed, "schedule")
    others = [*_every("stop", STOPS), *_every("restart", RESTARTS), Fault("disconnect", "valkey")]
    faults = [*_drawn(numbers, _every("kill", KILLS), plan.kills), *_drawn(numbers, others, plan.kills // 2)]
    numbers.shuffle(faults)
    if plan.flush:
        faults.insert(len(faults) // 2, Fault("flush", "valkey"))
    return [_timed(numbers, fault, LONG if plan.long_stops else 0.0) for fault in faults]


def _every(kind: Kind, weights: Mapping[str, int]) -> list[Fault]:
    return list(chain.from_iterable([Fault(kind, target)] * weight for target, weight in weights.items()))


def _drawn(numbers: random.Random, faults: Sequence[Fault], count: int) -> Iterator[Fault]:
    """Each of the different faults once, as far as the count allows, and then at random."""
    each = list(dict.fromkeys(faults))
    numbers.shuffle(each)
    yield from each[:count]
    for _ in range(count - len(each)):
        yield numbers.choice(faults)


def _timed(numbers: random.Random, fault: Fault, long: float) -> Fault:
    seconds = numbers.uniform(*(LONG_STOP if numbers.random() < long else STOP)) if fault.kind == "stop" else 0.0
    chance = numbers.random()
    alone = fault.kind == "kill" and fault.target in WORKERS and chance > 1 - ALONE
    return replace(fault, seconds=round(seconds, 2), together=chance < TOGETHER, alone=alone)
