"""The texts of loadout files."""

from typing import Annotated

import typer

from memos.errors import InvalidCommand
from memos.toolkits.documents import read_bytes

MOST_BYTES = 1024**2

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="YAML files of loadouts; - is stdin.")]


def read_text(file: str) -> str:
    """What a file says. Raises `InvalidCommand` for one that cannot be read, `TooLarge` above a mebibyte."""
    raw = read_bytes(file, MOST_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidCommand(f"{file} is not in UTF-8, from line {line} on. Save it in UTF-8.") from error
