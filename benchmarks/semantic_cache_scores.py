"""How well duplicates are told from other pairs: curves, halves, and what each guard and feature gives."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memos.equivalence import SAME, WORTH_A_LOOK, Question, likeness, question_of, refusal
from memos.equivalence.guards import GUARDS
from memos.equivalence.likeness import features

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]

RATES = (0.001, 0.003, 0.005, 0.01, 0.013, 0.02, 0.03, 0.05)
AIM = 0.01
HALVES = 10
STEPS = 25
NEVER = -9.0
NEAR = 0.97


@dataclass(frozen=True)
class Pairs:
    """Pairs of questions, whether each is labelled as a duplicate, and the cosines of their embeddings."""

    asked: Sequence[str]
    cached: Sequence[str]
    duplicate: Sequence[bool]
    cosine: Sequence[float]


@dataclass(frozen=True)
class Read:
    """The same as arrays: `refused` by guard, `seen` the features in the order of `names`."""

    same: Mask
    cosine: Scores
    refused: Mapping[str, Mask]
    seen: Scores
    names: Sequence[str]
    likeness: Scores

    def passing(self, without: str = "") -> Mask:
        """What no guard refuses, but for one."""
        masks = [mask for name, mask in self.refused.items() if name != without]
        refused: Mask = np.logical_or.reduce(masks)
        return ~refused


def measured(pairs: Pairs) -> dict[str, Any]:
    """All figures of a file, as fractions."""
    began = process_time()
    asked, cached = map(question_of, pairs.asked), map(question_of, pairs.cached)
    questions = list(zip(asked, cached, strict=True))
    reading = process_time() - began
    began = process_time()
    reasons = [refusal(*both) for both in questions]
    refusing = process_time() - began
    began = process_time()
    scores = [likeness(*both, cosine) for both, cosine in zip(questions, pairs.cosine, strict=True)]
    took = {"question_of": reading / 2, "refusal": refusing, "likeness": process_time() - began}
    read = _read(pairs, questions, scores)
    passing, cosine = read.passing(), read.cosine
    weighed = np.where(passing, read.likeness, NEVER)
    return {
        "pairs": len(read.same),
        "duplicates": int(read.same.sum()),
        "curves": {
            "cosine": _curve(cosine, read.same),
            "cosine and guards": _curve(np.where(passing, cosine, NEVER), read.same),
            "likeness": _curve(weighed, read.same),
        },
        "halves": _halves(read),
        "shipped": _at(weighed >= SAME, read.same) | {"threshold": SAME, "worth a look": WORTH_A_LOOK},
        "cosine like shipped": _curve_at(cosine, read.same, _at(weighed >= SAME, read.same)["false"]),
        "guards": _guards(read, reasons),
        "features": {name: _fitted(read, passing, name) for name in read.names},
        "near": _near(read, questions),
        "microseconds": {name: round(seconds / len(reasons) * 1e6) for name, seconds in took.items()},
    }


def _read(pairs: Pairs, questions: Sequence[tuple[Question, Question]], scores: Sequence[float]) -> Read:
    seen = [features(*both, cosine) for both, cosine in zip(questions, pairs.cosine, strict=True)]
    return Read(
        np.array(pairs.duplicate),
        np.array(pairs.cosine),
        {name: np.array([bool(guard(*both)) for both in questions]) for name, guard in GUARDS.items()},
        np.array([list(one.values()) for one in seen]),
        list(seen[0]),
        np.array(scores),
    )


def _threshold(scores: Scores, same: Mask, rate: float) -> float:
    """The score above which lies no more than a share of the pairs that are not the same."""
    others = np.sort(scores[~same])[::-1]
    return float(others[int(rate * len(others))])


def _at(accepted: Mask, same: Mask) -> dict[str, float]:
    return {"hits": float(accepted[same].mean()), "false": float(accepted[~same].mean())}


def _curve_at(scores: Scores, same: Mask, rate: float) -> float:
    return _at(scores > _threshold(scores, same, rate), same)["hits"]


def _curve(scores: Scores, same: Mask) -> list[float]:
    return [_curve_at(scores, same, rate) for rate in RATES]


def _halves(read: Read) -> dict[str, Any]:
    """Weights and threshold from one half, figures from the other: their mean, and the spread of it at the aim."""
    passing = read.passing()
    ways: dict[str, Callable[[Mask], Scores]] = {
        "cosine": lambda _: read.cosine,
        "cosine and guards": lambda _: np.where(passing, read.cosine, NEVER),
        "likeness": lambda half: _weighed(read, passing, half, read.names),
    }
    return {name: _crossed(read, way) for name, way in ways.items()}


def _crossed(read: Read, way: Callable[[Mask], Scores]) -> dict[str, Any]:
    found: list[list[dict[str, float]]] = []
    for seed in range(HALVES):
        half = np.random.default_rng(seed).random(len(read.same)) < 0.5
        for fitted, held in ((half, ~half), (~half, half)):
            scores = way(fitted)
            cuts = [_threshold(scores[fitted], read.same[fitted], rate) for rate in RATES]
            found.append([_at(scores[held] > cut, read.same[held]) for cut in cuts])
    means = {
        key: [float(np.mean([one[place][key] for one in found])) for place in range(len(RATES))]
        for key in ("hits", "false")
    }
    aim = [one[RATES.index(AIM)] for one in found]
    return means | {"spread": {key: float(np.std([one[key] for one in aim])) for key in aim[0]}}


def _weighed(read: Read, passing: Mask, half: Mask, names: Sequence[str]) -> Scores:
    """Log odds by a logistic regression that is fitted on what passes of one half."""
    chosen = read.seen[:, [read.names.index(name) for name in names]]
    inputs = np.c_[np.ones(len(chosen)), chosen]
    looked = passing & (read.cosine >= WORTH_A_LOOK)
    weights = _regression(inputs[half & looked], read.same[half & looked].astype(float))
    return np.where(looked, inputs @ weights, NEVER * 10)


def _regression(inputs: Scores, wanted: Scores) -> Scores:
    """Newton's method, with a little ridge that keeps it from running away."""
    weights = np.zeros(inputs.shape[1])
    ridge = np.eye(inputs.shape[1])
    for _ in range(STEPS):
        odds = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (wanted - odds) - ridge @ weights
        weights += np.linalg.solve((inputs.T * (odds * (1 - odds))) @ inputs + ridge, slope)
    return weights


