"""What a negation denies, where the words are the same: `not eat when ill` and `eat when not ill`."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import islice

from memos.equivalence.english import NEGATIONS
from memos.equivalence.question import Question
from memos.equivalence.roles import AUXILIARY, DOING
from memos.equivalence.tokens import Token

NEAR = 12
"""Words behind a negation that are looked at."""

SUBJECT = 3
"""Words among which is what is denied, where the subject stands before it: `are not most old cats shy`."""

_VERBS = AUXILIARY | DOING
_ASKING = frozenset({"how", "when", "where", "why"})
_PRONOUNS = frozenset({"he", "i", "it", "she", "they", "this", "that", "there", "we", "you"})
_ALL = frozenset({"all", "always", "both", "each", "every", "everybody", "everyone", "everything", "only"})


def moved(asked: Question, cached: Question) -> tuple[str, str] | None:
    """What is denied in the one and in the other, where each has both words; None if they deny the same."""
    here, there = ({token.term for token in one.tokens} for one in (asked, cached))
    for some, others in zip(_denied(asked.tokens), _denied(cached.tokens), strict=False):
        if some and others and some.isdisjoint(others) and some & there and others & here:
            return min(some), min(others)
    return None


def _denied(tokens: Sequence[Token]) -> Sequence[AbstractSet[str]]:
    """For each negation the terms of which one is denied."""
    places = (place for place, token in enumerate(tokens) if token.word.lower() in NEGATIONS)
    return [_reach(tokens, place) for place in places]


def _reach(tokens: Sequence[Token], place: int) -> AbstractSet[str]:
    following = tokens[place + 1].word.lower() if place + 1 < len(tokens) else ""
    if following in _ALL:
        return {tokens[place + 1].term}
    reach = SUBJECT if _inverted(tokens, place) and following not in _PRONOUNS else 1
    telling = (token.term for token in tokens[place + 1 : place + 1 + NEAR] if token.telling)
    return set(islice(telling, reach))


def _inverted(tokens: Sequence[Token], place: int) -> bool:
    """Whether the subject comes behind: `why do not cats …`."""
    before = [token.word.lower() for token in tokens[max(0, place - 2) : place]]
    return bool(before) and before[-1] in _VERBS and (len(before) == 1 or before[0] in _ASKING)
