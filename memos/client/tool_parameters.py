"""How arguments are written that travel outside the body, as OpenAPI 3 has it."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from memos.records import Parameter, Style

COOKIE_CHARACTERS = "!#$&'()*+-./:<=>?@[]^_`{|}~"
SEPARATORS: Mapping[Style, str] = {"form": ",", "simple": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}

Pairs = list[tuple[str, str]]
Escape = Callable[[str], str]


def in_url(text: str) -> str:
    """A text as it is in a path or a query, whatever it is."""
    return quote(text, safe="")


def in_cookie(text: str) -> str:
    """A text as it is in a cookie (RFC 6265, section 4.1.1)."""
    return quote(text, safe=COOKIE_CHARACTERS)


def as_it_is(text: str) -> str:
    """A text in a header."""
    return text


def written(parameter: Parameter, value: Any, escape: Escape) -> Pairs:
    """A value that is not null under the names that the endpoint has for it; what is null inside is left out."""
    name, style = escape(parameter.wire_name), _style(parameter)
    if style == "json":
        return [(name, escape(json_of(value)))]
    if style == "deepObject":
        return list(_deep(parameter.wire_name, value, escape))
    spread = parameter.explode if parameter.explode is not None else style == "form"
    separator = SEPARATORS[style]
    if isinstance(value, Mapping):
        entries = [(escape(key), escape(text_of(one))) for key, one in value.items() if one is not None]
        if spread and style != "simple":
            return entries
        pair = "=" if spread else separator
        return [(name, separator.join(f"{key}{pair}{one}" for key, one in entries))]
    if isinstance(value, list):
        items = [escape(text_of(one)) for one in value if one is not None]
        return [(name, item) for item in items] if spread and style != "simple" else [(name, separator.join(items))]
    return [(name, escape(text_of(value)))]


def plainly(name: str, value: Any) -> Pairs:
    """A value as forms have it, and queries that say nothing else: a list is its name repeated."""
    values = value if isinstance(value, list) else [value]
    return [(in_url(name), in_url(text_of(one))) for one in values if one is not None]


def text_of(value: Any) -> str:
    """A value as text: what is no string is written as JSON has it."""
    return value if isinstance(value, str) else json_of(value)


def _style(parameter: Parameter) -> Style:
    return parameter.style or ("form" if parameter.place in {"query", "cookie"} else "simple")


def _deep(name: str, value: Any, escape: Escape) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _deep(f"{name}[{key}]", one, escape)
    elif isinstance(value, list):
        for one in value:
            yield from _deep(name, one, escape)
    elif value is not None:
        yield escape(name), escape(text_of(value))


def json_of(value: Any) -> str:
    """A value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
