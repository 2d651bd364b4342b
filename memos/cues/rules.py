"""What a rule of the grammar is: how an expression is written, and how its time is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from memos.cues.spans import Span

Read = Callable[[re.Match[str], datetime], Span | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of expression is written, and how its span is told as of a moment.

    `read` returns None where the words mean no time after all, and raises ValueError or OverflowError where
    they name one that there is not (31 June). What is `deictic` depends on the moment of speaking.
    """

    pattern: re.Pattern[str]
    read: Read
    deictic: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An expression that a rule has found in a text."""

    match: re.Match[str]
    rule: Rule

    def span(self, at: datetime) -> Span | None:
        """The span that is meant as of a moment; None if there is none."""
        try:
            return self.rule.read(self.match, at)
        except (ValueError, OverflowError):
            return None


def rule(pattern: str, read: Read, *, deictic: bool = False) -> Rule:
    """A rule whose pattern is matched in any case, and not from within a word, a number or a price."""
    return Rule(re.compile(rf"(?<![\w$€£#.-])(?<!\d,){pattern}", re.IGNORECASE), read, deictic)


def preceded(match: re.Match[str], by: re.Pattern[str]) -> bool:
    """Whether right before a match stands a pattern that ends in `$` and spans no more than 30 characters."""
    return by.search(match.string, max(0, match.start() - 30), match.start()) is not None
