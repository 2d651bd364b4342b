"""The HTTP request that calls a tool, made from arguments."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from pydantic_core import PydanticCustomError

from memos.client.tool_parameters import Escape, Pairs, as_it_is, in_cookie, in_url, json_of, plainly, written
from memos.errors import Fault, InvalidCommand
from memos.events.endpoints import endpoint
from memos.events.problems import summary_of
from memos.records import PLACEHOLDER, HttpInvocation, Parameter, Place, ToolDefinition
from memos.specs import BODY, arguments_schema, takes_whole_body

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ELSEWHERE = ("", ".", "..")
"""What would lead to another path if it were part of one."""


class ToolRequest(NamedTuple):
    """A request as it is to be sent; `content` is none of one without a body."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None


def request_of(tool: ToolDefinition, arguments: Mapping[str, Any]) -> ToolRequest:
    """The request that calls a tool with arguments, which have their defaults and fit its schema.

    What is in the URL's `{placeholders}` is escaped, whatever it is; what is null is left out. Arguments without a
    place are the body, or the query of a GET. Raises `InvalidCommand` for what has no place, or may not be in it.
    """
    if not isinstance(tool.invocation, HttpInvocation) or tool.endpoint_url is None:
        raise InvalidCommand(f"{tool.tool_id} is not called by HTTP: it has no request.")
    try:
        endpoint(tool.endpoint_url)
    except PydanticCustomError as error:
        raise InvalidCommand(f"{tool.tool_id} is not called: its endpoint_url {error.message()}.") from error
    return _Making(tool, tool.invocation, tool.endpoint_url, arguments).request()


def with_defaults(tool: ToolDefinition, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the defaults of those that the URL cannot be made without."""
    given = dict(arguments)
    needed = set(tool.placeholders.values()) - given.keys()
    known = arguments_schema(tool)["properties"] if needed else {}
    schemas = {name: known[name] for name in needed if isinstance(known.get(name), Mapping)}
    return {**given, **{name: schema["default"] for name, schema in schemas.items() if "default" in schema}}


def parameters_of(tool: ToolDefinition, invocation: HttpInvocation) -> Sequence[Parameter]:
    """What travels outside the body: a placeholder that none is declared for is the argument of its name."""
    declared = {one.wire_name for one in invocation.parameters if one.place == "path"}
    names = dict.fromkeys(PLACEHOLDER.findall(tool.endpoint_url or ""))
    found = [Parameter(argument=name, place="path") for name in names if name not in declared]
    return [*invocation.parameters, *found]


def refused(tool: ToolDefinition, *faults: Fault) -> InvalidCommand:
    """The error of arguments that are not sent, naming each that is wrong."""
    return InvalidCommand(f"The arguments for {tool.tool_id} are not valid: {summary_of(faults)}.", faults=faults)


class _Making:
    """A request in the making."""

    def __init__(
        self, tool: ToolDefinition, invocation: HttpInvocation, url: str, given: Mapping[str, Any]
    ) -> None:
        self._tool, self._invocation, self._endpoint, self._given = tool, invocation, url, given
        self._parameters = parameters_of(tool, invocation)
        self._outside = {one.argument for one in self._parameters}

    def request(self) -> ToolRequest:
        """The request as it is sent."""
        rest = {name: value for name, value in self._given.items() if name not in self._outside}
        query = self._written("query", in_url)
        content = None
        if self._invocation.method == "GET" and self._invocation.body is None:
            query += [pair for name, value in rest.items() for pair in plainly(name, value)]
        else:
            content = self._content(rest)
        return ToolRequest(self._invocation.method, self._url(query), self._headers(content), content)

    def _written(self, place: Place, escape: Escape) -> Pairs:
        return [
            pair
            for one in self._parameters
            if one.place == place and self._given.get(one.argument) is not None
            for pair in written(one, self._given[one.argument], escape)
        ]

    def _url(self, query: Pairs) -> str:
        by_name = {one.wire_name: one for one in self._parameters if one.place == "path"}
        made = PLACEHOLDER.sub(lambda match: self._segment(by_name[match[1]]), self._endpoint)
        said = "&".join(f"{name}={value}" for name, value in query)
        return f"{made}{'&' if '?' in made else '?'}{said}" if said else made

    def _segment(self, parameter: Parameter) -> str:
        value = self._given.get(parameter.argument)
        if value is None:
            raise self._refused(parameter.argument, "is required: it is part of the URL")
        text = ",".join(value for _, value in written(parameter, value, in_url))
        if unquote(text) in ELSEWHERE:
            raise self._refused(parameter.argument, f"must not be {unquote(text)!r}: it is part of the URL")
        return text

    def _headers(self, content: bytes | None) -> tuple[tuple[str, str], ...]:
        for one in self._parameters:
            if one.place == "header" and CONTROL.search(_plain(self._given.get(one.argument))):
                raise self._refused(one.argument, "must not contain control characters: it is a header")
        cookies = "; ".join(f"{name}={value}" for name, value in self._written("cookie", in_cookie))
        return (
            *((name, value.strip()) for name, value in self._written("header", as_it_is)),
            *([("Cookie", cookies)] if cookies else []),
            *([("Content-Type", self._invocation.content_type)] if content is not None else []),
        )

    def _content(self, rest: Mapping[str, Any]) -> bytes | None:
        whole = self._invocation.body or (BODY if takes_whole_body(self._tool) else None)
        if whole is None:
            # There is a body even if nothing is in it, when all that could be may be left out.
            expected = not self._outside.issuperset(arguments_schema(self._tool)["properties"])
            return self._encoded(BODY, rest) if rest or expected else None
        for name in rest:
            if name != whole:
                raise self._refused(name, f"has no place in the request, whose body is {whole}")
        return self._encoded(whole, rest[whole]) if whole in rest else None

    def _encoded(self, name: str, body: Any) -> bytes:
        if self._invocation.content_type == "application/json":
            return json_of(body).encode()
        if not isinstance(body, Mapping):
            raise self._refused(name, "must be an object: it is sent as a form")
        pairs = [pair for key, value in body.items() for pair in plainly(key, value)]
        return "&".join(f"{key}={value}" for key, value in pairs).encode()

    def _refused(self, argument: str, message: str) -> InvalidCommand:
        return refused(self._tool, Fault(f"arguments.{argument}", message))


def _plain(value: Any) -> str:
    """All that is in a value, as one text with its control characters as they are."""
    if isinstance(value, Mapping):
        return "".join(f"{key}{_plain(one)}" for key, one in value.items())
    return "".join(map(_plain, value)) if isinstance(value, list) else str(value)
