"""The times that a text names without a number: months, days, and words such as `tomorrow`."""

import re
from collections.abc import Set as AbstractSet

_TIME = re.compile(
    r"\b(?:"
    r"(?P<month>jan|feb|apr|jun|jul|aug|sep|oct|nov|dec)(?:uary|ruary|il|e|y|ust|t|tember|ober|ember)?"
    r"|(?-i:(?<=\w )(?P<spring>Mar|May)(?:ch)?)"
    r"|(?P<weekday>mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|(?P<day>today|tonight|tomorrow|yesterday|weekend|midnight|noon|christmas|easter)"
    r"|(?P<season>summer|autumn|winter)"
    r"|(?P<which>last|next|this|previous|past|coming|current)"
    r" (?P<span>week|month|year|quarter|decade|century|night)"
    r")\b",
    re.IGNORECASE,
)


def times_in(text: str) -> AbstractSet[str]:
    """The times of a text, in lower case; months and days of the week by their first letters."""
    return {" ".join(part for part in match.groups() if part).lower() for match in _TIME.finditer(text)}
