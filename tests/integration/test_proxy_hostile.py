"""Clients and servers that mean no good, or count badly: what they do stays with them."""

import gzip
import json
import logging
import socket
from contextlib import suppress
from typing import Any

import httpx
import pytest
from conftest import Engines
from http_servers import serving
from prometheus_client.parser import text_string_to_metric_families
from running import Memos, served, until
from starlette.responses import Response
from upstream import DONE, Answer, Upstream, answers, asking, chunk, completion, streams

from memos.api.app import create_app
from memos.errors import ConfigurationError
from memos.settings import Settings, load_settings

pytest_plugins = ["proxy_fixtures"]


async def found(raw: httpx.AsyncClient, body: Any, path: str = "/chat/completions", **headers: str) -> str:
    """What the cache says to a request."""
    response = await raw.post(path, json=body, headers=headers)
    assert response.status_code == 200, response.text
    said: str = response.headers["x-memos-cache"]
    return said


def says(content: bytes, status: int = 200) -> Answer:
    """A server that always answers these bytes."""
    return lambda _: Response(content, status, media_type="application/json")


async def test_a_number_that_json_has_not_is_refused_and_the_cache_goes_on(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    await found(raw, asking(text))
    body = json.dumps(asking(text))[:-1] + ', "x": [{"y": -1e999}]}'
    response = await raw.post("/chat/completions", content=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid")
    assert await found(raw, asking(text)) == "hit"


async def test_an_answer_with_a_number_that_json_has_not_is_given_and_the_cache_goes_on(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    await found(raw, asking(text))
    endless = completion(asking(f"{text}!"))
    endless["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": float("-inf")}]}
    vector = {"data": [{"index": 0, "embedding": [float("nan"), 1.0]}]}
    for path, said, body in (
        ("/chat/completions", endless, asking(f"{text}!")),
        ("/embeddings", vector, {"model": "parrot", "input": text}),
    ):
        upstream.answer = says(json.dumps(said).encode())
        for _ in range(2):
            response = await raw.post(path, json=body)
            assert (response.content, response.headers["x-memos-cache"]) == (json.dumps(said).encode(), "miss")
    assert await found(raw, asking(text)) == "hit"


@pytest.mark.parametrize("status", [302, 304, 307, 600, 999])
async def test_a_status_that_cannot_be_passed_on_is_an_error_of_the_server(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, status: int
) -> None:
    upstream.answer = lambda _: Response(status_code=status, headers={"location": "http://127.0.0.1:1/"})
    response = await raw.post("/chat/completions", json=asking(text))
    assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream-failed")
    assert ("MEMOS_LLM_URL to where it leads" in response.text) is (status < 400)


async def test_an_answer_that_is_packed_though_nobody_asked_for_that_is_not_unpacked(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    packed = gzip.compress(json.dumps(completion(asking(text))).encode())
    upstream.answer = lambda _: Response(packed, headers={"content-encoding": "gzip"})
    response = await raw.post("/chat/completions", json=asking(text))
    assert response.status_code == 502
    assert "gzip" in response.json()["error"]["message"]


async def test_clients_are_not_told_where_the_server_is(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.answer = streams(chunk(content="Once"), cut=True)
    for stream in (False, True):
        try:
            response = await raw.post("/chat/completions", json=asking(text, stream=stream))
            assert upstream.url.split("/")[2] not in response.text
        except httpx.RemoteProtocolError:
            assert stream


@pytest.mark.parametrize(
    "address", ["http://user:secret@host/v1", "http://secret@host", "http://host/v1?key=secret"]
)
def test_an_address_with_a_secret_in_it_is_refused_without_being_told(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MEMOS_LLM_URL", address)
    with pytest.raises(ConfigurationError, match="MEMOS_LLM_API_KEY") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


async def test_fewer_answers_than_were_asked_for_are_given_and_not_kept(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    upstream.answer = answers(completion(asking(text)))
    assert [await found(raw, asking(text, n=2)) for _ in range(2)] == ["miss", "miss"]


async def test_what_comes_behind_the_end_mark_is_no_part_of_the_answer(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    sound = (chunk(content="Yes", role="assistant"), chunk("stop"), DONE)
    upstream.answer = streams(b"".join((*sound, chunk(content=" and no"), DONE)))
    response = await raw.post("/chat/completions", json=asking(text, stream=True))
    assert response.content == b"".join(sound)
    kept = await raw.post("/chat/completions", json=asking(text))
    assert kept.headers["x-memos-cache"] == "hit"
    assert kept.json()["choices"][0]["message"]["content"] == "Yes"


async def test_a_model_with_an_endless_name_is_not_a_label(
    proxied_memory: httpx.AsyncClient, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    long = "L" * 256
    await found(raw, {**asking(text), "model": long})
    assert long not in (await proxied_memory.get("/metrics")).text


async def test_errors_and_garbage_say_that_they_are_not_out_of_the_cache(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    for content, status in ((b"<html>", 200), (b'{"error": {"message": "no"}}', 404)):
        upstream.answer = says(content, status)
        response = await raw.post("/chat/completions", json=asking(text))
        assert (response.content, response.headers["x-memos-cache"]) == (content, "miss")


async def test_answers_under_way_are_refused_when_they_take_too_much_memory_until_some_have_ended(
    engines: Engines, template: str, upstream: Upstream, text: str
) -> None:
    told: dict[str, Any] = {"llm_url": upstream.url, "llm_memory_bytes": 1_048_576}
    async with (
        served(engines, template, "5", **told) as memos,
        httpx.AsyncClient(base_url=f"{memos.url}/v1", timeout=30) as client,
    ):
        upstream.answer = answers(completion(asking(text), content="x" * 400_000))
        response = await client.post("/chat/completions", json=asking(text))
        error = response.json()["error"]
        assert (response.status_code, error["code"], response.headers["retry-after"]) == (503, "unavailable", "1")
        assert "MEMOS_LLM_MEMORY_BYTES" in error["message"]
        upstream.answer = answers(completion(asking(text), content="x" * 200_000))
        for number in range(4):
            assert await found(client, asking(f"{text}{number}")) == "miss"


async def test_who_reads_nothing_of_a_stream_does_not_take_the_memory_of_others_for_long(
    engines: Engines, upstream: Upstream, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.api.proxy.following.READ_SECONDS", 0.1)
    large = 10_000_000
    upstream.answer = streams(*[chunk(content="x" * 100_000)] * 100, chunk("stop"), DONE)
    body = json.dumps({**asking(text), "stream": True, "memos": {"cache": "off"}}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: memos\r\ncontent-length: %d\r\n\r\n" % len(body)
    settings = Settings(llm_url=upstream.url, llm_memory_bytes=5 * large)
    async with (
        serving(create_app(settings, engines.redis_url), lifespan="on") as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):

        async def served_whole() -> bool:
            with suppress(httpx.RemoteProtocolError):
                response = await client.post("/v1/chat/completions", content=body)
                return response.content.endswith(DONE)
            return False

        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.connect((httpx.URL(url).host, httpx.URL(url).port))
            idle.sendall(head + body)
            await until(lambda: reached(upstream))
            await until(served_whole)


async def reached(upstream: Upstream) -> bool:
    """Whether the server was asked."""
    return bool(upstream.asked)


async def test_calls_of_the_server_are_not_noted_one_by_one(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await found(raw, asking(text))
    assert [record for record in caplog.records if record.name == "httpx"] == []


async def test_each_key_has_answers_of_its_own_where_that_is_set(
    engines: Engines, template: str, upstream: Upstream, text: str
) -> None:
    told: dict[str, Any] = {"llm_url": upstream.url, "cache_per_key": True, "llm_api_key": "sk-of-the-settings"}
    prices = {"parrot": {"prompt": 1e6, "completion": 2e6}}
    async with (
        served(engines, template, "5", **told, llm_prices=prices) as memos,
        httpx.AsyncClient(base_url=f"{memos.url}/v1", timeout=30) as client,
    ):
        keys = [f"Bearer {name}" for name in ("a", "b", "a", "b")]
        heard = [await found(client, asking(text), authorization=key) for key in keys]
        assert heard == ["miss", "miss", "hit", "hit"]
        assert await money(memos) == {"spent": 2 * cost(text), "saved": 2 * cost(text)}
        await client.post("/chat/completions", json=asking(f"{text}?"), headers={"cache-control": "only-if-cached"})
        metrics = (await client.get(f"{memos.url}/metrics")).text
        assert 'outcome="not-cached"' in metrics
        assert 'outcome="error"' not in "".join(line for line in metrics.splitlines() if "memos_llm" in line)


def cost(text: str) -> int:
    """What a call costs at 1 for each character of the request, and 2 for each of the answer."""
    return len(text) + 2 * len(f"You said: {text}")


async def money(memos: Memos) -> dict[str, float]:
    """What was spent and saved."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{memos.url}/metrics")).text
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {one.labels["kind"]: one.value for one in samples if one.name == "memos_llm_money_total"}
