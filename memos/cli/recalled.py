"""Memories as the command line shows them."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented
from memos.events.memories import RecalledMemory
from memos.records import Memory

MOST_LINES = 6


def show(console: Console, rank: int, memory: RecalledMemory) -> None:
    """Print a result of a query: its score, its place, its id, and what there is to say of it."""
    console.print(
        Text.assemble(
            f"{rank:2}. ",
            (f"{memory.score:.3f}", "green"),
            "  ",
            (_place(memory), "bold"),
            (f"  {memory.memory_id}", "dim"),
        ),
        soft_wrap=True,
    )
    for part in _told(memory):
        print_indented(console, part)
    console.print()


def excerpt(content: str) -> str:
    """The first lines of a text, and whether there are more."""
    lines = content.splitlines()
    return "\n".join(lines[:MOST_LINES] + (["…"] if len(lines) > MOST_LINES else []))


def _told(memory: RecalledMemory) -> Iterator[Text]:
    """Its text among its neighbours, what is remarkable about it, and what its score is made up of."""
    for other in memory.before:
        yield Text(f"before: {_first_line(other)}", style="dim")
    yield Text(excerpt(memory.content), style="" if memory.before or memory.after else "dim")
    for other in memory.after:
        yield Text(f"after: {_first_line(other)}", style="dim")
    for said in _remarks(memory):
        yield Text(said, style="yellow")
    if memory.explanation:
        yield from factors_in(memory.explanation)


def _remarks(memory: RecalledMemory) -> Iterator[str]:
    if memory.superseded_by:
        yield f"superseded by {memory.superseded_by}"
    if memory.repeats:
        yield f"repeated by {', '.join(map(str, memory.repeats))}"
    note = (memory.explanation or {}).get("note")
    if note:
        yield f"note: {note}"


def factors_in(explanation: Mapping[str, Any]) -> Iterator[Text]:
    """What was seen of each factor, and what that adds to the score."""
    yield Text(f"{'Factor':11}  {'Value':>6}  Contribution", style="bold")
    for name, factor in explanation["factors"].items():
        yield Text(f"{name:11}  {factor['value']:6.3f}  {factor['contribution']:+12.3f}")


def _place(memory: Memory) -> str:
    source = memory.document
    if source is None:
        return f"{memory.kind} of {memory.agent_id}, {memory.occurred_at or memory.created_at:%Y-%m-%d %H:%M}"
    where = source.uri if source.line is None else f"{source.uri}:{source.line}"
    return f"{source.symbol}  {where}" if source.symbol else where


def _first_line(memory: Memory) -> str:
    first, *more = memory.content.strip().splitlines()
    return f"{first} …" if more else first
