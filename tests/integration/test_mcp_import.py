"""Tools of MCP servers, by stdio and by streamable HTTP."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Response
from http_servers import serving
from mcp_servers import FILES, paged, reachable, started, weather
from mcp_types import Tool

from memos.errors import ConfigurationError, InvalidCommand, MemosError, Unavailable
from memos.records import McpInvocation
from memos.toolkits.mcp import tools_of_server
from memos.toolkits.mcp_servers import HttpServer, StdioServer

ANYTHING = {"type": "object"}
TOKEN = "s3cret"  # noqa: S105


def tool(name: str, **fields: Any) -> Tool:
    return Tool.model_validate({"name": name, "inputSchema": ANYTHING, **fields})


def runs(told: Path) -> bool:
    """Whether the process runs whose id is told in a file, if it came to that."""
    try:
        os.kill(int(told.read_text()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


async def test_tools_of_a_server_by_stdio_are_imported(tmp_path: Path) -> None:
    imported = await tools_of_server(started(tmp_path, FILES), tags=["files"], capabilities=["disk"])

    assert (imported.prefix, imported.faults, imported.notes) == ("files_folders", [], [])
    read, listing, _ = imported.tools
    assert (read.tool_id, read.name, read.endpoint_url) == ("files_folders__read_file", "Read a file", None)
    assert read.description == "Read the first lines of a file."
    assert (read.request_schema or {})["required"] == ["path"]
    assert (read.response_schema or {})["properties"]["result"]["type"] == "string"
    assert (read.tags, read.required_capabilities) == (["files"], ["disk"])
    assert listing.tool_id == "files_folders__list_folder"
    assert (listing.name, listing.description) == ("list.folder", "list.folder")
    assert listing.invocation == McpInvocation(transport="stdio", server="Files & Folders", tool="list.folder")


async def test_a_server_by_stdio_is_told_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMOS_POSTGRES_DSN", "postgresql://secret")

    imported = await tools_of_server(started(tmp_path, FILES))

    told = imported.tools[2].description
    assert "'PATH'" in told
    assert "MEMOS" not in told


async def test_tools_of_a_server_by_http_are_imported_and_what_its_headers_say_is_not_kept() -> None:
    async with reachable(weather(), TOKEN) as url:
        imported = await tools_of_server(HttpServer(url, {"Authorization": f"Bearer {TOKEN}"}), prefix="wx")

    (forecast,) = imported.tools
    assert (forecast.tool_id, forecast.endpoint_url) == ("wx__forecast", url)
    assert forecast.invocation == McpInvocation(transport="streamable-http", server="wx", tool="forecast")
    assert TOKEN not in forecast.model_dump_json()
    assert TOKEN not in repr(HttpServer(url, {"Authorization": f"Bearer {TOKEN}"}))


async def test_the_tools_of_all_pages_are_imported_and_those_of_one_name_once() -> None:
    async with reachable(paged([tool("a"), tool("b.c")], [], [tool("b_c"), tool("a", title="again")])) as url:
        imported = await tools_of_server(HttpServer(url))

    ids = [one.tool_id for one in imported.tools]
    assert ids[0] == "paged__a"
    assert len(ids) == len(set(ids)) == 3
    assert all(one.startswith("paged__b_c_") for one in ids[1:])


async def test_a_list_of_tools_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.toolkits.mcp_session.MOST_PAGES", 3)

    async with reachable(paged(*([tool(str(number))] for number in range(4)))) as url:
        with pytest.raises(InvalidCommand, match="has more than 3 pages"):
            await tools_of_server(HttpServer(url))


async def test_what_is_at_fault_with_a_tool_is_named() -> None:
    pages = [
        tool("fine", outputSchema={"type": "object", "properties": {"x": {"$ref": "https://example.org/x"}}}),
        tool("loose", inputSchema={"type": "object", "properties": {"x": {"type": "file"}}}),
        tool("lost", inputSchema={"type": "object", "properties": {"x": {"$ref": "#/$defs/X"}}}),
    ]
    async with reachable(paged(pages)) as url:
        imported = await tools_of_server(HttpServer(url))

    assert [one.tool_id for one in imported.tools] == ["paged__fine", "paged__loose"]
    assert imported.tools[0].response_schema is None
    assert [note.field for note in imported.notes] == ["fine", "loose"]
    (fault,) = imported.faults
    assert fault.field == "lost"
    assert "request_schema.properties.x" in fault.message
    assert imported.ids == {"paged__fine", "paged__loose", "paged__lost"}


@pytest.mark.parametrize(
    ("source", "kind", "reason"),
    [
        ("import sys; sys.exit('no TOKEN is set')", Unavailable, "It said: no TOKEN is set"),
        ("print('Hello!', flush=True); input(); input()", Unavailable, "answers in what is not MCP"),
        ("import os; os.write(1, b'\\xff\\xfe\\n'); input(); input()", InvalidCommand, "what is not MCP"),
        ("import time; time.sleep(600)", Unavailable, "does not answer"),
        ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", Unavailable, "does not answer"),
    ],
    ids=["ends", "greets", "babbles", "sleeps", "clings"],
)
async def test_a_server_that_does_not_do_as_it_should_is_one_error_and_leaves_no_process(
    tmp_path: Path, source: str, kind: type[MemosError], reason: str
) -> None:
    told = tmp_path / "pid"
    server = started(tmp_path, f"import os; open({str(told)!r}, 'w').write(str(os.getpid()))\n{source}")

    with pytest.raises(kind) as failed:
        await tools_of_server(server, timeout=1)

    assert failed.value.detail.startswith("The MCP server python")
    assert reason in failed.value.detail
    assert not runs(told)


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match=r"The MCP server nothing-there cannot be spoken to: .*No such file"):
        await tools_of_server(StdioServer(["/usr/bin/nothing-there"]))


async def test_an_address_that_is_none_of_an_mcp_server_is_one_error() -> None:
    app = FastAPI()

    @app.post("/page")
    def page() -> Response:
        return Response("<html>", media_type="text/html")

    @app.post("/json")
    def answer() -> list[int]:
        return [1]

    async with serving(app) as url:
        with pytest.raises(Unavailable, match="answered 404"):
            await tools_of_server(HttpServer(f"{url}/mcp"))
        for path in ("page", "json"):
            with pytest.raises(MemosError) as failed:
                await tools_of_server(HttpServer(f"{url}/{path}"), timeout=5)
            assert failed.value.detail.startswith("The MCP server 127.0.0.1:")
    with pytest.raises(Unavailable, match="cannot be spoken to"):
        await tools_of_server(HttpServer(f"{url}/mcp"))


async def test_a_server_that_wants_a_token_says_so() -> None:
    async with reachable(weather(), TOKEN) as url:
        with pytest.raises(Unavailable, match=r"answered 401\. .*--header"):
            await tools_of_server(HttpServer(url))


@pytest.mark.parametrize(
    "url", ["https://me:pw@example.org/mcp", "ftp://example.org", "example.org/mcp", "http://"]
)
def test_a_url_that_cannot_be_kept_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        HttpServer(url)

    assert refused.value.detail.startswith("The URL of the MCP server must")
    assert "pw" not in refused.value.detail


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    with pytest.raises(ConfigurationError, match=r"memos-as\[mcp\]"):
        await tools_of_server(HttpServer("http://127.0.0.1:1/mcp"))
