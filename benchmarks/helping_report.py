"""The report of whether memory helps: as JSON, as Markdown, and as a chart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from helping_agents import Solving
from helping_world import MOST_CALLS, World
from metrics import mean
from provenance import Provenance, sentence
from recall_report import table

WINDOW = 50
FIRST = 50
COLOURS: Mapping[str, str] = {"without": "#888888", "with": "#1f6feb", "liar": "#d97706"}
NAMES: Mapping[str, str] = {
    "without": "without memory",
    "with": "with memOS",
    "liar": "with memOS, one agent in five lies",
}

NOTES = f"""\
A task is solved at once when the first call has the right tool with what it insists on, and solved when one of
{MOST_CALLS} calls has. "Chosen at once" asks for the right tool alone. Repeats are tasks of which the tool was
wanted before: only there can anything have been learned. Both courses see the same tasks in the same order;
the difference of the first {FIRST} says what a cold start costs. Least and most are over the worlds."""


@dataclass(frozen=True)
class Course:
    """A world from its first task to its last; `repeats` says of each whether its tool was wanted before."""

    name: str
    seed: int
    solvings: Sequence[Solving]
    repeats: Sequence[bool]
    taken: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Figures:
    """Shares of tasks, and calls for each."""

    at_once: float
    chosen_at_once: float
    solved: float
    calls: float


def figures_of(solvings: Sequence[Solving]) -> Figures:
    """What became of tasks."""
    return Figures(
        mean([float(one.at_once) for one in solvings]),
        mean([float(one.chosen_at_once) for one in solvings]),
        mean([float(one.solved) for one in solvings]),
        mean([float(len(one.calls)) for one in solvings]),
    )


def windows(course: Course) -> list[Figures]:
    """The figures of each `WINDOW` tasks, in order."""
    return [figures_of(course.solvings[at : at + WINDOW]) for at in range(0, len(course.solvings), WINDOW)]


def as_json(ran: Provenance, worlds: Sequence[World], courses: Sequence[Course]) -> dict[str, Any]:
    """All that was measured."""
    return {
        "ran": asdict(ran),
        "tasks": len(worlds[0].tasks),
        "change": worlds[0].change,
        "courses": [
            {
                "name": one.name,
                "seed": one.seed,
                "all": asdict(figures_of(one.solvings)),
                "windows": [asdict(figures) for figures in windows(one)],
                "median_ms": {name: round(median(taken), 2) for name, taken in one.taken.items()},
            }
            for one in courses
        ],
    }


def as_markdown(ran: Provenance, worlds: Sequence[World], courses: Sequence[Course]) -> str:
    """The tables that a person reads."""
    world = worlds[0]
    about = f"{len(world.tasks)} tasks, {len(worlds)} worlds. In the first, {len(world.before)} tools insist on \
something that their descriptions do not say; what a fifth of them insist on changes after task {world.change}."
    parts: list[tuple[str, Callable[[Course], Sequence[Solving]]]] = [
        (f"the first {FIRST}", lambda one: one.solvings[:FIRST]),
        ("before the change", lambda one: one.solvings[FIRST : world.change]),
        ("after the change", lambda one: one.solvings[world.change :]),
        ("repeats", lambda one: [how for how, known in zip(one.solvings, one.repeats, strict=True) if known]),
        ("all", lambda one: one.solvings),
    ]
    rows = [
        [title, NAMES[name], *_columns([figures_of(part(one)) for one in courses if one.name == name])]
        for title, part in parts
        for name in NAMES
    ]
    heads = ["tasks", "agents", "solved at once", "chosen at once", "solved", "calls for each"]
    cold = _difference(courses, lambda one: one.solvings[:FIRST])
    return "\n\n".join(
        [
            "# Whether memory helps, measured through the production API",
            sentence(ran),
            about,
            "\n".join(table(heads, rows)),
            f"A cold start: in the first {FIRST} tasks agents with memOS solve {cold} points more at once.",
            _latencies(courses),
            "![Tasks solved at once, over time](helping.svg)",
            NOTES,
        ]
    )


def draw(path: Path, courses: Sequence[Course], change: int) -> None:
    """Write a chart of the tasks solved at once, window by window: the mean of the worlds, and their range."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "memos"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name, colour in COLOURS.items():
        ways = [[each.at_once * 100 for each in windows(one)] for one in courses if one.name == name]
        middle = [mean(list(at)) for at in zip(*ways, strict=True)]
        places = [(number + 1) * WINDOW for number in range(len(middle))]
        axes.plot(places, middle, color=colour, label=NAMES[name])
        least, most = ([pick(at) for at in zip(*ways, strict=True)] for pick in (min, max))
        axes.fill_between(places, least, most, color=colour, alpha=0.15, linewidth=0)
    axes.axvline(change, color="#bbbbbb", linestyle="--", linewidth=1)
    axes.set(xlabel="tasks so far", ylabel=f"solved by the first call, % of {WINDOW} tasks", ylim=(0, 100))
    axes.legend(loc="lower right", frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _columns(figures: Sequence[Figures]) -> list[str]:
    def shown(pick: Callable[[Figures], float], scale: float = 100.0) -> str:
        values = [pick(one) * scale for one in figures]
        return f"{mean(values):.1f} ({min(values):.1f}-{max(values):.1f})"

    return [
        shown(lambda one: one.at_once),
        shown(lambda one: one.chosen_at_once),
        shown(lambda one: one.solved),
        shown(lambda one: one.calls, 1.0),
    ]


def _difference(courses: Sequence[Course], part: Callable[[Course], Sequence[Solving]]) -> str:
    by_seed = {(one.name, one.seed): figures_of(part(one)).at_once * 100 for one in courses}
    gains = [value - by_seed["without", seed] for (name, seed), value in by_seed.items() if name == "with"]
    return f"{mean(gains):+.1f} ({min(gains):+.1f} to {max(gains):+.1f})"


def _latencies(courses: Sequence[Course]) -> str:
    taken = {
        name: median([each for one in courses if one.name == "with" for each in one.taken[name]])
        for name in ("context", "learning")
    }
    return (
        f"Medians: a context {taken['context']:.1f} ms, a learning {taken['learning']:.1f} ms, asked by one client."
    )
