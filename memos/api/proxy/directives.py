"""What a client says of the cache: in headers, and in the field `memos` of the body."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from starlette.datastructures import Headers

from memos.api.requests import as_sent
from memos.errors import Fault, InvalidCommand
from memos.events.answers import Sources
from memos.events.commands import DEFAULT_AGENT
from memos.events.problems import faults_of, summary_of
from memos.events.texts import Identifier
from memos.events.working import Ttl
from memos.records import Record

Mode = Literal["semantic", "exact", "off"]

FIELD = "memos"
"""The field of the body that is memOS's own; the server behind never sees it."""

MODE, TTL, AGENT, SOURCES = "x-memos-cache", "x-memos-cache-ttl", "x-memos-agent", "x-memos-sources"
HEADER_OF = {"cache": MODE, "ttl": TTL, "agent_id": AGENT, "sources": SOURCES}

MOST_SECONDS = 2**31
"""What a larger number of seconds counts as: RFC 9111, section 1.2.2."""


class Options(Record):
    """What a client may say of an answer: for whom, made from what, how long and how it is cached."""

    agent_id: Identifier | None = None
    sources: Sources = []
    ttl: Ttl | None = None
    cache: Mode | None = None


UNSAID = Options()


class Directives(NamedTuple):
    """How a request is to be cached. With `refresh` nothing kept is looked at; without `keep` nothing is kept."""

    mode: Mode
    refresh: bool = False
    keep: bool = True
    only_cached: bool = False
    max_age: int | None = None
    min_fresh: int | None = None
    ttl: int | None = None
    sources: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the request is to have an answer made for itself.

        One made from sources may not be taken from a computation that began before it: they may have changed.
        """
        return self.mode == "off" or self.refresh or bool(self.sources)


def directives_of(headers: Headers, field: Any, default: Mode) -> tuple[Directives, str]:
    """What headers and the body's own field say, and the agent who asks; the field wins, sources are added up.

    Raises `InvalidCommand` naming the header or field that is wrong.
    """
    told, own = _in_headers(headers), _in_field(field)
    control = cache_control(headers)
    directives = Directives(
        mode=own.cache or told.cache or default,
        refresh="no-cache" in control,
        keep="no-store" not in control,
        only_cached="only-if-cached" in control,
        max_age=_age(control.get("max-age")),
        min_fresh=_seconds(control.get("min-fresh")),
        ttl=own.ttl or told.ttl,
        sources=tuple(dict.fromkeys([*told.sources, *own.sources])),
    )
    return directives, own.agent_id or told.agent_id or DEFAULT_AGENT


def cache_control(headers: Headers) -> dict[str, str]:
    """The directives of `Cache-Control` (RFC 9111, section 5.2.1) in lower case."""
    parts = (part.partition("=") for line in headers.getlist("cache-control") for part in line.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}


def _age(value: str | None) -> int | None:
    """Most seconds of age; what is none makes everything too old (RFC 9111, section 4.2.1)."""
    return None if value is None else _seconds(value) or 0


def _seconds(value: str | None) -> int | None:
    return min(int(value), MOST_SECONDS) if value and value.isascii() and value.isdecimal() else None


def _in_headers(headers: Headers) -> Options:
    given: dict[str, Any] = {name: as_sent(headers[key]) for name, key in HEADER_OF.items() if key in headers}
    if not given:
        return UNSAID
    if "sources" in given:
        given["sources"] = [*_listed(headers.getlist(SOURCES))]
    if (ttl := given.get("ttl", "")).isascii() and ttl.isdecimal() and len(ttl) <= len(str(MOST_SECONDS)):
        given["ttl"] = int(ttl)
    return _options(given, HEADER_OF)


def _in_field(field: Any) -> Options:
    if field is None:
        return UNSAID
    if not isinstance(field, dict):
        raise InvalidCommand(f"{FIELD}: must be an object.", faults=[Fault(FIELD, "must be an object")])
    return _options(field, {})


def _options(given: Mapping[str, Any], names: Mapping[str, str]) -> Options:
    try:
        return Options.model_validate(given)
    except ValidationError as error:
        faults = [Fault(_name(fault.field, names), fault.message) for fault in faults_of(error)]
        raise InvalidCommand(f"The request is not valid: {summary_of(faults)}.", faults=faults) from error


def _name(field: str, names: Mapping[str, str]) -> str:
    head, _, _ = field.partition(".")
    return names.get(head, f"{FIELD}.{field}")


def _listed(lines: list[str]) -> Iterator[str]:
    return (part.strip() for line in lines for part in as_sent(line).split(",") if part.strip())
