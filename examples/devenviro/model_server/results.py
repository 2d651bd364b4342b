"""What tools have answered: whether it went well, and what is in it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from devenviro.model_server.words import quoted, words

LOOKED_AT = 300
"""Characters at the beginning of a text by which a failure is told."""

FIRST_OF_ERRORS = 400

_FAILED = re.compile(
    r"\b(errors?|fail(?:s|ed|ure)|invalid|not valid|could not|cannot|did not answer|not called|there is no"
    r"|not found|status [45]\d\d|refused|timed out)\b",
    re.IGNORECASE,
)
_ASKED_WRONGLY = re.compile(
    r"\b(invalid|not valid|there is no|not found|no such|required|must|status (?:400|404|409|422))\b", re.IGNORECASE
)
_PASSING = re.compile(
    r"\b(?:could not be called|did not answer|timed out|status 50[234]"
    r"|connect(?:ion)? ?(?:error|refused|timeout))\b",
    re.IGNORECASE,
)
_DETAIL = re.compile(r'\{.*"detail"\s*:\s*"((?:[^"\\]|\\.)*)"')
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")


@dataclass(frozen=True)
class Call:
    """A call of a tool, and what came of it as the tool's message says."""

    tool: str
    arguments: Mapping[str, Any]
    text: str

    @property
    def ok(self) -> bool:
        """Whether it went well: JSON is read for what says otherwise, and so is the beginning of other texts."""
        return self.error is None

    @cached_property
    def error(self) -> str | None:
        """What went wrong, if something did."""
        if isinstance(self.content, dict):
            return _error_in(self.content)
        return self.text if self.content is None and _FAILED.search(self.text[:LOOKED_AT]) else None

    @property
    def asked_wrongly(self) -> bool:
        """Whether it failed for what was asked, and not since the tool is out of order."""
        return bool(self.error and _ASKED_WRONGLY.search(self.error[:LOOKED_AT]))

    @property
    def passing(self) -> bool:
        """Whether it failed since the tool was out of reach, which passes and teaches nothing."""
        return bool(self.error and _PASSING.search(self.error[:LOOKED_AT]))

    @property
    def why(self) -> str:
        """The first sentence of what went wrong; of problem details within a text that is their detail."""
        error = self.error or ""
        if detail := _DETAIL.search(error):
            error = f"{error[: error.find('{')]}{detail[1]}"
        return _SENTENCE_END.split(" ".join(error.split()), maxsplit=1)[0]

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The things in the answer: those of its first list, else the answer itself."""
        return [*_listed(self.content)] if isinstance(self.content, dict | list) else []

    @property
    def empty(self) -> bool:
        """Whether it went well and nothing is in it."""
        return self.ok and self.content is not None and not self.items

    @cached_property
    def content(self) -> Any:
        """The answer as JSON; none if it is a text."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


def value_in(calls: Sequence[Call], name: str, task: str) -> Any:
    """What answers say under a name, of the thing that the task names, or else shares most words with; or none."""
    asked, named = words(task), {one.casefold() for one in quoted(task)}
    things = [item for call in reversed(calls) if call.ok for item in call.items if item.get(name) is not None]

    def fit(item: Mapping[str, Any]) -> tuple[bool, int]:
        texts = [value for value in item.values() if isinstance(value, str)]
        return not named.isdisjoint(map(str.casefold, texts)), len(asked & words(" ".join(texts)))

    best = max(things, key=fit, default=None)  # the first of those that fit as well
    return best[name] if best is not None and any(fit(best)) else None


def _error_in(content: Mapping[str, Any]) -> str | None:
    """What an object says that went wrong: under `error`, as problem details, or by saying it is no success."""
    if error := content.get("error"):
        return error if isinstance(error, str) else json.dumps(error)
    status = content.get("status")
    failed = content.get("ok") is False or content.get("success") is False or content.get("is_error") is True
    if failed or (isinstance(status, int) and status >= FIRST_OF_ERRORS):
        return str(content.get("detail") or content.get("message") or f"status {status}")
    return None


def _listed(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, dict):
        listed = next((value for value in content.values() if isinstance(value, list) and _objects(value)), None)
        empty = content.get("count") == 0 or content.get("results") == []
        content = listed if listed is not None else [] if empty else [content]
    yield from (one for one in content if isinstance(one, dict))


def _objects(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)
