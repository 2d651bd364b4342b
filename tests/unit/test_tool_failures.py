"""What is told of a failed call to others: its kind, and nothing of what was said in it."""

from typing import Any

import pytest

from memos.client.calling import check_answer
from memos.client.tool_answers import Answered, reported_error
from memos.errors import ToolFailed
from memos.records import ToolDefinition

SCHEMA = {
    "type": "object",
    "properties": {"sky": {"enum": ["grey"]}, "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
    "required": ["wind"],
    "additionalProperties": {"type": "integer"},
    "$defs": {"row": {"properties": {"a.b": {"type": "integer"}}}},
}
TOOL = ToolDefinition(
    tool_id="weather",
    name="Weather",
    description="Tells it.",
    response_schema=SCHEMA,
    endpoint_url="http://a.test/",
)


def failure(cause: Exception | None = None, answered: int | None = None) -> ToolFailed:
    failed = ToolFailed("weather could not be called: s3cret", answered=answered)
    failed.__cause__ = cause
    return failed


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (failure(answered=418), "answered with status 418"),
        (failure(ValueError("s3cret"), answered=200), "answered with status 200, and with what cannot be read"),
        (failure(TimeoutError("s3cret")), "did not answer in time"),
        (failure(OSError("s3cret")), "could not be called: OSError"),
        (failure(), "answered with an error"),
    ],
)
def test_the_kind_of_a_failure_is_told(failed: ToolFailed, told: str) -> None:
    assert reported_error(TOOL, failed) == told


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({"sky": "s3cret", "wind": 1}, "answer.sky"),
        ({"sky": "grey"}, "answer.wind"),
        ({"wind": 1, "s3cret": "s3cret"}, "answer.*"),
        ({"wind": 1, "rows": [{"a.b": "s3cret"}]}, "answer.rows.*.a.b"),
        (["s3cret"], "answer"),
    ],
)
def test_the_fields_of_an_answer_are_told_as_far_as_the_tool_names_them(content: Any, fields: str) -> None:
    with pytest.raises(ToolFailed) as failed:
        check_answer(TOOL, Answered(content, 200))
    assert reported_error(TOOL, failed.value) == f"answered otherwise than its response_schema says, at {fields}"
