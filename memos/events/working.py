"""Working memory: the values that sessions of an agent have under keys."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from memos.events.commands import DEFAULT_AGENT, Command, Reply
from memos.events.texts import Identifier, finite, storable, storable_json
from memos.records import Record

MOST_KEYS = 1000
MOST_LISTED = 1000
MOST_DEPTH = 64
LONGEST_TTL = 10 * 366 * 86_400
"""Seconds: about ten years."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that tell a terminal what to do; Unicode calls them C0, DEL and C1."""

Ttl = Annotated[int, Field(ge=1, le=LONGEST_TTL, strict=True)]


def _deep(value: Any) -> Any:
    return storable_json(value, most=MOST_DEPTH)


def _number(value: Any) -> Any:
    """Refuse what JSON would take for a number and is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("not_a_number", "must be a number")
    finite(value)
    return value


def _legible(name: str) -> str:
    if CONTROL.search(name):
        raise PydanticCustomError("control_character", "must not contain control characters")
    return name


def _distinct(keys: Sequence[str]) -> Sequence[str]:
    if len(set(keys)) < len(keys):
        raise PydanticCustomError("repeated_key", "must not name a key twice")
    return keys


WorkingName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Field(json_schema_extra={"pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}),
    AfterValidator(storable),
    AfterValidator(_legible),
]
"""What a key or a session may be called: any text without control characters."""

WorkingKey = WorkingName
WorkingKeys = Annotated[list[WorkingKey], Field(min_length=1, max_length=MOST_KEYS), AfterValidator(_distinct)]
WorkingJson = Annotated[JsonValue, BeforeValidator(_deep)]
WorkingItems = Annotated[list[WorkingJson], Field(min_length=1, max_length=MOST_KEYS)]
Version = Annotated[int, Field(ge=1, strict=True)]
VersionOrNone = Annotated[int, Field(ge=0, strict=True)]
Number = Annotated[int | float, BeforeValidator(_number)]
KeyTtl = Annotated[Ttl | None, Field(description="Seconds until it expires; without, it ends with its session.")]


class InSession(Command):
    """What every command on a session names."""

    session_id: WorkingName
    agent_id: Identifier = DEFAULT_AGENT


class ValueToSet(Record):
    """A value to be kept under a key.

    With `if_version` it is kept only if the key is at that version now; 0 says that there must be none yet. In a
    session that is begun anew under an old id versions count from 1 again.
    """

    key: WorkingKey
    value: WorkingJson
    ttl: KeyTtl = None
    if_version: VersionOrNone | None = None


def _distinct_values(values: Sequence[ValueToSet]) -> Sequence[ValueToSet]:
    _distinct([value.key for value in values])
    return values


ValuesToSet = Annotated[
    list[ValueToSet], Field(min_length=1, max_length=MOST_KEYS), AfterValidator(_distinct_values)
]


class SetWorking(InSession):
    """Keep values under keys of a session, which begins by it: all of them, or none when one cannot be."""

    values: ValuesToSet


class ValueSet(Record):
    """The version that a key has from now on, and when it expires, if it does."""

    key: str
    version: int
    expires_at: datetime | None


class WorkingSet(Reply):
    """What became of values, in their order."""

    session_id: str
    results: list[ValueSet]


class GetWorking(InSession):
    """Read the values of keys."""

    keys: WorkingKeys


class WorkingValue(ValueSet):
    """A key with its value; any write of it makes the next version."""

    value: Any
    updated_at: datetime


class WorkingFound(Reply):
    """The values that there are, in the order in which they were asked for, and the keys that there are not."""

    session_id: str
    results: list[WorkingValue]
    missing: list[str]


class ListWorking(InSession):
    """Read the keys that begin with a prefix, with their values, in order, a page at a time."""

    prefix: Annotated[str, Field(max_length=255)] = ""
    after: Annotated[str, Field(max_length=255, description="The key after which to go on.")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100


class WorkingListed(Reply):
    """A page of keys; `next` is the `after` of the next page, if there is one."""

    session_id: str
    count: int
    results: list[WorkingValue]
    next: str | None


class DeleteWorking(InSession):
    """Delete keys; with `if_version`, which goes with a single key, only if it is at that version now."""

    keys: WorkingKeys
    if_version: Version | None = None

    @model_validator(mode="after")
    def _version_of_one_key(self) -> Self:
        if self.if_version is not None and len(self.keys) > 1:
            raise PydanticCustomError("version_of_many", "if_version goes with a single key")
        return self


class WorkingDeleted(Reply):
    """Which of the keys were there, and are not any more."""

    success: Literal[True] = True
    session_id: str
    deleted: list[str]


class IncrementWorking(InSession):
    """Add to a number; a key that is not there counts as 0. Its time to live stays, unless one is given."""

    key: WorkingKey
    by: Number = 1
    ttl: KeyTtl = None


class WorkingIncremented(Reply):
    """The number that a key has now."""

    session_id: str
    key: str
    value: int | float
    version: int
    expires_at: datetime | None


class AppendWorking(InSession):
    """Append items to a list; a key that is not there counts as an empty one. Its time to live stays, as above."""

    key: WorkingKey
    items: WorkingItems
    ttl: KeyTtl = None


class WorkingAppended(Reply):
    """How long a list is now."""

    session_id: str
    key: str
    length: int
    version: int
    expires_at: datetime | None


class WorkingExpired(Record):
    """A key of a session expired."""

    agent_id: str
    session_id: str
    key: str
    version: int
