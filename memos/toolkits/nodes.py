"""Moving about in a document whose parts refer to one another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memos.errors import Fault, InvalidCommand
from memos.schemas import JsonDocument

MOST_REFERENCES = 32
REFERENCE = "$ref"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document and the path that led to it; what is not there is none.

    Whatever has another shape than is asked for raises `InvalidCommand`, whose fault is the path.
    """

    document: JsonDocument
    value: Any
    path: tuple[str, ...] = ()

    def at(self, key: str) -> "Node":
        """The value of a key, or what it refers to."""
        return replace(self, value=self.object().get(key), path=(*self.path, key)).followed()

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Each key of an object, and its value or what that refers to."""
        for key in self.object():
            yield key, self.at(key)

    def each(self) -> Iterator["Node"]:
        """Each value of a list, or what it refers to."""
        if not isinstance(self.value, list | None):
            raise self.fault("must be a list")
        for index, item in enumerate(self.value or ()):
            yield replace(self, value=item, path=(*self.path, str(index))).followed()

    def object(self) -> Mapping[str, Any]:
        """The value, which has to be an object."""
        if not isinstance(self.value, Mapping | None):
            raise self.fault("must be an object")
        return self.value or {}

    def text(self, key: str) -> str:
        """The text of a key; empty if there is none."""
        value = self.object().get(key)
        return value.strip() if isinstance(value, str) else ""

    def texts(self, key: str) -> list[str]:
        """The different texts of a list."""
        value = self.object().get(key)
        found = value if isinstance(value, list) else []
        return list(dict.fromkeys(text for text in found if isinstance(text, str) and text.strip()))

    def says(self, key: str) -> bool:
        """Whether a key is true."""
        return self.object().get(key) is True

    def followed(self) -> "Node":
        """What the value refers to, through any number of references, or the value itself."""
        node = self
        for _ in range(MOST_REFERENCES):
            reference = node.value.get(REFERENCE) if isinstance(node.value, Mapping) else None
            if not isinstance(reference, str):
                return node
            node = replace(self, value=self.found(reference))
        raise self.fault("refers to itself")

    def found(self, reference: str) -> Any:
        """The value of the document that a reference names, such as `#/components/schemas/City`."""
        if not reference.startswith("#"):
            raise self.fault(f"refers to another document, {reference!r}; bundle them into one")
        try:
            return self.document.target(reference)
        except LookupError as error:
            raise self.fault(f"refers to {reference!r}, which is not in the document") from error

    def fault(self, message: str) -> InvalidCommand:
        """The error that something is wrong here."""
        where = ".".join(self.path)
        return InvalidCommand(f"{where}: {message}.", faults=[Fault(where, message)])
