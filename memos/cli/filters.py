"""The option `--filter` of commands: a filter in the JSON that the API takes."""

import json
from typing import Annotated, Any

import typer

from memos.errors import InvalidCommand

EXAMPLE = '{"kind": "note"}'

FilterJson = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="JSON",
        help="Conditions of every kind, as the API takes them; combine them by and, or and not.",
    ),
]


def filter_in(text: str | None) -> dict[str, Any] | None:
    """The filter that an option gives. Raises `InvalidCommand` for what is no object in JSON."""
    if text is None:
        return None
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCommand(f"--filter is no JSON: {error}. Quote it for the shell: '{EXAMPLE}'.") from error
    if not isinstance(wanted, dict):
        raise InvalidCommand(f"--filter takes an object, such as '{EXAMPLE}'.")
    return wanted
