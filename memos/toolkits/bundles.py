"""Schemas that stand by themselves: what they refer to in a document is under their own `$defs`."""

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from memos.events.schemas import MOST_SCHEMA_BYTES
from memos.schemas import mapped
from memos.toolkits.nodes import REFERENCE, Node

Way = Literal["request", "response"]

OF_OTHER_WAY: Mapping[Way, str] = {"request": "readOnly", "response": "writeOnly"}
"""What properties are marked with that do not travel in this direction."""

_LEFT_OUT = frozenset({"$defs", "$id", "$schema", "definitions", "discriminator", "externalDocs", "xml"})
"""Keywords that mean nothing outside of the document, or what is found through references alone."""


class Bundle:
    """Takes schemas out of a document, as they are for what travels one way."""

    def __init__(self, node: Node, way: Way) -> None:
        self._node = node
        self._other_way = OF_OTHER_WAY[way]
        self._names: dict[str, str] = {}
        self._waiting: deque[str] = deque()

    def schema(self, schema: Any) -> Any:
        """The schema, whose references lead to `$defs`. Raises `InvalidCommand` for one that leads nowhere."""
        if not isinstance(schema, Mapping):
            return schema
        taken = mapped({key: value for key, value in schema.items() if not _left_out(key)}, self.schema)
        if isinstance(taken.get(REFERENCE), str):
            taken[REFERENCE] = self._reference(taken[REFERENCE])
        properties, required = schema.get("properties"), schema.get("required")
        if isinstance(properties, Mapping) and isinstance(required, list):
            names = [name for name in required if isinstance(name, str)]
            taken["required"] = [
                one for one in dict.fromkeys(names) if not self.travels_other_way(properties.get(one))
            ]
        return taken

    def travels_other_way(self, schema: Any) -> bool:
        """Whether a property is marked as travelling the other way only."""
        return isinstance(schema, Mapping) and schema.get(self._other_way) is True

    def complete(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A schema made of what was taken, with all that it refers to.

        Raises `InvalidCommand` as soon as it is larger than the schema of a tool may be.
        """
        definitions, size = {}, 0
        while self._waiting:
            reference = self._waiting.popleft()
            definition = definitions[self._names[reference]] = self.schema(self._node.found(reference))
            size += len(json.dumps(definition))
            if size > MOST_SCHEMA_BYTES:
                raise self._node.fault(f"its schema is larger than {MOST_SCHEMA_BYTES:,} bytes")
        return {**schema, "$defs": definitions} if definitions else dict(schema)

    def _reference(self, reference: str) -> str:
        if reference not in self._names:
            Node(self._node.document, {REFERENCE: reference}, self._node.path).followed()
            self._names[reference] = self._name(reference)
            self._waiting.append(reference)
        return f"#/$defs/{self._names[reference]}"

    def _name(self, reference: str) -> str:
        """The last part of a reference, with a number if another has the same."""
        name = unused = re.sub(r"[^A-Za-z0-9_.-]+", "_", reference.rpartition("/")[2]) or "schema"
        number = 1
        while unused in self._names.values():
            number += 1
            unused = f"{name}_{number}"
        return unused


def _left_out(keyword: str) -> bool:
    return keyword in _LEFT_OUT or keyword.startswith("x-")
