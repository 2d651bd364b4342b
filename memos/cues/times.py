"""Reading the time expressions of an English text as periods of the calendar.

The grammar is our own because the libraries read moments where a question means a period: to dateparser 1.5
`2023` is a moment of that year, `last summer` nothing, and the march in `about the march on` a date.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memos.cues.combining import REACH, offset, opened, part
from memos.cues.dates import DATES
from memos.cues.deixis import DEIXIS
from memos.cues.rules import Found
from memos.cues.spans import Period, Span
from memos.cues.words import THROUGH

_INSTANT = timedelta(microseconds=1)
_RANGE = re.compile(rf",? ?{THROUGH} ?(?:the )?", re.IGNORECASE)
_AND = re.compile(r",? ?and (?:the )?", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween (?:the )?$", re.IGNORECASE)
_AS_OF = re.compile(
    r",? ?(?:before|on|(?:as )?of|(?:as |which was )?(?:mentioned|said|told|stated|discussed) (?:on|in)) (?:the )?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Expression:
    """Where a span stands in a text, and from where on words before it may say more about it."""

    start: int
    end: int
    span: Span
    deictic: bool
    reach: int


def periods(text: str, now: datetime) -> list[Period]:
    """The periods that a text speaks of, in its order, as understood at `now`, an aware datetime.

    Days are those of the time zone of `now`. A month, season or day without its year is the latest that has
    begun. Where a time is told relative to a date (`two weeks before 9 June`, `last Friday on 23 January`),
    that date is a period too, for what is asked was often told then. A date that may be in either of two
    notations (05/08/2023) is given as both. Nothing is raised: a day that is not in the calendar is passed over.

    In a query, `now` is when it is asked, and a period may lie after it (`next week`); in a memory's content,
    it is when that was told. The time is linear in the text's length: 50 us for a question of 12 words.
    """
    words = " ".join(text.split())
    expressions = _joined(words, _expressions(words, now))
    return [period for expression in expressions for period in _told(words, expression)]


def _found(text: str, now: datetime) -> list[Found]:
    """What the rules find, in the text's order; of what overlaps, the earlier rule's, or both of the same words."""
    taken, places, found = bytearray(len(text)), set(), []
    for rule in (*DATES, *DEIXIS):
        for match in rule.pattern.finditer(text):
            one, place = Found(match, rule), slice(*match.span())
            if (match.span() in places or not any(taken[place])) and one.span(now):
                found.append(one)
                places.add(match.span())
                taken[place] = b"\1" * len(match[0])
    return sorted(found, key=lambda one: one.match.start())


def _expressions(text: str, now: datetime) -> list[Expression]:
    """Tell the spans of what was found from the last to the first, for an earlier one may lean on the next."""
    expressions: list[Expression] = []
    for one in reversed(_found(text, now)):
        start, end = one.match.span()
        at, deictic = now, one.rule.deictic
        if expressions:
            following = expressions[-1]
            gap = text[end : following.start]
            if deictic and not following.deictic and _AS_OF.fullmatch(gap):
                at = following.span.start
                deictic = False
                expressions[-1] = replace(following, reach=following.start)
            elif not deictic and _RANGE.fullmatch(gap):
                at = following.span.end - _INSTANT
        if span := one.span(at):
            expressions.append(Expression(start, end, span, deictic, max(0, start - REACH)))
    return expressions[::-1]


def _joined(text: str, expressions: list[Expression]) -> list[Expression]:
    """Make one of two that are the ends of a range, and let the words before each begin after the last."""
    joined: list[Expression] = []
    for one in expressions:
        if joined and _are_ends(text, joined[-1], one):
            first = joined.pop()
            span = Span(first.span.start, one.span.end, one.span.end - first.span.start)
            joined.append(replace(one, start=first.start, span=span, reach=first.start))
        else:
            joined.append(replace(one, reach=max(one.reach, joined[-1].end if joined else 0)))
    return joined


def _are_ends(text: str, first: Expression, last: Expression) -> bool:
    gap = text[first.end : last.start]
    if first.span.start >= last.span.end or not _RANGE.fullmatch(gap):
        return False
    return not _AND.fullmatch(gap) or _BETWEEN.search(text[first.reach : first.start]) is not None


def _told(text: str, expression: Expression) -> Iterator[Period]:
    words = text[expression.reach : expression.start]
    phrase = text[expression.start : expression.end]
    try:
        taken, span = part(words, expression.span)
        words, phrase = words.removesuffix(taken), taken + phrase
        beyond, beside = offset(words, span)
    except (ValueError, OverflowError):
        beyond, beside, span = "", expression.span, expression.span
    opening, start, end = opened(words.removesuffix(beyond), beside)
    yield Period(start, end, opening + beyond + phrase, beside.slack, expression.deictic)
    if beside.end <= span.start or beside.start >= span.end:
        yield Period(span.start, span.end, phrase, span.slack, expression.deictic)
