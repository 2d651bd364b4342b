"""What the facade answers beside memories: errors, health, its own documents, and when nobody works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from conftest import Engines
from fastapi.responses import StreamingResponse
from redis.asyncio import Redis
from running import tcp_socket, until

from memos.api.app import create_app
from memos.api.server import FacadeServer
from memos.events.memories import StoreMemory
from memos.events.streams import STREAM_OF, STREAMS
from memos.settings import Settings

pytest_plugins = ["bus_fixtures"]


async def fail() -> None:
    raise ZeroDivisionError("of a secret")


async def break_off() -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        yield b"some"
        raise ZeroDivisionError

    return StreamingResponse(body())


async def test_what_nobody_foresaw_is_logged_and_answered_as_a_problem(
    engines: Engines, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(), engines.redis_url)
    app.add_api_route("/fail", fail)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client:
        response = await client.get("/fail")

    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert (response.json()["code"], response.json()["status"]) == ("internal", 500)
    assert "ZeroDivisionError" in response.json()["detail"]
    assert "secret" not in response.text
    [record] = [record for record in caplog.records if record.name == "memos.api.problems"]
    assert record.message == "GET /fail failed in a way that was not foreseen"
    assert record.exc_info


async def test_an_answer_that_fails_after_it_began_is_broken_off(engines: Engines) -> None:
    app = create_app(Settings(), engines.redis_url)
    app.add_api_route("/break", break_off)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/break")


async def test_a_request_that_a_stopping_facade_cuts_short_is_told_to_ask_again(
    engines: Engines, redis: Redis
) -> None:
    app = create_app(Settings(), engines.redis_url)
    listener = tcp_socket()
    server = FacadeServer(app, log_config=None, access_log=False, timeout_graceful_shutdown=0)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        asked = asyncio.create_task(client.post("/memory/store", json={"content": "Nobody works."}))

        async def queued() -> bool:
            return bool(await redis.xlen(STREAM_OF[StoreMemory].name))

        await until(queued)
        server.should_exit = True
        response = await asked
    await running

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "same id" in response.json()["detail"]
    assert response.json()["command_id"]
    assert response.headers["retry-after"]


@asynccontextmanager
async def facade(redis_url: str, timeout: float = 0.05) -> AsyncIterator[httpx.AsyncClient]:
    """A facade with no worker behind it."""
    app = create_app(Settings(request_timeout=timeout), redis_url)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://memos") as client,
    ):
        yield client


@pytest.fixture
async def alone(
    engines: Engines, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr("memos.api.health.PATIENCE", 0.05)
    async with facade(engines.redis_url) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v2/memory/query", 404),
        ("GET", "/memory/store", 422),
        ("GET", "/memory", 404),
        ("PUT", "/memory/store", 405),
        ("POST", f"/memory/{uuid4()}", 405),
        ("POST", "/health/live", 405),
        ("GET", "/health/ready/nobody", 422),
    ],
)
async def test_every_refusal_is_a_problem_document(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await http.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:memos:problem:{problem['code']}"
    assert problem["detail"]


async def test_a_method_that_is_not_allowed_is_told_with_those_that_are(http: httpx.AsyncClient) -> None:
    response = await http.put("/memory/store", json={})
    assert (response.json()["code"], response.headers["allow"]) == ("unknown-route", "POST")


async def test_when_no_worker_answers_the_request_ends_with_504_and_the_commands_id(
    alone: httpx.AsyncClient, redis: Redis
) -> None:
    store = await alone.post("/memory/store", json={"content": "x"}, headers={"Idempotency-Key": "the-key"})
    query = await alone.post("/memory/query", json={"query": "x"})

    for response in (store, query):
        assert (response.status_code, response.headers["content-type"]) == (504, "application/problem+json")
        assert (response.json()["code"], response.headers["retry-after"]) == ("deadline-exceeded", "1")
        assert response.json()["command_id"] in response.json()["detail"]
    assert store.json()["command_id"] == "the-key"
    assert "stays on the stream" in store.json()["detail"]
    assert await redis.xlen("memos:store") == 1


async def test_a_request_may_say_how_long_it_waits(alone: httpx.AsyncClient) -> None:
    response = await alone.post("/memory/query", json={"query": "x"}, headers={"Request-Timeout": "0.01"})
    assert "within 0.01 s" in response.json()["detail"]


async def test_without_a_worker_a_memory_can_still_be_queued(alone: httpx.AsyncClient, redis: Redis) -> None:
    response = await alone.post("/memory/store", json={"content": "x", "wait": False})
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert await redis.xlen("memos:store") == 1


async def test_without_redis_every_request_is_unavailable(tmp_path: Any) -> None:
    async with facade(f"unix://{tmp_path}/none.sock", timeout=10) as client:
        response = await client.post("/memory/store", json={"content": "x"}, headers={"Idempotency-Key": "the-key"})
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert (response.json()["code"], response.json()["command_id"]) == ("unavailable", "the-key")
        assert response.headers["retry-after"] == "1"
        assert (await client.get("/health/live")).status_code == 200


async def test_the_facade_is_ready_when_both_lanes_are(http: httpx.AsyncClient) -> None:
    response = await http.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    for report in response.json()["lanes"].values():
        assert report["status"] == "ready"
        assert {engine["status"] for engine in report["engines"].values()} == {"up"}
        assert report["lag"].keys() == {"memories", "facts"}


async def test_readiness_tells_of_the_bus_and_of_what_waits_on_it(alone: httpx.AsyncClient, redis: Redis) -> None:
    [stores] = [stream for stream in STREAMS if stream.command is StoreMemory]
    for _ in range(2):
        await redis.xadd(stores.name, {"x": "1"})
    for number in range(3):
        await redis.zadd(stores.delayed, {f"m{number}": 1})
    await redis.xadd(stores.dead, {"x": "1"})

    found = (await alone.get("/health/ready")).json()

    assert (found["engines"]["redis"]["status"], found["engines"]["redis"]["detail"]) == ("up", None)
    assert found["engines"]["redis"]["took_ms"] > 0
    assert found["queues"].keys() == {stream.name for stream in STREAMS}
    assert found["queues"][stores.name] == {"queued": 2, "delayed": 3, "dead": 1}


async def test_a_stream_whose_name_is_taken_does_not_make_the_bus_look_down(
    alone: httpx.AsyncClient, redis: Redis
) -> None:
    await redis.set("memos:store", "something else")
    found = (await alone.get("/health/ready")).json()
    assert found["engines"]["redis"]["status"] == "up"
    assert "memos:store" not in found["queues"]
    assert "memos:query" in found["queues"]


async def test_without_redis_readiness_says_that_the_bus_is_down(tmp_path: Any) -> None:
    async with facade(f"unix://{tmp_path}/none.sock") as client:
        response = await client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "degraded")
    assert response.json()["engines"]["redis"]["status"] == "down"
    assert "See that Redis runs" in response.json()["engines"]["redis"]["detail"]
    assert response.json()["queues"] == {}


@pytest.mark.parametrize("lane", ["interactive", "bulk"])
async def test_one_lane_is_asked_alone(http: httpx.AsyncClient, lane: str) -> None:
    response = await http.get(f"/health/ready/{lane}")
    assert (response.status_code, response.json()["status"]) == (200, "ready")


async def test_the_facade_is_live_but_not_ready_when_a_lane_has_no_worker(alone: httpx.AsyncClient) -> None:
    live, ready = await alone.get("/health/live"), await alone.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()["status"]) == (503, "degraded")
    assert {lane: report["code"] for lane, report in ready.json()["lanes"].items()} == {
        "interactive": "deadline-exceeded",
        "bulk": "deadline-exceeded",
    }


async def test_the_facade_documents_itself(http: httpx.AsyncClient) -> None:
    openapi = (await http.get("/openapi.json")).json()
    asyncapi = (await http.get("/asyncapi")).json()
    docs = await http.get("/docs")

    assert {"/memory/store", "/memory/query", "/memory/{memory_id}", "/ingest/batch"} <= openapi["paths"].keys()
    assert asyncapi["asyncapi"] == "3.0.0"
    assert (docs.status_code, docs.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_health_and_documents_tell_nothing_of_what_is_remembered(http: httpx.AsyncClient, agent: str) -> None:
    await http.post("/memory/store", json={"content": f"A secret of {agent}.", "agent_id": agent})
    for path in ("/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json", "/asyncapi"):
        assert agent not in (await http.get(path)).text
