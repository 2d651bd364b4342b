"""Regular expressions as JSON Schema has them (ECMA-262), found in a time that grows with the text alone."""

import re
from collections.abc import Callable
from typing import NamedTuple

from pydantic_core import SchemaError, SchemaValidator, core_schema

MOST_PATTERN_WORK = 20_000
"""The states that one pattern may unfold to; above, it is not looked for."""

Search = Callable[[str], bool]

_WIDE = 250
"""What a set of characters beyond ASCII takes to compile, in states of others."""

_NEGATED = 5
_ALL_BUT = frozenset({".", "[^", "[^]", r"\D", r"\S", r"\W"})

_TOKEN = re.compile(
    r"\\[pP](?:\{[^}]*\}|.)|\\[ux]\{[^}]*\}|\\.|\[\^?\]?|\{\s*(\d+)\s*(?:,\s*(\d*)\s*)?\}|.", re.DOTALL
)
_UNSUPPORTED = re.compile(r"look-around|backreferences|exceeds size limit")
_NOT_LINEAR = re.compile(r"\\k<|\(\?P=|\(\?[a-zA-Z-]*x")
"""References back by name, and layouts in which the counting of states would go wrong."""

_OUTSIDE = {
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[0-9A-Za-z_]",
    r"\W": "[^0-9A-Za-z_]",
    r"\b": r"(?-u:\b)",
    "{": r"\{",
}
_INSIDE = {**_OUTSIDE, "[": r"\[", "[^": r"\[\^", "[]": r"\[]", "[^]": r"\[\^]", r"\b": r"\x08"} | {
    mark: f"\\{mark}" for mark in "&~"
}
_SETS = frozenset({r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"})


class Pattern(NamedTuple):
    """A pattern in the words of the engine, and about how many states it unfolds to."""

    text: str
    work: int


def read(pattern: str) -> Pattern:
    """A pattern for the engine, where `\\d` and `\\w` are ASCII alone, as in ECMA-262."""
    reading = _Reading()
    for match in _TOKEN.finditer(pattern):
        reading.take(match)
    return Pattern("".join(reading.said), sum(reading.groups))


def search_of(pattern: str) -> Search | None:
    """What looks for a pattern in a text; none of one that is not asserted.

    That is one with look-around or references back, which no engine finds in linear time, or one that unfolds to
    more states than the limit. Raises `ValueError` for what is no regular expression.
    """
    text, work = read(pattern)
    if work > MOST_PATTERN_WORK or _NOT_LINEAR.search(pattern):
        return None
    try:
        return SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex")).isinstance_python
    except SchemaError as error:
        reason = str(error)
        if _UNSUPPORTED.search(reason):
            return None
        raise ValueError(reason.strip().rpartition("\n")[2].strip().removeprefix("error: ")) from error


class _Reading:
    """One walk through a pattern; it says it anew, and adds up what each open group unfolds to."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.groups = [0]
        self._last = 0
        self._in_set = False
        self._before = ""

    def take(self, match: re.Match[str]) -> None:
        """Take the next part of the pattern."""
        part = match[0]
        if self._in_set:
            self._inside(part)
        else:
            self._outside(part, match)
        self._before = part

    def _inside(self, part: str) -> None:
        after_set = part == "-" and self._before in _SETS
        self.said.append(r"\-" if after_set else _INSIDE.get(part, part))
        self._last = max(self._last, _work(part))
        if part.endswith("]") and part[0] != "\\":
            self._in_set = False
            self.groups[-1] += self._last

    def _outside(self, part: str, match: re.Match[str]) -> None:
        self.said.append(_OUTSIDE.get(part, part))
        if part[0] == "[":
            self._in_set, self._last = True, _work(part)
        elif part == "(":
            self.groups.append(1)
        elif part == ")" and len(self.groups) > 1:
            self._add(self.groups.pop())
        elif match[1]:
            times = max(int(number) for number in (match[1], match[2] or "0"))
            more = self._last * max(times - 1, 0)
            self.groups[-1] += more
            self._last += more
        elif part in "*+?|^$":
            self.groups[-1] += 1
        else:
            self._add(_work(part))

    def _add(self, work: int) -> None:
        self._last = work
        self.groups[-1] += work


def _work(part: str) -> int:
    if not part.isascii() or part[:2] in (r"\p", r"\P", r"\u", r"\x"):
        return _WIDE
    return _NEGATED if part in _ALL_BUT else 1
