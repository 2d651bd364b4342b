"""Chat completions through the proxy, with OpenAI's own client: made once, then out of the cache."""

import json
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from upstream import Upstream, answers, asking, calls_tools, chunks, completion, said

pytest_plugins = ["proxy_fixtures"]


async def streamed(openai: AsyncOpenAI, text: str, **more: Any) -> tuple[str, list[ChatCompletionChunk]]:
    """What the cache said, and the chunks of a streamed answer."""
    response: Any = await openai.chat.completions.with_raw_response.create(**asking(text, stream=True, **more))
    return response.headers["x-memos-cache"], [chunk async for chunk in response.parse()]


async def whole(openai: AsyncOpenAI, text: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """What the cache said, and an answer."""
    response = await openai.chat.completions.with_raw_response.create(**asking(text, **more))
    document: dict[str, Any] = json.loads(response.content)
    return response.headers["x-memos-cache"], document


def spoken(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def test_a_request_is_answered_by_the_server_once_and_then_by_the_cache(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    first, made = await whole(openai, text)
    again, kept = await whole(openai, text)
    assert (first, again) == ("miss", "hit")
    assert made == kept == completion(asking(text))
    assert len(upstream.asked) == 1


async def test_a_hit_tells_its_age_and_its_key(openai: AsyncOpenAI, upstream: Upstream, text: str) -> None:
    ask = openai.chat.completions.with_raw_response.create
    made, kept = await ask(**asking(text)), await ask(**asking(text))
    assert "age" not in made.headers
    assert int(kept.headers["age"]) >= 0
    assert made.headers["x-memos-cache-key"] == kept.headers["x-memos-cache-key"]
    assert made.headers["x-ratelimit-remaining-requests"] == "9"


async def test_a_streamed_answer_comes_as_it_was_streamed_and_is_replayed_as_a_stream(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    text = f"{text} {'and so on, ' * 20}"
    first, made = await streamed(openai, text)
    again, kept = await streamed(openai, text)
    assert (first, again) == ("miss", "hit")
    assert spoken(made) == spoken(kept) == said(asking(text))
    assert [chunk.choices[0].finish_reason for chunk in made][-1:] == ["stop"]
    assert [chunk.choices[0].finish_reason for chunk in kept][-1:] == ["stop"]
    assert len(kept) > 4
    assert len(upstream.asked) == 1


async def test_what_was_streamed_is_kept_whole_and_the_other_way_about(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    await streamed(openai, text)
    found, kept = await whole(openai, text)
    assert (found, kept) == ("hit", completion(asking(text)))
    await whole(openai, f"{text}!")
    found, chunks = await streamed(openai, f"{text}!")
    assert (found, spoken(chunks)) == ("hit", said(asking(f"{text}!")))
    assert len(upstream.asked) == 2


async def test_the_tokens_of_a_stream_are_told_to_those_alone_who_ask_for_them(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    counting: dict[str, Any] = {"stream_options": {"include_usage": True}}
    _, silent = await streamed(openai, text)
    _, counted = await streamed(openai, text, **counting)
    _, made = await streamed(openai, f"{text}!", **counting)
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
    assert counted[-1].usage is not None
    assert counted[-1].usage.prompt_tokens == len(text)
    assert made[-1].usage is not None
    assert made[-1].choices == []
    assert upstream.asked[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("stream", [False, True])
async def test_parallel_calls_of_tools_survive_the_cache(
    openai: AsyncOpenAI, upstream: Upstream, text: str, stream: bool
) -> None:
    upstream.answer = calls_tools
    ask = streamed if stream else whole
    await ask(openai, text)
    found, kept = await whole(openai, text)
    assert found == "hit"
    message = kept["choices"][0]["message"]
    assert [call["function"] for call in message["tool_calls"]] == [
        {"name": "weather", "arguments": '{"city": "Zürich"}'},
        {"name": "time", "arguments": '{"city": "Zürich"}'},
    ]
    found, replayed = await streamed(openai, text)
    calls = [call for chunk in replayed for call in chunk.choices[0].delta.tool_calls or []]
    assert [(call.index, call.id) for call in calls if call.id] == [(0, "call_weather"), (1, "call_time")]
    assert [chunk.choices[0].finish_reason for chunk in replayed][-1] == "tool_calls"
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_several_choices_survive_the_cache(
    openai: AsyncOpenAI, upstream: Upstream, text: str, stream: bool
) -> None:
    ask = streamed if stream else whole
    await ask(openai, text, n=3)
    found, kept = await whole(openai, text, n=3)
    assert (found, kept) == ("hit", completion(asking(text, n=3)))


async def test_the_server_gets_all_that_the_body_says_and_the_key_of_the_client(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    body = b' {"model": "parrot",  "temperature": 1.0, "own_field": [1e2], "messages": [{"content": "%s"}]}'
    headers = {"authorization": "Bearer sk-1", "openai-organization": "org-1", "cookie": "a=b", "x-own": "1"}
    sent = body % text.encode()
    response = await raw.post("/chat/completions", content=sent, headers=headers)
    assert response.status_code == 200, response.text
    assert upstream.asked == [json.loads(sent)]
    [seen] = upstream.headers
    assert (seen["authorization"], seen["openai-organization"]) == ("Bearer sk-1", "org-1")
    assert not {"cookie", "x-own"} & set(seen)


async def test_the_server_reads_a_name_that_comes_twice_as_the_cache_reads_it(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    messages = [json.dumps([{"role": "user", "content": said}]) for said in (f"{text} evil", text)]
    body = f'{{"model": "parrot", "messages": {messages[0]}, "messages": {messages[1]}}}'
    response = await raw.post("/chat/completions", content=body)
    assert response.json() == completion(asking(text))
    assert b"evil" not in upstream.bodies[0]


@pytest.mark.parametrize("header", ["openai-beta", "openai-organization", "openai-project"])
async def test_who_is_answered_otherwise_by_the_server_has_answers_of_their_own(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, header: str
) -> None:
    async def found(**headers: str) -> str:
        response = await raw.post("/chat/completions", json=asking(text), headers=headers)
        said: str = response.headers["x-memos-cache"]
        return said

    ways: list[dict[str, str]] = [{}, {header: "a"}, {header: "b"}]
    assert [await found(**way) for way in ways] == ["miss"] * 3
    assert [await found(**way, authorization=f"Bearer {len(way)}") for way in ways] == ["hit"] * 3


async def test_the_field_of_memos_is_taken_out_before_the_server_sees_the_request(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    own = {"agent_id": "cortex", "ttl": 60, "cache": "exact", "sources": []}
    await whole(openai, text, extra_body={"memos": own}, temperature=0.5)
    assert upstream.asked == [asking(text, temperature=0.5)]
    found, _ = await whole(openai, text, temperature=0.5)
    assert found == "hit"


async def test_headers_beyond_ascii_are_passed_on_as_they_came(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    key = "Bearer schlüssel".encode()
    upstream.answer = answers({"error": {"message": "no"}}, 401, x_request_id="zürich")
    response = await raw.post("/chat/completions", json=asking(text), headers={b"authorization": key})
    assert response.status_code == 401
    assert (b"x-request-id", "zürich".encode("latin-1")) in response.headers.raw
    assert upstream.headers[-1]["authorization"].encode("latin-1") == key


async def test_the_models_are_those_of_the_server(openai: AsyncOpenAI, upstream: Upstream) -> None:
    assert [model.id async for model in openai.models.list()] == ["parrot"]
    assert upstream.headers[-1]["authorization"] == "Bearer sk-of-the-client"
    assert (await openai.models.retrieve("own/par rot")).id == "own/par rot"


@pytest.mark.parametrize("path", ["%2e%2e/files", "a/%2e%2e/%2e%2e/files", "a//b"])
async def test_the_name_of_a_model_leads_to_no_other_route_of_the_server(
    raw: httpx.AsyncClient, upstream: Upstream, path: str
) -> None:
    response = await raw.get(f"/models/{path}")
    assert (response.status_code, upstream.headers) == (400, [])


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "completions"), ("POST", "responses"), ("GET", "files/a"), ("DELETE", "models/a")]
)
async def test_a_route_of_openai_that_is_not_served_says_so_in_its_shape(
    raw: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await raw.request(method, f"/{path}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown-route")
    assert "POST /v1/chat/completions" in response.json()["error"]["message"]


async def test_a_stream_as_it_travels_is_that_of_the_server_to_the_byte(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    body = asking(text, stream=True, stream_options={"include_usage": True})
    response = await raw.post("/chat/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == b"".join(chunks(body))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_was_stopped_by_a_filter_is_given_and_not_kept(
    openai: AsyncOpenAI, upstream: Upstream, text: str, stream: bool
) -> None:
    stopped = completion(asking(text))
    stopped["choices"][0]["finish_reason"] = "content_filter"
    upstream.answer = answers(stopped)
    assert await whole(openai, text) == ("miss", stopped)
    upstream.begin_anew()
    ask = streamed if stream else whole
    found, _ = await ask(openai, text, extra_headers={"cache-control": "no-store"})
    assert found == "miss"
