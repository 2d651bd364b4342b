"""A matrix of vectors that grows row by row."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memos.records import Vector

Floats = NDArray[np.float32]

FIRST_ROWS = 64

FEWEST_WORN = 1000
"""Rows that may be used no more before it matters."""


class Matrix:
    """Vectors, or with no dimension numbers, as rows, each of which keeps its place."""

    def __init__(self, *dimension: int) -> None:
        self._rows: Floats = np.zeros((FIRST_ROWS, *dimension), np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Floats:
        """All rows (number of rows by dimension), as a view."""
        return self._rows[: self._count]

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self._rows.nbytes

    def append(self, vector: Floats | float) -> int:
        """Add a vector; return the number of its row."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count] = vector
        self._count += 1
        return self._count - 1

    def replace(self, row: int, vector: Floats | float) -> None:
        """Put a vector in the place of one that is there."""
        self._rows[row] = vector


def is_worn(rows: int, used: int) -> bool:
    """Whether most of many rows are used no more, so that what they are rows of should be made anew."""
    return rows > 2 * used + FEWEST_WORN


def unit(vector: Vector | Sequence[float] | Floats) -> Floats:
    """A vector at unit length."""
    numbers = np.asarray(vector, np.float32)
    length = float(np.linalg.norm(numbers))
    return numbers / np.float32(length) if length else numbers
