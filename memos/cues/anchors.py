"""Reading times that are told from an event: two weeks before the trip, after the accident."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from memos.cues.spans import LENGTHS, Period
from memos.cues.words import AMOUNT, MONTHS, UNIT, amounts

_OWNER = r"(?:the|an?|his|her|their|my|our|your|its|this|that|[\w-]{1,40}['\u2019]s)"
_NO_EVENT = (
    rf"\d|(?:{MONTHS}|(?:mon|tues|wednes|thurs|fri|satur|sun)day|spring|summer|autumn|fall|winter|last|past|next|first"
    r"|same|previous|minute|hour|day|week|weekend|month|quarter|year|decade|morning|evening|night|time|moment)s?\b"
)
_STOP = (
    "did|do|does|was|were|is|are|am|has|have|had|will|would|can|could|and|or|but|as|because|so|by"
    "|that|which|who|what|when|where|how|why|while"
)
_TOLD = re.compile(
    rf"\b(?:(?:{AMOUNT}|the) {UNIT}s? )?(?P<side>before|prior to|after|since|during) "
    rf"(?P<anchor>(?:{_OWNER} (?!{_NO_EVENT})[\w-]+|[a-z]{{2,30}}ing)(?: (?!(?:{_STOP})\b)[\w'\u2019-]+){{0,6}})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Relative:
    """A time told from an event, which only a memory of the event can date.

    `anchor` is the event in the text's words. What is asked for lies between `earliest` and `latest` from it,
    negative before it, None where that is open; `slack` is the measure of what is near, as of a period.
    """

    anchor: str
    earliest: timedelta | None
    latest: timedelta | None
    slack: timedelta
    phrase: str

    def period(self, event: datetime) -> Period | None:
        """The period that is meant if the event was at a moment; None if it is beyond the calendar."""
        try:
            start = None if self.earliest is None else event + self.earliest
            end = None if self.latest is None else event + self.latest
        except OverflowError:
            return None
        return Period(start, end, self.phrase, self.slack)


def relative(text: str) -> Relative | None:
    """The first time in a text that is told from an event; None if there is none, or if a date is its anchor."""
    match = _TOLD.search(" ".join(text.split()))
    if match is None:
        return None
    sign = -1 if match["side"].lower() in {"before", "prior to"} else 1
    if match["unit"]:
        length = LENGTHS[match["unit"].lower()]
        near, far = _offsets(match["amount"], length)
        earliest, latest = sorted((sign * near, sign * far))
        return Relative(match["anchor"], earliest, latest, length, match[0])
    return _beside(match, sign)


def _offsets(amount: str | None, length: timedelta) -> tuple[timedelta, timedelta]:
    """`Two weeks` is from one and a half to two and a half of them, `the week` from none to one."""
    if amount is None:
        return timedelta(0), length
    least, most = amounts(amount)
    return least * length - length / 2, most * length + length / 2


def _beside(match: re.Match[str], sign: int) -> Relative:
    day = LENGTHS["day"]
    if match["side"].lower() == "during":
        return Relative(match["anchor"], -day, day, day, match[0])
    earliest, latest = (None, timedelta(0)) if sign < 0 else (timedelta(0), None)
    return Relative(match["anchor"], earliest, latest, LENGTHS["week"], match[0])
