"""The proxy when the cache or the server is away, and what is counted of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from conftest import Engines
from facades import another_facade
from http_servers import serving
from logs import said
from openai import AsyncOpenAI, InternalServerError, NotFoundError
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from running import Memos, until
from upstream import Upstream, answers, asking, completion

from memos.api.app import create_app
from memos.errors import ConfigurationError
from memos.settings import Settings

pytest_plugins = ["proxy_fixtures"]


@asynccontextmanager
async def facade(redis_url: str, **told: Any) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client of a facade with no worker behind it."""
    async with (
        serving(create_app(Settings(**told), redis_url), lifespan="on") as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0) as client,
    ):
        yield client


async def counted(url: str) -> dict[tuple[str, ...], float]:
    """What the facade has counted of the proxy, by name and labels."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{url}/metrics")).text
    return {
        (
            sample.name,
            *(sample.labels[name] for name in ("model", "kind", "outcome") if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("memos_llm")
    }


async def test_without_workers_requests_go_to_the_server_and_only_the_first_waits_for_the_cache(
    engines: Engines,
    redis: Redis,
    upstream: Upstream,
    text: str,
    *,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with facade(engines.redis_url, llm_url=upstream.url, cache_timeout=0.05) as client:
        for number in range(5):
            answer = await client.chat.completions.create(**asking(f"{text}{number}"))
            assert answer.model_dump(exclude_unset=True) == completion(asking(f"{text}{number}"))
        made = await client.embeddings.create(model="parrot", input=text)
    assert made.data[0].embedding == [float(len(text)), float(ord("W")), 0.5]
    assert len(said(caplog, "memos.api.proxy.answer_cache")) == 1


async def test_without_a_bus_requests_go_to_the_server(upstream: Upstream, text: str) -> None:
    async with facade("unix:///nowhere/redis.sock", llm_url=upstream.url, cache_timeout=0.05) as client:
        answer = await client.chat.completions.create(**asking(text))
        stream = await client.chat.completions.create(**asking(text), stream=True)
        streamed = "".join([part.choices[0].delta.content or "" async for part in stream])
    assert answer.choices[0].message.content == streamed


async def test_a_cache_that_takes_an_answer_late_is_not_left_alone(
    proxied: Memos, raw: httpx.AsyncClient, upstream: Upstream, text: str, *, caplog: pytest.LogCaptureFixture
) -> None:
    body, unasked = asking(text), {"cache-control": "no-cache"}
    async with (
        another_facade(proxied, cache_timeout=0.001) as url,
        httpx.AsyncClient(base_url=url, timeout=30, headers=unasked) as hasty,
    ):
        assert (await hasty.post("/chat/completions", json=body)).status_code == 200

        async def kept() -> bool:
            headers = {"cache-control": "only-if-cached"}
            return (await raw.post("/chat/completions", json=body, headers=headers)).status_code == 200

        await until(kept)
    assert said(caplog, "memos.api.proxy.answer_cache") == []


async def test_without_a_server_in_the_settings_the_proxy_says_which_is_missing(
    engines: Engines, redis: Redis
) -> None:
    async with facade(engines.redis_url) as client:
        for ask in (client.chat.completions.create(**asking("a")), client.embeddings.create(model="m", input="a")):
            with pytest.raises(InternalServerError, match="MEMOS_LLM_URL") as caught:
                await ask
            assert (caught.value.status_code, caught.value.code) == (503, "unavailable")
        with pytest.raises(InternalServerError, match="MEMOS_LLM_URL"):
            await client.models.list()


@pytest.mark.parametrize("address", ["localhost:1234/v1", "ftp://localhost/v1", "http://", "http://a:b/"])
async def test_an_address_that_is_none_is_refused_at_the_start(engines: Engines, address: str) -> None:
    app = create_app(Settings(llm_url=address), engines.redis_url)
    with pytest.raises(ConfigurationError, match="MEMOS_LLM_URL"):
        async with app.router.lifespan_context(app):
            pass


async def test_a_server_that_is_away_is_said_to_be(engines: Engines, redis: Redis) -> None:
    async with facade(engines.redis_url, llm_url="http://127.0.0.1:1/v1") as client:
        with pytest.raises(InternalServerError, match="did not answer") as caught:
            await client.chat.completions.create(**asking("a"), extra_body={"memos": {"cache": "off"}})
    assert (caught.value.status_code, caught.value.code) == (502, "upstream-failed")


async def test_the_key_of_the_settings_takes_the_place_of_that_of_the_client(
    engines: Engines, redis: Redis, upstream: Upstream
) -> None:
    async with facade(engines.redis_url, llm_url=upstream.url, llm_api_key="sk-of-the-settings") as client:
        await client.models.list()
    assert upstream.headers[-1]["authorization"] == "Bearer sk-of-the-settings"


async def test_a_facade_that_stops_ends_what_is_under_way(
    engines: Engines, redis: Redis, upstream: Upstream, text: str
) -> None:
    upstream.gate.clear()
    before = upstream.gone
    off: dict[str, Any] = {"extra_body": {"memos": {"cache": "off"}}}
    async with facade(engines.redis_url, llm_url=upstream.url) as client:
        asking_in_vain = asyncio.create_task(client.chat.completions.create(**asking(text), **off))

        async def reached() -> bool:
            return bool(upstream.asked)

        await until(reached)
    with pytest.raises(Exception, match=r"stops|Connection"):
        await asking_in_vain

    async def gone() -> bool:
        return upstream.gone > before

    await until(gone)


async def test_answers_and_their_tokens_are_counted_by_model_and_by_what_became_of_them(
    proxied_memory: httpx.AsyncClient, openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    url = str(proxied_memory.base_url)
    model = f"model-{text[8:16]}"
    body = {**asking(text), "model": model}
    for stream in (False, False, True):
        response = await openai.chat.completions.with_raw_response.create(**body, stream=stream)
        await response.http_response.aread()
    grown = {
        name: value for name, value in (await counted(url)).items() if model in name and "created" not in name[0]
    }
    prompt, completed = len(text), len(f"You said: {text}")
    assert grown == {
        ("memos_llm_requests_total", model, "miss"): 1,
        ("memos_llm_requests_total", model, "hit"): 2,
        ("memos_llm_tokens_total", model, "prompt"): prompt,
        ("memos_llm_tokens_total", model, "completion"): completed,
        ("memos_llm_tokens_total", model, "saved_prompt"): 2 * prompt,
        ("memos_llm_tokens_total", model, "saved_completion"): 2 * completed,
    }


async def test_a_model_that_nobody_has_is_not_a_label_of_its_own(
    proxied_memory: httpx.AsyncClient, openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    url, failed = str(proxied_memory.base_url), ("memos_llm_requests_total", "other", "error")
    before = (await counted(url)).get(failed, 0)
    upstream.answer = answers({"error": {"message": "no such model"}}, 404)
    with pytest.raises(NotFoundError):
        await openai.chat.completions.create(**{**asking(text), "model": "made-up"})
    now = await counted(url)
    assert now[failed] == before + 1
    assert not any("made-up" in name for name in now)
