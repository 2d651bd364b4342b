"""Texts that belong to the line above them."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

INDENT = " " * 4

PICTURES: Mapping[int, int] = {
    **{code: 0x2400 + code for code in range(0x20) if code not in b"\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}
"""What is shown for control characters, which could have a text write all over the terminal."""


def print_section(console: Console, title: str, tokens: int | None, text: str) -> None:
    """Print a text under its title, with what it costs if that is told, and an empty line after it."""
    cost = "" if tokens is None else f"  tokens: {tokens}"
    console.print(Text.assemble((title, "bold"), (cost, "dim")))
    print_indented(console, Text(text or "(none)"))
    console.print()


def print_indented(console: Console, text: Text) -> None:
    """Print a text a little to the right: wrapped on a terminal, line by line as it is elsewhere."""
    text.plain = text.plain.translate(PICTURES)
    room = console.width - len(INDENT)
    for line in text.wrap(console, room) if console.is_terminal else text.split(allow_blank=True):
        shown = Text.assemble(INDENT, line)
        shown.rstrip()
        console.print(shown, soft_wrap=True)
