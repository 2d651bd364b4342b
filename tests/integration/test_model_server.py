"""The deterministic model server of the examples, asked with the official client."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from devenviro.model_server import create_app
from http_servers import serving
from model_tasks import looked_back, prompt, solve, spec
from openai import AsyncOpenAI

BELL = spec("bell_ring", "Ring the bell of the house.", "times", times={"type": "integer"})
SEARCH = spec("page_search", "Search for pages that answer a question.", "query")
ARCHIVE = spec("archive_search", "Search the archive for pages that were kept.", "query")
NOTE = spec("note_add", "Add a note to the list.", "title", priority={"enum": ["low", "high"]})
DONE = "Done, by"
TOOLS: list[Any] = [BELL, SEARCH, ARCHIVE, NOTE]


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    async with serving(create_app()) as address:
        yield address


@pytest.fixture
async def client(url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["devenviro", "hangs", "fails", "garbles"]


async def test_the_tool_whose_words_fit_is_called_with_what_is_in_quotes(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="any", messages=prompt('Add "buy milk" to my list with high priority.'), tools=TOOLS
    )

    [choice] = completion.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert choice.message.tool_calls is not None
    [call] = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "note_add",
        {"title": "buy milk", "priority": "high"},
    )
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


async def test_the_same_request_has_the_same_answer_to_the_letter(url: str) -> None:
    body = {"model": "any", "messages": prompt("Ring the bell 3 times"), "tools": TOOLS}
    async with httpx.AsyncClient(base_url=url) as http:
        first, again = [await http.post("/v1/chat/completions", json=body) for _ in range(2)]
    assert first.content == again.content
    assert json.loads(first.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]) == {
        "times": 3
    }


async def test_a_stream_says_the_same_as_the_whole(client: AsyncOpenAI) -> None:
    asked: dict[str, Any] = {"model": "any", "tools": TOOLS}
    for task in ('Search for pages on "cats, and dogs"', "Sing a song"):
        messages = prompt(task)
        whole = await client.chat.completions.create(messages=messages, **asked)
        manager = client.chat.completions.stream(messages=messages, stream_options={"include_usage": True}, **asked)
        async with manager as stream:
            streamed = await stream.get_final_completion()
        one, other = whole.choices[0], streamed.choices[0]
        assert other.message.content == one.message.content
        assert other.finish_reason == one.finish_reason
        assert _calls(other.message) == _calls(one.message)
        assert (streamed.id, streamed.usage) == (whole.id, whole.usage)


async def test_tool_choice_is_heeded(client: AsyncOpenAI) -> None:
    async def chosen(choice: Any) -> list[tuple[str, str]]:
        completion = await client.chat.completions.create(
            model="any", messages=prompt("Search for cats"), tools=TOOLS, tool_choice=choice
        )
        return _calls(completion.choices[0].message)

    assert await chosen("none") == []
    assert await chosen("auto") == [("page_search", '{"query": "cats"}')]
    assert await chosen({"type": "function", "function": {"name": "note_add"}}) == [
        ("note_add", '{"title": "cats"}')
    ]
    with pytest.raises(openai.BadRequestError, match="sing is not among tools"):
        await chosen({"type": "function", "function": {"name": "sing"}})


async def test_a_tool_that_must_be_called_is_called_though_none_fits(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="any", messages=prompt("Sing"), tools=TOOLS, tool_choice="required"
    )
    assert _calls(completion.choices[0].message) == [("bell_ring", '{"times": 1}')]


async def test_another_tool_stands_in_for_one_that_is_away_until_a_lesson_says_so(client: AsyncOpenAI) -> None:
    def away(query: str) -> Any:
        raise ValueError("page_search answered with an error: it is worn out.")

    functions = {"page_search": away, "archive_search": lambda query: {"results": [{"title": query}]}}
    task = "Search for pages on {}."

    first = await solve(client, TOOLS, functions, task.format("cats"))
    assert (first.names, first.answer) == (
        ["page_search", "archive_search"],
        f"{DONE} archive_search:\n- pages on cats",
    )
    said = await looked_back(client, first.messages)
    assert (said["outcome"], said["helped"], said["misled"]) == ("success", [], [])
    [lesson] = said["lessons"]
    assert lesson == (
        'For tasks like "Search for pages on cats" use archive_search. '
        "page_search failed: it answered with an error: it is worn out."
    )

    unlearned = await solve(client, TOOLS, functions, task.format("dogs"))
    assert unlearned.names == first.names
    learned = await solve(client, TOOLS, functions, task.format("dogs"), f"[2026-05-01, success] {lesson}")
    assert (learned.names, learned.answer) == (["archive_search"], f"{DONE} archive_search:\n- pages on dogs")
    assert await looked_back(client, learned.messages) == {
        "outcome": "success",
        "lessons": [],
        "helped": [1],
        "misled": [],
    }


async def test_a_lesson_that_is_wrong_is_found_out(client: AsyncOpenAI) -> None:
    def away(query: str) -> Any:
        raise ValueError("archive_search answered with status 500: closed")

    functions = {"archive_search": away, "page_search": lambda query: {"results": [{"title": query}]}}
    lesson = "[2026-05-01, success, task: Search for pages on cats] Use archive_search."

    solved = await solve(client, TOOLS, functions, "Search for pages on dogs", lesson)

    assert (solved.names, solved.answer) == (
        ["archive_search", "page_search"],
        f"{DONE} page_search:\n- pages on dogs",
    )
    said = await looked_back(client, solved.messages)
    assert (said["misled"], len(said["lessons"])) == ([1], 1)


async def test_what_cannot_be_done_is_said_and_learned(client: AsyncOpenAI) -> None:
    def away(query: str) -> Any:
        raise ValueError('{"error": "The line is cut. Call the provider."}')

    functions = {"page_search": away, "archive_search": away}

    solved = await solve(client, TOOLS, functions, "Search for pages on cats")

    assert solved.answer == "I could not do this. archive_search: The line is cut."
    said = await looked_back(client, solved.messages)
    assert (said["outcome"], said["helped"]) == ("failure", [])
    [lesson] = said["lessons"]
    assert lesson == (
        'For tasks like "Search for pages on cats" no tool that was called did it. '
        "page_search failed: The line is cut. archive_search failed: The line is cut."
    )


async def test_a_lesson_is_written_after_a_schema_of_that_name(client: AsyncOpenAI) -> None:
    solved = await solve(client, TOOLS, {"page_search": lambda query: {"results": []}}, "Search for pages on cats")
    schema = {"type": "object", "properties": {"lesson": {"type": "string"}, "outcome": {"type": "string"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "lesson", "schema": schema}}

    completion = await client.chat.completions.create(model="any", messages=solved.messages, response_format=form)

    assert json.loads(completion.choices[0].message.content or "") == {
        "lesson": 'For tasks like "Search for pages on cats" use page_search.',
        "outcome": "success",
    }


async def test_an_answer_that_is_too_long_is_cut(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(model="any", messages=prompt("Sing"), max_tokens=2)

    assert (completion.choices[0].finish_reason, completion.choices[0].message.content) == ("length", "I could ")


async def test_models_misbehave_on_demand(client: AsyncOpenAI) -> None:
    async def ask(model: str) -> Any:
        return await client.chat.completions.create(model=model, messages=prompt("Search for cats"), tools=TOOLS)

    with pytest.raises(openai.InternalServerError, match="always fails"):
        await ask("fails")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await ask("hangs")
    [(name, arguments)] = _calls((await ask("garbles")).choices[0].message)
    assert name == "page_search"
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)


async def test_a_request_that_is_not_valid_is_refused_as_openai_does(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="any", messages=[])
    assert refused.value.param == "messages"
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="any", messages=prompt("x"), n=2)


def _calls(message: Any) -> list[tuple[str, str]]:
    return [(call.function.name, call.function.arguments) for call in message.tool_calls or []]
