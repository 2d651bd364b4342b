"""How tools are called: by HTTP, or through an MCP server."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from memos.records.memories import PRINTABLE, Record

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Place = Literal["path", "query", "header", "cookie"]
ContentType = Literal["application/json", "application/x-www-form-urlencoded"]

Style = Literal["simple", "form", "spaceDelimited", "pipeDelimited", "deepObject", "json"]
"""How the values of a parameter are written: as OpenAPI 3 calls it, or as JSON whatever they are."""

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""What in a URL an argument takes the place of."""

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token (RFC 9110, section 5.6.2)."""

FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that say where a request ends, and that nobody sets but who writes it."""

NO_PARAMETERS = FRAMING | {"connection", "content-type", "expect", "host", "keep-alive", "te", "trailer", "upgrade"}
"""Headers that an argument must not say: they are of the connection, or follow from the call."""

WireName = Annotated[str, Field(min_length=1, max_length=255, pattern=PRINTABLE)]


class Parameter(Record):
    """An argument that travels outside the body; `name` is what the endpoint calls it, if not the same.

    `style` and `explode` say how a list or an object is written, as OpenAPI 3 means them. Without them that is
    `form`, exploded, in query and cookies, so that a list is its name repeated, and `simple`, by commas, elsewhere.
    """

    argument: WireName
    place: Place
    name: WireName | None = None
    style: Style | None = None
    explode: bool | None = None

    @property
    def wire_name(self) -> str:
        """What the endpoint calls it."""
        return self.name or self.argument

    @model_validator(mode="after")
    def _can_be_a_header(self) -> Self:
        name = self.wire_name.lower()
        if self.place == "header" and not HEADER_NAME.fullmatch(name):
            raise PydanticCustomError("header", "must be named as a header can be: letters, digits and -")
        if self.place == "header" and (name in NO_PARAMETERS or name.startswith("proxy-")):
            raise PydanticCustomError(
                "header", "must not be the header {name}, which no argument sets", {"name": name}
            )
        return self


def _different(parameters: list[Parameter]) -> list[Parameter]:
    """Refuse two parameters of one argument, or of one name in one place."""
    places = {(one.place, one.wire_name.lower() if one.place == "header" else one.wire_name) for one in parameters}
    if len(places) < len(parameters) or len({one.argument for one in parameters}) < len(parameters):
        raise PydanticCustomError("repeated", "must not name an argument twice, nor a name in the same place")
    return parameters


class HttpInvocation(Record):
    """A tool that is called by HTTP at its `endpoint_url`, which may have `{placeholders}`.

    Arguments without a parameter make up the body, an object, of a GET the query; with `body` that one argument is
    all of it. What a placeholder is called is an argument without a parameter too.
    """

    kind: Literal["http"] = "http"
    method: Method = "POST"
    parameters: Annotated[list[Parameter], Field(max_length=256), AfterValidator(_different)] = []
    body: WireName | None = None
    content_type: ContentType = "application/json"


class McpInvocation(Record):
    """A tool of an MCP server, which calls it `tool`.

    With `streamable-http` the server listens at the tool's `endpoint_url`; a server of `stdio` is started by
    whoever calls the tool, for a registry must not tell anyone what to run.
    """

    kind: Literal["mcp"] = "mcp"
    transport: Literal["streamable-http", "stdio"]
    server: WireName
    tool: WireName


def _kind_of(invocation: Any) -> Any:
    """The kind that is named, or the only one with these fields, so that few need to name it."""
    if not isinstance(invocation, Mapping):
        return getattr(invocation, "kind", None)
    return invocation.get("kind", "mcp" if "server" in invocation else "http")


Invocation = Annotated[
    Annotated[HttpInvocation, Tag("http")] | Annotated[McpInvocation, Tag("mcp")],
    Discriminator(
        _kind_of,
        custom_error_type="invocation",
        custom_error_message="must be an object whose kind is 'http' or 'mcp'",
    ),
]
