"""The operations of an OpenAPI document, and what they say of themselves."""

import re
from collections.abc import Sequence
from typing import NamedTuple, get_args

from memos.events.tools import MOST_CAPABILITIES, MOST_EXAMPLES
from memos.records import Method
from memos.toolkits.imported import Collected
from memos.toolkits.names import fitting, line
from memos.toolkits.nodes import Node

METHODS: tuple[Method, ...] = get_args(Method)

CAPABILITIES = "x-required-capabilities"
EXAMPLES = "x-memos-examples"

MOST_NAME_CHARACTERS = 255
MOST_DESCRIPTION_CHARACTERS = 16_000
MOST_EXAMPLE_CHARACTERS = 1000
MOST_TAG_CHARACTERS = 128
MOST_TAGS = 64


class Operation(NamedTuple):
    """An operation of a document, and the item of its path, which has what it shares with others."""

    method: Method
    path: str
    node: Node
    item: Node

    @property
    def alone(self) -> str:
        """What no other operation is known by."""
        return f"{self.method} {self.path}"

    @property
    def own_name(self) -> str:
        """The id that the document gives it, else its method and path in one word."""
        words = re.sub(r"[^A-Za-z0-9]+", "_", self.path).strip("_")
        return self.node.text("operationId") or f"{self.method.lower()}_{words}".strip("_")

    @property
    def name(self) -> str:
        """Its summary, else its own name."""
        return line(self.node.text("summary") or self.own_name, MOST_NAME_CHARACTERS)

    @property
    def description(self) -> str:
        """Its description, else its summary; those of the path where it has none, else method and path."""
        for node in (self.node, self.item):
            told = node.text("description").strip() or node.text("summary").strip()
            if told:
                return fitting(told, MOST_DESCRIPTION_CHARACTERS)
        return fitting(self.alone, MOST_DESCRIPTION_CHARACTERS)

    def tags(self, added: Sequence[str]) -> list[str]:
        """Its tags, and others."""
        return _lines([*self.node.texts("tags"), *added], MOST_TAG_CHARACTERS, MOST_TAGS)

    @property
    def examples(self) -> list[str]:
        """Tasks that it is for."""
        return _lines(self.node.texts(EXAMPLES), MOST_EXAMPLE_CHARACTERS, MOST_EXAMPLES)

    def capabilities(self, document: Node, added: Sequence[str]) -> list[str]:
        """What it says that an agent must have, else its path, else the document; and others."""
        nodes = (self.node, self.item, document)
        said = next((node.texts(CAPABILITIES) for node in nodes if CAPABILITIES in node.object()), [])
        return list(dict.fromkeys([*said, *added]))[:MOST_CAPABILITIES]


def operations_of(document: Node, collected: Collected) -> list[Operation]:
    """The operations in their order; `collected` is told of what is none."""
    operations = []
    paths = document.at("paths")
    for path in (path for path in paths.object() if path.startswith("/")):
        with collected.refusing():
            item = paths.at(path)
            for method in (method for method in METHODS if method.lower() in item.object()):
                with collected.refusing():
                    node = item.at(method.lower())
                    node.object()
                    operations.append(Operation(method, path, node, item))
    return operations


def _lines(texts: Sequence[str], longest: int, most: int) -> list[str]:
    return list(dict.fromkeys(line(text, longest) for text in texts if text.strip()))[:most]
