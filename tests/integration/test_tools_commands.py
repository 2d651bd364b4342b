"""`memos tools`: what it registers, shows, finds, reports and removes."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from running import Memos, command
from tool_bodies import WEATHER, definition

from memos.client import Client

pytest_plugins = ["bus_fixtures"]


@pytest.fixture
def tool_id() -> str:
    """A tool that nobody else knows."""
    return f"t{uuid4().hex}"


async def said(memos: Memos, *words: str) -> str:
    """What a command on tools prints that succeeds."""
    ended = await command("tools", *words, "--url", memos.url)
    assert (ended.code, ended.errors) == (0, ""), ended
    return ended.output


async def told(memos: Memos, *words: str) -> Any:
    """The same as data."""
    return json.loads(await said(memos, *words, "--json"))


async def refused(memos: Memos, *words: str) -> str:
    """The one line that a command on tools prints that fails."""
    ended = await command("tools", *words, "--url", memos.url)
    assert (ended.code, ended.output, ended.errors.count("\n")) == (1, "", 1), ended
    assert ended.errors.startswith("memos: ")
    return ended.errors


def write(folder: Path, name: str, content: Any) -> str:
    """The path of a file with a document."""
    file = folder / name
    file.write_text(json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("name", ["tools.json", "tools.yaml"])
async def test_the_tools_of_a_file_are_registered_and_told_by_what_became_of_them(
    memos: Memos, client: Client, tool_id: str, tmp_path: Path, name: str
) -> None:
    tools = [definition(f"{tool_id}.{number}", examples=["no", "2024-05-01"]) for number in range(3)]
    one = write(tmp_path, f"one-{name}", tools[0])
    all_of_them = write(tmp_path, name, tools)

    first = await told(memos, "register", one)
    results = await told(memos, "register", all_of_them)

    assert first["outcomes"] == {"registered": 1}
    assert results["outcomes"] == {"unchanged": 1, "registered": 2}
    assert [result["tool_id"] for result in results["results"]] == [tool["tool_id"] for tool in tools]
    read = await client.tools.get(f"{tool_id}.2")
    assert (read.request_schema, read.examples) == (WEATHER, ["no", "2024-05-01"])


async def test_more_tools_than_a_command_may_have_are_registered_in_batches(
    memos: Memos, client: Client, tool_id: str, tmp_path: Path
) -> None:
    tools = [definition(f"{tool_id}.{number:03}", tags=[tool_id]) for number in range(300)]

    printed = await command("tools", "register", write(tmp_path, "tools.json", tools), "--url", memos.url)

    assert printed.output == "Tools: 300 registered.\n"
    assert "Registering" in printed.errors
    assert len([tool async for tool in client.tools.every(tags=[tool_id])]) == 300


@pytest.mark.parametrize(
    ("tools", "reason"),
    [
        (
            [definition("t.a"), definition("t.b", request_schema={"properties": {"city": {"type": "strin"}}})],
            "t.b: request_schema.properties.city.type: ",
        ),
        ([definition("t.a"), {"name": "B"}], "tool 2: tool_id: Field required"),
        ([definition("t.a"), definition("t.a")], "t.a: tool_id: is given to 2 tools"),
        (["a", "b"], "tool 1: Input should be a valid dictionary"),
        ([], "There is no tool in "),
        (definition("t.a", endpoint_url="http://ann:secret@tools.test"), "t.a: endpoint_url: must not contain"),
    ],
)
async def test_a_file_with_a_tool_that_cannot_be_used_registers_nothing_and_names_it(
    memos: Memos, client: Client, tmp_path: Path, tools: Any, reason: str
) -> None:
    line = await refused(memos, "register", write(tmp_path, "tools.yaml", tools))

    assert reason in line
    assert "t.a" not in [tool.tool_id async for tool in client.tools.every(contains="t.a")]


async def test_a_file_that_cannot_be_read_is_named_in_one_line(memos: Memos, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("tool_id: [a\nname: b", encoding="utf-8")

    assert str(broken) in await refused(memos, "register", str(broken))
    assert "nowhere.yaml" in await refused(memos, "register", str(tmp_path / "nowhere.yaml"))
    assert str(tmp_path) in await refused(memos, "register", str(tmp_path))


async def test_a_tool_is_shown_with_what_became_of_its_calls(memos: Memos, client: Client, tool_id: str) -> None:
    schema = {"type": "object"}
    await client.tools.register(
        definition(tool_id, examples=["[b]rain?"], required_capabilities=["web"], request_schema=schema)
    )
    await said(memos, "report", tool_id, "--ok", "--task", "Will it rain?", "--latency-ms", "12.5")
    failed = await said(memos, "report", tool_id, "--failed", "--error", "503 from [them]", "--agent", "ada")

    lines = (await said(memos, "show", tool_id)).splitlines()

    assert failed.startswith("The outcome is recorded")
    assert lines[0] == f"{tool_id}  Weather forecast  version 1, 2 calls, 1 succeeded"
    assert [line.strip() for line in lines[1:]] == [
        "Tells the weather in a city for the next days.",
        "called by: POST http://tools.test/weather",
        "requires: web",
        "example: [b]rain?",
        f"request_schema: {json.dumps(schema)}",
        "latency: 12.5 ms",
        "last error: 503 from [them]",
    ]
    assert (await told(memos, "show", tool_id))["statistics"]["successes"] == 1


async def test_a_tool_is_printed_as_a_model_is_given_it(memos: Memos, client: Client, tool_id: str) -> None:
    await client.tools.register(definition(tool_id))

    spec = json.loads(await said(memos, "show", tool_id, "--format", "openai"))

    assert (spec["type"], spec["function"]["parameters"]["required"]) == ("function", ["city"])


async def test_tools_are_listed_up_to_a_limit_and_it_is_said_when_there_are_more(
    memos: Memos, client: Client, tool_id: str
) -> None:
    for number in range(4):
        await client.tools.register(
            definition(
                f"{tool_id}.{number}", tags=[tool_id], required_capabilities=["web", "disk"][: number % 2 + 1]
            )
        )
    mine = ("--tag", tool_id)

    def ids(listed: str) -> list[str]:
        return [line.split()[0].rpartition(".")[2] for line in listed.splitlines()]

    assert ids(await said(memos, "list", *mine)) == ["0", "1", "2", "3"]
    assert ids(
        await said(memos, "list", *mine, "--capability", "disk", "--capability", "web", "--match", "all")
    ) == [
        "1",
        "3",
    ]
    assert ids(await said(memos, "list", *mine, "--contains", f"{tool_id}.2")) == ["2"]
    limited = await said(memos, "list", *mine, "--limit", "3")
    assert limited.splitlines()[3:] == ["There are more; raise --limit above 3."]
    page = await told(memos, "list", *mine, "--limit", "3")
    assert (page["count"], page["next"]) == (3, f"{tool_id}.2")
    assert await said(memos, "list", *mine, "--capability", "none") == "No tool meets the conditions.\n"


async def test_tools_for_a_task_are_printed_with_why_and_as_a_model_is_given_them(
    memos: Memos, client: Client, tool_id: str
) -> None:
    await client.tools.register(definition(f"{tool_id}.a", tags=[tool_id], required_capabilities=[tool_id]))
    await client.tools.register(
        definition(f"{tool_id}.b", name="List", description="Puts a task on a list.", tags=[tool_id])
    )
    asked = ("discover", "will it rain in the city?", "--tag", tool_id)

    shown = await said(memos, *asked, "-k", "1", "--explain")
    found = await told(memos, *asked, "-k", "1")
    specs = json.loads(await said(memos, *asked, "-k", "1", "--format", "anthropic"))
    by_capability = await told(memos, "discover", "--capability", tool_id)
    restricted = await told(memos, *asked, "--agent-capability", "none")
    nothing = await said(memos, "discover", "rain", "--tag", f"{tool_id}-none")

    first = shown.splitlines()[0]
    assert first == f" 1. {found['results'][0]['score']:.3f}  {tool_id}.a  Weather forecast"
    assert found["results"][0]["reasons"][0] in shown
    factors = re.findall(r"^ +([a-z]+) +-?[\d.]+ +([+-][\d.]+)", shown, re.MULTILINE)
    assert sum(float(contribution) for _, contribution in factors) == pytest.approx(
        found["results"][0]["score"], abs=0.01
    )
    assert [spec["input_schema"]["required"] for spec in specs] == [["city"]]
    assert [tool["tool_id"] for tool in by_capability["results"]] == [f"{tool_id}.a"]
    assert f"{tool_id}.a" not in [tool["tool_id"] for tool in restricted["results"]]
    assert nothing == "No tool meets the conditions.\n"


async def test_tools_are_removed_by_their_ids(memos: Memos, client: Client, tool_id: str) -> None:
    await client.tools.register(definition(tool_id))

    removed = (await said(memos, "remove", tool_id, f"{tool_id}.none")).splitlines()

    assert removed == [
        f"{tool_id}: The tool is removed, with all that was reported of it.",
        f"{tool_id}.none: There was no such tool.",
    ]
    assert [one["status"] for one in await told(memos, "remove", tool_id)] == ["absent"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("show", "nobody.knows"), "nobody.knows"),
        (("show", "a b"), "tool_id: "),
        (("discover",), "query, capabilities or tags must be given"),
        (("discover", "x", "-k", "0"), "top_k: "),
        (("report", "nobody.knows", "--ok"), "nobody.knows"),
        (("report", "x", "--ok", "--error", "y"), "error must not be given with success true"),
        (("remove", "a/b"), "tool_id: "),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(memos: Memos, words: Sequence[str], reason: str) -> None:
    assert reason in await refused(memos, *words)
