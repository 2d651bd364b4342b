"""Options that take an object in JSON."""

import json
from typing import Any

from memos.errors import InvalidCommand


def object_in(text: str | None, *, option: str, example: str) -> dict[str, Any] | None:
    """The object that an option gives, if it is given. Raises `InvalidCommand` for what is no object in JSON."""
    if text is None:
        return None
    try:
        wanted = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCommand(f"{option} is no JSON: {error}. Quote it for the shell: '{example}'.") from error
    if not isinstance(wanted, dict):
        raise InvalidCommand(f"{option} takes an object, such as '{example}'.")
    return wanted
