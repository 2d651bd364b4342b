"""In what two lessons must agree beyond what two questions must: a lesson that is taken for another is lost."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from memos.equivalence.english import DENYING
from memos.equivalence.guards import Guard
from memos.equivalence.question import Question
from memos.equivalence.tokens import spelled_out

EMPHASIS = frozenset(["all", "always", "any", "do", "every", "must", "never", "no", "not", "only"])
"""Words that are written in capitals to stress them."""

_QUANTIFIERS: Mapping[str, str] = {
    word: words.split()[0]
    for words in (
        *("some several sometimes occasionally", "few rarely seldom", "most mostly usually often", "half partly"),
        *("only solely exclusively", "both", "least", "almost nearly"),
    )
    for word in words.split()
}
_PERIODS: Mapping[str, str] = {
    "hourly": "hour",
    "daily": "day",
    "nightly": "night",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
}
_EVERY = re.compile(
    r"\b(?:every|each|per|an?) (second|minute|hour|day|night|week|month|quarter|year|morning|evening)\b",
    re.IGNORECASE,
)
FIRST = "first"

_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_SIGNS = frozenset({"So", "Sm", "Sc", "Sk"})
"""Unicode categories of symbols: emoji and the like, of mathematics, of currencies, and modifiers."""

_PROSE = "`"


def distinction(new: Question, old: Question) -> str | None:
    """Why two lessons that questions could be say different things; None if they may say the same.

    The reason begins with the guard's name: `order: customer and lawyer`.
    """
    found = ((name, guard(new, old)) for name, guard in DISTINCTIONS.items())
    return next((f"{name}: {what}" for name, what in found if what), None)


def _denial(new: Question, old: Question) -> str | None:
    """A word on one side, and the same with what denies it on the other: `safe` and `unsafe`."""
    here, there = ({token.word.lower() for token in one.tokens if token.telling} for one in (new, old))
    sides = ((here - there, there - here), (there - here, here - there))
    pairs = ((one, other) for some, others in sides for one in some for other in _denied(one) if other in others)
    return next((f"{one} and {other}" for one, other in sorted(pairs)), None)


def _denied(word: str) -> Iterator[str]:
    yield from (f"{prefix}{word}" for prefix in DENYING)
    if word.endswith("ful"):
        yield f"{word.removesuffix('ful')}less"


def _frequency(new: Question, old: Question) -> str | None:
    return _differing(periods_in(new), periods_in(old))


def periods_in(question: Question) -> Counter[str]:
    """How often a text says that something is, by the span of time between: `daily`, `every day`."""
    words = (token.word.lower() for token in question.tokens)
    said = [_PERIODS[word] for word in words if word in _PERIODS]
    return Counter(said + [match[1].lower() for match in _EVERY.finditer(question.text)])


def _quantifiers(new: Question, old: Question) -> str | None:
    """Other words that say how many; that it is all may go without saying."""
    here, there = (
        Counter(_QUANTIFIERS[word] for token in one.tokens if (word := token.word.lower()) in _QUANTIFIERS)
        for one in (new, old)
    )
    return _differing(here, there)


def _units(new: Question, old: Question) -> str | None:
    here, there = (Counter(f"{number} {unit}" for number, unit in one.numbers.items()) for one in (new, old))
    return _differing(here, there)


def _symbols(new: Question, old: Question) -> str | None:
    """Other symbols, or no words at all."""
    if not new.tokens or not old.tokens:
        return "no words"
    return _differing(_signs(new.text), _signs(old.text))


def _signs(text: str) -> Counter[str]:
    return Counter(
        sign for sign in text if sign in "%&§/\\" or (unicodedata.category(sign) in _SIGNS and sign != _PROSE)
    )


def _letters(new: Question, old: Question) -> str | None:
    """The same word in other capitals, where they tell: of one letter, within a word, or in all of it."""
    here, there = _capitals(new), _capitals(old)
    both = sorted(here.keys() & there.keys())
    found = next((word for word in both if here[word] != there[word]), None)
    return found or _differing(Counter(_FLAG.findall(new.text)), Counter(_FLAG.findall(old.text)))


def _capitals(question: Question) -> Mapping[str, str]:
    """For each word how it is written, where its capitals tell."""
    words = [token.word for token in question.tokens]
    return {
        word.lower(): word if _tells(word) else word.lower()
        for word in words
        if word.lower() not in EMPHASIS and word.lower() not in {"a", "i"}
    }


def _tells(word: str) -> bool:
    return len(word) == 1 or any(map(str.isupper, word[1:]))


def _order(new: Question, old: Question) -> str | None:
    """What both speak of in another order, unless a whole clause was put first."""
    here, there = _said(new), _said(old)
    both = set(here) & set(there)
    one, other = ([term for term in terms if term in both] for terms in (here, there))
    if one == other or _fronted(new, one, other) or _fronted(old, other, one):
        return None
    pair = next(pair for pair in zip(one, other, strict=True) if pair[0] != pair[1])
    return " and ".join(pair)


def _said(question: Question) -> Sequence[str]:
    """What a lesson speaks of, in its order, but for what it says twice, and for a `first` at either end."""
    terms = [token.term for token in question.tokens if token.content]
    counts = Counter(terms)
    ends = {0, len(terms) - 1}
    return [term for place, term in enumerate(terms) if counts[term] == 1 and (term != FIRST or place not in ends)]


def _fronted(question: Question, here: Sequence[str], there: Sequence[str]) -> bool:
    """Whether a clause that stands before a comma comes last in the other."""
    starts = {token.term: token.start for token in question.tokens}
    plain = spelled_out(question.text)
    return any(
        [*here[cut:], *here[:cut]] == there and "," in plain[starts[here[cut - 1]] : starts[here[cut]]]
        for cut in range(1, len(here))
    )


def _differing(here: Counter[str], there: Counter[str]) -> str | None:
    if here == there:
        return None
    return " and ".join(", ".join(sorted(only)) or "none" for only in (here - there, there - here))


DISTINCTIONS: Mapping[str, Guard] = {
    "negation": _denial,
    "frequency": _frequency,
    "quantifiers": _quantifiers,
    "units": _units,
    "symbols": _symbols,
    "letters": _letters,
    "order": _order,
}
"""Each says in what two lessons differ, None if they agree; in the order in which they are asked."""
