"""The lessons in a prompt, and which tools they are for and against."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from devenviro.model_server.arguments import literal, parts_of
from devenviro.model_server.tools import Tool, Toolbox
from devenviro.model_server.words import GAP, kind_of, words

LEAST_ALIKE = 0.34
"""How much what a lesson is for must have in common with a task, of 1."""

_HEADING = re.compile(r"#+\s+(.*)")
_ENTRY = re.compile(r"(\d+)\.\s+(?:\[([^\]]*)\]\s*)?(.*)")
_OF_TASK = re.compile(r"\btask:\s*(.*)$")
_FOR = re.compile(
    r"\bfor\b(?:\s+tasks? like)?(.*?)(?:[:,;]|\b(?:use|call|try|prefer|begin|start|do not)\b|$)", re.IGNORECASE
)
_QUOTED = re.compile(r'(?<!=)"[^"]*"')
_SENTENCE = re.compile(r"(?<=[.;!?])\s+")
_AGAINST = re.compile(r"\b(?:do not|don't|never|avoid|not|instead of|rather than|without)\b[^,;:]*$", re.IGNORECASE)
_IN_FAVOUR = re.compile(r"\b(?:use|using|call|try|prefer|begin|start|then)\b[^;:]*$", re.IGNORECASE)
_FAILS = re.compile(r"^[^,;:]*\b(?:fail(?:s|ed)|does not|did not|is (?:broken|away|useless))\b", re.IGNORECASE)
_WORKS = re.compile(r"^[^,;:]*\b(?:work(?:s|ed)|help(?:s|ed)|does it|did it)\b", re.IGNORECASE)
_LIKEWISE = re.compile(r"[\s,]*(?:and|or)?\s*")
_ARGUMENT = re.compile(r'\b(\w+)=("(?:[^"\\]|\\.)*"|[^\s,;]*[^\s,;.])')


class Lesson(NamedTuple):
    """A lesson by its number in the prompt; `task` is what it was learned of, if it says so."""

    number: int
    text: str
    task: str

    def alike(self, task: str, toolbox: Toolbox) -> float:
        """How much its task, or what it says it is for, has in common with a task, from 0 to 1.

        That is the part of the words of both which are in both; those that few tools say count for more. A task of
        several parts has nothing in common with one of another number.
        """
        said_for = _FOR.search(self.text)
        asked = words(kind_of(task))
        told = [one.strip(' "') for one in (self.task, said_for[1] if said_for else "")]
        others = [words(kind_of(one)) for one in told if len(parts_of(one)) == len(parts_of(task))]
        return max(
            sum(map(toolbox.rarity, sorted(asked & other))) / (sum(map(toolbox.rarity, sorted(asked | other))) or 1)
            for other in [frozenset[str](), *others]
        )


class Mention(NamedTuple):
    """A tool that a lesson is for or against, with the arguments that it names."""

    tool: Tool
    good: bool
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Advice:
    """What lessons say: the tools to use, in order; the arguments of tools, by name; and the tools to avoid."""

    plan: Sequence[Tool] = ()
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    avoid: frozenset[str] = frozenset()


def lessons_in(text: str) -> Iterator[Lesson]:
    """The numbered entries below headings that speak of lessons; indented lines belong to the entry before them."""
    number, about, entry, below = 0, "", "", False
    for line in [*text.splitlines(), "# "]:
        if entry and line.startswith("   ") and line.strip():
            entry = f"{entry} {line.strip()}"
            continue
        if entry:
            of_task = _OF_TASK.search(about)
            yield Lesson(number, entry, of_task[1] if of_task else "")
            entry = ""
        if heading := _HEADING.match(line):
            below = "lesson" in heading[1].casefold()
        elif below and (begun := _ENTRY.match(line)):
            number, about, entry = int(begun[1]), begun[2] or "", begun[3]


def advice_of(lessons: Sequence[Lesson], task: str, toolbox: Toolbox) -> Advice:
    """What the lessons advise that are for tasks like this one; where two differ, the first one counts."""
    plan: list[Tool] = []
    arguments: dict[str, Mapping[str, Any]] = {}
    avoid: set[str] = set()
    for lesson in lessons:
        if lesson.alike(task, toolbox) < LEAST_ALIKE:
            continue
        mentions = list(mentions_in(lesson.text, toolbox))
        good = [one for one in mentions if one.good and one.tool.name not in avoid]
        if not plan:
            plan = list({one.tool.name: one.tool for one in good}.values())
            arguments = {one.tool.name: one.arguments for one in good}
        avoid |= {one.tool.name for one in mentions if not one.good and one.tool not in plan}
    return Advice(plan, arguments, frozenset(avoid))


def mentions_in(text: str, toolbox: Toolbox) -> Iterator[Mention]:
    """The tools that a text is for or against, in order; what is in quotes is only talked of."""
    names = {name: tool for tool in toolbox.tools for name in tool.names}
    if not names:
        return
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![\w-])(?:{any_name})(?![\w-])")
    for sentence in _SENTENCE.split(_QUOTED.sub(GAP, text)):
        found = list(pattern.finditer(sentence))
        borders = [0, *(one.end() for one in found)]
        starts = [*(one.start() for one in found), len(sentence)]
        between = [sentence[begin:end] for begin, end in zip(borders, starts, strict=True)]
        good: bool | None = None
        for one, before, after in zip(found, between[:-1], between[1:], strict=True):
            good = _judged(before, after, good)
            if good is not None:
                given = {name: literal(value) for name, value in _ARGUMENT.findall(after)}
                yield Mention(names[one[0]], good, given)


def _judged(before: str, after: str, former: bool | None) -> bool | None:
    """Whether a tool is spoken for or against; the second of two as the `former` one, if nothing else is said."""
    if _AGAINST.search(before) or _FAILS.search(after):
        return False
    if _IN_FAVOUR.search(before) or _WORKS.search(after):
        return True
    return former if _LIKEWISE.fullmatch(before) else None
