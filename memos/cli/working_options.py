"""What commands on working memory share."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from memos.errors import InvalidCommand

SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
KeyName = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]
Agent = Annotated[str, typer.Option(help="The agent whose session it is.")]
IsText = Annotated[bool, typer.Option("--text", help="What is given is text as it stands, and no JSON.")]
Ttl = Annotated[int | None, typer.Option(help="Seconds until the key expires, if not with its session.")]

AS_LONG = "as long as its session"

NEGATIVE: Mapping[str, Any] = {"ignore_unknown_options": True}
"""How a command is set up that takes a value such as `-5`, which would be taken for an option."""


def until(expires_at: datetime | None, otherwise: str = "until it is ended") -> str:
    """How long something is kept, in words: until a moment or, without one, as is said otherwise."""
    return f"until {expires_at.astimezone():%Y-%m-%d %H:%M:%S}" if expires_at else otherwise


def json_of(text: str) -> Any:
    """The value that a text is the JSON of. Raises `InvalidCommand`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCommand(
            f"The value is no JSON: {error}. Quote it for the shell, such as '[1, 2]', or say --text for a text."
        ) from error
