"""The option `--filter` of commands: a filter in the JSON that the API takes."""

from typing import Annotated, Any

import typer

from memos.cli.objects import object_in

FilterJson = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="JSON",
        help="Conditions of every kind, as the API takes them; combine them by and, or and not.",
    ),
]


def filter_in(text: str | None) -> dict[str, Any] | None:
    """The filter that the option gives. Raises `InvalidCommand` for what is no object in JSON."""
    return object_in(text, option="--filter", example='{"kind": "note"}')
