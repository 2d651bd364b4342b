"""Whether the patterns of a schema can be looked for, and are no more than can be made ready in a moment."""

from collections.abc import Iterator, Mapping
from typing import Any

from memos.schemas.faults import SchemaFault, shown
from memos.schemas.keywords import Path
from memos.schemas.patterns import MOST_PATTERN_WORK, read, search_of

MOST_PATTERN_CHARACTERS = 2_000
MOST_CHARACTERS = 16_000
MOST_WORK = 60_000


class PatternLimits:
    """Checks the patterns of one schema, and adds them up; those beyond the limits are not even read."""

    def __init__(self) -> None:
        self._characters = 0
        self._work = 0

    def faults(self, schema: Mapping[str, Any]) -> Iterator[SchemaFault]:
        """The faults of the patterns of a schema's own keywords."""
        for path, pattern in _patterns(schema):
            if fault := self._beyond(pattern) or _misspelt(pattern):
                yield SchemaFault(path, fault)

    def _beyond(self, pattern: str) -> str | None:
        if len(pattern) > MOST_PATTERN_CHARACTERS:
            return f"must have at most {MOST_PATTERN_CHARACTERS} characters"
        self._characters += len(pattern)
        if self._characters > MOST_CHARACTERS:
            return f"the patterns of a schema must have at most {MOST_CHARACTERS:,} characters together"
        work = read(pattern).work
        self._work += work if work <= MOST_PATTERN_WORK else 0
        if self._work > MOST_WORK:
            return f"the patterns of a schema must unfold to at most {MOST_WORK:,} states together"
        return None


def _patterns(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if isinstance(pattern := schema.get("pattern"), str):
        yield ("pattern",), pattern
    if isinstance(named := schema.get("patternProperties"), Mapping):
        yield from ((("patternProperties", name), name) for name in named)


def _misspelt(pattern: str) -> str | None:
    try:
        search_of(pattern)
    except ValueError as error:
        return f"{shown(pattern)} is no regular expression: {error}"
    return None
