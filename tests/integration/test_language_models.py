"""The language model behind an OpenAI-compatible server, against a real HTTP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chat_server import ChatServer, as_json, asked_of, chat_server, completion, refused
from fastapi import Response

from memos.errors import CompletionRefused, Unavailable
from memos.language_models.openai_compatible import OpenAICompatibleModel, open_language_model

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
GOOD = '{"summary": "all is well"}'


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


@pytest.fixture
def server(running: ChatServer) -> ChatServer:
    running.asked.clear()
    running.keys.clear()
    running.answer = lambda _: GOOD
    return running


@pytest.fixture
async def model(server: ChatServer) -> AsyncIterator[OpenAICompatibleModel]:
    async with open_language_model(server.url, "m", api_key="secret", timeout=5) as opened:
        yield opened


async def summary(model: OpenAICompatibleModel) -> dict[str, Any]:
    return await model.structured("Summarise.", "a long story", SCHEMA)


async def test_a_model_is_asked_for_an_object_of_the_schema(
    server: ChatServer, model: OpenAICompatibleModel
) -> None:
    assert await summary(model) == {"summary": "all is well"}

    [asked] = server.asked
    assert (asked["model"], asked_of(asked)) == ("m", "a long story")
    assert asked["messages"][0] == {"role": "system", "content": "Summarise."}
    wanted = asked["response_format"]
    assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)
    assert wanted["json_schema"]["schema"] == SCHEMA
    assert server.keys == ["Bearer secret"]
    assert model.name == "m"


def knows(*forms: str) -> Callable[[dict[str, Any]], Any]:
    """A server that knows only some forms of structured output; `text` is what it does if asked for none."""

    def answer(body: dict[str, Any]) -> Any:
        form = body.get("response_format", {"type": "text"})["type"]
        return GOOD if form in forms else refused(400, f"response_format {form} is not known")

    return answer


@pytest.mark.parametrize(("form", "attempts"), [("json_object", 2), ("text", 3)])
async def test_a_server_that_knows_no_schemas_is_told_the_schema_in_words_and_asked_so_from_then_on(
    server: ChatServer, model: OpenAICompatibleModel, form: str, attempts: int
) -> None:
    server.answer = knows(form)

    assert await summary(model) == {"summary": "all is well"}
    assert await summary(model) == {"summary": "all is well"}

    assert len(server.asked) == attempts + 1
    assert json.dumps(SCHEMA) in server.asked[-1]["messages"][0]["content"]


async def test_a_text_that_is_refused_in_every_form_says_nothing_of_the_forms(
    server: ChatServer, model: OpenAICompatibleModel
) -> None:
    server.answer = lambda _: refused(400, "the context is exceeded")
    with pytest.raises(CompletionRefused, match="the context is exceeded"):
        await summary(model)
    server.asked.clear()
    server.answer = lambda _: GOOD

    await summary(model)

    [asked] = server.asked
    assert asked["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    "said", [f"```json\n{GOOD}\n```", f"<think>{{so}}</think>\n{GOOD}", f"Here it is: {GOOD} Anything else?"]
)
async def test_the_object_is_found_in_what_a_small_model_says_around_it(
    server: ChatServer, model: OpenAICompatibleModel, said: str
) -> None:
    server.answer = lambda _: said

    assert await summary(model) == {"summary": "all is well"}


UNUSABLE: dict[str, Any] = {
    "a refusal": completion({"role": "assistant", "content": None, "refusal": "I would rather not."}),
    "nothing": "",
    "blank": " \n",
    "no content": completion({"role": "assistant", "content": None}),
    "a content that is no text": completion({"role": "assistant", "content": 5}),
    "no message": completion(None),
    "no choices": as_json({"choices": []}),
    "null choices": as_json({"choices": None}),
    "words": "All is well.",
    "half an object": '{"summary": "all',
    "a list": '["all is well"]',
    "another object": '{"text": "all is well"}',
    "a summary that is no text": '{"summary": 5}',
    "more than the schema allows": '{"summary": "a", "more": 1}',
    "nesting without end": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "an error with status 200": as_json({"error": "no model is loaded"}),
    "a page": Response("<html>", media_type="text/html"),
    "broken JSON": Response('{"choices": [', media_type="application/json"),
    "no body": Response(""),
    "JSON of another kind": as_json([1]),
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
async def test_what_is_no_object_of_the_schema_is_refused(
    server: ChatServer, model: OpenAICompatibleModel, answer: Any
) -> None:
    server.answer = lambda _: answer

    with pytest.raises(CompletionRefused) as refusal:
        await summary(model)

    assert "\n" not in refusal.value.detail
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 502, 503])
async def test_a_server_that_does_not_answer_for_us_now_is_unavailable(
    server: ChatServer, model: OpenAICompatibleModel, status: int
) -> None:
    server.answer = lambda _: refused(status, "not now")

    with pytest.raises(Unavailable, match="not now"):
        await summary(model)

    assert len(server.asked) == 1


@pytest.mark.parametrize(("told", "seconds"), [("20", 20), ("1e9", 60), ("soon", 0), ("-1", 0)])
async def test_a_busy_server_says_how_long_it_wants_to_be_left_alone(
    server: ChatServer, model: OpenAICompatibleModel, told: str, seconds: float
) -> None:
    server.answer = lambda _: refused(429, "busy", **{"Retry-After": told})

    with pytest.raises(Unavailable) as refusal:
        await summary(model)

    assert refusal.value.retry_after == seconds


async def test_a_server_that_hangs_is_unavailable(server: ChatServer) -> None:
    given_up = asyncio.Event()
    server.answer = lambda _: given_up.wait()
    async with open_language_model(server.url, "m", api_key="", timeout=0.05) as model:
        with pytest.raises(Unavailable, match=r"timed out|no answer within"):
            await summary(model)
    given_up.set()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with open_language_model("http://127.0.0.1:1/v1", "m", api_key="", timeout=5) as model:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
            await summary(model)
