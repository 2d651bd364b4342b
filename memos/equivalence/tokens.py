"""The words of a question, spelled out in one way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from memos.equivalence.english import FRAME, term_of
from memos.lexical import words
from memos.lexical.words import composed

WORDS_KNOWN = 65_536
"""How many words a process remembers the terms of."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_QUOTES = str.maketrans("\u2018\u2019\u201b\u201c\u201d\u201e", "'''\"\"\"")
_OR_NOT = re.compile(r"\bor (?:why )?not\b", re.IGNORECASE)
_COUNTRIES = re.compile(
    r"\b(?:the )?(?:(?P<USA>United States(?: of America)?|U\.S\.A\b\.?|U\.S\b\.?|US\b)"
    r"|(?P<UK>United Kingdom|Great Britain|U\.K\b\.?))"
)
_CONTRACTION = re.compile(
    r"\b(?P<can>can'?t|cannot)\b|\b(?P<will>won'?t)\b|\b(?P<verb>(?:do|does|did|is|are|was|were|have|has|had|would|could"
    r"|should)(?=n'?t\b)|(?:ai|sha|might|must|need)(?=n't\b))n'?t\b"
    r"|\b(?P<asked>what|who|where|how|when|why|that|there|here|it|he|she)'s\b|'(?P<end>re|ve|ll|m)\b",
    re.IGNORECASE,
)
_ENDS = {"re": " are", "ve": " have", "ll": " will", "m": " am"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is written, what it is compared by, whether it says anything alone, and where it stands."""

    word: str
    term: str
    telling: bool
    start: int

    @property
    def content(self) -> bool:
        """Whether it says what the question is about."""
        return self.telling and self.term not in FRAME


def spelled_out(text: str) -> str:
    """A text with straight quotes, contractions in full, and one name for countries that have several."""
    plain = composed(text).translate(_QUOTES)
    plain = _CONTRACTION.sub(_in_full, plain)
    plain = _COUNTRIES.sub(lambda match: match.lastgroup or "", plain)
    return _OR_NOT.sub("", plain)


def tokens_of(text: str) -> Sequence[Token]:
    """The words of a text in its order."""
    return tuple(Token(match[0], *_known(match[0]), match.start()) for match in _WORD.finditer(text))


def _in_full(match: re.Match[str]) -> str:
    if match["end"]:
        return _ENDS[match["end"].lower()]
    if match["asked"]:
        return f"{match['asked']} is"
    return f"{match['verb'] or match.lastgroup} not"


@lru_cache(WORDS_KNOWN)
def _known(word: str) -> tuple[str, bool]:
    return term_of(word), any(True for _ in words(word))
