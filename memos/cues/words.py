"""The English words that times are made of, as fragments of patterns, and what they count."""

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_VAGUE = {"few": (2, 5), "couple": (2, 3), "several": (3, 7)}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_BEGINNINGS = "janfebmaraprmayjunjulaugsepoctnovdec"
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
MONTH = rf"(?P<month>{MONTHS}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
SEASON = (
    "(?P<season>summer|autumn|winter|spring(?! (?:boot|framework|mvc|security|cloud|data))"
    "|fall(?! (?:within|under|into|between|in|back|off|on|for|apart|behind|short|through)))"
)
WEEKDAY = f"(?P<weekday>{'|'.join(_WEEKDAYS)})"
ORDINAL = f"(?P<ordinal>{'|'.join(_ORDINALS)}|[1-5](?:st|nd|rd|th)|last)"
YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d|[.:]\d)"
DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?(?![\d%]|[.:/]\d)"
UNIT = "(?P<unit>minute|hour|day|weekend|week|month|quarter|year|decade)"
AMOUNT = rf"(?P<amount>\d{{1,3}}|(?:an? )?(?:few|couple(?: of)?)|several|an?|{'|'.join(_NUMBERS)})"
WHICH = "(?P<which>last|past|previous|this|next|coming|upcoming)"
THROUGH = r"(?:to|and|through|until|till|-|\u2013)"
COUNTED = (
    "items|lines|rows|words|characters|tokens|bytes|files|records|results|entries|users|people|dollars|euros"
    "|pixels|px|ms|seconds|minutes|hours|days|steps|times|points|requests|elements|samples|km|calories|usd"
)
"""What a number before it counts, so that it is no year."""

ORDINARY = frozenset({"may", "march", "mar"})
"""Names of months that are ordinary words when they are not capitalised."""


def month_number(word: str) -> int:
    """The number of a month from its name or the beginning of it: 9 for `Sept`."""
    return 1 + _MONTH_BEGINNINGS.index(word[:3].lower()) // 3


def weekday_number(word: str) -> int:
    """The number of a day of the week from its name: 0 for `Monday`, as in `datetime.weekday`."""
    return _WEEKDAYS.index(word.lower())


def first_month(season: str) -> int:
    """The month in which a season of the northern hemisphere begins by the meteorologists' count."""
    return _SEASONS[season.lower()]


def ordinal_number(word: str) -> int:
    """The number that an ordinal names, from 1; -1 for `last`."""
    if word.lower() == "last":
        return -1
    return int(word[0]) if word[0].isdigit() else 1 + _ORDINALS.index(word.lower())


def amounts(words: str | None) -> tuple[int, int]:
    """The least and the most that an amount may mean: `two` is (2, 2), `a few` (2, 5), none at all (1, 1)."""
    last = (words or "a").lower().removesuffix(" of").split()[-1]
    if last.isdecimal():
        return int(last), int(last)
    number = 1 + _NUMBERS.index(last) if last in _NUMBERS else 1
    return _VAGUE.get(last, (number, number))
