"""Engines that go away and come back under a running memOS: nothing acknowledged is lost, and all goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse
from outages import Answer, Site, assert_nothing_is_lost, embedded, queue, site_on, storing
from redis.asyncio import Redis

from memos.client import connect
from memos.errors import EmbeddingRefused
from memos.events.streams import GROUP


@pytest.fixture(scope="module")
async def shared_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site_on(tmp_path_factory.mktemp("outages")) as site:
        yield site


@pytest.fixture
async def site(shared_site: Site) -> Site:
    """A memOS that has got over the outage before."""
    shared_site.embeddings.answer = embedded
    await shared_site.until_ready()
    return shared_site


@pytest.mark.parametrize(("engine", "part"), [("postgres", "ledger"), ("edge", "vectors")])
async def test_readiness_names_an_engine_that_was_killed_until_it_is_back_and_nothing_is_lost(
    site: Site, engine: str, part: str
) -> None:
    async with storing(site) as stored:
        await site.kill(engine)
        await site.until_down(part)
        await queue(site, stored)
        await site.start(engine)
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


@pytest.mark.parametrize(("engine", "part"), [("postgres", "ledger"), ("edge", "vectors")])
async def test_readiness_names_an_engine_that_hangs_until_it_goes_on_and_nothing_is_lost(
    site: Site, engine: str, part: str
) -> None:
    async with storing(site) as stored:
        site.freeze(engine)
        try:
            await site.until_down(part)
            await queue(site, stored)
        finally:
            site.thaw(engine)
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def test_without_redis_nothing_is_ready_and_with_it_all_goes_on_and_nothing_is_lost(site: Site) -> None:
    async with storing(site) as stored:
        await site.kill("valkey")
        report = await site.report()
        assert report["code"] == "unavailable"
        await site.start("valkey")
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def test_a_redis_that_hangs_is_waited_out(site: Site) -> None:
    async with storing(site) as stored:
        site.freeze("valkey")
        try:
            assert (await site.report())["code"] in {"deadline-exceeded", "unavailable"}
        finally:
            site.thaw("valkey")
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def flush(redis: Redis) -> None:
    await redis.flushall()


async def destroy_the_group(redis: Redis) -> None:
    await redis.xgroup_destroy("memos:store", GROUP)


async def delete_the_stream(redis: Redis) -> None:
    await redis.delete("memos:store")


@pytest.mark.parametrize("harm", [flush, destroy_the_group, delete_the_stream])
async def test_what_is_taken_from_redis_is_made_anew_and_nothing_is_lost(site: Site, harm: object) -> None:
    async with storing(site) as stored:
        async with Redis.from_url(site.redis_url) as redis:
            for _ in range(3):
                await harm(redis)  # type: ignore[operator]
                await stored.more()
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def test_all_engines_killed_at_once_come_back_and_nothing_is_lost(site: Site) -> None:
    async with storing(site) as stored:
        names = list(site.engines)
        await asyncio.gather(*map(site.kill, names))
        await asyncio.gather(*map(site.start, names))
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def busy(_: list[str]) -> Response:
    return JSONResponse({"error": {"message": "too many requests"}}, 429, {"Retry-After": "1"})


async def failing(_: list[str]) -> Response:
    return JSONResponse({"error": {"message": "no"}}, 500)


async def hanging(_: list[str]) -> Response:
    await asyncio.sleep(3600)
    raise AssertionError


@pytest.mark.parametrize("answer", [busy, failing, hanging])
async def test_an_embedder_that_does_not_embed_is_named_and_its_stores_are_done_later(
    site: Site, answer: Answer
) -> None:
    async with storing(site) as stored:
        site.embeddings.answer = answer
        await site.until_down("embedder")
        await queue(site, stored)
        site.embeddings.answer = embedded
        await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def test_a_text_that_the_embedder_refuses_fails_alone(site: Site) -> None:
    async def choosy(texts: list[str]) -> Response:
        if "refuse me" in texts:
            return JSONResponse({"error": {"message": "too long"}}, 400)
        return await embedded(texts)

    site.embeddings.answer = choosy
    async with storing(site) as stored, connect(site.redis_url, source="outages") as client:
        for number in range(5):
            with pytest.raises(EmbeddingRefused, match="too long"):
                await client.store("refuse me", agent_id=stored.agent, command_id=f"{stored.agent}-{number}")
    await assert_nothing_is_lost(site, stored)
