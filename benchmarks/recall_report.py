"""The report of a recall benchmark: as JSON, and as Markdown beside what others reached."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metrics import Latency
from provenance import Provenance, sentence
from recall_sets import Section

PLAIN = frozenset({"tokens used"})
"""Figures that are no fractions."""

COLUMNS = ("BM25", "dense", "dense + BM25", "prototype", "published")


@dataclass(frozen=True)
class Reference:
    """What a figure, in percent, is to be seen beside; `measured` is by column, `aim` is the least wanted."""

    kind: str
    figure: str
    measured: Mapping[str, str]
    aim: float | None = None
    group: str = "all"


def _beside(*percents: float | str | None) -> dict[str, str]:
    return {name: str(one) for name, one in zip(COLUMNS, percents, strict=False) if one is not None}


REFERENCES = (
    Reference("locomo", "R@5", _beside(47.6, 37.0, 54.3, 68.3, "56.7 ᵃ, 59.9 ᵇ"), 72),
    Reference("locomo", "R@10", _beside(56.1, 47.3, 63.9, 77.4, "66.2 ᵃ, 69.4 ᵇ"), 82),
    Reference("locomo", "NDCG@10", _beside(41.1, 31.2, 46.8, 57.0), 61),
    Reference("locomo", "kept of R@10", {}, 85),
    Reference("locomo", "R@10", {}, 50, "multi-hop"),
    Reference("metatool single", "NDCG@10", _beside(42.3, 69.3, 70.7), 73),
    Reference("metatool single", "R@1", _beside(31.2, 54.9, 57.2)),
    Reference("metatool two tools", "NDCG@10", _beside(37.4, 54.8, 64.1), 68),
    Reference("metatool two tools", "R@5", _beside(37.6, 56.6, 64.9)),
    Reference("cosqa", "MRR", _beside(29.8, 46.5, 42.9), 50),
)
"""BM25 (k1 1.2, b 0.75), all-MiniLM-L6-v2 int8 and the sum of their standardised scores, each in plain arrays on
the `_dev` slices, and the best of a prototype there. Published: see `NOTES`."""

NOTES = """\
Figures are percent, but for tokens. R@k is the mean fraction of the evidence found among the first k, hit@k the
share of questions with any of it there, NDCG@10 has the true ideal ranking. Questions are asked as they are.
Evidence within a budget is that of a query with `max_tokens` 300 and `top_k` 20; "kept" divides it by R@10.
Reference columns are of the `_dev` slices, in plain arrays, not of a service. The ranking was tuned on those
slices, so expect somewhat less of data that it has not seen. Queries are timed as one client sees them, which
asks one after the other over a kept-alive connection; "worker" is the `took_ms` of the replies.

ᵃ The LoCoMo paper (Maharana et al., ACL 2024), its best retriever of dialog turns, over all ten conversations.
ᵇ text-embedding-3-small, as reported for dialog turns; not run here.
"""


def as_json(ran: Provenance, fields: Mapping[str, Any], sections: Sequence[Section]) -> dict[str, Any]:
    """All that was measured; fractions have five digits."""
    return {
        "ran": asdict(ran),
        "query": dict(fields),
        "sections": [_section_json(section) for section in sections],
    }


def as_markdown(ran: Provenance, fields: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """The tables that a person reads."""
    blocks = ["# Recall, measured through the production API", sentence(ran)]
    if fields:
        blocks.append(f"Every query had `{json.dumps(dict(fields))}` besides.")
    for section in sections:
        blocks.append(f"## {section.kind}: {section.file}")
        blocks += ["\n".join(lines) for lines in (_figures(section), _references(section), _service(section))]
    return "\n\n".join([*(block for block in blocks if block), "## How to read this", NOTES])


def write(folder: Path, name: str, data: Mapping[str, Any], text: str) -> None:
    """Put both forms into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(f"{json.dumps(data, indent=2)}\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(text, encoding="utf-8")


def answers(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    """Every question with what was found for it, by the names of its set."""
    for section in sections:
        for one in section.asked:
            asked = {"file": section.file, "question": one.question.text, "group": one.question.group}
            ranked = {kind: answer.ranked for kind, answer in one.answers.items()}
            yield {**asked, "wanted": sorted(one.question.wanted), "ranked": ranked}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table whose columns but the first are numbers."""
    rule = ["---", *("---:" for _ in header[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def latencies(named: Mapping[str, tuple[Latency, Latency]]) -> list[str]:
    """A table of queries: as the client saw them and as the worker did, in milliseconds."""
    header = ("queries", "asked", "p50 ms", "p95 ms", "p99 ms", "worker p50", "worker p95")
    rows = [
        (name, str(seen.asked), *(f"{one:.1f}" for one in (seen.p50, seen.p95, seen.p99, took.p50, took.p95)))
        for name, (seen, took) in named.items()
    ]
    return table(header, rows)


def shown(figure: str, value: float) -> str:
    """A figure as it is printed."""
    return f"{value:.0f}" if figure in PLAIN else f"{value * 100:.1f}"


def _section_json(section: Section) -> dict[str, Any]:
    data = asdict(section)
    del data["asked"]
    data["figures"] = {
        group: {name: round(value, 5) for name, value in figures.items()}
        for group, figures in section.figures.items()
    }
    data["stored"]["per_second"] = round(section.stored.per_second, 1)
    return data


def _figures(section: Section) -> list[str]:
    names = list(section.figures["all"])
    rows = [
        (group, str(section.questions[group]), *(shown(name, figures[name]) for name in names))
        for group, figures in section.figures.items()
    ]
    return table(("", "questions", *names), rows)


def _references(section: Section) -> list[str]:
    rows = [_reference(section, one) for one in REFERENCES if one.kind == section.kind]
    return table(("figure", "measured", "aim", *COLUMNS), [row for row in rows if row])


def _reference(section: Section, one: Reference) -> tuple[str, ...]:
    if one.group not in section.figures:
        return ()
    name = one.figure if one.group == "all" else f"{one.figure}, {one.group}"
    aim = "" if one.aim is None else f"≥ {one.aim:.0f}"
    measured = shown(one.figure, section.figures[one.group][one.figure])
    columns = COLUMNS if Path(section.file).stem.endswith("_dev") else COLUMNS[-1:]
    return name, measured, aim, *(one.measured.get(column, "") if column in columns else "" for column in COLUMNS)


def _service(section: Section) -> list[str]:
    stored = section.stored
    rate = f"Stored {stored.memories} memories at {stored.per_second:.0f}/s ({stored.duplicates} duplicates)."
    counted = "".join(f" {count} {what}." for what, count in section.counts.items())
    queries = {kind: (section.latency[kind], section.worker[kind]) for kind in section.latency}
    return [*latencies(queries), "", rate + counted]
