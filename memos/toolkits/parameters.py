"""Parameters of an operation: which of them are sent, under which arguments, and how their values are written."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple, cast, get_args

from memos.records import PLACEHOLDER, Place, Style
from memos.toolkits.bundles import Bundle
from memos.toolkits.nodes import Node

PLACES: tuple[Place, ...] = get_args(Place)
MOST_NAME_CHARACTERS = 240

_NO_PARAMETERS = frozenset({"accept", "authorization", "content-type"})
"""Headers that whoever makes the call sets (OpenAPI 3, Parameter Object)."""

_STYLES: Mapping[Place, tuple[Style, ...]] = {
    "path": ("simple",),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""The styles that can be written in each place, first that of a parameter that names none."""


class Argument(NamedTuple):
    """An argument that travels outside the body: its name, the fields of its `Parameter`, and its schema."""

    name: str
    parameter: dict[str, Any]
    schema: Any
    required: bool


def arguments_of(shared: Node, own: Node, path: str, taken: Iterable[str], bundle: Bundle) -> Iterator[Argument]:
    """An argument for each parameter, and for each placeholder of the path that no parameter tells of.

    An argument whose name is `taken`, or another's, is called after its place, too: `id_query`. Of parameters with
    the same name and place those of the operation go before those that are shared. Raises `InvalidCommand` for one
    that cannot be sent.
    """
    names = set(taken)
    parameters = [*_given(shared, own, path)]
    for node in sorted(parameters, key=lambda node: PLACES.index(cast("Place", node.text("in")))):
        name, place = node.text("name"), cast("Place", node.text("in"))
        argument = _unused(name, place, names)
        renamed = {} if argument == name else {"name": name}
        parameter = {"argument": argument, "place": place, **renamed, **_written(node, place)}
        yield Argument(argument, parameter, _schema_of(node, bundle), place == "path" or node.says("required"))


def _given(shared: Node, own: Node, path: str) -> Iterator[Node]:
    placeholders = dict.fromkeys(PLACEHOLDER.findall(path))
    every = {(node.text("name"), node.text("in")): node for node in (*shared.each(), *own.each())}
    for (name, place), node in every.items():
        if not 0 < len(name) <= MOST_NAME_CHARACTERS:
            raise node.fault(f"must have a name, of at most {MOST_NAME_CHARACTERS} characters")
        if place not in PLACES:
            raise node.fault(f"cannot be sent: it is in {place!r}, and not in {', '.join(PLACES)}")
        if name in placeholders if place == "path" else place != "header" or name.lower() not in _NO_PARAMETERS:
            yield node
    for name in placeholders:
        if (name, "path") not in every:
            yield Node(own.document, {"name": name, "in": "path", "schema": {"type": "string"}}, own.path)


def _unused(name: str, place: Place, taken: set[str]) -> str:
    """The name, or with its place if it is taken, or with a number; and takes it."""
    unused = name if name not in taken else f"{name}_{place}"
    numbers = count(2)
    while unused in taken:
        unused = f"{name}_{place}_{next(numbers)}"
    taken.add(unused)
    return unused


def _written(node: Node, place: Place) -> dict[str, Any]:
    """Style and explode where they are not the usual ones of the place."""
    if "schema" not in node.object() and "content" in node.object():
        return {"style": "json"}
    usual, *_ = _STYLES[place]
    style = node.text("style") or usual
    if style not in _STYLES[place]:
        raise node.fault(f"cannot be sent: the style {style} is not known in {place}")
    written: dict[str, Any] = {} if style == usual else {"style": style}
    explode = node.object().get("explode")
    if isinstance(explode, bool) and explode != (style == "form"):
        written["explode"] = explode
    return written


def _schema_of(node: Node, bundle: Bundle) -> Any:
    """The schema of a parameter, with what is said beside it."""
    given = node.object()
    media = [given, *(one.object() for _, one in node.at("content").entries())]
    schema: Any = next((one["schema"] for one in media if "schema" in one), {})
    taken = bundle.schema(schema if isinstance(schema, Mapping) else {})
    beside = {name: given[name] for name in ("description", "example") if given.get(name)}
    return {**beside, **taken} if "description" in taken else {**taken, **beside}
