"""The report of a discovery benchmark: as JSON, and as Markdown beside the aims."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from discovery_runs import Course, Data, Point
from discovery_scores import Asked, Figures, coverage_of, figures_of, intruding, standing
from metrics import mean
from provenance import Provenance, sentence
from recall_report import table

HONEST = "honest"
AIMS: Mapping[int, tuple[str, str]] = {0: ("about 70", ""), 250: ("≥ 79", ""), 1000: ("≥ 85", "")}
AIMS_OF_ALL = "≥ 90", "≥ 82"
PROTOTYPE: Mapping[int, str] = {250: "77.0", 1000: "83.3"}
PROTOTYPE_OF_ALL = "87.9 (R@1 78.9)"
PAIRS_BESIDE = """\
Beside it, untaught and in plain arrays, NDCG@10 and R@5: BM25 37.4 and 37.6, dense 54.8 and 56.6, their sum 64.1
and 64.9."""

NOTES = """\
Figures are percent, gains and differences in points. The orders are random, and each outcome is reported by the
next of 20 agents; all begin with nothing learned. "Least" and "most" are over the orders; the least gain is over
what was found before any outcome: below nothing, learning would have made it worse. The prototype was measured on
another slice, so it says what to expect, not what to beat. Questions are asked as they are.

A clause is what stands between full stops and conjunctions, cut without knowing the language; the best tool of a
clause is what it finds when asked alone, which is itself not always right. "Needs named" is the share of questions
whose results name at least two parts of the task.

Of 20 agents two lie, and what they report stands in the place of the truth: the honest course has a tenth more to
learn from. "In 1" and "in 5" are the shares of the questions that do not want the tools which reports are to lift,
but find one of them among the first: in the honest course, or before an attack → after the lies. An attacker
reports 500 times on one tool: a flood claims that it solved tasks of other tools, slander that it failed at its
own. "Stands" is the share of the questions that want the tool and find it. An attack before anyone else has
reported meets nobody who could be believed instead.
"""


def as_json(ran: Provenance, data: Data, courses: Sequence[Course]) -> dict[str, Any]:
    """All that was measured; fractions have five digits."""
    return {
        "ran": asdict(ran),
        "tools": len(data.tools),
        "solved": len(data.solved),
        "repeated": data.repeated,
        "courses": [_course(data, course) for course in courses],
    }


def as_markdown(ran: Provenance, data: Data, courses: Sequence[Course]) -> str:
    """The tables that a person reads."""
    about = (
        f"{len(data.tools)} tools, {len(data.solved)} solved tasks; {data.repeated} questions are word for word \
among these."
    )
    blocks = ["# Discovery of tools, measured through the production API", sentence(ran), about]
    for file in data.single:
        blocks += _section(f"## One tool: {file}", _learned(courses, file, len(data.solved)))
    for file in data.pairs:
        blocks += [*_section(f"## Two tools: {file}", _pairs(courses, file)), PAIRS_BESIDE]
    for file in data.single:
        blocks += _section(f"## Liars, and one agent alone: {file}", _told(courses, file))
        blocks += _section(f"## One agent attacks: {file}", _attacked(courses, file))
    return "\n\n".join([*blocks, "## How to read this", NOTES])


def honest(courses: Sequence[Course], outcomes: int) -> list[Point]:
    """The points of all honest courses after so many outcomes; before any, the first's."""
    return [
        point
        for course in courses
        if course.name == HONEST
        for point in course.points
        if point.outcomes == outcomes
    ]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    """A table below its title, unless it has no rows."""
    return [title, "\n".join(lines)] if len(lines) > 2 else []


def _learned(courses: Sequence[Course], file: str, whole: int) -> list[str]:
    cold = figures_of(honest(courses, 0)[0].answers[file])["NDCG@10"]
    rows = []
    for outcomes in [point.outcomes for point in courses[0].points]:
        measured = [figures_of(point.answers[file]) for point in honest(courses, outcomes)]
        found = [figures["NDCG@10"] for figures in measured]
        first, five = (_percent(mean(figures[name] for figures in measured)) for name in ("R@1", "R@5"))
        aim, aim_first = AIMS_OF_ALL if outcomes == whole else AIMS.get(outcomes, ("", ""))
        beside = PROTOTYPE_OF_ALL if outcomes == whole else PROTOTYPE.get(outcomes, "")
        ranked = (_percent(mean(found)), aim, _percent(min(found)), _percent(max(found)))
        gain = f"{(min(found) - cold) * 100:+.1f}"
        rows.append((f"{outcomes:,}", str(len(found)), *ranked, gain, first, aim_first, five, beside))
    spread = ("least", "most", "least gain")
    return table(("outcomes", "orders", "NDCG@10", "aim", *spread, "R@1", "aim", "R@5", "prototype"), rows)


