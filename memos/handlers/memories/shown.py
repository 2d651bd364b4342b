"""Memories as a model reads them: none can pass for another one, or for a heading."""

import re
from collections.abc import Iterable, Iterator

from memos.cues import speakers
from memos.records import Memory

UNSEEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but the tab, and those that turn the direction of a text."""

NO_BRACKETS = str.maketrans("[]", "()")


def shown(memory: Memory, number: int) -> str:
    """A memory as a model reads it: its number, what there is to say of it, and its text, indented after a line."""
    return f"{number}. {described(provenance_of(memory), memory.content)}"


def described(told: Iterable[str], content: str) -> str:
    """A text after what there is to say of it, which takes one line; only its own first line is at the margin.

    What is said of it ends at the first bracket that closes. What shows nothing, and steers a terminal or turns the
    direction of a text, is a space.
    """
    said = " ".join(UNSEEN.sub(" ", ", ".join(told)).translate(NO_BRACKETS).split())
    text = "\n   ".join(UNSEEN.sub(" ", line) for line in content.strip().splitlines())
    return f"[{said}] {text}" if said else text


def provenance_of(memory: Memory) -> Iterator[str]:
    """When it was, who said it, and where it stands, as far as that is known."""
    source = memory.document
    when = memory.occurred_at or (None if source else memory.created_at)
    if when:
        yield f"{when:%Y-%m-%d}"
    yield from (name for name in speakers("", memory.metadata) if not memory.content.startswith(name))
    if source:
        where = source.uri if source.line is None else f"{source.uri}:{source.line}"
        yield f"{source.symbol} in {where}" if source.symbol else where
