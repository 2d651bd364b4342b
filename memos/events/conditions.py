"""What a field of a memory can be compared with in a filter: a value, one of several, or a range."""

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from math import isfinite
from typing import Annotated, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    Strict,
    TypeAdapter,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from memos.events.texts import Identifier, Moment, storable
from memos.records import Kind, Record

INT64 = range(-(2**63), 2**63)
SEVERAL = Field(min_length=1)
LIMITS = frozenset({"gt", "gte", "lt", "lte"})
NAMED_LIMITS = "gt, gte, lt or lte"

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _as_written(moment: object) -> object:
    """Refuse what could be meant as a number: seconds since 1970."""
    if isinstance(moment, int | float) or (isinstance(moment, str) and not _MOMENT.match(moment)):
        raise PydanticCustomError("not_rfc3339", "must be a time such as 2026-05-01T12:00:00Z")
    return moment


Integer = Annotated[int, Strict(), Field(ge=INT64.start, lt=INT64.stop)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]
WrittenMoment = Annotated[Moment, BeforeValidator(_as_written)]
Bound = TypeVar("Bound")


class Range(Record, Generic[Bound]):
    """Values between limits, of which at least one is set; those that exclude each other are refused."""

    example: ClassVar[str] = '{"gte": 1}'

    gt: Bound | None = None
    gte: Bound | None = None
    lt: Bound | None = None
    lte: Bound | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_no_single_value(cls, wanted: Any) -> Any:
        if not isinstance(wanted, Mapping | Range):
            raise PydanticCustomError("no_range", f"must be a range with {NAMED_LIMITS}, such as {cls.example}")
        return wanted

    @model_validator(mode="after")
    def _can_hold_something(self) -> Self:
        lows, highs = {"gt": self.gt, "gte": self.gte}, {"lt": self.lt, "lte": self.lte}
        if all(limit is None for limit in (*lows.values(), *highs.values())):
            raise PydanticCustomError("no_limit", "at least one of gt, gte, lt and lte must be given")
        for (low, least), (high, most) in product(lows.items(), highs.items()):
            if excluding(least, most, or_equal=(low, high) != ("gte", "lte")):
                raise PydanticCustomError(
                    "empty_range", "no value meets both {low} and {high}", {"low": low, "high": high}
                )
        return self


def excluding(low: Any, high: Any, *, or_equal: bool) -> bool:
    """Whether nothing can be both above one limit and below the other; `None` is no limit."""
    if low is None or high is None:
        return False
    return bool(low > high or (or_equal and low == high))


class SequenceRange(Range[Integer]):
    """A range of places in a session or document."""


class ImportanceRange(Range[Share]):
    """A range of importance, which is from 0 to 1."""

    example = '{"gte": 0.5}'


class NumberRange(Range[Number]):
    """A range of numbers."""


class MomentRange(Range[WrittenMoment]):
    """A range of times, each written as RFC 3339 has it."""


def _one_or_several(item: Any) -> WrapValidator:
    """Validates a value, or a list of values, of a union of both; a fault is named by its place alone."""
    alone, listed = TypeAdapter[Any](item), TypeAdapter[Any](Annotated[list[item], SEVERAL])

    def validated(value: object, union: object) -> Any:
        return (listed if isinstance(value, list) else alone).validate_python(value)

    return WrapValidator(validated)


def _scalar(value: object) -> str | bool | int | float:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or (isinstance(value, int) and value in INT64):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    raise PydanticCustomError(
        "no_condition",
        f"a string, a boolean, a finite number of at most 64 bits, a list of those, or a range with {NAMED_LIMITS} "
        "is expected",
    )


def _compared(value: object, union: object) -> Any:
    """A range of times is one with a limit that is written as text; all others are ranges of numbers."""
    if isinstance(value, NumberRange | MomentRange):
        return value
    if isinstance(value, Mapping):
        if not LIMITS.issuperset(value):
            raise PydanticCustomError(
                "not_top_level",
                f"only top-level values can be compared: with a value, or with a range of {NAMED_LIMITS}",
            )
        timed = any(isinstance(limit, str | datetime) for limit in value.values())
        return (MomentRange if timed else NumberRange).model_validate(value)
    return _SCALARS.validate_python(value) if isinstance(value, list) else _scalar(value)


Scalar: TypeAlias = str | bool | int | float
_SCALARS = TypeAdapter[Any](Annotated[list[Annotated[Scalar, PlainValidator(_scalar)]], SEVERAL])

Uri = Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(storable)]
Kinds = Annotated[Kind | Annotated[list[Kind], SEVERAL], _one_or_several(Kind)]
Identifiers = Annotated[Identifier | Annotated[list[Identifier], SEVERAL], _one_or_several(Identifier)]
Uris = Annotated[Uri | Annotated[list[Uri], SEVERAL], _one_or_several(Uri)]
MetadataKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
MetadataCondition = Annotated[
    Scalar | Annotated[list[Scalar], SEVERAL] | NumberRange | MomentRange, WrapValidator(_compared)
]
