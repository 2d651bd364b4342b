"""Embeddings through the proxy, with OpenAI's own client: each input is embedded by the server once."""

import asyncio
from typing import Any

import httpx
import openai as openai_client
import pytest
from openai import AsyncOpenAI
from running import until
from upstream import Upstream, answers

pytest_plugins = ["proxy_fixtures"]


async def embedded(openai: AsyncOpenAI, inputs: Any, **more: Any) -> tuple[str, list[list[float]], int]:
    """What the cache said, the embeddings, and the tokens that they took."""
    response = await openai.embeddings.with_raw_response.create(model="parrot", input=inputs, **more)
    answer = response.parse()
    assert [one.index for one in answer.data] == list(range(len(answer.data)))
    return response.headers["x-memos-cache"], [one.embedding for one in answer.data], answer.usage.prompt_tokens


async def test_an_input_is_embedded_by_the_server_once(openai: AsyncOpenAI, upstream: Upstream, text: str) -> None:
    first, made, _ = await embedded(openai, text)
    again, kept, _ = await embedded(openai, [text])
    assert (first, again) == ("miss", "hit")
    assert made == kept == [[float(len(text)), float(ord("W")), 0.5]]
    assert len(upstream.asked) == 1


async def test_embeddings_out_of_the_cache_take_no_tokens(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    _, _, cost = await embedded(openai, text)

    async def kept() -> tuple[str, int] | None:
        try:
            found, _, tokens = await embedded(openai, text, extra_headers={"cache-control": "only-if-cached"})
        except openai_client.InternalServerError:
            return None
        return found, tokens

    await until(kept)
    assert (cost, await kept()) == (len(text), ("hit", 0))


async def test_only_the_inputs_that_are_missing_are_sent_in_one_request_and_put_in_their_places(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    await embedded(openai, [f"{text}22", f"{text}4444"])
    found, made, cost = await embedded(openai, [f"{text}1", f"{text}22", f"{text}333", f"{text}4444", text])
    assert found == "miss"
    assert [int(one[0]) - len(text) for one in made] == [1, 2, 3, 4, 0]
    assert cost == 3 * len(text) + 4
    assert [body["input"] for body in upstream.asked][1:] == [[f"{text}1", f"{text}333", text]]


async def test_tokens_are_inputs_too(openai: AsyncOpenAI, upstream: Upstream, text: str) -> None:
    tokens = [ord(letter) for letter in text]
    assert (await embedded(openai, tokens))[0] == "miss"
    assert (await embedded(openai, [tokens, tokens[1:]]))[0] == "miss"
    assert (await embedded(openai, [tokens[1:], tokens]))[0] == "hit"
    assert [body["input"] for body in upstream.asked] == [tokens, [tokens[1:]]]


async def test_an_embedding_in_another_form_or_length_is_another_one(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    ways: list[dict[str, Any]] = [{}, {"encoding_format": "float"}, {"dimensions": 3}]
    assert [(await embedded(openai, text, **way))[0] for way in ways] == ["miss"] * 3
    assert [(await embedded(openai, text, **way))[0] for way in ways] == ["hit"] * 3
    assert upstream.asked[0]["encoding_format"] == "base64"


async def test_numbers_in_the_place_of_base64_are_passed_on_as_they_are(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [1.0, 2.0]}]
    upstream.answer = answers(
        {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    )
    assert [(await embedded(openai, text))[:2] for _ in range(2)] == [("miss", [[1.0, 2.0]]), ("hit", [[1.0, 2.0]])]


async def test_the_cache_can_be_told_what_to_do(raw: httpx.AsyncClient, upstream: Upstream, text: str) -> None:
    async def found(**headers: str) -> int | str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await raw.post("/embeddings", json={"model": "parrot", "input": text}, headers=named)
        said: str = response.headers["x-memos-cache"]
        return said if response.status_code == 200 else response.status_code

    assert await found(cache_control="only-if-cached") == 504
    assert await found(cache_control="no-store") == "miss"
    assert await found(x_memos_cache="off") == "miss"
    assert await found() == "miss"
    assert await found() == "hit"
    assert await found(cache_control="no-cache") == "miss"


async def test_equal_requests_at_once_share_one_call(raw: httpx.AsyncClient, upstream: Upstream, text: str) -> None:
    upstream.gate.clear()
    body = {"model": "parrot", "input": [text, f"{text}!"]}
    asked = [asyncio.create_task(raw.post("/embeddings", json=body)) for _ in range(20)]

    async def reached() -> bool:
        return bool(upstream.asked)

    await until(reached)
    upstream.gate.set()
    responses = await asyncio.gather(*asked)
    assert len({response.content for response in responses}) <= 2
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("inputs", [[], "", [""], [[]], 7, [1, "a"], [None], {"a": 1}], ids=str)
async def test_inputs_that_the_server_may_refuse_are_for_it_to_refuse(
    raw: httpx.AsyncClient, upstream: Upstream, inputs: Any
) -> None:
    upstream.answer = answers({"error": {"message": "bad input", "type": "x", "param": "input", "code": None}}, 400)
    response = await raw.post("/embeddings", json={"model": "parrot", "input": inputs})
    assert (response.status_code, response.json()["error"]["message"]) == (400, "bad input")
    assert [body["input"] for body in upstream.asked] == [inputs]


@pytest.mark.parametrize(
    "document",
    [
        {"data": []},
        {"data": [{"index": 5, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": ["a"]}]},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": [1.0, float("inf")]}]},
        {"data": "x"},
        {"error": {"message": "no model"}},
        [],
    ],
    ids=str,
)
async def test_what_are_no_embeddings_is_passed_on_unchanged_and_not_kept(
    raw: httpx.AsyncClient, openai: AsyncOpenAI, upstream: Upstream, text: str, *, document: Any
) -> None:
    upstream.answer = answers(document)
    response = await raw.post("/embeddings", json={"model": "parrot", "input": text, "encoding_format": "base64"})
    assert (response.status_code, response.json()) == (200, document)
    upstream.begin_anew()
    assert (await embedded(openai, text))[0] == "miss"
    upstream.answer = answers(document)
    with pytest.raises(openai_client.InternalServerError, match="not as many embeddings"):
        await embedded(openai, [text, f"{text}!"])


async def test_an_error_of_the_server_is_that_of_the_client(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    await embedded(openai, text)
    upstream.answer = answers({"error": {"message": "slow down"}}, 429, retry_after="3")
    with pytest.raises(openai_client.RateLimitError, match="slow down") as caught:
        await embedded(openai, [text, f"{text}!"])
    assert caught.value.response.headers["retry-after"] == "3"