def _fitted(read: Read, passing: Mask, without: str) -> dict[str, Any]:
    """What the likeness finds without a feature, fitted on halves."""
    names = [name for name in read.names if name != without]
    return _crossed(read, lambda half: _weighed(read, passing, half, names))


def _guards(read: Read, reasons: Sequence[str | None]) -> dict[str, Any]:
    """For each guard: what it refuses, alone and as the first, also of near pairs, and the hits without it."""
    first = Counter((reason or "").partition(":")[0] for reason in reasons)
    near = read.cosine >= 0.9
    return {
        name: {
            "first": first[name],
            "refused": int(mask.sum()),
            "duplicates": int(mask[read.same].sum()),
            "near": int((mask & near).sum()),
            "near duplicates": int((mask & near & read.same).sum()),
            "without": _curve(np.where(read.passing(name), read.likeness, NEVER), read.same)[RATES.index(AIM)],
        }
        for name, mask in read.refused.items()
    }


def _near(read: Read, questions: Sequence[tuple[Question, Question]]) -> dict[str, int]:
    """Pairs of the same words that say something, of one kind, hardly told apart by the embedder."""
    alike = np.array([one.terms == other.terms and one.kind == other.kind for one, other in questions])
    chosen = alike & read.passing() & (read.cosine >= NEAR)
    return {"pairs": int(chosen.sum()), "not duplicates": int((chosen & ~read.same).sum())}
