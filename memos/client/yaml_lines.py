"""YAML documents, each part with its line."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from memos.yaml12 import (
    STR,
    Limits,
    RefusedYaml,
    composed,
    fault_of,
    is_text,
    line_of,
    merged_entries,
    own_entries,
    scalar,
)

if TYPE_CHECKING:
    import yaml

LIMITS = Limits(depth=64, values=20_000)

Path = tuple[str | int, ...]


class LineFault(NamedTuple):
    """One thing wrong with a document: the line, counted from 1, the field, dotted, and what is wrong."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """All of it, as compilers tell of a fault."""
        return ": ".join(str(part) for part in self if part != "")


class Unreadable(Exception):
    """A text is no such document; all that can be told is the first `fault`."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.fault = LineFault(line, "", message)


class LinedDocument:
    """The mapping that a text holds, in the terms of JSON, and what is wrong with it. Raises `Unreadable`."""

    def __init__(self, text: str) -> None:
        self.faults: list[LineFault] = []
        self._lines: dict[Path, int] = {}
        self._values: dict[Path, Any] = {}
        try:
            root = _composed(text)
            self.value: dict[str, Any] = self._read(root, (), line_of(root))
        except RefusedYaml as error:
            raise Unreadable(error.line, error.message) from error

    def nearest_line(self, path: Path) -> int:
        """The line of what is at a path, or of the nearest part around it that there is."""
        return next(line for end in range(len(path), -1, -1) if (line := self._lines.get(path[:end])))

    def at(self, path: Path) -> Any:
        """The value at a path, if there is one."""
        return self._values.get(path)

    def _read(self, node: "yaml.Node", path: Path, line: int) -> Any:
        self._lines[path] = line
        if fault := fault_of(node):
            self.faults.append(LineFault(line, dotted(path), fault))
        value = self._values[path] = node.value if fault else self._value(node, path)
        return value

    def _value(self, node: "yaml.Node", path: Path) -> Any:
        import yaml

        if isinstance(node, yaml.MappingNode):
            entries = {key.value: (key, value) for key, value in self._entries(node, path)}
            return {name: self._read(value, (*path, name), line_of(key)) for name, (key, value) in entries.items()}
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, index), line_of(item)) for index, item in enumerate(node.value)]
        return scalar(node)

    def _entries(self, node: "yaml.MappingNode", path: Path) -> "Iterator[tuple[yaml.Node, yaml.Node]]":
        """The entries of a mapping, first those that it merges; each of its own once."""
        yield from merged_entries(node)
        first: dict[str, int] = {}
        for key, value in own_entries(node):
            line = line_of(key)
            if key.value in first:
                message = f"is given twice; first on line {first[key.value]}"
                self.faults.append(LineFault(line, dotted((*path, key.value)), message))
            else:
                first[key.value] = line
                yield key, value


def dotted(path: Path) -> str:
    """A path as faults show it: `tools.0.id`."""
    return ".".join(map(str, path))


def write_yaml(value: Mapping[str, Any]) -> str:
    """Data in the terms of JSON as a document; texts of several lines are written as such."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Puts into quotes what would be read as something else than the text that it is."""

        def represent_text(self, text: str) -> "yaml.ScalarNode":
            quoted = None if is_text(text) else '"'
            return self.represent_scalar(STR, text, style="|" if "\n" in text else quoted)

    Dumper.add_representer(str, Dumper.represent_text)
    written: str = yaml.dump(dict(value), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written


def _composed(text: str) -> "yaml.Node":
    """The root of the one document of a text."""
    import yaml

    try:
        node = composed(text, yaml.BaseLoader, LIMITS)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, f"the character #x{ord(text[error.position]):04x} is not allowed") from error
    if node is None:
        raise Unreadable(1, "is empty")
    if not isinstance(node, yaml.MappingNode):
        raise Unreadable(line_of(node), "must be a mapping of fields, which begins with name: …")
    return node


def _syntax_fault(error: "yaml.MarkedYAMLError") -> Unreadable:
    mark, context = error.problem_mark or error.context_mark, error.context_mark
    line = mark.line + 1 if mark else 1
    problem, doing = str(error.problem), str(error.context or "")
    if r"'\t'" in problem:
        return Unreadable(line, "has a tab where YAML allows none; indent with spaces")
    if "mapping values are not allowed" in problem:
        return Unreadable(line, "has a second colon; put a text with a colon and a space in it in quotes")
    if "single document" in doing:
        return Unreadable(line, "has a second document, which begins here; write one to a file")
    since = f" that begins on line {context.line + 1}" if context and context.line + 1 != line else ""
    return Unreadable(line, f"{doing}{since}: {problem}" if doing else problem)
