"""The limits on what callers may send, as annotated types shared by all commands."""

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError, to_json

from memos.records import PRINTABLE

MOST_CONTENT_BYTES = 1_000_000
MOST_QUERY_CHARACTERS = 16_000
MOST_METADATA_BYTES = 65_536
MOST_METADATA_DEPTH = 16
LEAST_INTEGER = -(2**63)
MOST_INTEGER = 2**64 - 1


def storable(text: str) -> str:
    """Refuse what PostgreSQL's `text` and UTF-8 cannot hold: NUL and lone surrogates."""
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "must not contain NUL characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PydanticCustomError("lone_surrogate", "must be valid Unicode without lone surrogates") from error
    return text


def meaningful(text: str) -> str:
    """Refuse text with nothing in it, or with too much."""
    if not text.strip():
        raise PydanticCustomError("blank", "must not be empty or blank")
    if len(text) * 4 >= MOST_CONTENT_BYTES and len(text.encode()) >= MOST_CONTENT_BYTES:
        raise PydanticCustomError(
            "too_long",
            "must be shorter than {limit} bytes of UTF-8; split the text into several memories",
            {"limit": MOST_CONTENT_BYTES},
        )
    return text


def finite(number: float) -> None:
    """Refuse numbers that JSON does not have, and integers that a vector engine cannot hold."""
    if isinstance(number, int):
        if not LEAST_INTEGER <= number <= MOST_INTEGER:
            raise PydanticCustomError("integer_too_large", "must not contain integers of more than 64 bits")
    elif not math.isfinite(number):
        raise PydanticCustomError("not_finite", "must not contain NaN or infinite numbers")


def storable_json(value: Any, depth: int = 0, *, most: int = MOST_METADATA_DEPTH) -> Any:
    """Refuse what `jsonb` cannot hold or nobody can read: NUL, NaN, nesting of more than `most`."""
    if depth > most:
        raise PydanticCustomError("too_deep", "must not be nested more than {limit} deep", {"limit": most})
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, int | float):
        finite(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            storable_json(key, depth + 1, most=most)
            storable_json(item, depth + 1, most=most)
    elif isinstance(value, list):
        for item in value:
            storable_json(item, depth + 1, most=most)
    return value


def bounded_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse metadata larger than its limit."""
    if value and len(to_json(value)) > MOST_METADATA_BYTES:
        raise PydanticCustomError(
            "too_large", "must be at most {limit} bytes of JSON", {"limit": MOST_METADATA_BYTES}
        )
    return value


def in_range(moment: datetime) -> datetime:
    """Refuse years that PostgreSQL or RFC 3339 cannot carry through every time zone."""
    if not 1 < moment.year < 9999:  # noqa: PLR2004
        raise PydanticCustomError("year_out_of_range", "must lie between the years 2 and 9998")
    return moment


Content = Annotated[str, AfterValidator(storable), AfterValidator(meaningful)]
QueryText = Annotated[
    str,
    StringConstraints(max_length=MOST_QUERY_CHARACTERS),
    AfterValidator(storable),
    AfterValidator(meaningful),
]
Metadata = Annotated[dict[str, Any], BeforeValidator(storable_json), AfterValidator(bounded_json)]
Identifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, pattern=PRINTABLE),
    AfterValidator(storable),
]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(storable)]
Tags = Annotated[list[Tag], Field(max_length=64)]
Importance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Moment = Annotated[AwareDatetime, AfterValidator(in_range)]
