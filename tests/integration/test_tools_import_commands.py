"""`memos tools import` and `memos tools seed`, against a memOS that runs."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from mcp_servers import FILES, reachable, started, weather
from running import Ended, Memos, command

from memos.client import Client
from memos.events.tools import DiscoveredTool, ToolsFound

pytest_plugins = ["bus_fixtures"]

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def client(clients: dict[str, Client]) -> Client:
    """The SDK over one of its ways, for it is the commands that are tried."""
    return clients["http"]


@pytest.fixture
def prefix() -> str:
    """What the ids of a test's own tools begin with."""
    return f"p{uuid4().hex}"


async def ran(memos: Memos, *words: str) -> Ended:
    """How a command on tools ended."""
    name = words[: 2 if words[0] == "import" else 1]
    return await command("tools", *name, "--url", memos.url, *words[len(name) :])


async def told(memos: Memos, *words: str) -> Any:
    """What a command prints as data."""
    return json.loads((await ran(memos, *words, "--json")).output)


async def ids(client: Client, prefix: str) -> list[str]:
    """What comes after the prefix in the ids of the tools that there are."""
    every = [tool.tool_id async for tool in client.tools.every(contains=prefix)]
    return [tool_id.removeprefix(f"{prefix}__") for tool_id in every]


def document(*names: str, **more: Any) -> str:
    """An OpenAPI document with an operation by each name."""
    paths = {f"/{name}": {"post": {"operationId": name, "responses": {}, **more}} for name in names}
    return json.dumps({"openapi": "3.1.0", "servers": [{"url": "https://x.example"}], "paths": paths})


async def test_the_operations_of_a_document_are_registered_and_what_is_not_is_told(
    memos: Memos, client: Client, prefix: str
) -> None:
    words = (
        "import",
        "openapi",
        str(DATA / "library.yaml"),
        "--prefix",
        prefix,
        "--tag",
        "lib",
        "--capability",
        "card",
    )

    first = await ran(memos, *words)
    again = await told(memos, *words)

    assert (first.code, first.output) == (1, f"Tools under {prefix}: 4 registered, 1 refused.\n")
    assert "  refused: paths./books/{id}.put.requestBody.content: cannot be called" in first.errors
    assert again["outcomes"] == {"unchanged": 4}
    assert [fault[0] for fault in again["refused"]] == ["paths./books/{id}.put.requestBody.content"]
    tool = await client.tools.get(f"{prefix}__addBook")
    assert (tool.version, tool.tags, tool.required_capabilities) == (1, ["lib"], ["catalogue", "card"])


