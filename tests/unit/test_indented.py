"""Texts of others on somebody's terminal."""

import io

from rich.console import Console
from rich.text import Text

from memos.cli.indented import print_indented


def test_control_characters_are_shown_and_not_obeyed() -> None:
    written = io.StringIO()

    print_indented(Console(file=written), Text("a\x1b[2Jb\x9b1mc\x7f\n\x00é"))

    assert written.getvalue() == "    a\u241b[2Jb\ufffd1mc\u2421\n    \u2400é\n"
