"""YAML 1.2: what scalars say, and what is refused before it can do harm.

By its core schema (YAML 1.2.2, section 10.3) `no`, `on` and `2026-05-01` are texts. Beside it mappings are merged
by `<<`, as most readers of YAML do.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node

TAG = "tag:yaml.org,2002:"
STR, MERGE = f"{TAG}str", f"{TAG}merge"

Entry = tuple["Node", "Node"]


class Limits(NamedTuple):
    """The deepest nesting and the most values of a document, each counted where an alias stands for it, too."""

    depth: int
    values: int


class Size(NamedTuple):
    """How deep a value is nested, and how many values are in it."""

    depth: int
    values: int


class RefusedYaml(ValueError):
    """What is read of no document: its line, counted from 1, and what that line does wrong."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line} {message}")
        self.line, self.message = line, message


class Scalar(NamedTuple):
    """A kind of scalar: what it looks like without quotes, with what it begins, and what it says."""

    pattern: re.Pattern[str]
    firsts: str
    read: Callable[[str], Any]


def _integer(text: str) -> int:
    bases = {"0o": 8, "0x": 16}
    return int(text[2:], bases[text[:2]]) if text[:2] in bases else int(text)


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


NUMBER = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"

SCALARS: Mapping[str, Scalar] = {
    f"{TAG}null": Scalar(re.compile(r"(?:~|null|Null|NULL|)\Z"), "~nN", lambda _: None),
    f"{TAG}bool": Scalar(
        re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), "tTfF", lambda text: text[0] in "tT"
    ),
    f"{TAG}int": Scalar(re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), "-+0123456789", _integer),
    f"{TAG}float": Scalar(re.compile(rf"(?:{NUMBER})\Z"), "-+.0123456789", _number),
    MERGE: Scalar(re.compile(r"<<\Z"), "<", str),
}
"""Scalars that are no texts, by their tags; of two that fit the first."""


def composed(text: str, kind: Any, limits: Limits) -> "Node | None":
    """The root of the one document in a text, if there is anything in it.

    `kind` is PyYAML's `BaseLoader`, whose errors say more, or `CBaseLoader`, which is fast. Raises `RefusedYaml`
    for what is beyond the limits, and `yaml.YAMLError` for what is no YAML.
    """
    import yaml

    _check_nesting(text, kind, limits.depth)
    loader = type("Loader", (kind,), {"yaml_implicit_resolvers": _resolvers()})
    root: Node | None = yaml.compose(text, Loader=loader)
    if root is not None:
        _size(root, limits, {})
    return root


def fault_of(node: "Node") -> str | None:
    """What is wrong with a part of a document by itself: a tag that is not of the core schema, or does not fit."""
    import yaml

    kinds = {yaml.MappingNode: {f"{TAG}map"}, yaml.SequenceNode: {f"{TAG}seq"}, yaml.ScalarNode: {STR, *SCALARS}}
    if node.tag not in kinds[type(node)]:
        return f"has the tag {node.tag}; write it without a tag"
    if node.tag in SCALARS and not SCALARS[node.tag].pattern.match(node.value):
        return f"is no {node.tag.removeprefix(TAG)}"
    return None


def scalar(node: "Node") -> Any:
    """What a scalar says that has no fault. Raises `RefusedYaml` for a number of thousands of digits."""
    if node.tag not in SCALARS:
        return node.value
    try:
        return SCALARS[node.tag].read(node.value)
    except ValueError as error:
        raise RefusedYaml(line_of(node), "has a number of too many digits") from error


def is_text(word: str) -> bool:
    """Whether a scalar without quotes is a text."""
    return not any(one.pattern.match(word) for one in SCALARS.values())


def own_entries(node: "MappingNode") -> list[Entry]:
    """The entries of a mapping, but for what it merges. Raises `RefusedYaml` for a key that is no text."""
    for key, _ in node.value:
        if not isinstance(key.value, str):
            raise RefusedYaml(line_of(key), "has a key that is no text")
    return [(key, value) for key, value in node.value if key.tag != MERGE]


def merged_entries(node: "MappingNode") -> Iterator[Entry]:
    """The entries that a mapping merges; its own take their places, and of two of a name the later one counts."""
    import yaml

    for key, value in node.value:
        if key.tag != MERGE:
            continue
        for part in reversed(value.value) if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(part, yaml.MappingNode):
                raise RefusedYaml(line_of(part), "merges by << what is no mapping")
            yield from merged_entries(part)
            yield from own_entries(part)


def line_of(node: "Node") -> int:
    """The line on which a part of a document begins, counted from 1."""
    return int(node.start_mark.line) + 1


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """The scalars as PyYAML wants them: by the character that they begin with."""
    found: dict[str, list[tuple[str, re.Pattern[str]]]] = {"": [(f"{TAG}null", SCALARS[f"{TAG}null"].pattern)]}
    for tag, one in SCALARS.items():
        for first in one.firsts:
            found.setdefault(first, []).append((tag, one.pattern))
    return found


def _check_nesting(text: str, kind: Any, most: int) -> None:
    """Refuse what is nested so deeply that a parser in C would run out of its stack."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=kind):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > most:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise RefusedYaml(line, f"is nested more than {most} deep")


def _size(node: "Node", limits: Limits, known: dict[int, Size | None]) -> Size:
    """The size of a part of a document, which is `known` once it was looked at, and none meanwhile."""
    number = id(node)
    if number not in known:
        known[number] = None
        inner = node.value if isinstance(node.value, list) else []
        parts = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
        sizes = [_size(part, limits, known) for part in parts]
        known[number] = Size(
            1 + max((one.depth for one in sizes), default=-1), 1 + sum(one.values for one in sizes)
        )
    size = known[number]
    if size is None:
        raise RefusedYaml(line_of(node), "has an alias of what it stands in")
    if size.depth > limits.depth:
        raise RefusedYaml(line_of(node), f"is nested more than {limits.depth} deep")
    if size.values > limits.values:
        raise RefusedYaml(line_of(node), f"has more than {limits.values:,} values, each alias counted")
    return size
