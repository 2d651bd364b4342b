"""What in a text is named: people, places, products, acronyms, single letters, words in other scripts."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from memos.equivalence.english import FRAME
from memos.equivalence.language import is_far
from memos.equivalence.numbers import ROMANS
from memos.equivalence.tokens import Token

TITLE_CASE = 0.8
"""The share of capitalised words above which capitals say nothing: every word that tells counts as a name then."""

FEWEST = 3
"""Letters of a word, and number of words, below which neither is asked about."""

_BEGINS = re.compile(r"(?:^|[.?!:;]\s|[\"(\[\n])\W*$")
_REPEATED = re.compile(r"(.)\1+")
_SMALL_LETTERS = frozenset("Iiadmnrstu0123456789")
"""Letters that are words or what is left of them, and digits, which are numbers."""

_NATION = frozenset({"n", "an", "ian", "y", "i"})


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a text by their keys, the keys of all of its words in order, and its acronyms."""

    named: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    acronyms: frozenset[str] = frozenset()


def names_of(text: str, tokens: Sequence[Token]) -> Names:
    """The names in a text, given its words."""
    shouted = text.isupper()
    keys = tuple(token.term if shouted else _key(token) for token in tokens)
    titled = shouted or _is_titled(tokens)
    named = frozenset(
        key
        for token, key in zip(tokens, keys, strict=True)
        if token.term not in FRAME
        and ((titled and token.telling) or (not shouted and _is_name(token, begins=_begins(text, token.start))))
    )
    acronyms = (token.word.lower() for token in tokens if len(token.word) > 1 and token.word.isupper())
    return Names(named, keys, frozenset() if shouted else frozenset(acronyms))


def unmatched(some: Names, others: Names) -> Sequence[str]:
    """The names that the others' text does not have, nor spells in another way."""
    missing = some.named.difference(others.keys)
    if not missing:
        return ()
    known = _joined(others.keys) | _abbreviated(others.keys, some.acronyms)
    parts = set(_parts(some.keys, set(others.keys), others.acronyms))
    return [name for name in sorted(missing - known - parts) if not _is_form(name, others.keys)]


def key_of(term: str) -> str:
    """A term with repeated letters written once, for in names they are often misspelled."""
    return _REPEATED.sub(r"\1", term)


def _key(token: Token) -> str:
    """The key of a word; `IT` and `WHO` in capitals are other words than `it` and `who`."""
    if len(token.word) > 1 and token.word.isupper() and not token.telling:
        return token.word
    return key_of(token.term)


def _is_titled(tokens: Sequence[Token]) -> bool:
    long = [token.word for token in tokens if len(token.word) > FEWEST and token.telling]
    return len(long) > FEWEST and sum(word[0].isupper() for word in long) > TITLE_CASE * len(long)


def _is_name(token: Token, *, begins: bool) -> bool:
    word = token.word
    if len(word) == 1:
        return is_far(word) or (word not in _SMALL_LETTERS and not (word == "A" and begins))
    if word in ROMANS:
        return False
    if is_far(word) or any(map(str.isupper, word[1:])):
        return token.telling or not begins
    return word[0].isupper() and not begins and token.telling


def _begins(text: str, start: int) -> bool:
    return _BEGINS.search(text, max(0, start - 3), start) is not None


def _joined(keys: Sequence[str]) -> set[str]:
    return {one + other for one, other in pairwise(keys)}


def _abbreviated(keys: Sequence[str], acronyms: frozenset[str]) -> set[str]:
    initials = _initials(keys)
    return {acronym for acronym in acronyms if acronym in initials}


def _parts(keys: Sequence[str], others: AbstractSet[str], acronyms: frozenset[str]) -> Iterator[str]:
    """The words that the others write as one, or shorten to an acronym."""
    for one, other in pairwise(keys):
        if one + other in others:
            yield from (one, other)
    initials = _initials(keys)
    for acronym in acronyms:
        place = initials.find(acronym)
        if place >= 0:
            yield from keys[place : place + len(acronym)]


def _initials(keys: Sequence[str]) -> str:
    return "".join(key[0].lower() for key in keys)


def _is_form(name: str, keys: Sequence[str]) -> bool:
    """Whether there is a country where its people are named, or the other way round: `India` and `Indian`."""
    return any(
        longer.startswith(shorter) and longer[len(shorter) :] in _NATION
        for key in keys
        if len(key) > FEWEST
        for shorter, longer in [sorted((name, key), key=len)]
    )
