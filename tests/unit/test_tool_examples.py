"""The examples of the routes of tools: what is shown can be sent."""

import json
from typing import Any

import pytest

from memos.api.app import create_app
from memos.api.examples import named_examples
from memos.api.tools import OutcomeRequest
from memos.events.tools import DiscoverTools, RegisterTool
from memos.settings import Settings

BODIES = [
    ("/tools/register", RegisterTool),
    ("/tools/discover", DiscoverTools),
    ("/tools/outcomes", OutcomeRequest),
]


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    paths: dict[str, Any] = create_app(Settings.model_construct(), "unix:///unused").openapi()["paths"]
    return paths


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_every_example_is_a_valid_body(paths: dict[str, Any], path: str, body: Any) -> None:
    examples = named_examples(paths[path]["post"])
    assert len(examples) >= 2
    for summary, value in examples:
        assert summary
        body.model_validate_json(json.dumps(value))


def test_a_registration_is_shown_for_every_kind_of_invocation(paths: dict[str, Any]) -> None:
    tools = [RegisterTool.model_validate(value) for _, value in named_examples(paths["/tools/register"]["post"])]
    assert {tool.invocation.kind for tool in tools} == {"http", "mcp"}
    assert any(
        parameter.place == "path" for tool in tools for parameter in getattr(tool.invocation, "parameters", [])
    )


def test_the_static_routes_of_tools_come_before_those_with_an_id(paths: dict[str, Any]) -> None:
    of_tools = [path for path in paths if path.startswith("/tools")]
    assert of_tools[-1] == "/tools/{tool_id}"
    assert len(of_tools) == 7