def _pairs(courses: Sequence[Course], file: str) -> list[str]:
    rows = []
    for outcomes in [point.outcomes for point in courses[0].points]:
        points = honest(courses, outcomes)
        scores = [figures_of(point.answers[file]) for point in points]
        covered = [coverage_of(point.answers[file]) for point in points]
        shown = [_percent(mean(one[name] for one in scores)) for name in ("NDCG@10", "R@5", "all in 5")]
        names = ("several needs named", "every clause's best in 5", "every clause's best in 10")
        rows.append((f"{outcomes:,}", *shown, *(_percent(mean(one[name] for one in covered)) for name in names)))
    header = ("outcomes", "NDCG@10", "R@5", "both in 5", "needs named", "each clause's best in 5", "in 10")
    return table(header, rows)


def _told(courses: Sequence[Course], file: str) -> list[str]:
    cold = figures_of(honest(courses, 0)[0].answers[file])["NDCG@10"]
    rows = []
    for course, point in _points(courses, ("one reporter", "lie")):
        beside = next(iter(honest(courses, point.outcomes))).answers[file]
        asked = point.answers[file]
        figures, truth = figures_of(asked), figures_of(beside)
        lifted = [_change(beside, asked, course.lifts, k) for k in (1, 5)]
        deltas = [f"{(figures['NDCG@10'] - other) * 100:+.1f}" for other in (truth["NDCG@10"], cold)]
        shown = (_percent(figures["NDCG@10"]), *deltas, _percent(figures["R@1"]))
        rows.append((course.name, f"{point.outcomes:,}", *shown, *lifted))
    header = ("course", "outcomes", "NDCG@10", "to honest", "to untaught", "R@1", "lifted tools in 1", "in 5")
    return table(header, rows)


def _attacked(courses: Sequence[Course], file: str) -> list[str]:
    rows = []
    for course in courses:
        if course.name.partition(":")[0] in {"flood", "slander"}:
            before, after = course.points
            asked, then = before.answers[file], after.answers[file]
            tools = course.lifts or ((course.buries,) if course.buries else ())
            scores = [_percent(figures_of(some)["NDCG@10"]) for some in (asked, then)]
            lifted = [_change(asked, then, tools, k) for k in (1, 5)]
            stands = [_pair(*(standing(some, tools[0], k) for some in (asked, then))) for k in (1, 5)]
            count = f"{before.outcomes:,}"
            rows.append((f"{course.name}, {tools[0]}", count, " → ".join(scores), *lifted, *stands))
    names = ("intrudes in 1", "in 5", "stands in 1", "in 5")
    return table(("attack", "after outcomes", "NDCG@10", *names), rows)


def _points(courses: Sequence[Course], kinds: Sequence[str]) -> Iterator[tuple[Course, Point]]:
    for course in courses:
        if course.name.partition(":")[0] in kinds:
            for point in course.points:
                yield course, point


def _change(before: Sequence[Asked], after: Sequence[Asked], tools: Sequence[str], k: int) -> str:
    return _pair(intruding(before, tools, k), intruding(after, tools, k)) if tools else ""


def _pair(before: float, after: float) -> str:
    return f"{_percent(before)} → {_percent(after)}"


def _percent(value: float) -> str:
    return f"{value * 100:.1f}"


def _course(data: Data, course: Course) -> dict[str, Any]:
    points = [_point(data, course, point) for point in course.points]
    return {
        "name": course.name,
        "order": course.seed,
        "lifts": list(course.lifts),
        "buries": course.buries,
        "points": points,
    }


def _point(data: Data, course: Course, point: Point) -> dict[str, Any]:
    figures: dict[str, Figures] = {file: figures_of(asked) for file, asked in point.answers.items()}
    for file in data.pairs:
        figures[file] |= coverage_of(point.answers[file])
    for file in data.single:
        figures[file] |= _lifted(course, point.answers[file])
    return {
        "outcomes": point.outcomes,
        "figures": {
            file: {name: round(value, 5) for name, value in some.items()} for file, some in figures.items()
        },
    }


def _lifted(course: Course, asked: Sequence[Asked]) -> Figures:
    figures = {f"lifted in {k}": intruding(asked, course.lifts, k) for k in (1, 5) if course.lifts}
    if course.buries:
        figures |= {f"buried stands in {k}": standing(asked, course.buries, k) for k in (1, 5)}
    return figures
