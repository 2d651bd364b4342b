"""Where tools are called: addresses that can be trusted with a glance, and calls that can be made."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError, Url

from memos.records import PLACEHOLDER, PRINTABLE, HttpInvocation, ToolDefinition

MOST_URL_CHARACTERS = 1024
MOST_NAME_CHARACTERS = 255

UNREADABLE = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f]")
"""What some take for another character in a URL, or for none: whom it names would depend on who reads it."""

AUTHORITY = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:[0-9]*)?")

CREDENTIALS = frozenset(
    {
        *("accesskey", "accesstoken", "apikey", "apitoken", "appkey", "auth", "authkey", "authorization"),
        *("authtoken", "bearer", "bearertoken", "clientsecret", "credential", "credentials", "jwt", "key"),
        *("passphrase", "passwd", "password", "pwd", "secret", "secretkey", "sig", "signature"),
        *("subscriptionkey", "token", "xapikey"),
    }
)
"""Names of what a query says to prove who asks, without `-`, `_` and `.`."""


def endpoint(url: str) -> str:
    """Refuse what is no address of an HTTP server, is not the same to all who read it, or has credentials in it."""
    if UNREADABLE.search(url):
        raise PydanticCustomError("url", "must not contain spaces, control characters or backslashes")
    authority = AUTHORITY.match(url)
    if authority is None:
        raise PydanticCustomError("url", "must be http://… or https://… with a host")
    parts = _parts(url)
    if "@" in authority[1] or any(map(_is_credential, parts.query_params())):
        raise PydanticCustomError("url", "must not contain credentials; give them to the call as headers")
    if not {"{", "}"}.isdisjoint(authority[1]):
        raise PydanticCustomError("url", "must not have a placeholder before its path, for that is whom one trusts")
    if not HOST.fullmatch(authority[1]):
        raise PydanticCustomError("url", "must have a host of letters, digits, dots and hyphens")
    if parts.fragment is not None:
        raise PydanticCustomError("url", "must not have a fragment (#…), which is never sent")
    if not all(0 < len(name) <= MOST_NAME_CHARACTERS for name in PLACEHOLDER.findall(url)):
        raise PydanticCustomError("url", "must name what each placeholder is for, as in {city}")
    return url


def _parts(url: str) -> Url:
    try:
        return Url(url)
    except ValidationError as error:
        raise PydanticCustomError("url", "is no URL: {reason}", {"reason": error.errors()[0]["msg"]}) from error


def _is_credential(said: tuple[str, str]) -> bool:
    """Whether a query says something secret that is the same in all calls."""
    name, value = said
    return re.sub(r"[-_.]", "", name.lower()) in CREDENTIALS and not PLACEHOLDER.fullmatch(value)


EndpointUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_URL_CHARACTERS, pattern=PRINTABLE),
    AfterValidator(endpoint),
]


def check_invocation(tool: ToolDefinition) -> None:
    """Refuse a tool that nobody could call. Raises `PydanticCustomError`."""
    stdio = tool.invocation.kind == "mcp" and tool.invocation.transport == "stdio"
    if stdio == (tool.endpoint_url is not None):
        raise PydanticCustomError(
            "endpoint", "endpoint_url must be given, but for a tool of an MCP server that is spoken to by stdio"
        )
    if isinstance(tool.invocation, HttpInvocation):
        _check_placeholders(tool, tool.invocation)


def _check_placeholders(tool: ToolDefinition, invocation: HttpInvocation) -> None:
    given = {one.wire_name for one in invocation.parameters if one.place == "path"}
    if lost := given - tool.placeholders.keys():
        missing = ", ".join(sorted(lost))
        raise PydanticCustomError("placeholders", "the URL has no placeholder for {missing}", {"missing": missing})
    if refused := set(tool.placeholders.values()) - _allowed(tool):
        raise PydanticCustomError(
            "placeholders",
            "request_schema allows no arguments but its properties, which are none of the placeholders {missing}",
            {"missing": ", ".join(sorted(refused))},
        )


def _allowed(tool: ToolDefinition) -> set[str]:
    """The arguments for placeholders that a schema lets through: those that it names, if it is closed."""
    schema = tool.request_schema or {}
    if schema.get("additionalProperties") is not False or schema.get("patternProperties"):
        return set(tool.placeholders.values())
    return set(schema.get("properties", ()))
