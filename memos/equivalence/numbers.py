"""The numbers of a text and their units, in one notation."""

import re
from collections.abc import Mapping, Sequence

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth"),
)
_WORDS: Mapping[str, int] = (
    {word: number for number, word in enumerate(_SMALL)}
    | {word: 10 * number for number, word in enumerate(_TENS, 2)}
    | {word: number for number, word in enumerate(_ORDINALS, 1)}
    | {"half": 0, "dozen": 12, "twice": 2, "double": 2, "thrice": 3, "triple": 3}
)
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI")
ROMANS: Mapping[str, str] = {word: str(number) for number, word in enumerate(_NUMERALS, 1) if len(word) > 1}
"""Roman numerals of several letters; one letter may be many things."""

_UNIT_NAMES = """
    % percent pct; km kilometer kilometers kilometre kilometres kms; m meter meters metre metres; cm
    centimeter centimeters centimetre centimetres; mm millimeter millimeters millimetre millimetres; mi mile
    miles; inch inches; ft foot feet; kg kilo kilos kilogram kilograms kgs; g gram grams; mg milligram
    milligrams; lb lbs pound pounds; oz ounce ounces; l liter liters litre litres; ml milliliter milliliters;
    s sec second seconds; ms millisecond milliseconds; min minute minutes mins; h hour hours hr hrs; d day
    days; w week weeks; month months; y year years yr yrs; b byte bytes; kb kilobyte kilobytes; mb megabyte
    megabytes; gb gigabyte gigabytes; tb terabyte terabytes; hz; khz; mhz; ghz; c celsius; f fahrenheit; v
    volt volts; w watt watts; mph; kmh; am; pm; $ usd dollar dollars; € eur euro euros; £ gbp; rs rs. inr
    rupee rupees ₹; k thousand; lakh lakhs lac; million mn; billion bn; trillion; crore crores; hundred
"""
_UNITS: Mapping[str, str] = {
    form: names[0] for group in _UNIT_NAMES.split(";") for names in [group.split()] for form in names
}


def _any_of(words: Mapping[str, object] | Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_UNIT = _any_of(_UNITS)
_DIGITS = re.compile(
    r"(?P<sign>(?<![\w)\]])[-\u2212])?(?P<before>[$€£₹]|\b(?:rs\.?|inr|usd|eur) ?)?"
    rf"(?P<digits>\d+(?:[.,:]\d+)*)(?:(?:st|nd|rd|th)\b)?(?:[ -]?(?P<unit>{_UNIT})(?![a-z]))?",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    rf"\b(?:(?P<tens>{_any_of(_TENS)})[ -](?P<ones>{_any_of(_SMALL[1:10])})"
    rf"|(?P<word>{_any_of([word for word in _WORDS if word != 'one'])}|one(?=[ -](?:{_UNIT})\b)))\b"
    rf"(?:[ -](?P<unit>{_UNIT})\b)?",
    re.IGNORECASE,
)
_ROMAN = re.compile(rf"\b(?:{_any_of(ROMANS)})\b")
_THOUSANDS = re.compile(r",(?=\d{2,3}(?:\D|$))")


def numbers_in(text: str) -> Mapping[str, str]:
    """The numbers of a text with their units, "" where there is none: `1,000 km`, `twenty-five` and `XII`."""
    return dict(
        [_in_digits(match) for match in _DIGITS.finditer(text)]
        + [_spelled(match) for match in _SPELLED.finditer(text)]
        + [(ROMANS[match[0]], "") for match in _ROMAN.finditer(text)]
    )


def _in_digits(match: re.Match[str]) -> tuple[str, str]:
    sign = "-" if match["sign"] else ""
    return sign + _THOUSANDS.sub("", match["digits"]), _unit(match["unit"] or match["before"])


def _spelled(match: re.Match[str]) -> tuple[str, str]:
    words = [match[group].lower() for group in ("tens", "ones", "word") if match[group]]
    return str(sum(_WORDS[word] for word in words)) if words != ["half"] else "0.5", _unit(match["unit"])


def _unit(written: str | None) -> str:
    return _UNITS[written.lower().strip()] if written else ""
