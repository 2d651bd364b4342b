"""Which texts have which terms: BM25 over texts that come and go."""

from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from memos.discovery.matrix import Floats
from memos.lexical import FULL_MATCH, idf
from memos.records import Terms


class Posting(NamedTuple):
    """The texts that have a term, by their rows, and how much it says about each."""

    rows: "array[int]"
    weights: "array[float]"


class Postings:
    """Texts by their terms. A text is a row, which is never given out again; one that was removed keeps its own."""

    def __init__(self) -> None:
        self._postings: dict[int, Posting] = {}
        self._having: dict[int, int] = {}
        self._texts = 0

    def add(self, row: int, terms: Terms) -> None:
        """Add a text under a row of its own."""
        self._texts += 1
        for term, weight in terms.items():
            posting = self._postings.setdefault(term, Posting(array("q"), array("f")))
            posting.rows.append(row)
            posting.weights.append(weight)
            self._having[term] = self._having.get(term, 0) + 1

    def remove(self, terms: Mapping[int, float]) -> None:
        """Count a text no longer; its row goes on to have scores, which nobody may look at."""
        self._texts -= 1
        for term in terms:
            self._having[term] -= 1

    def shares(self, question: Sequence[int], rows: int) -> Floats:
        """Of the information in a question's terms, the share that each row has (0 to nearly 1).

        A term that no text has counts as much as the rarest of the question's that some have.
        """
        found = np.zeros(rows, np.float32)
        known = {term: idf(self._texts, having) for term in question if (having := self._having.get(term))}
        for term, information in known.items():
            posting = self._postings[term]
            found[np.frombuffer(posting.rows, np.int64)] += information * np.frombuffer(posting.weights, np.float32)
        rarest = max(known.values(), default=0.0)
        total = sum(known.values()) + rarest * (len(question) - len(known))
        return found / np.float32(FULL_MATCH * total) if total else found
