"""What the facade and all workers count, for Prometheus; no tenant's data is in it."""

import asyncio
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memos.client.metrics import Family, Report, families_of, reports
from memos.client.probe import PATIENCE, probe
from memos.events.streams import Lane
from memos.telemetry import FacadeTelemetry

UNKNOWN = "unknown"
"""What is counted for a path that is no route, and for an odd method: they themselves may say anything."""

METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"})

FACADE = "api"


class RequestCount:
    """Counts requests and how long their answers took to begin."""

    def __init__(self, app: ASGIApp, telemetry: FacadeTelemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, message["status"], time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, noted)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN)
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN
        self._telemetry.requests.labels(method, route, status).inc()
        self._telemetry.seconds.labels(method, route).observe(seconds)


class Merged(Collector):
    """The families of several processes, each sample labelled with the lane and worker it is from, or tells of."""

    def __init__(self, sources: Iterable[tuple[Mapping[str, str], Iterable[Family]]]) -> None:
        self._metrics: dict[str, Metric] = {}
        for labels, families in sources:
            for family in families:
                self._add(family, labels)

    def collect(self) -> Iterator[Metric]:
        """Each family once."""
        yield from self._metrics.values()

    def _add(self, family: Family, labels: Mapping[str, str]) -> None:
        metric = self._metrics.setdefault(family.name, Metric(family.name, family.documentation, family.type))
        if metric.type == family.type:
            for name, own, value in family.samples:
                metric.add_sample(name, {**labels, **own}, value)


def metrics_router() -> APIRouter:
    """The route that Prometheus reads."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/metrics", metrics, methods=["GET"])
    return router


async def metrics(request: Request) -> Response:
    """What is counted, of the facade and of every worker that lives."""
    state = request.app.state
    found = await _published(state.redis)
    await _measure(state.redis, state.telemetry, found)
    own = families_of(state.telemetry.registry)
    registry = CollectorRegistry()
    registry.register(Merged([({"lane": FACADE, "worker": _name()}, own), *map(_of_worker, found)]))
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": media_type})


async def _published(redis: Redis) -> list[Report]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await reports(redis)
    except (RedisError, OSError):
        return []  # the gauge of the bus says why


async def _measure(redis: Redis, telemetry: FacadeTelemetry, found: list[Report]) -> None:
    """Note how the bus is, what waits on it, and how many workers live."""
    health, queues = await probe(redis)
    telemetry.bus_up.set(health.status == "up")
    for stream, depth in queues.items():
        for place, count in depth:
            telemetry.queued.labels(stream, place).set(count)
    if not queues:
        telemetry.queued.clear()
    for lane in get_args(Lane):
        telemetry.workers.labels(lane).set(sum(report.lane == lane for report in found))


def _of_worker(report: Report) -> tuple[Mapping[str, str], Sequence[Family]]:
    return {"lane": report.lane, "worker": report.worker}, report.families


def _name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"
