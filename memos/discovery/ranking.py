"""Which tools are for a task: their own words and meaning, and what they did with tasks like it.

A tool's vector is drawn to the tasks that it solved (Rocchio, 1971), and beside it each solved task counts by how
like it is, as a kernel does (Nadaraya and Watson, 1964). Without outcomes the ranking is that of the tools' own
words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memos.discovery.catalog import Catalog
from memos.discovery.matrix import Floats, unit
from memos.discovery.tasks import Likeness
from memos.discovery.trust import plausible_rank
from memos.discovery.weights import CLAUSE, FAILED, SHARPNESS, SOLVED, TERMS, UNTAUGHT
from memos.lexical import question_terms
from memos.records import Vector

PUNCTUATION = ".,;:!?\"'()[]"


@dataclass(frozen=True, slots=True)
class Query:
    """What tools are looked for: a text, or a clause of one."""

    text: str
    vector: Floats
    terms: Sequence[int]
    words: Mapping[str, Sequence[int]]


def query_of(text: str, vector: Vector) -> Query:
    """A text with its vector as a task; each of its words has terms."""
    words = dict.fromkeys(word.strip(PUNCTUATION) for word in text.split())
    return Query(text, unit(vector), question_terms(text), {word: question_terms(word) for word in words})


@dataclass(frozen=True, slots=True)
class Relevance:
    """How much each row of a catalog has to do with a task; arrays of one number per row.

    `parts` has a column for each clause: by how much a row means what that says.
    """

    own: Floats
    taught: Floats
    terms: Floats
    learned: Floats
    parts: Floats
    likeness: Likeness

    @property
    def score(self) -> Floats:
        """The sum of what counts."""
        score: Floats = (self.own + self.taught) / 2 + np.float32(TERMS) * self.terms + self.learned
        return score


def relevance(catalog: Catalog, task: Query, clauses: Sequence[Query] = ()) -> Relevance:
    """How much each tool has to do with a task, whose clauses, if it has several, count beside the whole."""
    vectors = np.stack([task.vector, *(clause.vector for clause in clauses)]).T
    meant, learned_to_mean = catalog.own.rows @ vectors, catalog.taught.rows @ vectors
    own = meant[:, 0]
    if clauses:
        own = np.float32(1 - CLAUSE) * own + np.float32(CLAUSE) * meant[:, 1:].max(axis=1)
    terms = catalog.terms.shares(task.terms, len(catalog.own))
    likeness = catalog.tasks.like(task.vector, task.terms)
    learned = _learned(catalog, likeness, own / 2 + np.float32(TERMS) * terms)
    parts = (meant[:, 1:] + learned_to_mean[:, 1:]) / np.float32(2)
    return Relevance(own, learned_to_mean[:, 0], terms, learned, parts, likeness)


def is_plausible(catalog: Catalog, tool_id: str, task: Query) -> bool | None:
    """Whether a tool is among the best for a task by the tools' own words; none of a tool that is not there.

    Of equals it is the middle one.
    """
    entry = catalog.entries.get(tool_id)
    if entry is None:
        return None
    shares = catalog.terms.shares(task.terms, len(catalog.own))
    scores = catalog.own.rows @ task.vector + np.float32(TERMS) * shares
    others = scores[np.isfinite(catalog.gains.rows)]
    better, no_worse = int((others > scores[entry.row]).sum()), int((others >= scores[entry.row]).sum()) - 1
    return (better + no_worse) / 2 < plausible_rank(len(others))


def _learned(catalog: Catalog, likeness: Likeness, own: Floats) -> Floats:
    """What tools gain by the tasks like this one that they solved, and lose by those that they failed at.

    The less their own words say, the more that counts; and it counts as far as those who report it are believed.
    """
    learned = np.zeros(len(own), np.float32)
    for told_of, gain in ((likeness.solved, SOLVED), (likeness.failed, -FAILED)):
        for tool_id, credit in told_of.items():
            row = catalog.entries[tool_id].row
            told = np.log1p(credit.amount * np.exp(-SHARPNESS * (float(own[row]) - UNTAUGHT)))
            learned[row] += gain * told * credit.believed / credit.amount
    return learned
