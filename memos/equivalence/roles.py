"""Who does and to whom it is done, where the words are the same: `who betrayed X` and `who did X betray`."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from memos.equivalence.question import Question
from memos.equivalence.tokens import Token

MOST = 3
"""Words that the thing asked for may have: `which small dogs eat fish`."""

_ASKING = frozenset({"who", "whom", "what", "which"})
_COUNTING = frozenset({"many", "much"})
DOING = frozenset({"do", "does", "did"})
_MODAL = frozenset({"can", "could", "may", "might", "must", "shall", "should", "will", "would"})
AUXILIARY = _MODAL | {"am", "are", "is", "was", "were", "be", "has", "have", "had"}
_PLAIN = frozenset({"a", "an", "her", "his", "its", "my", "our", "the", "their", "this", "your"})


def exchanged(asked: Question, cached: Question) -> str | None:
    """How who does and who is done to are exchanged between two questions; None if they are not."""
    here, there = asked.tokens, cached.tokens
    if _ends_in_than(here) != _ends_in_than(there):
        return "more than whom and who more"
    if _turned(here, there) or _turned(there, here) or _crossed(here, there):
        return "who does and to whom"
    passive = set(_deeds(here)) & set(_done(there)) | set(_deeds(there)) & set(_done(here))
    return next((f"{deed} by {agent} and {deed} {agent}" for deed, agent in sorted(passive)), None)


def _ends_in_than(tokens: Sequence[Token]) -> bool:
    """Whether what is compared with is what is asked for: `who is Bob taller than`."""
    return bool(tokens) and tokens[-1].word.lower() == "than"


def _turned(tokens: Sequence[Token], others: Sequence[Token]) -> bool:
    """Whether who does in the one (`what do snakes eat`) is behind the verb in the other (`what eats snakes`)."""
    start, beyond = _opening(tokens), _opening(others)
    place = _first(tokens, start, DOING)
    if not place or not beyond or _first(others, beyond, DOING | AUXILIARY):
        return False
    doing = next((token.term for token in tokens[place:] if token.telling), "")
    before = [token.term for token in others[beyond:] if token.telling]
    if doing not in before:
        return False
    return not set(before[: before.index(doing)]) <= {token.term for token in tokens[start:place]}


def _crossed(tokens: Sequence[Token], others: Sequence[Token]) -> bool:
    """Whether the two words behind `will` or the like stand the other way round, where it is asked who or what."""
    places = [_first(some, _opening(some), _MODAL) for some in (tokens, others)]
    here, there = (_two(some[place:]) for some, place in zip((tokens, others), places, strict=True))
    return all(places) and here != there and here == there[::-1]


def _opening(tokens: Sequence[Token]) -> int:
    """The place behind the first word that asks for somebody or something; 0 if there is none."""
    words = [token.word.lower() for token in tokens]
    for place, word in enumerate(words):
        if word in _ASKING or (word in _COUNTING and place and words[place - 1] == "how"):
            return place + 1
    return 0


def _first(tokens: Sequence[Token], start: int, words: AbstractSet[str]) -> int:
    """The place behind the first of some words within the opening; 0 if none of them is there."""
    opening = tokens[start : start + MOST + 1] if start else ()
    return next((place for place, token in enumerate(opening, start + 1) if token.word.lower() in words), 0)


def _two(tokens: Sequence[Token]) -> Sequence[str]:
    """The first two words but for articles."""
    return [token.term for token in tokens[:4] if token.word.lower() not in _PLAIN][:2]


def _deeds(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """What is done, and by whom: `hired by the agency`."""
    for place, token in enumerate(tokens):
        if place and token.word.lower() == "by":
            yield from _met(tokens[place - 1], tokens[place + 1 : place + 3])


def _done(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """What is done, and to whom: `hired the agency`."""
    for place, token in enumerate(tokens):
        yield from _met(token, tokens[place + 1 : place + 3])


def _met(deed: Token, following: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """A word and the one behind it, and behind an article, where both tell."""
    other = next((token for token in following if token.word.lower() not in _PLAIN), None)
    if other and deed.telling and other.telling:
        yield deed.term, other.term
