"""Tools of an OpenAPI document: one for every operation."""

from collections.abc import Mapping, Sequence
from typing import Any

from memos.errors import Fault, InvalidCommand
from memos.schemas import JsonDocument
from memos.toolkits.imported import Collected, Imported
from memos.toolkits.names import ids_of, prefix_of
from memos.toolkits.nodes import Node
from memos.toolkits.operations import Operation, operations_of
from memos.toolkits.requests import operation_request
from memos.toolkits.responses import response_of
from memos.toolkits.servers import server_of


def tools_of(
    document: Mapping[str, Any],
    *,
    prefix: str | None = None,
    server: str | None = None,
    url: str | None = None,
    tags: Sequence[str] = (),
    capabilities: Sequence[str] = (),
    deprecated: bool = False,
) -> Imported:
    """A tool for every operation of a document of OpenAPI 3.0, 3.1 or 3.2.

    They are called at `server`, or where the document says; relative servers are resolved against `url`, where the
    document comes from. `tags` and `capabilities` are added to what each operation has. What is deprecated is left
    out unless it is asked for; what cannot be called becomes a fault.

    Raises `InvalidCommand` for what is no document of OpenAPI 3.
    """
    root = Node(JsonDocument(document), document)
    _check(root)
    prefix = prefix_of(prefix, root.at("info").text("title"), "info.title")
    collected = Collected(prefix)
    operations = operations_of(root, collected)
    ids = ids_of(prefix, [(one.own_name, one.alone) for one in operations])
    for tool_id, operation in zip(ids, operations, strict=True):
        if deprecated or not operation.node.says("deprecated"):
            with collected.refusing():
                at = server or server_of(operation.node, operation.item, root, url)
                fields = {
                    "tool_id": tool_id,
                    "endpoint_url": at.rstrip("/") + operation.path,
                    "tags": operation.tags(tags),
                    "required_capabilities": operation.capabilities(root, capabilities),
                    **_fields(operation, collected),
                }
                collected.add(".".join(operation.node.path), fields)
    return collected.imported(frozenset(ids))


def _check(root: Node) -> None:
    """Refuse what is no document of OpenAPI 3."""
    said = root.value if isinstance(root.value, Mapping) else {}
    if "swagger" in said:
        raise _no_document("swagger", "version 2.0 has to be converted to OpenAPI 3 first")
    if not str(said.get("openapi", "")).startswith("3."):
        raise _no_document("openapi", "must be there and say 3.0, 3.1 or 3.2")
    if not isinstance(said.get("paths"), Mapping):
        raise _no_document("paths", "must be there and have the operations")


def _no_document(field: str, message: str) -> InvalidCommand:
    detail = f"This is no document of OpenAPI 3 that tools could be made of: {field}: {message}."
    return InvalidCommand(detail, faults=[Fault(field, message)])


def _fields(operation: Operation, collected: Collected) -> dict[str, Any]:
    """What the operation alone says of its tool."""
    request = operation_request(operation.node, operation.item.at("parameters"), operation.path, operation.method)
    fields = {
        "name": operation.name,
        "description": operation.description,
        "examples": operation.examples,
        "request_schema": request.schema,
        "invocation": request.invocation,
    }
    with collected.noting():
        response = response_of(operation.node.at("responses"))
        return fields if response is None else {**fields, "response_schema": response}
    return fields
