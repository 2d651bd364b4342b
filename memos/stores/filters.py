"""Filters over payload fields, in the JSON of Qdrant's REST interface, checked once for every engine.

`parse_filter` turns the JSON into frozen data or says which part of it is wrong. Understood are the
clauses `must`, `should`, `must_not` and `min_should`; the conditions `match` (`value`, `any`,
`except`, `text`), `range` over numbers or RFC 3339 datetimes, `values_count`, `is_empty` and
`is_null` on a field; `has_id`, `nested`, and clauses within clauses. Keys are Qdrant's JSON paths:
`metadata.topic`, `metadata."my topic"`, `parts[].name`. Geographic conditions and conditions on
vectors are refused.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    Tag,
    ValidationError,
    model_validator,
)

from memos.errors import Fault, InvalidCommand

Scalar = str | int | bool

_STEP = r'(?:[\w-]+|"[^"]+")(?:\[\d*\])*'
_PATH = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_INT64 = range(-(2**63), 2**63)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in _INT64


def _scalar(value: object) -> Scalar:
    if isinstance(value, str | bool) or _is_integer(value):
        return value  # type: ignore[return-value]
    raise ValueError("a string, a boolean or a 64-bit integer is expected; compare other numbers by range")


def _all_of_one_type(values: object) -> list[str] | list[int]:
    if isinstance(values, list | tuple):
        if all(isinstance(value, str) for value in values):
            return list(values)
        if all(map(_is_integer, values)):
            return list(values)
    raise ValueError("a list of strings or a list of 64-bit integers is expected")


def _field_path(key: str) -> str:
    if _PATH.fullmatch(key):
        return key
    raise ValueError('a path such as metadata.topic or metadata."my topic" is expected')


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_list(conditions: object) -> object:
    if conditions is None:
        return []
    return [conditions] if isinstance(conditions, Mapping) else conditions


Key = Annotated[str, Strict(), Field(max_length=1024), AfterValidator(_field_path)]
Values = Annotated[list[str] | list[int], PlainValidator(_all_of_one_type)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Moment = Annotated[datetime, AfterValidator(_in_utc), PlainSerializer(datetime.isoformat)]
Count = Annotated[int, Strict(), Field(ge=0, le=2**31)]
Bound = TypeVar("Bound")


class Part(BaseModel):
    """A part of a filter; fields that it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Part, Generic[Bound]):
    """Limits of a range, of which at least one is set."""

    gt: Bound | None = None
    gte: Bound | None = None
    lt: Bound | None = None
    lte: Bound | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if all(bound is None for bound in (self.gt, self.gte, self.lt, self.lte)):
            raise ValueError("at least one of gt, gte, lt and lte is expected")
        return self


class NumberRange(Bounds[Number]):
    """Numbers between bounds."""


class DatetimeRange(Bounds[Moment]):
    """Datetimes between bounds; a bound without an offset is UTC."""


class CountRange(Bounds[Count]):
    """How many values a field has, between bounds."""


class MatchValue(Part):
    """The field is, or contains, this value."""

    value: Annotated[Scalar, PlainValidator(_scalar)]


class MatchAny(Part):
    """The field is, or contains, one of these values."""

    any: Values


class MatchExcept(Part):
    """The field is, or contains, something other than these values."""

    except_: Values = Field(alias="except")


class MatchText(Part):
    """The field's text contains this text."""

    text: Annotated[str, Strict()]


def _first_named(names: Sequence[str], value: object) -> str | None:
    if isinstance(value, Part):
        fields = type(value).model_fields
        value = {field.alias or name: field for name, field in fields.items()}
    return next((f"<{name}>" for name in names if isinstance(value, Mapping) and name in value), None)


def _match_tag(value: object) -> str | None:
    return _first_named(("value", "any", "except", "text"), value)


def _range_tag(value: object) -> str:
    if isinstance(value, DatetimeRange):
        return "<datetimes>"
    bounds = value.values() if isinstance(value, Mapping) else ()
    return "<datetimes>" if any(isinstance(bound, str | datetime) for bound in bounds) else "<numbers>"


Match = Annotated[
    Annotated[MatchValue, Tag("<value>")]
    | Annotated[MatchAny, Tag("<any>")]
    | Annotated[MatchExcept, Tag("<except>")]
    | Annotated[MatchText, Tag("<text>")],
    Discriminator(
        _match_tag,
        custom_error_type="match",
        custom_error_message="one of value, any, except and text is expected",
    ),
]
Range = Annotated[
    Annotated[NumberRange, Tag("<numbers>")] | Annotated[DatetimeRange, Tag("<datetimes>")],
    Discriminator(_range_tag),
]


class FieldCondition(Part):
    """Exactly one check of one payload field."""

    key: Key
    match: Match | None = None
    range: Range | None = None
    values_count: CountRange | None = None
    is_empty: bool | None = None
    is_null: bool | None = None

    @model_validator(mode="after")
    def _one_check(self) -> Self:
        checks = (self.match, self.range, self.values_count, self.is_empty, self.is_null)
        if sum(check is not None for check in checks) != 1:
            raise ValueError("exactly one of match, range, values_count, is_empty and is_null is expected")
        return self


class PayloadField(Part):
    """A payload field by its path."""

    key: Key


class IsEmpty(Part):
    """The field is missing, null or an empty list."""

    is_empty: PayloadField


class IsNull(Part):
    """The field is null."""

    is_null: PayloadField


class HasId(Part):
    """The point's id is one of these."""

    has_id: list[UUID]


class Nested(Part):
    """A clause and the path of the objects of which at least one satisfies it alone."""

    key: Key
    filter: "Clause"


class NestedCondition(Part):
    """A condition on the objects in a list."""

    nested: Nested


def _condition_tag(value: object) -> str:
    return _first_named(("key", "is_empty", "is_null", "has_id", "nested"), value) or "<clause>"


Condition = Annotated[
    Annotated[FieldCondition, Tag("<key>")]
    | Annotated[IsEmpty, Tag("<is_empty>")]
    | Annotated[IsNull, Tag("<is_null>")]
    | Annotated[HasId, Tag("<has_id>")]
    | Annotated[NestedCondition, Tag("<nested>")]
    | Annotated["Clause", Tag("<clause>")],
    Discriminator(_condition_tag),
]
Conditions = Annotated[list[Condition], BeforeValidator(_as_list)]


class MinShould(Part):
    """At least `min_count` of the conditions hold."""

    conditions: Conditions
    min_count: Annotated[Count, Field(ge=1)]


class Clause(Part):
    """All of `must`, at least one of `should` if there are any, and none of `must_not` hold."""

    must: Conditions = []
    should: Conditions = []
    must_not: Conditions = []
    min_should: MinShould | None = None

    def as_json(self) -> dict[str, Any]:
        """The clause in Qdrant's REST JSON, without what is not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def parse_filter(matching: Mapping[str, Any]) -> Clause:
    """Check a filter. Raises `InvalidCommand` with one fault for each part that is wrong."""
    try:
        return Clause.model_validate(matching)
    except ValidationError as error:
        faults = [Fault(_path(e["loc"]), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults)
        raise InvalidCommand(f"The filter is not valid. {detail}.", faults=faults) from error


def _path(location: Sequence[int | str]) -> str:
    path = "filter"
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif not step.startswith("<"):
            path += f".{step}"
    return path
