"""What two questions must agree in before it matters how much alike they are."""

from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from memos.equivalence.direction import turned
from memos.equivalence.english import DENYING, OPPOSITES, SIDES
from memos.equivalence.kinds import apart
from memos.equivalence.names import unmatched
from memos.equivalence.people import parts_in, swapped
from memos.equivalence.question import Question
from memos.equivalence.roles import exchanged
from memos.equivalence.scope import moved

Guard = Callable[[Question, Question], str | None]

_SHORTEST_DENIED = 3
_JOINING = frozenset({"and", "or"})


def refusal(asked: Question, cached: Question) -> str | None:
    """Why two questions must not share an answer, whatever else they have in common; None if they may.

    The reason begins with the guard's name: `numbers: 5 and 6`.
    """
    found = ((name, guard(asked, cached)) for name, guard in GUARDS.items())
    return next((f"{name}: {what}" for name, what in found if what), None)


def _length(asked: Question, cached: Question) -> str | None:
    return "too long to be compared" if asked.long or cached.long else None


def _language(asked: Question, cached: Question) -> str | None:
    """Where the rules do not know the language, the words must be the same, in the same order."""
    if asked.english and cached.english:
        return None
    here, there = ([token.word.casefold() for token in one.tokens] for one in (asked, cached))
    return "not English, and not word for word" if here != there else None


def _numbers(asked: Question, cached: Question) -> str | None:
    """The same numbers, however they are written, and of the same units where both have one."""
    if asked.numbers.keys() != cached.numbers.keys():
        return _differing(asked.numbers, cached.numbers)
    units = ((number, unit, cached.numbers[number]) for number, unit in asked.numbers.items())
    return next((f"{n} {one} and {n} {other}" for n, one, other in units if one and other and one != other), None)


def _times(asked: Question, cached: Question) -> str | None:
    return _differing(asked.times, cached.times)


def _negation(asked: Question, cached: Question) -> str | None:
    if asked.negations != cached.negations:
        return f"{asked.negations} and {cached.negations}"
    here, there = asked.terms - cached.terms, cached.terms - asked.terms
    denied = ((term, prefix + term) for term in here | there for prefix in DENYING)
    return next((f"{one} and {other}" for one, other in denied if _denies(one, other, here, there)), None)


def _denies(one: str, other: str, here: Iterable[str], there: Iterable[str]) -> bool:
    if len(one) < _SHORTEST_DENIED:
        return False
    return (one in here and other in there) or (one in there and other in here)


def _opposites(asked: Question, cached: Question) -> str | None:
    """A word on one side, its opposite on the other; no difference where both sides have both."""
    here, there = ({token.term for token in one.tokens} for one in (asked, cached))
    for word in sorted(here & OPPOSITES.keys()):
        for opposite in sorted(OPPOSITES[word] & there):
            if word not in there or opposite not in here:
                return f"{word} and {opposite}"
    sides = ((one, other) for pair in SIDES for one, other in (pair, pair[::-1]))
    return next((f"{one} and {other}" for one, other in sides if _only(one, other, here, there)), None)


def _only(one: str, other: str, here: AbstractSet[str], there: AbstractSet[str]) -> bool:
    """Whether of two words each is on its own side alone."""
    return one in here and other in there and one not in there and other not in here


def _code(asked: Question, cached: Question) -> str | None:
    if asked.code == cached.code:
        return None
    return _differing(asked.code, cached.code) or "repeated"


def _names(asked: Question, cached: Question) -> str | None:
    return _differing(unmatched(asked.names, cached.names), unmatched(cached.names, asked.names))


def _quotes(asked: Question, cached: Question) -> str | None:
    return _differing(asked.quoted, cached.quoted) if asked.quoted and cached.quoted else None


def _kind(asked: Question, cached: Question) -> str | None:
    return f"{asked.kind} and {cached.kind}" if apart(asked.kind, cached.kind) else None


def _besides(asked: Question, cached: Question) -> str | None:
    """Where one asks all that the other asks, and something more that is joined to it by `and` or `or`."""
    here, there = asked.terms - cached.terms, cached.terms - asked.terms
    if bool(here) == bool(there):
        return None
    tokens = asked.tokens if here else cached.tokens
    joins = [token.word.lower() in _JOINING for token in tokens]
    joined = (token.term for place, token in enumerate(tokens) if any(joins[max(0, place - 1) : place + 2]))
    return next((term for term in joined if term in here | there), None)


def _direction(asked: Question, cached: Question) -> str | None:
    pair = turned(asked, cached)
    return " and ".join(pair) if pair else None


def _roles(asked: Question, cached: Question) -> str | None:
    return exchanged(asked, cached)


def _people(asked: Question, cached: Question) -> str | None:
    return swapped(parts_in(asked.tokens), parts_in(cached.tokens))


def _scope(asked: Question, cached: Question) -> str | None:
    pair = moved(asked, cached) if asked.negations else None
    return f"not {pair[0]} and not {pair[1]}" if pair else None


def _repeats(asked: Question, cached: Question) -> str | None:
    """Where one speaks more of one thing, the other more of another that both speak of."""
    here, there = (Counter(token.term for token in one.tokens if token.content) for one in (asked, cached))
    more = min((term for term in here if here[term] > there[term] > 0), default="")
    less = min((term for term in there if there[term] > here[term] > 0), default="")
    return f"more {more} and more {less}" if more and less else None


def _differing(some: Iterable[str], others: Iterable[str]) -> str | None:
    """What is only in the one and what is only in the other; None if they have the same."""
    here, there = set(some), set(others)
    if here == there:
        return None
    return " and ".join(", ".join(sorted(only)) or "none" for only in (here - there, there - here))


GUARDS: dict[str, Guard] = {
    "length": _length,
    "language": _language,
    "numbers": _numbers,
    "times": _times,
    "opposites": _opposites,
    "negation": _negation,
    "code": _code,
    "names": _names,
    "quotes": _quotes,
    "kind": _kind,
    "besides": _besides,
    "scope": _scope,
    "direction": _direction,
    "roles": _roles,
    "people": _people,
    "repeats": _repeats,
}
"""Each says in what two questions differ, None if they agree; in the order in which they are asked."""
