"""Which of the known names of people and agents a text mentions."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence

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


def names_in(text: str, known: Collection[str]) -> set[str]:
    """Which of the `known` names, as they are known, a text mentions.

    Case, accents and what joins words (`deploy-bot`, `deploy_bot`, `Deploy Bot`) make no difference. A name of
    several words is also mentioned by its first (`Caroline` for `Caroline Smith`), unless in that place a longer
    or the complete name is known. Roles (`user`, `assistant`) and single letters are no names.
    """
    written = _words(text)
    words = [word.casefold() for word in written]
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        places[word].append(place)
    mentions: dict[int, list[tuple[int, bool, str]]] = defaultdict(list)
    for name in known:
        parts = [part.casefold() for part in _words(name)]
        for place in places.get(parts[0], ()) if _is_name(parts) else ():
            if length := _length(name, parts, words, place, written[place]):
                mentions[place].append((length, length == len(parts), name))
    return {name for found in mentions.values() for *rank, name in found if rank == list(max(found)[:2])}


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return _WORD.findall(text)


def _is_name(parts: Sequence[str]) -> bool:
    joined = "".join(parts)
    return len(joined) > 1 and joined not in _ROLES and not joined.isdecimal()


def _length(name: str, parts: Sequence[str], words: Sequence[str], place: int, written: str) -> int:
    """How many words at a place are the name's: all of them, its first alone, or none."""
    length = len(parts)
    if list(words[place : place + length]) != parts:
        length = 1
        if " " not in name.strip() or parts[0] in _TITLES | _ROLES or parts[0].isdecimal() or len(parts[0]) == 1:
            return 0
    if length == 1 and parts[0] in _ORDINARY and name[:1].isupper():
        owns = list(words[place + 1 : place + 2]) == ["s"]
        return int(written[:1].isupper() and (place > 0 or owns))
    return length
