"""What tools answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from memos.errors import ToolFailed
from memos.records import ToolDefinition

LONGEST_ERROR = 2000


class Answered(NamedTuple):
    """What came back: parsed JSON, text, or nothing; `status` and `content_type` as HTTP has them."""

    content: Any
    status: int | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answered: parsed JSON, text, or nothing.

    `status` and `content_type` are those of HTTP; `latency_ms` is the time from sending to the whole answer.
    """

    tool_id: str
    content: Any
    latency_ms: float
    status: int | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        """The content as a model is given it: text as it is, anything else as JSON."""
        return self.content if isinstance(self.content, str) else to_json(self.content).decode()


def reported_error(tool: ToolDefinition, failure: ToolFailed) -> str:
    """What is told of a failure to all agents of the tenant: its kind, nothing of what was asked or answered."""
    status, cause = failure.answered, failure.__cause__
    if failure.faults:
        known = {step for name in _names(tool.response_schema) for step in name.split(".")}
        fields = sorted({_shown(fault.field, known) for fault in failure.faults})
        return f"answered otherwise than its response_schema says, at {', '.join(fields)}"[:LONGEST_ERROR]
    if status is not None:
        ok = 200 <= status < 300  # noqa: PLR2004
        return f"answered with status {status}" + (", and with what cannot be read" if ok else "")
    if isinstance(cause, TimeoutError):
        return "did not answer in time"
    return "answered with an error" if cause is None else f"could not be called: {type(cause).__name__}"


def _names(schema: Any) -> Iterator[str]:
    """All that is said in a schema, properties among it."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield str(key)
            yield from _names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names(value)
    elif isinstance(schema, str):
        yield schema


def _shown(field: str, known: set[str]) -> str:
    """A path with `*` for what the tool has not said itself: places in lists, and names that come with answers."""
    root, *steps = field.split(".")
    return ".".join((root, *(step if step in known else "*" for step in steps)))
