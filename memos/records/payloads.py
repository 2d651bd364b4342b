"""What filters see of a memory, wherever they are applied."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any

MOST_MARKS = 64
"""Values of metadata that are found by their marks; of a memory with more, engines compare each."""

NO_MARK = "-"
"""What stands for the marks of metadata without a value that can be asked for."""

PAST_INTEGERS = 2**64
"""A larger integer was a float: the ledger keeps 1e300 as a decimal number, and gives it back as an integer."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def payload_of(
    *,
    agent_id: str,
    visibility: str,
    kind: str,
    session_id: str | None,
    source: str | None,
    tags: Sequence[str],
    metadata: Mapping[str, Any],
    importance: float | None,
    sequence: int | None,
    occurred_at: datetime | None,
    created_at: datetime | None,
    superseded: bool,
    speaker: Sequence[str] = (),
) -> dict[str, Any]:
    """The fields by their names in filters; those without a value are left out, for each costs the engine time."""
    fields = {
        "agent_id": agent_id,
        "visibility": visibility,
        "kind": kind,
        "session_id": session_id,
        "source": source,
        "tags": list(tags) or None,
        "metadata": dict(metadata) or None,
        "marks": marks_of(metadata),
        "importance": importance,
        "sequence": sequence,
        "occurred_at": occurred_at and occurred_at.isoformat(),
        "created_at": created_at and created_at.isoformat(),
        "superseded": superseded or None,
        "speaker": list(speaker) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def marks_of(metadata: Mapping[str, Any]) -> list[str] | None:
    """The marks of all values that can be asked for, by which an index finds them; `None` for too many."""
    marks = list(islice(_marks(metadata), MOST_MARKS + 1))
    return None if len(marks) > MOST_MARKS else marks or [NO_MARK]


def _marks(metadata: Mapping[str, Any]) -> Iterator[str]:
    """Of a number that is past all floats there is none: no filter can ask for it."""
    for name, value in metadata.items():
        if _NAME.fullmatch(name):
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str) or (isinstance(item, int | float) and abs(item) <= sys.float_info.max):
                    yield mark_of(name, item)


def mark_of(name: str, value: str | bool | int | float) -> str:
    """What equal values of one name in metadata share, and no others: 96 bits of a hash, in hexadecimal.

    Numbers are equal by what they are worth: 2 is 2.0, and -0.0 is 0.0; but no number is a boolean.
    """
    if isinstance(value, str | bool):
        written = f"{name}={type(value).__name__}={value}"
    elif abs(value) < PAST_INTEGERS and float(value) != value:
        written = f"{name}=number={value}"
    else:
        written = f"{name}=number={float(value) + 0.0!r}"
    return blake2b(written.encode(), digest_size=12).hexdigest()
