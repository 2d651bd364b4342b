"""The report of what working memory and the LLM cache cost: Markdown beside the aims."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from metrics import Latency
from provenance import Provenance, sentence
from recall_report import table

AIM_BEYOND = 1.0
"""Milliseconds that the median of a command on working memory may take beyond a request without work."""

AIM_OF_HIT = 2.0
"""Milliseconds that the median of an exact hit may take."""

AIM_OF_SHARE = 0.6
AIM_OF_CALLS = 1


@dataclass(frozen=True)
class Shape:
    """Requests of one kind in one round, by one client."""

    round: int
    name: str
    aim: str
    seen: Latency


@dataclass(frozen=True)
class Rate:
    """Requests a second of many clients in one round: without work, and as hits."""

    idle: float
    hits: float


@dataclass(frozen=True)
class Stampede:
    """Clients that asked the same at once: how often the server was called, and seconds until all had answers."""

    facades: int
    calls: int
    answered: int
    different: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """What was measured."""

    clients: int
    at_once: int
    upstream_seconds: float
    shapes: Sequence[Shape]
    rates: Sequence[Rate]
    stampedes: Sequence[Stampede]


def as_markdown(ran: Provenance, measured: Run) -> str:
    """The tables that a person reads."""
    blocks = ["# Working memory and the LLM cache by REST", sentence(ran), "## One client", _one(measured)]
    blocks += [f"## {measured.clients} clients", _many(measured), "## A stampede", _stampedes(measured)]
    return "\n\n".join(blocks) + "\n"


def _one(measured: Run) -> str:
    """Every kind of request beside the first, which does no work: medians of the rounds' quantiles."""
    kinds: dict[str, list[Shape]] = {}
    for shape in measured.shapes:
        kinds.setdefault(shape.name, []).append(shape)
    idle, *_ = kinds.values()
    header = ("request", "asked", "p50 ms", "p95 ms", "p99 ms", "p50 beyond the first", "aim")
    said = (
        "Medians of rounds; requests of all kinds take turns. A hit's aim is its p50, the others' what is beyond."
    )
    return "\n".join([*table(header, [_row(some, idle) for some in kinds.values()]), "", said])


def _row(some: Sequence[Shape], idle: Sequence[Shape]) -> tuple[str, ...]:
    seen = [shape.seen for shape in some]
    quantiles = zip(*((one.p50, one.p95, one.p99) for one in seen), strict=True)
    beyond = statistics.median(one.seen.p50 - other.seen.p50 for one, other in zip(some, idle, strict=True))
    return (
        some[0].name,
        str(sum(one.asked for one in seen)),
        *(f"{statistics.median(values):.2f}" for values in quantiles),
        "" if some is idle else f"{beyond:+.2f}",
        some[0].aim,
    )


def _many(measured: Run) -> str:
    rows = [
        (str(number), f"{one.idle:,.0f}", f"{one.hits:,.0f}", f"{one.hits / one.idle:.2f}")
        for number, one in enumerate(measured.rates, start=1)
    ]
    share = statistics.median(one.hits / one.idle for one in measured.rates)
    header = ("round", "without work, requests/s", "exact hits, requests/s", "share")
    said = f"No two hits under way are of the same prompt. The median share is {share:.2f}; aim ≥ {AIM_OF_SHARE}."
    return "\n".join([*table(header, rows), "", said])


def _stampedes(measured: Run) -> str:
    rows = [
        (str(one.facades), *map(str, (one.answered, one.different, one.calls)), f"{one.seconds:.2f}")
        for one in measured.stampedes
    ]
    header = ("facades", "answers", "different", "calls of the server", "seconds until all have one")
    said = (
        f"{measured.at_once:,} connections ask the same at once; the server takes {measured.upstream_seconds:g} s. "
        f"Aim: {AIM_OF_CALLS} call."
    )
    return "\n".join([*table(header, rows), "", said])
