"""The tools of tools.as in memOS: imported from the service itself, or seeded, they are called as they say."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from running import Memos, command
from tools_as import tools_as

from memos.client import Client
from memos.client.calling import Purpose, call
from memos.errors import ToolFailed
from memos.events.tools import RegisterTool
from memos.toolkits import seed
from memos.toolkits.openapi import tools_of

pytest_plugins = ["bus_fixtures"]

NOBODY = Purpose(None, "tester", None)
WORDS = ("title", "notes", "priority", "due", "labels")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tools_as(tmp_path) as client:
        yield client


@pytest.fixture
async def prefix(client: Client) -> AsyncIterator[str]:
    """What the ids of a test's tools begin with; other tests look for tools of the same words, and find theirs."""
    name = f"t{uuid4().hex}"
    yield name
    for tool in (await client.tools.list(contains=name)).results:
        await client.tools.deregister(tool.tool_id)


def address(service: httpx.AsyncClient) -> str:
    return str(service.base_url)


async def test_the_document_of_the_service_becomes_tools_that_are_called(
    service: httpx.AsyncClient, memos: Memos, client: Client, prefix: str
) -> None:
    url = f"{address(service)}/openapi.json"
    ended = await command("tools", "import", "openapi", url, "--prefix", prefix, MEMOS_REDIS_URL=memos.redis_url)
    assert (ended.code, ended.output) == (0, f"Tools under {prefix}: 7 registered.\n"), ended.errors

    task = {"title": "Call the plumber", "labels": ["home"]}
    key = {"Idempotency-Key": "task-1/step-1"}
    calls = [client.tools.call(f"{prefix}__todo_add", task, headers=key) for _ in range(2)]
    first, again = await asyncio.gather(*calls)
    assert first.content == again.content

    shown = await client.tools.call(f"{prefix}__todo_list", '{"contains": "PLUMBER", "label": ["home"]}')
    assert [one["todo_id"] for one in shown.content["results"]] == [first.content["todo_id"]]
    done = await client.tools.call(f"{prefix}__todo_complete", {"todo_id": first.content["todo_id"]})
    assert done.content["status"] == "done"
    found = await client.tools.call(f"{prefix}__web_search", {"query": "descale a kettle"})
    assert found.content["results"][0]["title"] == "How to descale a kettle"
    with pytest.raises(ToolFailed, match=r"todo_id: .*UUID"):
        await client.tools.call(f"{prefix}__todo_complete", {"todo_id": "the plumber"})


async def test_the_import_leaves_nothing_out_and_the_key_is_no_argument(service: httpx.AsyncClient) -> None:
    imported = tools_of((await service.get("/openapi.json")).json(), server=address(service))

    assert (imported.faults, imported.notes) == ([], [])
    for tool in imported.tools:
        assert tool.response_schema is not None
        assert tool.examples
        assert "Idempotency-Key" not in _arguments(tool)


async def test_what_is_seeded_is_what_the_service_has(service: httpx.AsyncClient) -> None:
    imported = tools_of((await service.get("/openapi.json")).json(), server=address(service))
    served, seeded = _by_id(imported.tools), _by_id(seed.tools_as(address(service)).tools)

    assert served.keys() == seeded.keys()
    for tool_id, tool in seeded.items():
        own = served[tool_id]
        assert (own.endpoint_url, own.name, own.tags) == (tool.endpoint_url, tool.name, tool.tags)
        assert (own.required_capabilities, own.examples) == (tool.required_capabilities, tool.examples)
        assert _arguments(tool) <= _arguments(own) <= _arguments(tool) | {"owner"}


async def test_the_seeded_tools_are_answered_as_they_say(service: httpx.AsyncClient) -> None:
    tools = _by_id(seed.tools_as(address(service)).tools)

    async def answer(name: str, **arguments: Any) -> Any:
        return (await call(tools[f"tools_as__{name}"], arguments, NOBODY)).content

    told = ("x", "y", "high", "2026-03-02T08:00:00Z", ["home"])
    todo = await answer("todo_add", **dict(zip(WORDS, told, strict=True)))
    same = {"todo_id": todo["todo_id"]}
    assert await answer("todo_get", **same) == todo
    assert (await answer("todo_list", status="all", priority=["high"], limit=1))["results"] == [todo]
    assert (await answer("todo_update", **same, title="z", due=None))["title"] == "z"
    assert (await answer("todo_complete", **same))["status"] == "done"
    assert await answer("todo_delete", **same) == {**same, "deleted": True}
    assert (await answer("web_search", query="kettle", language="en", safe_search="off"))["count"] > 0


def _by_id(tools: Any) -> Mapping[str, RegisterTool]:
    return {tool.tool_id: tool for tool in tools}


def _arguments(tool: RegisterTool) -> set[str]:
    assert tool.request_schema is not None
    return {*tool.request_schema["properties"]}
