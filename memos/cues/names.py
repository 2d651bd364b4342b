"""Which of the known names of people and agents a text mentions."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_ROLES = frozenset({"user", "assistant", "system", "human", "ai", "agent", "bot", "tool", "model"})
"""What speakers are called who have no name; in a query such a word names nobody."""

_TITLES = frozenset({"the", "a", "an", "mr", "mrs", "ms", "dr", "prof", "sir", "saint", "st", "team"})

_ORDINARY = frozenset(
    {"angel", "april", "art", "august", "bill", "chance", "chase", "dawn", "drew", "faith", "frank", "grace", "guy"}
    | {"hope", "hunter", "jack", "joy", "june", "mark", "max", "may", "miles", "page", "pat", "ray", "rob", "robin"}
    | {"rose", "ruby", "sky", "star", "sue", "summer", "victor", "will"}
)
"""Given names that are other words unless they are capitalised, and not only for beginning the text."""

_UNSPACED = "\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
"""A word; of Thai, Korean, Japanese and Chinese, which set names off by no spaces, each letter."""


class Mention(NamedTuple):
    """Words that stand where a text may name somebody; `proper` if they are written as names are."""

    words: tuple[str, ...]
    proper: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Known names by their words: those that are `complete`, and those that may be `called` by their first alone.

    `lengths` are those of the names of several words by the first of them, the longest first.
    """

    complete: Mapping[tuple[str, ...], Sequence[str]]
    called: Mapping[str, Sequence[str]]
    lengths: Mapping[str, Sequence[int]]


def names_in(text: str, known: Collection[str]) -> set[str]:
    """Which of the `known` names, as they are known, a text mentions.

    Case, accents and what joins words (`deploy-bot`, `deploy_bot`, `Deploy Bot`) make no difference. A name of
    several words is also mentioned by its first (`Caroline` for `Caroline Smith`), unless in that place a longer
    or the complete name is known. Roles (`user`, `assistant`) and single letters are no names.
    """
    names = _names(known)
    return {name for mention in set(_mentions(text, names)) for name in _meant(mention, names)}


def _names(known: Iterable[str]) -> Names:
    complete: dict[tuple[str, ...], list[str]] = defaultdict(list)
    called: dict[str, list[str]] = defaultdict(list)
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in known:
        words = tuple(word.casefold() for word in _words(name))
        if _is_name(words):
            complete[words].append(name)
            lengths[words[0]].add(len(words))
            if _has_first_name(name, words[0]):
                called[words[0]].append(name)
    return Names(complete, called, {word: sorted(some - {1}, reverse=True) for word, some in lengths.items()})


def _mentions(text: str, names: Names) -> Iterator[Mention]:
    """At each place where a name may begin, the longest that is there in full, or its first word."""
    written = _words(text)
    words = [word.casefold() for word in written]
    for place, word in enumerate(words):
        if word in names.lengths:
            several = (tuple(words[place : place + length]) for length in names.lengths[word])
            longest = next((some for some in several if some in names.complete), (word,))
            owns = words[place + 1 : place + 2] == ["s"]
            yield Mention(longest, written[place][:1].isupper() and (place > 0 or owns))


def _meant(mention: Mention, names: Names) -> Sequence[str]:
    complete, word = names.complete.get(mention.words, ()), mention.words[0]
    if len(mention.words) > 1:
        return complete
    if word in _ORDINARY and not mention.proper:
        return _uncapitalised(complete) or _uncapitalised(names.called.get(word, ()))
    return complete or names.called.get(word, ())


def _uncapitalised(names: Iterable[str]) -> Sequence[str]:
    return [name for name in names if not name[:1].isupper()]


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return _WORD.findall(text)


def _is_name(words: Sequence[str]) -> bool:
    joined = "".join(words)
    return len(joined) > 1 and joined not in _ROLES and not joined.isdecimal()


def _has_first_name(name: str, first: str) -> bool:
    """Whether a name has several words, the first of which is enough to tell who is meant."""
    return " " in name.strip() and len(first) > 1 and first not in _TITLES | _ROLES and not first.isdecimal()
