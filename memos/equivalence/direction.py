"""Who does what to whom: whether the same words in another order ask something else."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from memos.equivalence.english import FRAME
from memos.equivalence.names import key_of
from memos.equivalence.question import Question
from memos.equivalence.tokens import Token

MOST = 40
"""Words in common beyond which another order is not looked into, but taken to matter."""

_JOINING = frozenset({"and", "or", "vs", "versus", "between"})
_LEADING = frozenset({"to", "into", "onto", "from", "than", "over", "before", "after", "against", "by"})
_RELATING = _LEADING | {"about", "for", "in", "of", "on"}
_TOWARDS = frozenset({"to", "into", "onto"})


@dataclass(frozen=True, slots=True)
class Order:
    """Where each telling word of a question stands that it has only once."""

    tokens: Sequence[Token]
    places: Mapping[str, int]

    def between(self, *pair: str) -> Sequence[Token]:
        """What stands between two words, whichever comes first."""
        start, end = sorted(self.places[term] for term in pair)
        return self.tokens[start + 1 : end]

    def telling(self, *pair: str) -> AbstractSet[str]:
        """What stands between two words and says something: what the one does to the other."""
        return {token.term for token in self.between(*pair) if token.telling}

    def led(self, term: str) -> str:
        """The preposition right before a word that says where it leads; "" if there is none."""
        place = self.places[term]
        before = self.tokens[place - 1].word.lower() if place else ""
        return before if before in _LEADING else ""

    def leads(self, *pair: str) -> bool:
        """Whether between two words is nothing that tells, but one that relates the one to the other."""
        return not self.telling(*pair) and any(token.word.lower() in _RELATING for token in self.between(*pair))


def turned(asked: Question, cached: Question) -> tuple[str, str] | None:
    """Two words that have changed places so that something else is asked; one twice for its own preposition."""
    here, there = _order(asked), _order(cached)
    common = [term for term in here.places if term in there.places]
    for term in common:
        if _opposed(here.led(term), there.led(term)):
            return term, term
    order = sorted(common, key=there.places.__getitem__)
    if order == common:
        return None
    if len(common) > MOST:
        return next((one, other) for one, other in zip(common, order, strict=True) if one != other)
    named = asked.names.named | cached.names.named
    inverted = _inverted([term for term in common if term not in FRAME], there.places)
    return next((pair for pair in inverted if _turned(pair, here, there, named)), None)


def _order(question: Question) -> Order:
    seen: dict[str, list[int]] = {}
    for place, token in enumerate(question.tokens):
        if token.telling or key_of(token.term) in question.names.named:
            seen.setdefault(token.term, []).append(place)
    return Order(question.tokens, {term: places[0] for term, places in seen.items() if len(places) == 1})


def _opposed(one: str, other: str) -> bool:
    """Whether the one leads to where the other leads from."""
    return (one == "from" and other in _TOWARDS) or (other == "from" and one in _TOWARDS)


def _inverted(common: Sequence[str], places: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """The pairs of common words that stand the other way round in the other question."""
    for place, one in enumerate(common):
        yield from ((one, other) for other in common[place + 1 :] if places[one] > places[other])


def _turned(pair: tuple[str, str], here: Order, there: Order, named: AbstractSet[str]) -> bool:
    """Whether what is asked changes with the order: not of what is joined by `and`, nor of `from A` and `to B`."""
    if _joined(here.between(*pair)) and _joined(there.between(*pair)):
        return False
    if all(here.led(term) and here.led(term) == there.led(term) for term in pair):
        return False
    if all(key_of(term) in named for term in pair) or (here.leads(*pair) and there.leads(*pair)):
        return True
    return not here.telling(*pair).isdisjoint(there.telling(*pair))


def _joined(between: Sequence[Token]) -> bool:
    small = {token.word.lower() for token in between}
    return not small.isdisjoint(_JOINING) and small.isdisjoint(_LEADING)
