"""Loadouts as YAML files, read with the line of each fault."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from memos.client.yaml_lines import LinedDocument, LineFault, Path, Unreadable, dotted, write_yaml
from memos.errors import Fault, InvalidCommand
from memos.events.loadouts import CHOICES, Loadout, MemoryChoice, ModelChoice
from memos.events.problems import summary_of


class CheckedLoadout(NamedTuple):
    """The loadout of a file, or else what is wrong with it, in the order of the lines."""

    loadout: Loadout | None
    faults: Sequence[LineFault]


def check_loadout(text: str) -> CheckedLoadout:
    """The loadout in a YAML document, or every fault of it."""
    try:
        document = LinedDocument(text)
    except Unreadable as error:
        return CheckedLoadout(None, [error.fault])
    try:
        loadout = Loadout.model_validate(document.value)
    except ValidationError as error:
        told = [_told(document, **fault) for fault in error.errors(include_url=False)]
        return CheckedLoadout(None, sorted([*document.faults, *told]))
    return CheckedLoadout(None if document.faults else loadout, document.faults)


def read_loadout(text: str) -> Loadout:
    """The loadout in a YAML document. Raises `InvalidCommand` with every fault, its line in the message."""
    loadout, found = check_loadout(text)
    if loadout is None:
        faults = [Fault(fault.field or "file", f"line {fault.line}: {fault.message}") for fault in found]
        raise InvalidCommand(f"The loadout is not valid: {summary_of(faults)}.", faults=faults)
    return loadout


def write_loadout(loadout: Loadout) -> str:
    """A loadout as a YAML document that `read_loadout` reads, without what is at its default."""
    return write_yaml(loadout.model_dump(mode="json", exclude_defaults=True))


def _told(document: LinedDocument, *, type: str, loc: Path, msg: str, **_: Any) -> LineFault:  # noqa: A002
    """A fault that pydantic found, told to whoever wrote the file."""
    return LineFault(document.nearest_line(loc), dotted(loc), _message(type, msg, loc, document.at(loc)))


def _message(kind: str, message: str, path: Path, value: Any) -> str:
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), _fields(path[:-1]))
    if kind == "missing":
        return "is missing"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f"{message}; without quotes it is read as a {'truth value' if isinstance(value, bool) else 'number'}"
    return f"{message}; there is no value" if value is None and kind.endswith("_type") else message


def _unknown(name: str, known: Sequence[str]) -> str:
    meant = get_close_matches(name, known, n=1)
    return f"is no field here; {f'did you mean {meant[0]}?' if meant else 'there are ' + ', '.join(known)}"


def _fields(path: Path) -> list[str]:
    """The fields that there are at a place in a loadout."""
    match path:
        case ():
            return list(Loadout.model_fields)
        case ("model",):
            return list(ModelChoice.model_fields)
        case ("memories", _):
            return list(MemoryChoice.model_fields)
        case _:
            return list(dict.fromkeys(name for choice in CHOICES.values() for name in choice.model_fields))
