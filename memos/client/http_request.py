"""Commands as requests to the REST facade: what all of them share."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from memos.records import Record


class Request(NamedTuple):
    """A command as an HTTP request."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, Any] = {}


def body_of(record: Record, *without: str) -> Any:
    """A record as a body: what was said of it, without the fields that are said elsewhere."""
    return record.model_dump(mode="json", exclude_unset=True, exclude=set(without))


def segment(text: str) -> str:
    """A text as one segment of a path, whatever it says; a dot is escaped, for `..` would lead elsewhere."""
    return quote(text, safe="").replace(".", "%2E")
