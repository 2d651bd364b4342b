"""The model of the examples with the tools of tools.as: a lesson spares it the detour that it took to learn it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from devenviro.model_server import create_app
from http_servers import serving
from model_tasks import looked_back, prompt
from openai import AsyncOpenAI
from tools_as import tools_as

from memos.client.calling import Purpose, call
from memos.errors import InvalidCommand, ToolFailed
from memos.events.tools import RegisterTool
from memos.specs import call_name, spec_of
from memos.toolkits.openapi import tools_of

NOBODY = Purpose(None, "tester", None)
MARK = 'Mark "{}" as done on my to-do list.'
"""A task that names no id, which the tool for it needs."""


class Agent:
    """Does tasks with tools that are called as memOS calls them."""

    def __init__(self, openai: AsyncOpenAI, tools: dict[str, RegisterTool]) -> None:
        self._openai = openai
        self._tools = tools
        self._specs: list[Any] = [spec_of(tool, "openai") for tool in tools.values()]
        self.messages: list[Any] = []
        self.called: list[str] = []

    async def do(self, task: str, *lessons: str) -> str:
        self.messages, self.called = prompt(task, *lessons), []
        while True:
            completion = await self._openai.chat.completions.create(
                model="any", messages=self.messages, tools=self._specs
            )
            message = completion.choices[0].message
            self.messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                return message.content or ""
            for one in message.tool_calls:
                assert one.type == "function"
                self.called.append(one.function.name.removeprefix("tools_as__"))
                content = await self._call(one.function.name, one.function.arguments)
                self.messages.append({"role": "tool", "tool_call_id": one.id, "content": content})

    async def _call(self, name: str, arguments: str) -> str:
        try:
            return (await call(self._tools[name], arguments, NOBODY)).text
        except (ToolFailed, InvalidCommand) as error:
            return error.detail


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tools_as(tmp_path) as client:
        for title in ("call the plumber", "water the plants", "water"):
            await client.post("/todos", json={"title": title})
        yield client


@pytest.fixture
async def openai() -> AsyncIterator[AsyncOpenAI]:
    async with (
        serving(create_app()) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as opened,
    ):
        yield opened


@pytest.fixture
async def agent(service: httpx.AsyncClient, openai: AsyncOpenAI) -> Agent:
    document = (await service.get("/openapi.json")).json()
    tools = tools_of(document, server=str(service.base_url)).tools
    return Agent(openai, {call_name(tool.tool_id): tool for tool in tools})


async def titles(service: httpx.AsyncClient, status: str) -> list[str]:
    page = (await service.get("/todos", params={"status": status})).json()
    return [todo["title"] for todo in page["results"]]


async def test_the_second_task_takes_fewer_calls_with_the_lesson_of_the_first(
    agent: Agent, service: httpx.AsyncClient, openai: AsyncOpenAI
) -> None:
    await agent.do(MARK.format("call the plumber"))
    assert agent.called == ["todo_complete", "todo_list", "todo_complete"]
    [lesson] = (await looked_back(openai, agent.messages))["lessons"]

    answer = await agent.do(
        MARK.format("water"), f"[2026-05-01, success, task: {MARK.format('call the plumber')}] {lesson}"
    )

    assert agent.called == ["todo_list", "todo_complete"]
    assert answer == "Done, by tools_as__todo_complete:\n- water (status: done)"
    assert await titles(service, "done") == ["call the plumber", "water"]
    assert (await looked_back(openai, agent.messages))["helped"] == [1]


async def test_without_the_lesson_it_takes_the_detour_again(agent: Agent) -> None:
    for title in ("call the plumber", "water"):
        await agent.do(MARK.format(title))
        assert agent.called == ["todo_complete", "todo_list", "todo_complete"]


async def test_a_lesson_of_other_tasks_changes_nothing(agent: Agent, service: httpx.AsyncClient) -> None:
    lesson = f"[2026-05-01, success, task: {MARK.format('x')}] use todo_list, then todo_complete."

    await agent.do('Add "buy milk" to my to-do list.', lesson)

    assert agent.called == ["todo_add"]
    assert "buy milk" in await titles(service, "open")


async def test_a_lesson_is_read_below_a_heading_of_lessons_alone(agent: Agent) -> None:
    lesson = f"[2026-05-01, success, task: {MARK.format('x')}] use todo_list, then todo_complete."

    await agent.do(f"{MARK.format('water')}\n## Notes\n1. {lesson}")
    assert agent.called[0] == "todo_complete"
    await agent.do(f"{MARK.format('water the plants')}\n## What was learned: lessons\n1. {lesson}")
    assert agent.called[0] == "todo_list"


async def test_a_task_of_two_parts_is_done_one_after_the_other(agent: Agent, service: httpx.AsyncClient) -> None:
    answer = await agent.do("Find out how to descale a kettle, and put it on my to-do list.")

    assert agent.called == ["web_search", "todo_add"]
    assert "vinegar" in answer
    assert "how to descale a kettle" in await titles(service, "open")


async def test_what_is_not_on_the_list_is_neither_added_nor_deleted(
    agent: Agent, service: httpx.AsyncClient
) -> None:
    answer = await agent.do(MARK.format("walk the dog"))

    assert agent.called == ["todo_complete", "todo_list"]
    assert answer.startswith("I could not do this.")
    assert await titles(service, "all") == ["call the plumber", "water the plants", "water"]
