"""The questions of one context, with the vectors that they are found by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memos.records import KeptQuestion

Floats = NDArray[np.float32]

MOST_QUESTIONS = 20_000
"""Questions of a context that are searched: the newest."""

FIRST_ROWS = 16

BYTES_PER_QUESTION = 400
"""About what a question takes in memory beside its vector and its text."""


def most_within(size: int, dimension: int) -> int:
    """How many questions a context may have in so many bytes; half of the rows of a matrix that grew are empty."""
    return min(MOST_QUESTIONS, size // (2 * 4 * dimension + 2 * BYTES_PER_QUESTION))


class Near(NamedTuple):
    """A question that was answered before, the key of its answer, and the cosine of its vector with another."""

    key: str
    question: str
    cosine: float


class Context:
    """Questions by the keys of their answers; a vector is a row of a matrix, all zeros where there is none."""

    def __init__(self, dimension: int, most: int = MOST_QUESTIONS) -> None:
        self.dimension = dimension
        self.revision = 0
        self._most = max(most, 1)
        self._rows: Floats = np.zeros((FIRST_ROWS, dimension), np.float32)
        self._places: dict[str, int] = {}  # in the order in which they came
        self._keys: list[str | None] = []  # by their places
        self._texts: dict[str, str] = {}
        self._free: list[int] = []
        self._text_bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """About what it takes in memory."""
        return self._rows.nbytes + self._text_bytes + BYTES_PER_QUESTION * (len(self) + 1)

    def add(self, question: KeptQuestion) -> None:
        """Take up a question, in place of one with the same key; the oldest goes when there are too many."""
        self.revision = max(self.revision, question.revision)
        self.drop(question.key)
        if len(question.vector) != self.dimension * self._rows.itemsize:
            return
        if len(self) >= self._most:
            self.drop(next(iter(self._places)))
        place = self._free.pop() if self._free else self._new_place()
        self._rows[place] = np.frombuffer(question.vector, np.float32)
        self._keys[place] = question.key
        self._places[question.key] = place
        self._texts[question.key] = question.question
        self._text_bytes += len(question.question.encode())

    def drop(self, key: str) -> None:
        """Let go of a question; none is no error."""
        if (place := self._places.pop(key, None)) is None:
            return
        self._rows[place] = 0
        self._keys[place] = None
        self._free.append(place)
        self._text_bytes -= len(self._texts.pop(key).encode())

    def near(self, vector: Floats, least: float, most: int) -> list[Near]:
        """The questions with a cosine of at least `least`, at most so many, best first."""
        cosines = self._rows[: len(self._keys)] @ vector
        places = np.flatnonzero(cosines >= least)
        if len(places) > most:
            places = places[np.argpartition(-cosines[places], most)[:most]]
        found = [
            Near(key, self._texts[key], float(cosines[place]))
            for place in places
            if (key := self._keys[place]) is not None
        ]
        return sorted(found, key=lambda one: (-one.cosine, one.key))

    def _new_place(self) -> int:
        if len(self._keys) == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._keys.append(None)
        return len(self._keys) - 1
