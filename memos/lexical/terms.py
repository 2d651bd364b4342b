"""Texts as sparse vectors of their terms, after BM25 (Robertson and Zaragoza, 2009)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from math import log
from zlib import crc32

from memos.lexical.words import words
from memos.records import Terms

SATURATION = 0.9
"""BM25's k1: how soon the repetition of a term stops to matter."""

FULL_MATCH = SATURATION + 1
"""What the weight of a term comes near to, the more often a text repeats it."""

LENGTH_PENALTY = 0.4
"""BM25's b: how much a long text is held against its terms."""

AVERAGE_LENGTH = 30
"""Terms of a usual memory, against which lengths are compared.

A constant, since a vector once written must not depend on what comes after it. On LoCoMo's turns, whose own
average is 15, it ranks better than that average does, and 20 to 60 hardly differ.
"""

MOST_QUESTION_TERMS = 256
"""Terms of a question that count; a question of more is a document, whose first pages say what it is about."""


def terms_of(text: str, tags: Iterable[str] = ()) -> Terms:
    """How much each term says about a memory, by the term's number; its tags count as its words.

    Multiplied by the inverse document frequency and summed over a question's terms, that is the BM25 score.
    """
    counts = Counter(chain(words(text), *map(words, tags)))
    length = LENGTH_PENALTY * counts.total() / AVERAGE_LENGTH
    damping = SATURATION * (1 - LENGTH_PENALTY + length)
    return {number_of(term): round(count * FULL_MATCH / (count + damping), 4) for term, count in counts.items()}


def question_terms(text: str) -> Sequence[int]:
    """The numbers of a question's terms, each once."""
    return list(dict.fromkeys(map(number_of, words(text))))[:MOST_QUESTION_TERMS]


def idf(texts: int, having: int) -> float:
    """The inverse document frequency of a term that so many of the texts have, as Qdrant computes it."""
    return log(1 + (texts - having + 0.5) / (having + 0.5))


def term_count(text: str) -> int:
    """How many terms a text has, repetitions included."""
    return sum(1 for _ in words(text))


def number_of(term: str) -> int:
    """A term's number: 32 bits of CRC. Two of a million terms share one with a chance of 1 in 4,000."""
    return crc32(term.encode())
