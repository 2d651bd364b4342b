"""Where the operations of a document are called."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from memos.records import PLACEHOLDER
from memos.toolkits.nodes import Node

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def server_of(operation: Node, item: Node, document: Node, url: str | None) -> str:
    """The first server of the operation, else of its path, else of the document, without a slash at its end.

    A relative one is resolved against the `url` of the document. Raises `InvalidCommand` when there is none.
    """
    for node in (operation, item, document):
        for server in node.at("servers").each():
            return _absolute(_filled(server), server, url)
    return _absolute("/", document.at("servers"), url)


def _filled(server: Node) -> str:
    """The URL with its variables' defaults in the place of their names."""
    variables = server.at("variables")

    def default(match: re.Match[str]) -> str:
        variable = variables.at(match[1])
        for value in (variable.object().get("default"), *_listed(variable.object())):
            if value is not None:
                return str(value)
        raise variable.fault("must have a default; or give the whole address by --server")

    return PLACEHOLDER.sub(default, server.text("url"))


def _listed(variable: Mapping[str, Any]) -> list[Any]:
    values = variable.get("enum")
    return values if isinstance(values, list) else []


def _absolute(server: str, node: Node, url: str | None) -> str:
    if not _ABSOLUTE.match(server):
        if url is None:
            told = f"only names {server!r}" if server != "/" else "names no server"
            raise node.fault(f"the document {told}; give its address by --server, such as https://api.example.com")
        server = urljoin(url, server)
    return server.rstrip("/")
