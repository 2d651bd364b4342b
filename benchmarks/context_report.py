"""The report of what the context of a task costs: Markdown beside the aim."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from metrics import Latency
from provenance import Provenance, sentence
from recall_report import table

AIM = 1.3
"""Times the median of the slowest part that the median of the whole may take."""


@dataclass(frozen=True)
class Part:
    """A part of a context, asked alone."""

    name: str
    seen: Latency


@dataclass(frozen=True)
class Round:
    """A context and its parts, as one client sees them; in the worker, the whole and its slowest section."""

    whole: Latency
    parts: Sequence[Part]
    took: Latency
    section: Latency

    @property
    def slowest(self) -> Part:
        """The part that takes longest when it is asked alone."""
        return max(self.parts, key=lambda part: part.seen.p50)

    @property
    def ratio(self) -> float:
        """The median of the whole to that of the slowest part, both by REST."""
        return self.whole.p50 / self.slowest.seen.p50

    @property
    def ratio_of_sections(self) -> float:
        """The median of the whole to that of the slowest section within the same contexts, both in the worker."""
        return self.took.p50 / self.section.p50


@dataclass(frozen=True)
class Run:
    """What was stored, and how long it took to ask for it."""

    memories: int
    lessons: int
    tools: int
    messages: int
    rounds: Sequence[Round]


def as_markdown(ran: Provenance, measured: Run) -> str:
    """The tables that a person reads."""
    stored = (
        f"{measured.memories:,} memories, {measured.lessons:,} lessons, {measured.tools} tools, and a session of "
        f"{measured.messages} messages for each agent. One client."
    )
    blocks = ["# The context of a task by REST", sentence(ran), stored, _latencies(measured), _ratios(measured)]
    return "\n\n".join(blocks) + "\n"


def _latencies(measured: Run) -> str:
    """The whole and its parts: medians of the rounds' quantiles."""
    kinds: dict[str, list[Latency]] = {"the whole context": [one.whole for one in measured.rounds]}
    for one in measured.rounds:
        for part in one.parts:
            kinds.setdefault(f"{part.name} alone", []).append(part.seen)
    kinds["the whole in the worker"] = [one.took for one in measured.rounds]
    kinds["its slowest section in the worker"] = [one.section for one in measured.rounds]
    header = ("request", "asked", "p50 ms", "p95 ms", "p99 ms")
    said = "Medians of rounds; requests of all kinds take turns, for the same tasks."
    return "\n".join([*table(header, [_row(name, some) for name, some in kinds.items()]), "", said])


def _row(name: str, some: Sequence[Latency]) -> tuple[str, ...]:
    quantiles = zip(*((one.p50, one.p95, one.p99) for one in some), strict=True)
    return name, str(sum(one.asked for one in some)), *(f"{statistics.median(values):.2f}" for values in quantiles)


def _ratios(measured: Run) -> str:
    rows = [
        (str(number), one.slowest.name, f"{one.ratio:.2f}", f"{one.ratio_of_sections:.2f}")
        for number, one in enumerate(measured.rounds, start=1)
    ]
    ratio = statistics.median(one.ratio for one in measured.rounds)
    header = ("round", "slowest part", "whole to slowest part alone", "in the worker, to its slowest section")
    said = (
        f"By REST the median of the whole is {ratio:.2f} times that of the slowest part when that is asked alone, "
        f"by the same client in the same turns; aim ≤ {AIM}."
    )
    return "\n".join([*table(header, rows), "", said])
