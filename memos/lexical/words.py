"""Cutting a text into words that can be compared: identifiers, numbers, accents, any script."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from threading import get_ident

import Stemmer

from memos.lexical.english import IRREGULAR, STOP_WORDS

LONGEST_WORD = 64
"""Characters. What is longer is cut: nobody asks for it by its end."""

MOST_PARTS = 8
"""Parts of one identifier. What has more, and short ones, is a hash or the like, and kept whole."""

SHORT_PARTS = 2.5
"""Characters of a part on average, below which they are short; those of random hexadecimal digits have 2.1."""

WORDS_KNOWN = 65_536
"""How many words a process remembers the terms of."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
"""Scripts that put no spaces between words, or glue particles to them."""

_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
"""Accents and vowel signs, which belong to the word, and the letters of India between which they stand."""

_PICTURES = "\u2600-\u27bf\U0001f300-\U0001faff"

_LETTERS = rf"(?:[^\W{_UNSPACED}]|[{_MARKS}])+"

_TOKEN = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}]+)"
    rf"|(?P<picture>[{_PICTURES}])"
    rf"|(?P<compound>{_LETTERS}(?:(?:['\u2019.:@/+-]|(?<=\d),(?=\d)){_LETTERS})*)"
)
_PART = re.compile(rf"\d+(?:[.,]\d+)*|(?:[^\W\d_]|[{_MARKS}])+(?:['\u2019](?:[^\W\d_]|[{_MARKS}])+)*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MARKS_IN_A_ROW = re.compile(r"[^\w\x00-\x7f]{32}")
"""More accents at one letter than any writing has: to put n of them in order takes n squared steps."""

_POSSESSIVE = re.compile(r"['\u2019][sS]?$")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")


def words(text: str) -> Iterator[str]:
    """The terms of a text in their order: folded, stemmed, without English stop words.

    An identifier yields its parts and itself: `getUserName` and `HTTP_404` are found by `user name`, `404` and by
    their own names. Scripts without spaces yield pairs of neighbouring characters.
    """
    for token in _TOKEN.finditer(composed(text)):
        yield from _terms(token[0], token.lastgroup or "")


def composed(text: str) -> str:
    """A text with its accents in one character with their letters (NFC), where there are not absurdly many."""
    return text if text.isascii() else unicodedata.normalize("NFC", _MARKS_IN_A_ROW.sub(r"\g<0> ", text))


def _terms(token: str, group: str) -> tuple[str, ...]:
    if group == "picture":
        return (token,)
    if group == "unspaced":
        return _pairs(unicodedata.normalize("NFKC", token))
    return _known(token) if len(token) <= LONGEST_WORD else _compound(token)


@lru_cache(WORDS_KNOWN)
def _known(token: str) -> tuple[str, ...]:
    """The terms of a compound of usual length; those of a longer one would take more memory than they are worth."""
    return _compound(token)


def _pairs(text: str) -> tuple[str, ...]:
    """Neighbouring characters, as is usual where words are not told apart: `東京都` gives `東京` and `京都`."""
    return tuple(text[start : start + 2] for start in range(len(text) - 1)) or (text,)


def _compound(token: str) -> tuple[str, ...]:
    parts = [piece for part in _PART.findall(token) for piece in _CAMEL.split(part)]
    whole = _cut(token)
    if len(parts) > MOST_PARTS and sum(map(len, parts)) < SHORT_PARTS * len(parts):
        return (whole,)
    terms = [term for part in parts if (term := _term(part)) and term not in STOP_WORDS]
    return (*terms, whole) if len(parts) > 1 and _is_identifier(token) else tuple(terms)


def _is_identifier(token: str) -> bool:
    """Whether a compound has a name of its own, as `snake_case`, `camelCase`, `v1.2` and `a1` have."""
    return "_" in token or any(map(str.isdigit, token)) or bool(_CAMEL.search(token))


def _term(part: str) -> str:
    if part[0].isdigit():
        return _cut(_THOUSANDS.sub("", part))
    word = _cut(_POSSESSIVE.sub("", part).replace("'", "").replace("\u2019", ""))
    if word in STOP_WORDS:
        return word
    return str(_stemmer(get_ident()).stemWord(IRREGULAR.get(word, word)))


def _cut(word: str) -> str:
    """A word folded, up to its longest; also before, as a character may be folded to many."""
    return folded(word[:LONGEST_WORD])[:LONGEST_WORD]


def folded(text: str) -> str:
    """A text without accents and case, in compatible characters: `Ｃａｆé` and `CAFE` are alike."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@cache
def _stemmer(_thread: int) -> Stemmer.Stemmer:
    """Snowball's English stemmer (Porter2), one for each thread, for two must not use it at once."""
    return Stemmer.Stemmer("english")
