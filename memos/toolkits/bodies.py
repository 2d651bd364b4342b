"""What travels in the body of a request: the properties of an object, each an argument, or one argument."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from memos.records.invocations import ContentType
from memos.specs import BODY
from memos.toolkits.bundles import Bundle
from memos.toolkits.nodes import Node

JSON: ContentType = "application/json"
FORM: ContentType = "application/x-www-form-urlencoded"

_ANY = "*/*"
_OF_OBJECTS = frozenset({"allOf", "properties", "required", "type"})
_SAYS_NOTHING = frozenset(
    {
        *("$comment", "$defs", "$schema", "default", "deprecated", "description", "discriminator", "example"),
        *("examples", "externalDocs", "maxProperties", "minProperties", "nullable", "title", "xml"),
    }
)
_MORE = "additionalProperties"
_DEEPEST = 8


class Body(NamedTuple):
    """Arguments that make up a body; with `whole` there is but one of them, and it is all of the body.

    `more` is what the body says of other properties, if it does.
    """

    content_type: ContentType = JSON
    properties: Mapping[str, Any] = {}
    required: frozenset[str] = frozenset()
    more: Mapping[str, Any] = {_MORE: False}
    whole: bool = False
    description: str = ""


def body_of(request: Node, bundle: Bundle) -> Body:
    """The body of a request. Raises `InvalidCommand` for one that is not sent as JSON or as a form."""
    if request.value is None:
        return Body()
    content_type, media = _media(request)
    schema = media.object().get("schema", {})
    required, description = request.says("required"), request.text("description")
    taken = _object(media.at("schema"), bundle, {})
    if taken is not None and taken.properties:
        needed = frozenset(taken.required if required else ())
        return Body(content_type, taken.properties, needed, taken.more, description=description)
    if content_type == FORM:
        raise request.fault("cannot be called: a form has to be an object with properties")
    argument = bundle.schema(schema if isinstance(schema, Mapping) else {})
    if description:
        argument = {"description": description, **argument}
    return Body(JSON, {BODY: argument}, frozenset({BODY} if required else ()), whole=True)


def _media(request: Node) -> tuple[ContentType, Node]:
    content = request.at("content")
    offered = {name.partition(";")[0].strip().lower(): media for name, media in content.entries()}
    for kind in (JSON, _ANY):
        if kind in offered:
            return JSON, offered[kind]
    if FORM in offered:
        return FORM, offered[FORM]
    kinds = ", ".join(offered) or "nothing that is named"
    raise content.fault(f"cannot be called: it takes {kinds}, and only JSON and forms can be sent")


class _Object(NamedTuple):
    """The properties of an object, those that are required, and what is said of others."""

    properties: dict[str, Any]
    required: set[str]
    more: dict[str, Any]


_Read = dict[int, _Object | None]
"""What was read of each schema, by its identity: parts refer to the same one many times."""


def _object(schema: Node, bundle: Bundle, read: _Read) -> _Object | None:
    """An object of which nothing is said but of its properties one by one; none of anything else."""
    key = id(schema.value)
    if key not in read:
        read[key] = _read_object(schema, bundle, read)
    return read[key]


def _read_object(schema: Node, bundle: Bundle, read: _Read) -> _Object | None:
    value = schema.value
    if not isinstance(value, Mapping) or not _is_plain(value) or schema.path.count("allOf") > _DEEPEST:
        return None
    properties: dict[str, Any] = {}
    required: set[str] = set()
    for part in schema.at("allOf").each():
        taken = _object(part, bundle, read)
        if taken is None or taken.more:
            return None
        _join(properties, taken.properties)
        required |= taken.required
    own = schema.at("properties").object()
    sent = {name: one for name, one in own.items() if not bundle.travels_other_way(one)}
    _join(properties, {name: bundle.schema(one) for name, one in sent.items()})
    named = set(schema.texts("required"))
    more = {_MORE: bundle.schema(value[_MORE])} if _MORE in value else {}
    return _Object(properties, required | (named - (own.keys() - sent.keys())), more)


def _is_plain(schema: Mapping[str, Any]) -> bool:
    keywords = {keyword for keyword in schema if not keyword.startswith("x-")} - _SAYS_NOTHING
    if not keywords <= {*_OF_OBJECTS, _MORE} or keywords >= {"allOf", _MORE}:
        return False
    return schema.get("type") == "object" or ("type" not in schema and bool({"allOf", "properties"} & keywords))


def _join(properties: dict[str, Any], others: Mapping[str, Any]) -> None:
    """Add properties; one that is there has to be both."""
    for name, schema in others.items():
        known = properties.get(name)
        properties[name] = schema if known is None or known == schema else {"allOf": [known, schema]}
