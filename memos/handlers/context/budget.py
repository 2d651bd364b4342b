"""What of a context fits into a number of tokens, and its text: exact, since the text is measured as it will be."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar
from uuid import UUID

from memos.events.context import ContextLesson, ContextMemory, ContextMessage, ContextTool, ContextValue
from memos.handlers.context.entries import Entry, Item, Listed
from memos.ranking import tokens_of
from memos.ranking.budget import CHARACTERS_PER_TOKEN

ItemT = TypeVar("ItemT", ContextLesson, ContextMemory, ContextMessage, ContextTool, ContextValue)

HEADINGS: Mapping[Listed, str] = {
    "lessons": "## Lessons of earlier tasks",
    "memories": "## Memories",
    "working": "## Working memory",
}
"""The sections of the text, in their order; tools are beside it."""

BETWEEN = "\n\n"
"""What stands between two sections."""

Ranked = Mapping[Listed, Sequence[Entry]]


class Line(NamedTuple):
    """An entry as it is shown, and what that costs in tokens."""

    entry: Entry
    text: str
    tokens: int

    @property
    def item(self) -> Item:
        """What the reply tells of it."""
        return self.entry.item and self.entry.item.model_copy(update={"tokens": self.tokens})


class Filled(NamedTuple):
    """The lines that fit, by section and in the order of the text, and the entries that did not."""

    lines: Mapping[Listed, Sequence[Line]]
    left_out: Sequence[Entry]

    @property
    def text(self) -> str:
        """The text for a prompt; empty without any line."""
        return BETWEEN.join(self._blocks())

    @property
    def omitted(self) -> dict[str, int]:
        """How many did not fit, of sections in which there are any."""
        sections = [entry.section for entry in self.left_out]
        return {section: sections.count(section) for section in dict.fromkeys(sections)}

    def tokens(self) -> dict[Listed, int]:
        """What each section costs, its heading included; the sections of the text add up to what that costs."""
        costs: dict[Listed, int] = {"tools": sum(line.tokens for line in self.lines["tools"])}
        text = ""
        for section in HEADINGS:
            block = self._block(section)
            longer = f"{text}{BETWEEN if text and block else ''}{block}"
            costs[section], text = tokens_of(longer) - tokens_of(text), longer
        return costs

    def items(self, kind: type[ItemT]) -> list[ItemT]:
        """What the reply lists of a kind, in order."""
        lines = (line for some in self.lines.values() for line in some if type(line.entry.item) is kind)
        return [item for line in lines if isinstance(item := line.item, kind)]

    def _blocks(self) -> Iterator[str]:
        return (block for section in HEADINGS if (block := self._block(section)))

    def _block(self, section: Listed) -> str:
        lines = [line.text for line in self.lines[section]]
        return "\n".join([HEADINGS[section], *lines]) if lines else ""


def filled(ranked: Ranked, budget: int | None, spent: int) -> Filled:
    """What fits beside what is spent: the best of each section, then the next best, and so on.

    What does not fit is passed over, and so is what is to come after that. Without a budget everything fits.
    """
    room = _Room(budget, spent)
    turns = chain.from_iterable(zip_longest(*ranked.values()))
    left_out = [entry for entry in turns if entry and not room.take(entry)]
    lines = {section: sorted(some, key=lambda line: line.entry.place) for section, some in room.lines.items()}
    return Filled(lines, left_out)


class _Room:
    """A context as it fills up."""

    def __init__(self, budget: int | None, spent: int) -> None:
        self._budget = budget
        self._spent = spent
        self._characters = 0
        self.lines: dict[Listed, list[Line]] = {section: [] for section in (*HEADINGS, "tools")}

    def take(self, entry: Entry) -> bool:
        """Add an entry at the end of its section, unless that costs too much; whether it was added."""
        lines = self.lines[entry.section]
        if entry.after and entry.after.isdisjoint(_memories(lines)):
            return False
        line = _line(entry, len(lines) + 1)
        spent = self._spent + (line.tokens if entry.section == "tools" else 0)
        characters = self._characters + self._longer_by(line, first=not lines)
        if self._budget is not None and spent - (-characters // CHARACTERS_PER_TOKEN) > self._budget:
            return False
        self._spent, self._characters = spent, characters
        lines.append(line)
        return True

    def _longer_by(self, line: Line, *, first: bool) -> int:
        """Characters by which a line makes the text longer, with the heading if it is the first of its section."""
        if line.entry.section == "tools":
            return 0
        above = len(HEADINGS[line.entry.section]) + (len(BETWEEN) if self._characters else 0) if first else 0
        return above + len("\n") + len(line.text)


def _memories(lines: Sequence[Line]) -> set[UUID]:
    return {line.entry.item.memory_id for line in lines if isinstance(line.entry.item, ContextMemory)}


def _line(entry: Entry, number: int) -> Line:
    if entry.section == "tools":
        return Line(entry, entry.text, tokens_of(entry.text))
    text = f"{f'{number}. ' if entry.mark is None else entry.mark}{entry.text}"
    return Line(entry, text, tokens_of(f"{text}\n"))
