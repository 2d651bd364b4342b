"""The tools of `memos mcp` as a model is shown them."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp_types import Tool

from memos.mcp_server.described import described
from memos.mcp_server.http import security
from memos.mcp_server.table import TOOLS

SHOWN = [described(tool) for tool in TOOLS]
MOST_CHARACTERS = 16_000
"""Of all tools together, which every conversation pays for."""


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema, and those within."""
    if isinstance(schema, dict):
        yield schema
        for name, part in schema.items():
            within = part.values() if name in {"properties", "$defs"} else [part]
            for one in within:
                yield from schemas(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from schemas(one)


@pytest.fixture(params=SHOWN, ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    shown: Tool = request.param
    return shown


def test_the_tools_are_few_and_each_has_a_name_of_its_own() -> None:
    assert len({tool.name for tool in SHOWN}) == len(SHOWN) == 12
    assert sum(len(tool.model_dump_json(exclude={"output_schema"})) for tool in SHOWN) < MOST_CHARACTERS


def test_every_argument_is_described_and_what_is_not_needed_has_a_default_or_may_be_left_out(tool: Tool) -> None:
    properties = tool.input_schema["properties"]
    assert [name for name, schema in properties.items() if not schema.get("description")] == []
    assert set(tool.input_schema.get("required", [])) <= set(properties)
    assert tool.input_schema["additionalProperties"] is False


def test_schemas_are_ones_that_every_client_reads(tool: Tool) -> None:
    assert tool.output_schema is not None
    for schema in (tool.input_schema, tool.output_schema):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert not any("title" in one for one in schemas(schema) if "type" in one or "$ref" in one)
    said = str(tool.input_schema)
    assert "$ref" not in said
    assert "'null'" not in said


def test_no_tool_lets_a_model_say_for_whom_it_acts(tool: Tool) -> None:
    assert not {"agent_id", "agent", "tenant"} & set(tool.input_schema["properties"])


@pytest.mark.parametrize(
    ("hint", "names"),
    [
        ("read_only_hint", {"context", "recall", "discover_tools", "working_get"}),
        ("destructive_hint", {"forget", "call_tool", "working_set", "working_delete"}),
        ("open_world_hint", {"call_tool"}),
    ],
)
def test_hints_say_what_tools_do(hint: str, names: set[str]) -> None:
    assert {tool.name for tool in SHOWN if tool.annotations and getattr(tool.annotations, hint)} == names


def test_what_adds_more_each_time_is_not_called_idempotent() -> None:
    adding = {tool.name for tool in SHOWN if tool.annotations and not tool.annotations.idempotent_hint}
    assert adding == {"record_learning", "call_tool", "working_append", "log_message"}


def test_hosts_that_are_known_are_those_of_this_machine_and_those_that_are_named() -> None:
    anywhere, named = security("0.0.0.0", []), security("fd00::1", ["memory.lan"])  # noqa: S104

    assert anywhere.enable_dns_rebinding_protection
    assert anywhere.allowed_hosts == [
        *("127.0.0.1", "127.0.0.1:*", "localhost", "localhost:*", "[::1]", "[::1]:*"),
    ]
    assert {"[fd00::1]:*", "memory.lan", "memory.lan:*"} <= set(named.allowed_hosts)
    assert {"http://memory.lan", "https://memory.lan:*"} <= set(named.allowed_origins)
