"""Faults: where something does not fit, and what is wrong with it, in plain words."""

import json
from typing import Any, NamedTuple

from memos.schemas.keywords import Path

MOST_FAULTS = 20
LONGEST_SHOWN = 60


class SchemaFault(NamedTuple):
    """One thing wrong with a schema or a value: the path to it, and what is wrong."""

    path: Path
    message: str


def shown(value: Any, most: int = LONGEST_SHOWN) -> str:
    """A value as a message shows it: JSON of at most `most` characters; of what is nested, its kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= most else f"{text[: most - 1]}…"
