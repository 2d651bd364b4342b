"""What follows the header of a frame: numbers of 4 bytes, little-endian.

Vectors come first, one after the other, as float32; then the terms of points: the numbers of all as uint32, and
the weights of all as float32. The header says how many terms each point has.
"""

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

from memos.errors import InvalidCommand
from memos.stores.points import Sparse

NUMBER_BYTES = 4

Number = TypeVar("Number", int, float)


def pack_floats(vectors: Sequence["array[float]"]) -> bytes:
    """Vectors, one after the other."""
    return b"".join(map(_little_endian, vectors))


def pack_terms(terms: Sequence[Sparse]) -> bytes:
    """The numbers of all terms, and then their weights."""
    numbers = b"".join(_little_endian(one.indices) for one in terms)
    return numbers + pack_floats([one.weights for one in terms])


def unpack_floats(packed: bytes) -> "array[float]":
    """The numbers of all vectors. Raises `InvalidCommand` when the bytes are not whole numbers."""
    return _unpacked(array("f"), packed)


def unpack_points(packed: bytes, counts: Sequence[int]) -> "tuple[array[float], list[Sparse]]":
    """The numbers of all vectors, and the terms of points of which each has so many. Raises `InvalidCommand`."""
    size = NUMBER_BYTES * sum(counts)
    start = len(packed) - 2 * size
    if start < 0:
        raise InvalidCommand(f"{sum(counts)} terms were announced, but {len(packed)} bytes follow.")
    indices: array[int] = _unpacked(array("I"), packed[start : start + size])
    weights = unpack_floats(packed[start + size :])
    ends = pairwise(accumulate(counts, initial=0))
    terms = [Sparse(indices[first:end], weights[first:end]) for first, end in ends]
    return unpack_floats(packed[:start]), terms


def _unpacked(numbers: "array[Number]", packed: bytes) -> "array[Number]":
    try:
        numbers.frombytes(packed)
    except ValueError as error:
        raise InvalidCommand(f"{len(packed)} bytes of vectors are not a number of float32s.") from error
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _little_endian(numbers: "array[Number]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
