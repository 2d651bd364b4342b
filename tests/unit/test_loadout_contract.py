"""The contract of loadouts: what they may say, and how a fault is told."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import ValidationError

from memos.client.loadout_files import read_loadout
from memos.client.yaml_lines import LinedDocument
from memos.events.loadouts import (
    ListLoadouts,
    Loadout,
    SaveLoadout,
    ToolById,
    ToolsByCapability,
    ToolsByDiscovery,
    loadout_schema,
)
from memos.events.problems import faults_of
from memos.handlers.digests import digest_of
from memos.toolkits.seed import tools_as

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "loadouts").glob("*.yaml"))

WHOLE: dict[str, Any] = {
    "name": "kit-1.a_b",
    "description": "for tests",
    "persona": "You are {agent}.",
    "instructions": ["Do {task}."],
    "tools": [
        {"id": "web.search", "missing": "error"},
        {"capabilities": ["internet", "paper"], "match": "all", "top_k": 2},
        {"discover": "{task}", "top_k": 1, "missing": "warning"},
    ],
    "missing_tools": "error",
    "memories": [{}, {"query": "{task}", "filter": {"kind": ["note"], "or": [{"tags": ["a"]}]}, "max_tokens": 10}],
    "max_tokens": 4000,
    "format": "mcp",
    "model": {"name": "m", "temperature": 0, "max_output_tokens": 1, "options": {"stop": ["x"]}},
    "working": {"ttl": 60, "promote": "end", "values": {"goal": "{task}", "plan": {"steps": [1, None]}}},
}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Kit"}, "name", "must be at most 128 small letters"),
    ({"name": "x" * 129}, "name", "must be at most 128 small letters"),
    ({"name": "kit\n"}, "name", "must be at most 128 small letters"),
    ({"persona": " \n"}, "persona", "must not be empty or blank"),
    ({"instructions": 5}, "instructions", "should be a valid string"),
    ({"instructions": " "}, "instructions", "must not be empty or blank"),
    ({"instructions": ["a", "\x00"]}, "instructions.1", "must not contain NUL characters"),
    ({"instructions": ["a"] * 65}, "instructions", "at most 64 items"),
    ({"tools": [{"top_k": 1}]}, "tools.0", "has none of id, capabilities, discover"),
    ({"tools": [{"id": "a", "discover": "b"}]}, "tools.0", "has both id and discover"),
    ({"tools": ["web_search"]}, "tools.0", "must be an object such as id: web_search"),
    ({"tools": [None]}, "tools.0", "must be an object such as id: web_search"),
    ({"tools": [{"id": "a"}, {"id": "a b"}]}, "tools.1.id", "must have no spaces"),
    ({"tools": [{"id": "a", "top_k": 1}]}, "tools.0.top_k", "not permitted"),
    ({"tools": [{"capabilities": []}]}, "tools.0.capabilities", "at least 1 item"),
    ({"tools": [{"capabilities": ["a", "a"]}]}, "tools.0.capabilities", "must not name anything twice"),
    ({"tools": [{"capabilities": ["a"], "match": "some"}]}, "tools.0.match", "'any' or 'all'"),
    ({"tools": [{"discover": "a", "top_k": 101}]}, "tools.0.top_k", "less than or equal to 100"),
    ({"tools": [{"discover": "a", "missing": "no"}]}, "tools.0.missing", "'error' or 'warning'"),
    ({"tools": [{"id": "a"}] * 65}, "tools", "at most 64 items"),
    ({"memories": [{"filter": {"knd": "a"}}]}, "memories.0.filter.knd", "is no condition"),
    ({"memories": [{"max_tokens": 0}]}, "memories.0.max_tokens", "greater than or equal to 1"),
    ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
    ({"format": "gemini"}, "format", "'openai', 'anthropic' or 'mcp'"),
    ({"model": {}}, "model.name", "Field required"),
    ({"model": {"name": "m", "options": {"a": "\x00"}}}, "model.options", "must not contain NUL characters"),
    ({"model": {"name": "m", "temperature": float("nan")}}, "model.temperature", "finite number"),
    ({"working": {"values": {}}}, "working.values", "at least 1 item"),
    ({"working": {"values": {str(number): 1 for number in range(65)}}}, "working.values", "at most 64 items"),
    ({"working": {"values": {"a": "\x00"}}}, "working.values.a", "must not contain NUL characters"),
    ({"working": {"ttl": 0, "values": {"a": 1}}}, "working.ttl", "greater than or equal to 1"),
    ({"working": {"promote": "now", "values": {"a": 1}}}, "working.promote", "'never', 'window' or 'end'"),
    ({"persona": None}, "body", "persona, instructions, tools, memories or working must be given"),
    ({"instrutions": "a"}, "instrutions", "not permitted"),
]


@pytest.mark.parametrize(("fields", "where", "why"), REFUSED, ids=[where for _, where, _ in REFUSED])
def test_each_fault_of_a_loadout_is_told_once_and_where_it_is(fields: dict[str, Any], where: str, why: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Loadout.model_validate({"name": "kit", "persona": "p", **fields})

    [fault] = faults_of(refusal.value)
    assert fault.field == where
    assert why in fault.message


def test_a_loadout_is_taken_from_json_as_from_python_and_keeps_what_it_says() -> None:
    loadout = Loadout.model_validate(WHOLE)

    assert Loadout.model_validate_json(loadout.model_dump_json()) == loadout
    assert loadout.model_dump(mode="json", exclude_unset=True) == WHOLE
    assert [type(choice) for choice in loadout.tools] == [ToolById, ToolsByCapability, ToolsByDiscovery]


def test_a_loadout_is_made_of_its_parts() -> None:
    loadout = Loadout(name="kit", tools=[ToolById(id="a"), ToolsByDiscovery(discover="b")])

    assert loadout == Loadout.model_validate({"name": "kit", "tools": [{"id": "a"}, {"discover": "b"}]})


@pytest.mark.parametrize("after", ["\x00", "x" * 129])
def test_a_page_of_loadouts_begins_after_a_name_only(after: str) -> None:
    with pytest.raises(ValidationError):
        ListLoadouts(after=after)


def test_what_is_at_its_default_changes_no_digest() -> None:
    short = SaveLoadout(loadout=Loadout(name="kit", tools=[ToolById(id="a")]))
    long = SaveLoadout(loadout=Loadout(name="kit", tools=[ToolById(id="a", missing=None)], format="openai"))
    other = SaveLoadout(loadout=Loadout(name="kit", tools=[ToolById(id="b")]))

    assert digest_of(short) == digest_of(long) != digest_of(other)


def test_the_published_schema_is_one_that_editors_read() -> None:
    schema = loadout_schema()

    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == Draft7Validator.META_SCHEMA["$id"]
    assert schema["required"] == ["name"]


@pytest.mark.parametrize(
    ("fields", "path"), [(fields, where) for fields, where, _ in REFUSED[8:24]], ids=lambda one: str(one)[:40]
)
def test_the_schema_finds_the_faults_of_tools_memories_and_limits_too(fields: dict[str, Any], path: str) -> None:
    errors = list(Draft7Validator(loadout_schema()).iter_errors({"name": "kit", "persona": "p", **fields}))

    if fields.get("tools") != [{"capabilities": ["a", "a"]}]:  # a repetition is told by the contract alone
        [error] = errors
        assert ".".join(map(str, error.absolute_path)) in path


def test_the_schema_takes_what_the_contract_takes() -> None:
    assert list(Draft7Validator(loadout_schema()).iter_errors(WHOLE)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_a_loadout_by_the_contract_and_by_the_schema_that_it_names(example: Path) -> None:
    text = example.read_text(encoding="utf-8")

    assert read_loadout(text).name == example.stem
    assert list(Draft7Validator(loadout_schema()).iter_errors(LinedDocument(text).value)) == []
    reference = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (example.parent / reference).resolve() == ROOT / "docs" / "reference" / "loadout.schema.json"


def test_there_are_at_least_two_examples_of_loadouts() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_names_tools_and_capabilities_of_those_that_are_seeded(example: Path) -> None:
    seeded = tools_as().tools
    choices = read_loadout(example.read_text(encoding="utf-8")).tools

    assert {one.id for one in choices if isinstance(one, ToolById)} <= {tool.tool_id for tool in seeded}
    required = {capability for tool in seeded for capability in tool.required_capabilities}
    assert {name for one in choices if isinstance(one, ToolsByCapability) for name in one.capabilities} <= required
