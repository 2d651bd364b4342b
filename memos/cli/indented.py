"""Texts that belong to the line above them."""

from rich.console import Console
from rich.text import Text

INDENT = " " * 4


def print_indented(console: Console, text: Text) -> None:
    """Print a text a little to the right: wrapped on a terminal, line by line as it is elsewhere."""
    room = console.width - len(INDENT)
    for line in text.wrap(console, room) if console.is_terminal else text.split(allow_blank=True):
        shown = Text.assemble(INDENT, line)
        shown.rstrip()
        console.print(shown, soft_wrap=True)
