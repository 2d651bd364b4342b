"""Which part the people of a question have in it, by their pronouns: `should I call her`, `should she call me`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby, pairwise
from typing import NamedTuple

from memos.equivalence.tokens import Token

_SAYS = "i we he she they"
_DONE_TO = "me us him her them"
_OWNS = "my our his hers their"
_THIRD = frozenset({"he", "she"})


class Part(NamedTuple):
    """A person, and whether they do, are done to, or own something; "" where the word does not say."""

    person: str
    case: str


def _parts() -> Mapping[str, Part]:
    forms = [(case, group.split()) for case, group in (("does", _SAYS), ("done to", _DONE_TO), ("owns", _OWNS))]
    persons = _SAYS.split()
    known = {word: Part(person, case) for case, group in forms for person, word in zip(persons, group, strict=True)}
    return known | {word: Part("you", "") for word in ("you", "your", "yours")}


_PARTS = _parts()


def parts_in(tokens: Sequence[Token]) -> Sequence[Part]:
    """The parts that pronouns name, in their order; `how to` is what somebody wants to do who says `I`."""
    words = [token.word.lower() for token in tokens]
    implied = [Part("i", "does")] if ("how", "to") in pairwise(words) else []
    return implied + [_PARTS[word] for word in words if word in _PARTS]


def swapped(some: Sequence[Part], others: Sequence[Part]) -> str | None:
    """The persons who have each other's parts in two questions; None if everybody has their own."""
    if crossed := _crossed(some, others) | _crossed(others, some):
        return min(crossed)
    here, there = (Counter(part.person for part in parts) for parts in (some, others))
    recast = len(some) > 1 and here == there and Counter(some) != Counter(others)
    ordered = here.keys() == there.keys() and ("you" in here or here.keys() >= _THIRD)
    turned = ordered and _in_turn(some) != _in_turn(others)
    return ", ".join(sorted(here | there)) if recast or turned or _replaced(some, others) else None


def _crossed(some: Sequence[Part], others: Sequence[Part]) -> AbstractSet[str]:
    """Who does something in the one alone, and is done to in the other alone."""
    return _only("does", some, others) & _only("done to", others, some)


def _only(case: str, some: Sequence[Part], others: Sequence[Part]) -> AbstractSet[str]:
    here, there = ({part.person for part in parts if part.case == case} for parts in (some, others))
    return here - there


def _replaced(some: Sequence[Part], others: Sequence[Part]) -> bool:
    """Whether the same is said, but once of him or her in place of somebody else."""
    here, there = Counter(some) - Counter(others), Counter(others) - Counter(some)
    persons = {part.person for part in here | there}
    return len(some) > 1 and here.total() == there.total() == 1 and not persons.isdisjoint(_THIRD)


def _in_turn(parts: Sequence[Part]) -> Sequence[str]:
    return [person for person, _ in groupby(part.person for part in parts)]