async def test_what_is_gone_from_a_document_is_named_and_removed_on_demand(
    memos: Memos, client: Client, prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    words = ("import", "openapi", str(file), "--prefix", prefix)
    file.write_text(document("rain", "snow", "hail"), encoding="utf-8")
    await told(memos, *words)
    await client.tools.register(
        (await client.tools.get(f"{prefix}__rain")).model_copy(update={"tool_id": f"{prefix}__eu__rain"})
    )
    file.write_text(document("rain", "hail", summary="Tell the weather"), encoding="utf-8")

    kept = await ran(memos, *words)
    before = await ids(client, prefix)
    pruned = await ran(memos, *words, "--prune")

    assert kept.output == (
        f"Tools under {prefix}: 2 updated.\n"
        f"No longer in the document: {prefix}__snow. Add --prune to deregister them.\n"
    )
    assert before == ["eu__rain", "hail", "rain", "snow"]
    assert f"No longer in the document, and deregistered: {prefix}__snow." in pruned.output
    assert await ids(client, prefix) == ["eu__rain", "hail", "rain"]


async def test_what_cannot_be_called_any_more_is_not_taken_for_gone(
    memos: Memos, client: Client, prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    words = ("import", "openapi", str(file), "--prefix", prefix, "--prune")
    file.write_text(document("rain", "snow"), encoding="utf-8")
    await told(memos, *words)
    said = json.loads(document("rain", "snow"))
    said["paths"]["/snow"]["post"]["requestBody"] = {"content": {"text/csv": {}}}
    file.write_text(json.dumps(said), encoding="utf-8")

    summary = await told(memos, *words)

    assert (summary["deregistered"], len(summary["refused"])) == ([], 1)
    assert await ids(client, prefix) == ["rain", "snow"]


async def test_a_dry_run_registers_nothing_and_prints_what_register_takes(
    memos: Memos, client: Client, prefix: str, tmp_path: Path
) -> None:
    words = ("import", "openapi", str(DATA / "tickets.json"), "--prefix", prefix, "--server", "https://t.example")

    shown = await ran(memos, *words, "--dry-run")
    definitions = await ran(memos, *words, "--dry-run", "--json")
    before = await ids(client, prefix)
    (tmp_path / "tools.json").write_text(definitions.output, encoding="utf-8")
    registered = await told(memos, "register", str(tmp_path / "tools.json"))
    again = await told(memos, *words)

    assert shown.output == (
        f"{prefix}__tickets_search  GET https://t.example/tickets/search\n"
        f"{prefix}__tickets_comment  POST https://t.example/tickets/{{ticket}}/comments\n"
        "Nothing is registered. Tools that would be: 2.\n"
    )
    assert before == []
    assert registered["outcomes"] == {"registered": 2}
    assert again["outcomes"] == {"unchanged": 2}


async def test_the_tools_of_an_mcp_server_by_stdio_are_registered(
    memos: Memos, client: Client, prefix: str, tmp_path: Path
) -> None:
    server = started(tmp_path, FILES)

    ended = await ran(memos, "import", "mcp", "--stdio", "--prefix", prefix, "--", *server.command)

    assert (ended.code, ended.output) == (0, f"Tools under {prefix}: 3 registered.\n"), ended
    tool = await client.tools.get(f"{prefix}__read_file")
    assert (tool.invocation.kind, tool.endpoint_url) == ("mcp", None)


async def test_the_tools_of_an_mcp_server_by_http_are_registered_and_found_and_called(
    memos: Memos, client: Client, prefix: str
) -> None:
    async with reachable(weather(), "t0p") as url:
        words = ("import", "mcp", url, "--prefix", prefix, "--header", "Authorization: Bearer t0p")
        summary = await told(memos, *words, "--capability", prefix)
        found = await client.tools.discover("how warm will it be in Rome?", capabilities=[prefix])
        answer = await client.tools.call(
            f"{prefix}__forecast", {"city": "Rome"}, headers={"Authorization": "Bearer t0p"}
        )

    assert summary["outcomes"] == {"registered": 1}
    assert [tool.tool_id for tool in found.results] == [f"{prefix}__forecast"]
    assert answer.content == {"Rome": 20.5}


async def test_what_is_gone_from_a_server_is_named_as_such(memos: Memos, client: Client, prefix: str) -> None:
    async with reachable(weather()) as url:
        words = ("import", "mcp", url, "--prefix", prefix)
        await told(memos, *words)
        forecast = await client.tools.get(f"{prefix}__forecast")
        await client.tools.register(forecast.model_copy(update={"tool_id": f"{prefix}__rain"}))
        kept, pruned = await ran(memos, *words), await ran(memos, *words, "--prune")

    assert f"No longer on the server: {prefix}__rain. Add --prune to deregister them.\n" in kept.output
    assert f"No longer on the server, and deregistered: {prefix}__rain.\n" in pruned.output


async def test_tools_of_different_kinds_under_one_prefix_are_not_taken_for_gone(
    memos: Memos, client: Client, prefix: str, tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(document("rain"), encoding="utf-8")
    async with reachable(weather()) as url:
        await told(memos, "import", "openapi", str(file), "--prefix", prefix, "--prune")
        await told(memos, "import", "mcp", url, "--prefix", prefix, "--prune")

    assert await ids(client, prefix) == ["forecast", "rain"]


async def test_the_tools_of_tools_as_are_seeded_and_found_by_what_they_are_for(
    memos: Memos, client: Client
) -> None:
    await ran(memos, "seed")
    again = await ran(memos, "seed", "--server", "https://tools.example")

    assert again.output == "Tools under tools_as: 7 updated.\n"
    news = "find recent news about volcanoes"
    web = _seeded(await client.tools.discover(news, agent_capabilities=["web_search"], top_k=100))
    assert web[0].tool_id == "tools_as__web_search"
    assert web[0].endpoint_url == "https://tools.example/search"
    for task in ("remind me to buy milk", "remind me to water the plants"):
        todo = await client.tools.discover(task, tags=["todo-list"], top_k=100)
        everything = await client.tools.discover(task, agent_capabilities=["todo_list"], top_k=100)
        first = [_seeded(found)[0].tool_id for found in (todo, everything)]
        assert first == ["tools_as__todo_add"] * 2, task


def _seeded(found: ToolsFound) -> list[DiscoveredTool]:
    """Those of the tools that are seeded: other tests leave tools of their own."""
    return [one for one in found.results if one.tool_id.startswith("tools_as__")]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("import", "openapi", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file or directory"),
        (("import", "openapi", str(DATA / "library.yaml"), "--prefix", "a b"), "'a b' is no prefix of ids"),
        (("import", "mcp", "npx", "server"), "Give one URL, or --stdio and -- before a command"),
        (("import", "mcp", "--stdio", "--header", "A: b", "--", "x"), "--header is sent by HTTP"),
        (("import", "mcp", "http://127.0.0.1:1", "--header", "Bearer s3cret"), "--header takes a name, a colon"),
        (("import", "mcp", "--stdio", "--", "/nothing/there"), "The MCP server there cannot be spoken to"),
    ],
)
async def test_what_cannot_be_imported_is_said_in_one_line(
    memos: Memos, words: tuple[str, ...], reason: str
) -> None:
    ended = await ran(memos, *words)

    assert (ended.code, ended.output, ended.errors.count("\n")) == (1, "", 1)
    assert ended.errors.startswith("memos: ")
    assert reason in ended.errors
    assert "s3cret" not in ended.errors
