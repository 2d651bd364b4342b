"""Whether two lessons say the same, or contradict each other: pure functions over texts and cosines."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple

from memos.equivalence.distinctions import distinction, periods_in
from memos.equivalence.guards import refusal
from memos.equivalence.likeness import likeness
from memos.equivalence.numbered import named_by_number
from memos.equivalence.question import Question, question_of
from memos.equivalence.weights import SAME
from memos.lexical.english import STOP_WORDS

FEWEST = 3
"""Words of a text below which one in capitals alone may be made of acronyms."""

NOT_COUNTED = frozenset({"avoid", "instead", "only", "rather", "refrain", "stop", "unless", "without"})
"""Words that deny as well: beside one of them a `not` more or less says nothing."""

JOINING = frozenset({"after", "before", "than"})
"""Words about which two lessons may turn the same things round."""

NEAR = 0.8
"""The cosine from which two lessons speak of the same thing, so that what differs contradicts."""

SAME_TASKS = 0.5
"""The cosine of two tasks from which what was learned of one may say the same as what was learned of the other."""

RELATED_TASKS = 0.15
"""The same for lessons in the very same words."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A lesson in its own words, read; `tools` are those that it was learned with, and whether they helped."""

    text: str
    question: Question
    tools: Mapping[str, bool]

    def says(self, other: "Advice") -> bool:
        """Whether they have the same words, and the same became of the tools in them."""
        return (plain(self.text), self.tools) == (plain(other.text), other.tools)


class Comparison(NamedTuple):
    """What a lesson is to an earlier one, and in words why it contradicts that."""

    relation: Literal["same", "contradicts", "different"]
    reason: str = ""


SAYS_THE_SAME = Comparison("same")
SAYS_OTHER = Comparison("different")


def advice_of(text: str, tools: Mapping[str, bool] | None = None) -> Advice:
    """Read a lesson, once for all comparisons."""
    return Advice(text, question_of(text), tools or {})


def compare(new: Advice, old: Advice, cosine: float, tasks: float) -> Comparison:
    """Compare a lesson with an earlier one; `cosine` is that of their words, `tasks` that of what they are for."""
    near = cosine >= NEAR and tasks >= SAME_TASKS
    if near and (turned := _turned(new, old)):
        return Comparison("contradicts", turned)
    if plain(new.text) == plain(old.text):
        return SAYS_THE_SAME if tasks >= RELATED_TASKS else SAYS_OTHER
    if not near:
        return SAYS_OTHER
    refused = refusal(new.question, old.question) or distinction(new.question, old.question)
    if refused is None:
        return SAYS_THE_SAME if _alike(new.question, old.question, cosine) else SAYS_OTHER
    contradicts = CONTRADICTING.get(refused.partition(":")[0])
    says_otherwise = contradicts is not None and contradicts(new.question, old.question)
    return Comparison("contradicts", refused) if says_otherwise else SAYS_OTHER


def plain(text: str) -> str:
    """A text as it is compared word for word: spaces do not matter, nor capitals that begin words, or are in all.

    What is one letter long, as `A` or `-v`, or an acronym, as `US`, is another word in capitals.
    """
    shouted = len(text.split()) >= FEWEST and text.isupper()
    words = ((word, word.lower() if shouted else f"{word[0].lower()}{word[1:]}") for word in text.split())
    return " ".join(other if word[1:2].isalpha() else word for word, other in words)


def mentions(text: str, tool_id: str) -> bool:
    """Whether a text has the id of a tool in it, as a word of its own and not a small one."""
    name = tool_id.casefold()
    whole = rf"(?<![\w-])(?<!\w\.){re.escape(name)}(?![\w-])(?!\.\w)"
    return name not in STOP_WORDS and re.search(whole, text.casefold()) is not None


def _turned(new: Advice, old: Advice) -> str | None:
    """Why the advice to use a tool, or not to, is contradicted by what became of that."""
    for tool, helped in new.tools.items():
        if old.tools.get(tool, helped) is not helped:
            return f"tools: {tool} {'helps now, and hindered' if helped else 'hinders now, and helped'} before"
    return None


def _alike(new: Question, old: Question, cosine: float) -> bool:
    """Whether lessons that no guard keeps apart say the same, in the same words or in others."""
    return (new.terms == old.terms != frozenset()) or likeness(new, old, cosine) >= SAME


def _always(new: Question, old: Question) -> bool:
    return True


def _both_numbers(new: Question, old: Question) -> bool:
    """Whether both have as many numbers, and those in which they differ say how much, and not which."""
    return len(new.numbers) == len(old.numbers) > 0 and not (_numbered(new, old) or _numbered(old, new))


def _numbered(one: Question, other: Question) -> bool:
    """Whether a number that is in one text alone names something."""
    return not named_by_number(one.text).isdisjoint(one.numbers.keys() - other.numbers.keys())


def _both_times(new: Question, old: Question) -> bool:
    return len(new.times) == len(old.times) > 0


def _both_periods(new: Question, old: Question) -> bool:
    return bool(periods_in(new)) and bool(periods_in(old))


def _counted(new: Question, old: Question) -> bool:
    """Whether no other word than those that are counted denies."""
    return NOT_COUNTED.isdisjoint(token.word.lower() for one in (new, old) for token in one.tokens)


def _joined_alike(new: Question, old: Question) -> bool:
    """Whether both are joined by the same word, and not to a clause that could as well come last."""
    return bool(_joins(new) & _joins(old))


def _joins(question: Question) -> AbstractSet[str]:
    words = [token.word.lower() for token in question.tokens]
    return JOINING.intersection(words[1:]) if words and words[0] not in JOINING else frozenset()


CONTRADICTING: Mapping[str, Callable[[Question, Question], bool]] = {
    "numbers": _both_numbers,
    "times": _both_times,
    "frequency": _both_periods,
    "opposites": _always,
    "negation": _counted,
    "direction": _joined_alike,
}
"""The guards that tell apart what speaks of the same and says something else of it, and when they are believed.

Of the other guards a difference may be no more than one of words: passive voice, or a clause put first.
"""
