"""The report of what discovery costs: Markdown beside the aims."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discovery_asking import Restarted, Shape
from provenance import Provenance, sentence
from recall_report import table

AIM_OF_RATIO = 0.8
AIM_BEYOND = 8.0
"""Milliseconds that the median of one client's questions may take beyond the embedding."""


@dataclass(frozen=True)
class Speed:
    """Tools a second in one round: of the service, and of the embedder alone on the same texts."""

    texts: int
    service: float
    embedder: float


@dataclass(frozen=True)
class Run:
    """What was measured; `reported` is in outcomes a second, `memory` in MB of the worker that answers."""

    tools: int
    outcomes: int
    speeds: Sequence[Speed]
    reported: float
    shapes: Sequence[Shape]
    restarted: Restarted
    memory: Mapping[str, float]


def as_markdown(ran: Provenance, measured: Run) -> str:
    """The tables that a person reads."""
    one, many = ([shape for shape in measured.shapes if (shape.clients == 1) is alone] for alone in (True, False))
    worst = max(shape.beyond for shape in one)
    simple = max(shape.beyond for shape in one if shape.name == "one need")
    verdict = (
        f"Beyond the embedding the median of one client takes at worst {simple:.1f} ms more where one thing is "
        f"needed, {worst:.1f} ms in any shape; aim ≤ {AIM_BEYOND:.0f} ms. Each question has `top_k` 10."
    )
    title = f"# Discovery among {measured.tools:,} tools"
    blocks = [title, sentence(ran), "## Registering", _registering(measured), "## Looking for tools", verdict]
    blocks += (
        ["### 1 client", _asked(one), f"### {many[0].clients} clients", _asked(many)] if many else [_asked(one)]
    )
    blocks += ["## A worker that begins", _restarted(measured.restarted), "## Memory", _memory(measured)]
    return "\n\n".join(blocks) + "\n"


def _registering(measured: Run) -> str:
    rows = [
        (
            str(number),
            str(one.texts),
            f"{one.service:,.0f}",
            f"{one.embedder:,.0f}",
            f"{one.service / one.embedder:.2f}",
        )
        for number, one in enumerate(measured.speeds, start=1)
    ]
    ratio = statistics.median(one.service / one.embedder for one in measured.speeds)
    said = (
        f"{measured.tools:,} tools, 256 a request, four requests at once. The median ratio is {ratio:.2f}; aim ≥ "
        f"{AIM_OF_RATIO}. Outcomes, sent likewise: {measured.reported:,.0f}/s, {measured.outcomes:,} in all."
    )
    lines = table(("round", "texts", "tools/s", "embedder alone, tools/s", "ratio"), rows)
    return "\n".join([*lines, "", said])


def _asked(shapes: Sequence[Shape]) -> str:
    rows = [
        (
            f"{shape.state}: {shape.name}",
            str(shape.seen.asked),
            *(f"{one:.1f}" for one in (shape.seen.p50, shape.seen.p95, shape.seen.p99)),
            *(f"{one:.1f}" for one in (shape.embedding.p50, shape.beyond, shape.worker.p50, shape.worker.p95)),
        )
        for shape in shapes
    ]
    quantiles = ("p50 ms", "p95 ms", "p99 ms")
    beside = ("embedding p50", "beyond it", "worker p50", "worker p95")
    return "\n".join(table(("questions", "asked", *quantiles, *beside), rows))


def _restarted(one: Restarted) -> str:
    return (
        f"Killed, the worker was replaced by one that was ready after {one.ready_seconds:.1f} s. Its first "
        f"discovery, which reads all tools and outcomes, took {one.first_ms:.0f} ms; of the {one.then.asked} after "
        f"it the p50 was {one.then.p50} ms, the p99 {one.then.p99} ms."
    )


def _memory(measured: Run) -> str:
    rows = [(what, f"{size:.0f}") for what, size in measured.memory.items()]
    return "\n".join(table(("the worker that answers", "MB"), rows))
