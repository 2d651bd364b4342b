"""Metrics: what each worker leaves in Redis, and what the facade makes of all of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from conftest import Engines
from logs import logged
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from running import until

from memos.api.app import create_app
from memos.client.metrics import METRICS_PREFIX, WORKERS, PublishedMetrics, keep_publishing, reports
from memos.client.redis import open_redis
from memos.events.streams import Lane
from memos.settings import Settings
from memos.telemetry import Telemetry

pytest_plugins = ["bus_fixtures"]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def published(
    redis: Redis, worker: str = "host-1-2", lane: Lane = "interactive", seconds: float = 60, stored: int = 1
) -> PublishedMetrics:
    """The metrics of a worker that has stored something."""
    telemetry = Telemetry()
    telemetry.handled.labels("memos:store", "done").inc(stored)
    return PublishedMetrics(redis, worker, lane, telemetry.registry, seconds=seconds)


def samples_in(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def some(samples: Samples, name: str, **labels: str) -> list[float]:
    """The values of the samples with that name and at least these labels."""
    wanted = frozenset(labels.items())
    return [value for (found, own), value in samples.items() if found == name and wanted <= own]


@pytest.fixture
async def alone(engines: Engines, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """A facade with no worker behind it."""
    app = create_app(Settings(request_timeout=0.05), engines.redis_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client,
    ):
        yield client


async def scraped(client: httpx.AsyncClient) -> Samples:
    response = await client.get("/metrics")
    assert (response.status_code, response.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return samples_in(response.text)


async def test_what_workers_published_is_told_by_lane_and_worker(alone: httpx.AsyncClient, redis: Redis) -> None:
    await published(redis, "a", stored=3).publish()
    await published(redis, "b", stored=4).publish()
    await published(redis, "c", "bulk", stored=5).publish()

    samples = await scraped(alone)

    for worker, lane, stored in (("a", "interactive", 3), ("b", "interactive", 4), ("c", "bulk", 5)):
        labels = {"worker": worker, "lane": lane, "stream": "memos:store", "outcome": "done"}
        assert some(samples, "memos_commands_total", **labels) == [stored]
        assert some(samples, "process_resident_memory_bytes", worker=worker, lane=lane)[0] > 0
    assert some(samples, "memos_workers", lane="interactive") == [2]
    assert some(samples, "memos_workers", lane="bulk") == [1]


async def test_each_family_is_described_once_and_nothing_is_told_twice(
    alone: httpx.AsyncClient, redis: Redis
) -> None:
    await published(redis, "a").publish()
    await published(redis, "b").publish()
    lines = (await alone.get("/metrics")).text.splitlines()

    described = [line for line in lines if line.startswith("# TYPE")]
    assert len(described) == len(set(described))
    values = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(values) == len(set(values))


async def test_the_queues_are_counted_when_asked_for(alone: httpx.AsyncClient, redis: Redis) -> None:
    await published(redis).publish()
    await redis.xadd("memos:store", {"x": "1"})

    samples = await scraped(alone)

    assert some(samples, "memos_queue_entries", stream="memos:store", place="queued") == [1]
    assert some(samples, "memos_queue_entries", stream="memos:ingest", place="dead") == [0]


async def test_requests_are_counted_by_route_and_never_by_path(alone: httpx.AsyncClient) -> None:
    secret = uuid4().hex
    for path in (f"/memory/{uuid4()}", f"/memory/{uuid4()}?agent_id={secret}", f"/{secret}"):
        await alone.get(path)
    await alone.request(secret.upper(), "/memory/query")

    samples = await scraped(alone)

    labels = {"method": "GET", "route": "/memory/{memory_id}"}
    assert some(samples, "memos_requests_total", **labels, status="504") == [2]
    assert some(samples, "memos_request_seconds_count", **labels) == [2]
    assert some(samples, "memos_request_seconds_sum", **labels)[0] > 2 * 0.05
    assert some(samples, "memos_requests_total", route="unknown", status="404") == [1]
    assert secret not in str(samples).lower()


async def test_without_redis_the_facade_tells_its_own_and_that_the_bus_is_down(tmp_path: Path) -> None:
    app = create_app(Settings(), f"unix://{tmp_path}/none.sock")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client,
    ):
        await client.get("/health/live")
        samples = await scraped(client)

    assert some(samples, "memos_bus_up") == [0]
    assert some(samples, "memos_requests_total", route="/health/live") == [1]
    assert some(samples, "memos_workers") == [0, 0]
    assert some(samples, "memos_queue_entries") == []


async def test_a_redis_that_hangs_is_down_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.client.probe.PATIENCE", 0.05)
    monkeypatch.setattr("memos.api.metrics.PATIENCE", 0.05)
    app = create_app(Settings(), "unused")
    server = await asyncio.start_unix_server(hang, tmp_path / "hangs.sock")
    async with (
        server,
        open_redis(f"unix://{tmp_path}/hangs.sock", retries=0) as app.state.redis,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client,
        asyncio.timeout(20),
    ):
        assert some(await scraped(client), "memos_bus_up") == [0]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read whatever is sent, and answer nothing."""
    await reader.read()
    writer.close()


