"""The clauses of a question that asks for several things at once."""

import re

from memos.lexical.terms import term_count

MOST_CLAUSES = 3
"""Each costs a run of the embedding model and a search."""

FEWEST_TERMS = 2
"""A clause of fewer says too little to be asked alone."""

_BORDER = re.compile(r"(?<![.?!;,])[.?!;,]+\s|\b(?:and|also|as well as|then|plus)\b", re.IGNORECASE)


def clauses(question: str) -> list[str]:
    """The parts of a question that could be asked alone, the longest few in order; none if it is one question."""
    parts = [part.strip() for part in _BORDER.split(question)]
    counted = [(term_count(part), part) for part in parts if part]
    telling = [(count, part) for count, part in counted if count >= FEWEST_TERMS]
    if len(telling) < 2:  # noqa: PLR2004 - one part alone is the question itself
        return []
    longest = sorted(telling, key=lambda one: -one[0])[:MOST_CLAUSES]
    return [part for _, part in telling if any(part == kept for _, kept in longest)]
