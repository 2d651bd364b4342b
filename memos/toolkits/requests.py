"""How an operation is called, and with which arguments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from memos.records import Method
from memos.specs import BODY
from memos.toolkits.bodies import Body, body_of
from memos.toolkits.bundles import Bundle
from memos.toolkits.nodes import Node
from memos.toolkits.parameters import Argument, arguments_of


class Request(NamedTuple):
    """How an operation is called, as the fields of `HttpInvocation`, and the JSON Schema of its arguments."""

    invocation: dict[str, Any]
    schema: dict[str, Any]


def operation_request(operation: Node, shared: Node, path: str, method: Method) -> Request:
    """The request of an operation; `shared` are the parameters that all operations of its path have.

    Raises `InvalidCommand` when it cannot be called.
    """
    bundle = Bundle(operation, "request")
    body = _body(operation.at("requestBody"), method, bundle)
    arguments = list(arguments_of(shared, operation.at("parameters"), path, body.properties, bundle))
    invocation = {
        "kind": "http",
        "method": method,
        "parameters": [one.parameter for one in arguments],
        "body": BODY if body.whole else None,
        "content_type": body.content_type,
    }
    return Request(invocation, bundle.complete(_schema(arguments, body)))


def _body(request: Node, method: Method, bundle: Bundle) -> Body:
    if method != "GET":
        return body_of(request, bundle)
    if request.says("required"):
        raise request.fault("cannot be called: a GET has no body")
    return Body()


def _schema(arguments: Sequence[Argument], body: Body) -> dict[str, Any]:
    """One object schema of all arguments."""
    properties = {one.name: one.schema for one in arguments} | dict(body.properties)
    required = {one.name for one in arguments if one.required} | body.required
    schema: dict[str, Any] = {"type": "object", "properties": properties, **body.more}
    if body.description:
        schema["description"] = body.description
    if required:
        schema["required"] = [name for name in properties if name in required]
    return schema
