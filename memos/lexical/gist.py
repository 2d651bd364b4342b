"""What a text says, whatever it looks like: two texts of one gist are one to a reader."""

from memos.lexical.words import composed

FILLERS = frozenset(
    "a an the actually also basically indeed just oh please quite really simply very".split()  # noqa: SIM905
)
"""Words that change nothing of what a text says."""

_BEFORE = "\"'([{<\u00ab\u2018\u201c\u201e\u2013\u2014\u00a1\u00bf*_`"
_AFTER = "\"')]}>\u00bb\u2019\u201d\u2013\u2014.,;:!\u2026\u3002\uff0c\uff01*_`"
"""Punctuation around a word. A question mark is none of it, nor are signs such as in `C++`, `A-`, `-5` and `$5`."""


def gist(text: str) -> tuple[str, ...]:
    """The words of a text in order, without fillers, case, and punctuation around them; itself if it has none."""
    words = (_bare(word) for word in composed(text).casefold().split())
    return tuple(word for word in words if word and word not in FILLERS) or (text,)


def _bare(word: str) -> str:
    """A word without what stands around it; a sign that stands alone is a word."""
    return word.lstrip(_BEFORE).rstrip(_AFTER) if len(word) > 1 else word
