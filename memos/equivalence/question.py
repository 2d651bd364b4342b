"""A question, read once: all that is compared when it is asked whether two ask the same."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from memos.equivalence.code import code_in
from memos.equivalence.english import NEGATIONS
from memos.equivalence.kinds import kind_of
from memos.equivalence.language import is_english
from memos.equivalence.names import Names, names_of
from memos.equivalence.numbers import numbers_in
from memos.equivalence.times import times_in
from memos.equivalence.tokens import Token, spelled_out, tokens_of

LONGEST = 1000
"""Characters of a text that can be compared. The default embedding model reads some 256 tokens, no more."""

_QUOTED = re.compile(r'"([^"]{1,200})"')


@dataclass(frozen=True, slots=True)
class Question:
    """What a text asks. Of one that is too long to be compared nothing is read."""

    text: str
    long: bool = False
    english: bool = True
    kind: str = ""
    tokens: Sequence[Token] = ()
    terms: AbstractSet[str] = frozenset()
    numbers: Mapping[str, str] = field(default_factory=dict)
    times: AbstractSet[str] = frozenset()
    negations: int = 0
    names: Names = field(default_factory=Names)
    code: Sequence[str] = ()
    quoted: AbstractSet[str] = frozenset()
    trigrams: AbstractSet[str] = frozenset()


def question_of(text: str) -> Question:
    """Read a question: some 0.2 ms for a sentence, and no time at all for what is too long to be compared."""
    if len(text) > LONGEST:
        return Question(text, long=True)
    plain = spelled_out(text)
    tokens = tokens_of(plain)
    return Question(
        text=text,
        english=is_english(tokens),
        kind=kind_of(plain),
        tokens=tokens,
        terms=frozenset(token.term for token in tokens if token.content),
        numbers=numbers_in(plain),
        times=times_in(plain),
        negations=sum(token.word.lower() in NEGATIONS for token in tokens),
        names=names_of(plain, tokens),
        code=code_in(text),
        quoted=frozenset(" ".join(one.split()).casefold() for one in _QUOTED.findall(plain)),
        trigrams=_trigrams(tokens),
    )


def _trigrams(tokens: Sequence[Token]) -> AbstractSet[str]:
    letters = " ".join(token.word for token in tokens).lower()
    return frozenset(letters[start : start + 3] for start in range(len(letters) - 2))
