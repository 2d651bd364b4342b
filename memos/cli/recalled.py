"""Memories as the command line shows them."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from memos.events.memories import RecalledMemory
from memos.records import Memory

MOST_LINES = 6
INDENT = 4


def recalled(rank: int, memory: RecalledMemory) -> Iterator[Text | Padding]:
    """A result of a query: its score and place, its text among its neighbours, and what the score is made up of."""
    yield Text.assemble(f"{rank:2}. ", (f"{memory.score:.3f}", "green"), "  ", (_place(memory), "bold"))
    for other in memory.before:
        yield _indented(Text(f"before: {_first_line(other)}", style="dim"))
    yield _indented(Text(excerpt(memory.content), style="" if memory.before or memory.after else "dim"))
    for other in memory.after:
        yield _indented(Text(f"after: {_first_line(other)}", style="dim"))
    for said in _remarks(memory):
        yield _indented(Text(said, style="yellow"))
    if memory.explanation:
        yield _indented(_factors(memory.explanation))
    yield Text()


def excerpt(content: str) -> str:
    """The first lines of a text, and whether there are more."""
    lines = content.splitlines()
    return "\n".join(lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else []))


def _remarks(memory: RecalledMemory) -> Iterator[str]:
    if memory.superseded_by:
        yield f"superseded by {memory.superseded_by}"
    if memory.similar:
        yield f"says nearly the same as {', '.join(map(str, memory.similar))}"
    note = (memory.explanation or {}).get("note")
    if note:
        yield f"note: {note}"


def _factors(explanation: Mapping[str, Any]) -> Table:
    """What was seen of each factor, and what that adds to the score."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Factor")
    table.add_column("Value", justify="right")
    table.add_column("Contribution", justify="right")
    for name, factor in explanation["factors"].items():
        table.add_row(name, f"{factor['value']:.3f}", f"{factor['contribution']:+.3f}")
    return table


def _place(memory: Memory) -> str:
    source = memory.source
    if source is None:
        return f"{memory.kind} of {memory.agent_id}, {memory.occurred_at or memory.created_at:%Y-%m-%d %H:%M}"
    where = source.uri if source.line is None else f"{source.uri}:{source.line}"
    return f"{source.symbol}  {where}" if source.symbol else where


def _first_line(memory: Memory) -> str:
    first, *more = memory.content.strip().splitlines()
    return f"{first} …" if more else first


def _indented(shown: Text | Table) -> Padding:
    return Padding(shown, (0, 0, 0, INDENT))