async def test_with_redis_the_bus_is_up(alone: httpx.AsyncClient) -> None:
    assert some(await scraped(alone), "memos_bus_up") == [1]


async def test_openmetrics_is_given_to_whoever_asks_for_it(alone: httpx.AsyncClient, redis: Redis) -> None:
    await published(redis).publish()
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await alone.get("/metrics", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
    assert 'memos_commands_total{lane="interactive",outcome="done"' in response.text


async def test_metrics_of_a_worker_that_was_killed_end_by_themselves(redis: Redis) -> None:
    await published(redis, seconds=3).publish()
    assert [report.worker for report in await reports(redis)] == ["host-1-2"]

    async def gone() -> bool:
        return not await redis.exists(WORKERS, METRICS_PREFIX + "host-1-2")

    await until(gone)
    assert await reports(redis) == []


async def test_the_name_of_a_worker_that_was_killed_is_dropped_by_those_that_live(redis: Redis) -> None:
    now = (await redis.time())[0]
    await redis.zadd(WORKERS, {"killed": now - 61, "living": now - 59})
    await published(redis, "new", seconds=60).publish()
    assert await redis.zrange(WORKERS, 0, -1) == [b"living", b"new"]


async def test_a_worker_publishes_until_it_stops_and_then_takes_its_metrics_away(redis: Redis) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(keep_publishing(stopping, published(redis), every=0.01))
    await until(lambda: reports(redis))
    stopping.set()
    await asyncio.wait_for(running, 5)
    assert await redis.keys() == []


async def test_a_worker_goes_on_publishing_after_redis_failed(redis: Redis, caplog: Any) -> None:
    caplog.set_level("DEBUG", "memos.client.metrics")
    await redis.set(WORKERS, "taken")
    stopping = asyncio.Event()
    running = asyncio.create_task(keep_publishing(stopping, published(redis), every=0.01))

    async def failed() -> bool:
        return bool(logged(caplog, "memos.client.metrics"))

    await until(failed)
    await redis.delete(WORKERS)
    await until(lambda: reports(redis))
    stopping.set()
    await asyncio.wait_for(running, 5)


async def test_metrics_in_a_form_that_is_not_known_are_passed_over(redis: Redis) -> None:
    await published(redis, "good").publish()
    await redis.zadd(WORKERS, {"odd": 2**33})
    await redis.set(METRICS_PREFIX + "odd", '{"worker": "odd", "lane": "of the future"}')
    assert [report.worker for report in await reports(redis)] == ["good"]


async def test_both_lanes_of_a_running_memos_tell_of_their_work_and_their_engines(
    http: httpx.AsyncClient, agent: str
) -> None:
    stored = (await http.post("/memory/store", json={"content": f"Of {agent}.", "agent_id": agent})).json()

    async def told() -> bool:
        samples = await scraped(http)
        handled = some(samples, "memos_commands_total", lane="interactive", stream="memos:store")
        up = [some(samples, "memos_engine_up", lane=lane) for lane in ("interactive", "bulk")]
        return sum(handled) >= 1 and up == [[1.0] * 4, [1.0] * 4]

    await until(told)
    text = (await http.get("/metrics")).text
    assert agent not in text
    assert stored["memory_id"] not in text
