"""Bodies of requests on working memory: its commands, without what the path and the query say."""

from typing import Annotated

from pydantic import Field

from memos.events.sessions import Messages
from memos.events.working import (
    KeyTtl,
    Number,
    ValuesToSet,
    Version,
    VersionOrNone,
    WorkingItems,
    WorkingJson,
    WorkingKeys,
)
from memos.records import Record, Visibility


class SetValueRequest(Record):
    """A value for a key; with `if_version`, 0 for none, only if the key is at that version now."""

    value: WorkingJson
    ttl: KeyTtl = None
    if_version: VersionOrNone | None = None


class SetValuesRequest(Record):
    """Values for keys."""

    values: ValuesToSet


class GetValuesRequest(Record):
    """Keys to read."""

    keys: WorkingKeys


class DeleteValuesRequest(Record):
    """Keys to delete; with `if_version`, which goes with a single key, only if it is at that version now."""

    keys: WorkingKeys
    if_version: Version | None = None


class IncrementRequest(Record):
    """What to add to a number."""

    by: Number = 1
    ttl: KeyTtl = None


class AppendRequest(Record):
    """What to append to a list."""

    items: WorkingItems
    ttl: KeyTtl = None


class AppendMessagesRequest(Record):
    """Messages in their order."""

    messages: Messages


class PromoteRequest(Record):
    """What of a session is to become memories: messages up to `through`, or chosen `keys`."""

    keys: WorkingKeys | None = None
    through: Annotated[int, Field(ge=1)] | None = None
    visibility: Visibility = "private"
