"""Vectors brought to unit length, so that their products are cosines."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from memos.records import Vector


def units(vectors: Sequence[Vector | None]) -> "npt.NDArray[np.float32]":
    """Vectors of unit length, one a row; zeros, which are similar to nothing, where there is none."""
    dimension = max((len(vector) for vector in vectors if vector is not None), default=0)
    rows = np.zeros((len(vectors), dimension), dtype=np.float32)
    for place, vector in enumerate(vectors):
        if vector is not None:
            rows[place] = vector
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
