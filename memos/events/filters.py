"""Which memories are meant: the conditions of a query or a deletion, combined by `and`, `or` and `not`."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from memos.events.conditions import (
    Identifiers,
    ImportanceRange,
    Kinds,
    MetadataCondition,
    MetadataKey,
    SequenceRange,
    Uris,
    WrittenMoment,
    excluding,
)
from memos.events.texts import Tag, Tags
from memos.records import Record, Visibility

MOST_DEEP = 8
"""How deep filters may be nested within a filter."""

MOST_CONDITIONS = 256
"""How many conditions a filter may have, with all that are nested in it; each value of a list is one."""

MANY, ONE = ("and", "or"), ("not",)
"""The fields of a filter that hold others."""


class MemoryFilter(Record):
    """Conditions that a memory must all meet; each that is not given, or empty, asks for nothing.

    A list at `agent_id`, `session_id`, `kind`, `source` or a name in `metadata` means any of its values. All of
    `tags` must be there, and at least one of `tags_any`. A period begins with its `after` and ends before its
    `before`. `metadata` compares top-level values: for equality, or with a range if they are numbers or RFC 3339
    datetimes. A memory that lacks what is compared meets the condition only within `not`.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    kind: Kinds | None = Field(default=None, description="The kind, or any of several.")
    agent_id: Identifiers | None = Field(default=None, description="The agent it belongs to, or any of several.")
    session_id: Identifiers | None = Field(default=None, description="The session, or any of several.")
    source: Uris | None = Field(default=None, description="The URI of the document, or any of several.")
    tags: Tags = Field(default=[], description="Tags it must all have.")
    tags_any: Annotated[list[Tag], Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Tags of which it must have one."
    )
    visibility: Visibility | None = Field(default=None, description="Whether it is private or shared.")
    importance: ImportanceRange | None = Field(default=None, description="A range of its importance.")
    sequence: SequenceRange | None = Field(default=None, description="A range of its place in its session.")
    metadata: dict[MetadataKey, MetadataCondition] = Field(
        default={}, description="A value, any of several, or a range, by the name of a top-level field."
    )
    occurred_after: WrittenMoment | None = Field(default=None, description="It happened then or later.")
    occurred_before: WrittenMoment | None = Field(default=None, description="It happened before then.")
    created_after: WrittenMoment | None = Field(default=None, description="It was stored then or later.")
    created_before: WrittenMoment | None = Field(default=None, description="It was stored before then.")
    and_: list["NestedFilter"] = Field(default=[], alias="and", description="Filters it must all meet.")
    or_: Annotated[list["NestedFilter"], Field(min_length=1)] | None = Field(
        default=None, alias="or", description="Filters of which it must meet one."
    )
    not_: "NestedFilter | None" = Field(default=None, alias="not", description="A filter it must not meet.")

    @model_validator(mode="before")
    @classmethod
    def _is_of_bearable_size(cls, wanted: Any) -> Any:
        _measure(wanted)
        return wanted

    @model_validator(mode="before")
    @classmethod
    def _has_known_conditions(cls, wanted: Any) -> Any:
        known = [name.rstrip("_") for name in cls.model_fields]
        for name in wanted if isinstance(wanted, Mapping) else ():
            if name not in known and name not in cls.model_fields:
                raise _fault((str(name),), "unknown_condition", f"is no condition; there are {', '.join(known)}")
        return wanted

    @model_validator(mode="after")
    def _periods_can_hold_something(self) -> Self:
        for name in ("occurred", "created"):
            begin, end = getattr(self, f"{name}_after"), getattr(self, f"{name}_before")
            if excluding(begin, end, or_equal=True):
                raise _fault((f"{name}_before",), "empty_period", f"must be later than {name}_after")
        return self

    @property
    def asks_nothing(self) -> bool:
        """Whether every memory meets it."""
        return not self.model_dump(exclude_defaults=True)


def _asks_something(wanted: MemoryFilter) -> MemoryFilter:
    if wanted.asks_nothing:
        raise PydanticCustomError("no_condition", "at least one condition must be given")
    return wanted


NestedFilter = Annotated[MemoryFilter, AfterValidator(_asks_something)]


class _Place(NamedTuple):
    """A filter within another, as it came: where it is, and how deep."""

    wanted: Any
    location: tuple[int | str, ...]
    depth: int


def _measure(wanted: Any) -> None:
    """Refuse a filter that is too deep or too large, before anything of it is read."""
    conditions = 0
    places = [_Place(wanted, (), 0)]
    for place in places:
        fields = _fields_of(place.wanted)
        nested = _nested(place, fields)
        own = sum(_number_in(fields[name]) for name in fields.keys() - {*MANY, *ONE})
        conditions += own if own or nested else 1
        if place.depth > MOST_DEEP:
            raise _fault(place.location, "too_deep", f"filters must not be nested more than {MOST_DEEP} deep")
        if conditions > MOST_CONDITIONS:
            raise _fault(
                place.location,
                "too_many_conditions",
                f"a filter must not have more than {MOST_CONDITIONS} conditions; each value of a list is one",
            )
        places += nested


def _nested(place: _Place, fields: Mapping[str, Any]) -> list[_Place]:
    """The filters in one; of a list no more than can be borne, since each has a condition."""
    alone = [name for name in ONE if fields.get(name) is not None]
    return [_Place(fields[name], (*place.location, name), place.depth + 1) for name in alone] + [
        _Place(wanted, (*place.location, name, index), place.depth + 1)
        for name in MANY
        if isinstance(fields.get(name), list)
        for index, wanted in enumerate(fields[name][: MOST_CONDITIONS + 1])
    ]


def _fields_of(wanted: Any) -> dict[str, Any]:
    """A filter's fields by their names in JSON."""
    if isinstance(wanted, MemoryFilter):
        return wanted.model_dump(exclude_defaults=True)
    return {str(name).rstrip("_"): value for name, value in wanted.items()} if isinstance(wanted, Mapping) else {}


def _number_in(condition: Any) -> int:
    """How many conditions a field stands for; metadata has some for each of its names."""
    parts = condition.values() if isinstance(condition, Mapping) else [condition]
    return sum(len(part) if isinstance(part, list) else part is not None for part in parts)


def _fault(location: tuple[int | str, ...], kind: str, message: str) -> ValidationError:
    """A fault of a part of the filter: what validators raise otherwise is a fault of the whole."""
    error = PydanticCustomError(kind, message)
    return ValidationError.from_exception_data("MemoryFilter", [{"type": error, "loc": location, "input": None}])
