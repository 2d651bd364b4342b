"""How good discovery is: right tools, several needs, and how far a tool is lifted or buried. Pure functions."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Question
from metrics import hit, mean, ndcg, recall

JOINT = re.compile(
    r"[.?!;]+[\"']?\s+|(?:,?\s+(?:and|also|then|plus|as well as|along with)){1,2},?\s+", re.IGNORECASE
)
LEAST_WORDS = 3

Figures = dict[str, float]


@dataclass(frozen=True)
class Found:
    """The names of the tools that were found, best first, and for which part of the task each is."""

    ranked: tuple[str, ...]
    needs: tuple[str | None, ...]
    milliseconds: float
    took_ms: float


@dataclass(frozen=True)
class Asked:
    """A question, what was found for it, and the best tool of each of its clauses, if those were asked for."""

    question: Question
    found: Found
    best: tuple[str, ...] = ()


def figures_of(asked: Sequence[Asked]) -> Figures:
    """Fractions over all questions of a file."""
    pairs = [(one.found.ranked, one.question.wanted) for one in asked]
    return {
        "NDCG@10": mean(ndcg(ranked, wanted, 10) for ranked, wanted in pairs),
        "R@1": mean(recall(ranked, wanted, 1) for ranked, wanted in pairs),
        "R@5": mean(recall(ranked, wanted, 5) for ranked, wanted in pairs),
        "R@10": mean(recall(ranked, wanted, 10) for ranked, wanted in pairs),
        "all in 5": mean(wanted <= set(ranked[:5]) for ranked, wanted in pairs),
    }


def coverage_of(asked: Sequence[Asked]) -> Figures:
    """How several needs of one question fare; the last two are over the questions of several clauses."""
    several = [one for one in asked if len(one.best) > 1]
    return {
        "all in 5": mean(one.question.wanted <= set(one.found.ranked[:5]) for one in asked),
        "several needs named": mean(len({*one.found.needs} - {None}) > 1 for one in asked),
        "of several clauses": len(several) / len(asked) if asked else 0.0,
        "every clause's best in 5": mean({*one.best} <= set(one.found.ranked[:5]) for one in several),
        "every clause's best in 10": mean({*one.best} <= set(one.found.ranked[:10]) for one in several),
    }


def clauses(text: str) -> list[str]:
    """The parts of a text between full stops and conjunctions, but for those of fewer than three words."""
    parts = (part.strip(" ,.?!;\"'") for part in JOINT.split(text))
    return [part for part in parts if len(part.split()) >= LEAST_WORDS]


def intruding(asked: Sequence[Asked], tools: Sequence[str], k: int) -> float:
    """The share of questions with one of the tools among the first `k`, of those that want none of them."""
    others = [one for one in asked if one.question.wanted.isdisjoint(tools)]
    return mean(hit(one.found.ranked, frozenset(tools), k) for one in others)


def standing(asked: Sequence[Asked], tool: str, k: int) -> float:
    """The share of the questions that want the tool with it among the first `k`."""
    return mean(hit(one.found.ranked, frozenset({tool}), k) for one in asked if tool in one.question.wanted)


def best_wrong(found: Found, right: str) -> str | None:
    """The tool that stands highest of those that are not right."""
    return next((name for name in found.ranked if name != right), None)


def intruders(asked: Sequence[Asked], tools: Sequence[str]) -> list[str]:
    """The tools, those first that are most often wrongly among the first five."""
    counted: Counter[str] = Counter()
    for one in asked:
        counted.update(set(one.found.ranked[:5]) - one.question.wanted)
    return sorted(tools, key=lambda tool: (-counted[tool], tool))


def most_wanted(questions: Sequence[Question]) -> str:
    """The tool that most questions want."""
    counted = Counter(tool for one in questions for tool in one.wanted)
    return min(counted, key=lambda tool: (-counted[tool], tool))
