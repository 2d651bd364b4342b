"""The examples of the routes of a task's context and of learning: what is shown can be sent."""

import json
from typing import Any

import pytest

from memos.api.app import create_app
from memos.api.examples import named_examples
from memos.api.learning import LearningRequest
from memos.events.context import RequestContext
from memos.settings import Settings


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    paths: dict[str, Any] = create_app(Settings.model_construct(), "unix:///unused").openapi()["paths"]
    return paths


@pytest.mark.parametrize(("path", "body"), [("/context", RequestContext), ("/learning", LearningRequest)])
def test_every_example_is_a_valid_body(paths: dict[str, Any], path: str, body: Any) -> None:
    examples = named_examples(paths[path]["post"])
    assert examples
    for summary, value in examples:
        assert summary
        body.model_validate_json(json.dumps(value))


def test_a_request_that_does_not_wait_is_the_same_command() -> None:
    said = {"task": "t", "outcome": "success", "lessons": [{"content": "l"}]}

    waiting, hasty = (LearningRequest.model_validate({**said, "wait": wait}).command() for wait in (True, False))

    assert waiting == hasty
    assert waiting.model_dump(exclude_unset=True) == said
