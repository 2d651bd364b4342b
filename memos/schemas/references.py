"""References inside a schema: `#`, `#/$defs/City`, `#anchor`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from memos.schemas.keywords import mapped, parts

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
ESCAPED = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")


class JsonDocument:
    """A schema, or what schemas are in, inside of which references lead from one place to another."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    def target(self, reference: str) -> Any:
        """What a reference points at. Raises `LookupError` when it leads nowhere."""
        if len(reference) > 1 and not reference.startswith("#/"):
            return self._anchors[reference[1:]]
        found = self.schema
        for step in steps_of(reference):
            found = _entered(found, step)
        return found

    @cached_property
    def _anchors(self) -> Mapping[str, Any]:
        """The schemas that have a name of their own."""
        found: dict[str, Any] = {}
        waiting = [self.schema]
        while waiting:
            schema = waiting.pop()
            if isinstance(schema, Mapping) and (schema is self.schema or not is_document(schema)):
                found |= dict.fromkeys(_names(schema), schema)
                waiting += (part for _, part in parts(schema))
        return found


def rebased(schema: Any, moved: Callable[[str], str]) -> Any:
    """A copy of a schema with its references changed, but for those of parts that are documents of their own."""
    if not isinstance(schema, Mapping):
        return schema

    def change(part: Any) -> Any:
        return part if isinstance(part, Mapping) and is_document(part) else rebased(part, moved)

    return {
        keyword: moved(value) if keyword in REFERENCES and isinstance(value, str) else value
        for keyword, value in mapped(schema, change).items()
    }


def steps_of(reference: str) -> tuple[str, ...]:
    """The way that `#/a/b` tells, as it is before escaping; none of an anchor."""
    _, *steps = ESCAPED.sub(_unescaped, reference).split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def is_document(schema: Mapping[str, Any]) -> bool:
    """Whether references inside a schema begin at it; an `$id` such as `#name` is but an anchor."""
    own = schema.get("$id")
    return isinstance(own, str) and not own.startswith("#")


def _names(schema: Mapping[str, Any]) -> Iterator[str]:
    named = (schema.get("$anchor"), schema.get("$dynamicAnchor"))
    yield from (name for name in named if isinstance(name, str))
    if isinstance(own := schema.get("$id"), str) and own.startswith("#"):
        yield own[1:]


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1].replace("%", "")).decode(errors="replace")


def _entered(found: Any, step: str) -> Any:
    if isinstance(found, Sequence) and not isinstance(found, str):
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", step):
            raise KeyError(step)
        return found[int(step)]
    if not isinstance(found, Mapping):
        raise KeyError(step)
    return found[step]
