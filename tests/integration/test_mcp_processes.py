"""`memos mcp` as a process: what it prints, how it begins and ends, and whom it serves by HTTP."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp_clients import ENVIRONMENT, by_stdio, data, end, listening, spoken_to
from running import Memos, command, tcp_socket

pytest_plugins = ["bus_fixtures"]

NOWHERE = "http://127.0.0.1:1"

BEGIN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    },
}
BEGUN = {"jsonrpc": "2.0", "method": "notifications/initialized"}
SPEAKING = {"accept": "application/json, text/event-stream"}


async def say(process: Process, *lines: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    await process.stdin.drain()


async def heard(process: Process, identity: int) -> dict[str, Any]:
    """The answer to a request; whatever else is said must be of the protocol, too."""
    assert process.stdout is not None
    async with asyncio.timeout(20):
        while True:
            message: dict[str, Any] = json.loads(await process.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == identity:
                return message


async def left(process: Process) -> tuple[int | None, bytes, str]:
    """How a process ended, and what it said that was not read."""
    async with asyncio.timeout(15):
        output, errors = await process.communicate(None if process.stdin is None else b"")
    return process.returncode, output, errors.decode()


def calling(identity: int, name: str, arguments: dict[str, Any]) -> bytes:
    params = {"name": name, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": identity, "method": "tools/call", "params": params}).encode()


async def test_nothing_but_the_protocol_is_printed_whatever_is_said(memos: Memos, agent: str) -> None:
    process = await spoken_to("--url", memos.redis_url, "--agent", agent)
    await say(process, json.dumps(BEGIN).encode(), json.dumps(BEGUN).encode())
    begun = await heard(process, 1)
    await say(process, b"Good morning!", b"\xff\xfe\x00", b"", b"[1, 2", b"[" * 100_000, b'{"jsonrpc": "2.0"}')
    await say(process, b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"recall"}}')
    bare = await heard(process, 2)
    await say(process, calling(3, "remember", {"content": "\ud800"}))
    await say(process, calling(4, "remember", {"content": "x" * 5_000_000}))
    huge = await heard(process, 4)
    await say(process, calling(5, "format_disk", {}), calling(6, "remember", {"content": "All is well."}))
    unknown, stored = await heard(process, 5), await heard(process, 6)
    code, output, errors = await left(process)

    assert begun["result"]["serverInfo"]["title"] == "memOS"
    assert "call context" in begun["result"]["instructions"]
    assert (bare["result"]["isError"], huge["result"]["isError"]) == (True, True)
    assert unknown["error"]["message"].startswith("There is no tool 'format_disk'. There are context, remember,")
    assert stored["result"]["structuredContent"]["status"] == "stored"
    assert (code, output) == (0, b"")
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_while_its_client_is_silent(number: signal.Signals) -> None:
    process = await spoken_to("--url", NOWHERE)
    await say(process, json.dumps(BEGIN).encode())
    await heard(process, 1)

    process.send_signal(number)

    assert process.stdin is not None
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    assert process.stderr is not None
    assert await process.stderr.read() == b""


async def test_it_ends_when_its_client_is_gone_with_a_call_under_way(memos: Memos) -> None:
    process = await spoken_to("--url", memos.redis_url.replace("db=1", "db=15"))
    await say(process, json.dumps(BEGIN).encode(), json.dumps(BEGUN).encode(), calling(2, "recall", {"query": "x"}))
    await heard(process, 1)

    code, _, errors = await left(process)

    assert (code, "Traceback" in errors) == (0, False)


async def test_it_ends_when_nobody_reads_any_more(memos: Memos) -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "memos", "mcp", "--url", memos.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    os.close(writing)
    os.close(reading)
    await say(process, json.dumps(BEGIN).encode())

    assert process.stderr is not None
    async with asyncio.timeout(15):
        assert await process.wait() == 0
    errors = await process.stderr.read()
    assert b"Traceback" not in errors, errors.decode()


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_clients_of_the_old_and_of_the_new_protocol_are_served(memos: Memos, agent: str, mode: str) -> None:
    async with by_stdio("--url", memos.url, "--agent", agent, mode=mode) as client:
        tools = (await client.list_tools()).tools
        stored = await data(client, "remember", content="It is all the same.")

    assert {"context", "remember", "recall", "call_tool"} <= {tool.name for tool in tools}
    assert stored["status"] == "stored"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url", "ftp://x"), "'ftp://x' is no address of memOS."),
        (("--url", NOWHERE, "--agent", "a\nb"), "--agent is not valid: "),
        (("--url", NOWHERE, "--session", ""), "--session is not valid: "),
        ((), "No memOS runs in "),
    ],
)
async def test_what_is_set_up_wrongly_is_told_in_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = await command("mcp", *words, MEMOS_HOME=os.fspath(tmp_path))

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith(f"memos: {said}")
    assert ended.errors.count("\n") == 1


async def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with tcp_socket() as taken:
        port = taken.getsockname()[1]
        ended = await command("mcp", "--url", NOWHERE, "--http", "--port", str(port))

    assert (ended.code, ended.errors.count("\n")) == (1, 1)
    assert ended.errors.startswith(f"memos: MCP clients cannot be listened for on 127.0.0.1 port {port} (")


async def test_without_the_package_it_is_told_how_to_get_it() -> None:
    program = "import sys; sys.modules['mcp'] = None; from memos.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", program, "mcp", "--url", NOWHERE),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    code, _, errors = await left(process)

    assert (code, errors.count("\n")) == (1, 1)
    assert errors == (
        "memos: The package mcp, which speaks to MCP clients, is not installed: pip install 'memos-as[mcp]'.\n"
    )


async def test_several_clients_are_served_at_once_by_http_and_their_sessions_end(memos: Memos, agent: str) -> None:
    async with listening("--url", memos.url, "--agent", agent) as url, httpx.AsyncClient() as http:
        async with Client(url) as one, Client(url, mode="legacy") as other:
            first, second = await asyncio.gather(
                data(one, "remember", content="One said this.", tags=["said"]),
                data(other, "remember", content="Another, that.", tags=["said"]),
            )
            found = await data(one, "recall", query="who said what?", tags=["said"])
        begun = await http.post(url, json=BEGIN, headers=SPEAKING)
        session = {**SPEAKING, "mcp-session-id": begun.headers["mcp-session-id"]}
        ended = await http.delete(url, headers=session)
        after = await http.post(url, json={"jsonrpc": "2.0", "id": 2, "method": "ping"}, headers=session)

    assert {one["memory_id"] for one in found["memories"]} == {first["memory_id"], second["memory_id"]}
    assert (begun.status_code, ended.status_code, after.status_code) == (200, 200, 404)


async def test_pages_of_other_places_and_too_much_are_refused_by_http(memos: Memos) -> None:
    async with listening("--url", memos.url, "--allow-host", "memory.lan") as url, httpx.AsyncClient() as http:

        async def status(**headers: str) -> int:
            return (await http.post(url, json=BEGIN, headers={**SPEAKING, **headers})).status_code

        own = httpx.URL(url)
        assert await status() == 200
        assert await status(host="localhost:8091", origin="http://localhost:3000") == 200
        assert await status(host="memory.lan") == 200
        assert await status(host="evil.example") == 421
        assert await status(host=f"evil.example:{own.port}") == 421
        assert await status(origin="http://evil.example") == 403
        too_much = {"jsonrpc": "2.0", "id": 1, "method": "x" * 5_000_000}
        assert (await http.post(url, json=too_much)).status_code == 413
        assert (await http.get(str(own.copy_with(path="/")))).status_code == 404


async def test_by_http_it_ends_soon_although_a_client_listens(memos: Memos) -> None:
    process = await spoken_to("--url", memos.url, "--http", "--port", "0")
    assert process.stderr is not None
    url = (await process.stderr.readline()).decode().split("MCP at ")[1].strip()
    async with httpx.AsyncClient() as http:
        begun = await http.post(url, json=BEGIN, headers=SPEAKING)
        session = {**SPEAKING, "mcp-session-id": begun.headers["mcp-session-id"]}
        async with http.stream("GET", url, headers=session) as listening_on:
            assert listening_on.status_code == 200
            assert await end(process) == 0

    errors = await process.stderr.read()
    assert b"Traceback" not in errors, errors.decode()
