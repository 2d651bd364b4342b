"""Ways to add up meaning and terms, compared on plain arrays: what the choice in memos/ranking/weights.py rests on.

    python benchmarks/fusion.py --data ../shared/bench
    python benchmarks/fusion.py --data ../shared/bench --only single

Each memory is ranked alone, without neighbours, names, times or clauses; the whole of recall, through the
production API, is measured by benchmarks/recall.py. Vectors are of the embedded model, terms as
memos/lexical makes them.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasets import conversations, function_questions, functions, matching, missing, tool_questions, tools
from metrics import mean, ndcg, recall, reciprocal_rank

from memos.embeddings.minilm import MiniLM
from memos.ingestion import Passage, read
from memos.lexical import FULL_MATCH, idf, question_terms, terms_of

Array = npt.NDArray[np.float64]
Fusion = Callable[[Array, Array], Array]

RRF_K = 60


@dataclass(frozen=True)
class Pool:
    """Texts, by the names of what they tell, with the questions about them."""

    names: Sequence[str]
    texts: Sequence[str]
    questions: Sequence[str]
    wanted: Sequence[frozenset[str]]


def pools(folder: Path, only: str) -> Iterator[Pool]:
    """The pools of a set; each conversation of LoCoMo is one."""
    if only == "locomo":
        for one in (one for path in matching(folder, "locomo/locomo*.json") for one in conversations(path)):
            turns, asked = one.turns, one.questions
            names, texts = [turn.dia_id for turn in turns], [turn.content for turn in turns]
            yield Pool(names, texts, [q.text for q in asked], [q.wanted for q in asked])
    elif only == "cosqa":
        names, texts = _definitions(functions(folder / "cosqa/functions.jsonl"))
        questions = [one for path in matching(folder, "cosqa/queries_*.jsonl") for one in function_questions(path)]
        yield Pool(names, texts, [one.text for one in questions], [one.wanted for one in questions])
    else:
        described = tools(folder / "metatool/tools.json")
        texts = [f"{name}: {description}" for name, description in described.items()]
        for path in matching(folder, f"metatool/{only}_*.jsonl"):
            questions = tool_questions(path)
            yield Pool(list(described), texts, [q.text for q in questions], [q.wanted for q in questions])


def _definitions(sources: Mapping[str, str]) -> tuple[list[str], list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources.items():
            (Path(folder) / f"{name}.py").write_text(source, encoding="utf-8")
        found = [one for one in read(Path(folder)) if isinstance(one, Passage)]
    return [Path(one.uri).stem for one in found], [one.content for one in found]


def by_terms(pool: Pool) -> Array:
    """BM25 scores as the part of what a text would have that repeats every term of the question."""
    weights = [terms_of(text) for text in pool.texts]
    frequencies = Counter(term for one in weights for term in one)
    scores = np.zeros((len(pool.questions), len(pool.texts)))
    for row, question in enumerate(pool.questions):
        terms, total = question_terms(question), len(weights)
        known = {term: idf(total, frequencies[term]) for term in terms}
        ideal = FULL_MATCH * sum(known.values()) or 1.0
        for column, one in enumerate(weights):
            scores[row, column] = sum(known[term] * one[term] for term in terms if term in one) / ideal
    return scores


def ranks(scores: Array) -> Array:
    """The rank of each text for each question, from 1; equal scores share theirs by place."""
    return np.asarray(np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) + 1.0)


def standardised(scores: Array) -> Array:
    """Scores with mean 0 and deviation 1 for each question."""
    return np.asarray((scores - scores.mean(1, keepdims=True)) / (scores.std(1, keepdims=True) + 1e-9))


def distribution_based(scores: Array, best: int = 100) -> Array:
    """DBSF: the best of each question scaled by their mean and three deviations, all others nothing."""
    least = -np.sort(-scores, axis=1)[:, [min(best, scores.shape[1]) - 1]]
    kept = np.where(scores >= least, scores, np.nan)
    mean_, deviation = np.nanmean(kept, axis=1, keepdims=True), np.nanstd(kept, axis=1, keepdims=True) + 1e-9
    scaled: Array = np.nan_to_num(np.clip((kept - mean_ + 3 * deviation) / (6 * deviation), 0, 1))
    return scaled


def _reciprocal(weight: float) -> Fusion:
    return lambda meaning, terms: 1 / (RRF_K + ranks(meaning)) + weight / (RRF_K + ranks(terms))


def _sum(weight: float) -> Fusion:
    return lambda meaning, terms: meaning + weight * terms


FUSIONS: Mapping[str, Fusion] = {
    "meaning alone": lambda meaning, terms: meaning,
    "terms alone": lambda meaning, terms: terms,
    "RRF 1:1": _reciprocal(1),
    "RRF 1:2": _reciprocal(2),
    "DBSF": lambda meaning, terms: distribution_based(meaning) + distribution_based(terms),
    "standardised sum": lambda meaning, terms: standardised(meaning) + standardised(terms),
    **{f"cosine + {weight:g} x share": _sum(weight) for weight in (0.35, 0.75, 1.5, 2.5)},
}


async def measured(pools_: Sequence[Pool]) -> Iterator[tuple[str, float, float, float]]:
    """Each fusion with its R@10, NDCG@10 and MRR in percent, over all questions."""
    async with MiniLM() as model:
        meanings = [await _cosines(model, pool) for pool in pools_]
    terms = [by_terms(pool) for pool in pools_]
    return ((name, *_scored(pools_, meanings, terms, fusion)) for name, fusion in FUSIONS.items())


async def _cosines(model: MiniLM, pool: Pool) -> Array:
    texts, questions = await _vectors(model, pool.texts), await _vectors(model, pool.questions)
    return np.asarray(questions @ texts.T)


async def _vectors(model: MiniLM, texts: Sequence[str]) -> Array:
    parts = [await model.embed(texts[start : start + 64]) for start in range(0, len(texts), 64)]
    return np.array([list(vector) for part in parts for vector in part])


def _scored(
    pools_: Sequence[Pool], meanings: Sequence[Array], terms: Sequence[Array], fusion: Fusion
) -> tuple[float, float, float]:
    ranked = [
        (_names(pool, row), wanted)
        for pool, meaning, lexical in zip(pools_, meanings, terms, strict=True)
        for row, wanted in zip(fusion(meaning, lexical), pool.wanted, strict=True)
    ]
    return (
        100 * mean(recall(names, wanted, 10) for names, wanted in ranked),
        100 * mean(ndcg(names, wanted, 10) for names, wanted in ranked),
        100 * mean(reciprocal_rank(names, wanted) for names, wanted in ranked),
    )


def _names(pool: Pool, scores: Array) -> list[str]:
    return list(dict.fromkeys(pool.names[index] for index in np.argsort(-scores, kind="stable")))


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared/bench")
    parser.add_argument("--only", action="append", choices=("locomo", "single", "two_tool", "cosqa"))
    options = parser.parse_args()
    for one in missing(options.data):
        parser.exit(0, f"{options.data} lacks {one.name}: {one.origin}\n")
    for only in options.only or ("locomo", "single", "two_tool", "cosqa"):
        print(f"\n| {only} | R@10 | NDCG@10 | MRR |\n| --- | ---: | ---: | ---: |")
        for name, *figures in asyncio.run(measured(list(pools(options.data, only)))):
            print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
