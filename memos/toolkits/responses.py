"""What an operation answers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from memos.toolkits.bundles import Bundle
from memos.toolkits.nodes import Node

_JSON = re.compile(r"(application/([\w.+-]+\+)?json|\*/\*)\s*(;.*)?", re.IGNORECASE)
_NOTHING = {"type": "null"}


def response_of(responses: Node) -> dict[str, Any] | None:
    """The schema of the answers in JSON that say success, any of them if they differ; none if nothing is said.

    Raises `InvalidCommand` for one that cannot be taken.
    """
    bundle = Bundle(responses, "response")
    different: list[Any] = []
    for schema in _schemas(responses, bundle):
        if schema not in different:
            different.append(schema)
    if {} in different or different in ([], [_NOTHING]):
        return None
    return bundle.complete(different[0] if len(different) == 1 else {"anyOf": different})


def _schemas(responses: Node, bundle: Bundle) -> Iterator[Any]:
    """The schema of each answer that says success; null for one without a body."""
    for status in sorted(status for status in responses.object() if status.startswith("2")):
        content = responses.at(status).at("content")
        if not content.object():
            yield _NOTHING
        for kind, media in content.entries():
            if _JSON.fullmatch(kind.strip()):
                schema = media.object().get("schema")
                yield bundle.schema(schema) if isinstance(schema, Mapping) else {}
