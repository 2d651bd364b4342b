"""Metrics of the workers, which have no port to be asked at: each leaves its own in Redis for the facade."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, cast

from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.events.streams import Lane
from memos.records import Record
from memos.waiting import told

log = logging.getLogger(__name__)

WORKERS = "memos:workers"
"""A sorted set: each worker that publishes, and when it last did, in seconds of Redis' clock."""

METRICS_PREFIX = "memos:metrics:"
PATIENCE = 2.0
CREATED = "_created"
"""When a counter began, as a sample of its own: of no use to anybody, and as many as the counters."""


class Sample(NamedTuple):
    """One value of a family, with the name that its suffix makes."""

    name: str
    labels: Mapping[str, str]
    value: float


class Family(Record):
    """A metric with all its samples."""

    name: str
    documentation: str
    type: str
    samples: Sequence[Sample]


class Report(Record):
    """All metrics of one process."""

    worker: str
    lane: Lane
    families: Sequence[Family]


def families_of(registry: CollectorRegistry) -> list[Family]:
    """What a registry has collected."""
    return [
        Family(
            name=metric.name,
            documentation=metric.documentation,
            type=metric.type,
            samples=[
                Sample(one.name, one.labels, one.value) for one in metric.samples if not one.name.endswith(CREATED)
            ],
        )
        for metric in registry.collect()
    ]


class PublishedMetrics:
    """Leaves the metrics of one worker in Redis, where they end by themselves unless left anew."""

    def __init__(
        self, redis: Redis, worker: str, lane: Lane, registry: CollectorRegistry, *, seconds: float
    ) -> None:
        self._redis = redis
        self._worker = worker
        self._lane = lane
        self._registry = registry
        self._seconds = max(1, round(seconds))

    async def publish(self) -> None:
        """Leave the metrics as they are now. Raises `RedisError` or `OSError`."""
        report = Report(worker=self._worker, lane=self._lane, families=families_of(self._registry))
        now, _ = await self._redis.time()
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(METRICS_PREFIX + self._worker, report.model_dump_json(), ex=self._seconds)
        pipeline.zadd(WORKERS, {self._worker: now})
        pipeline.zremrangebyscore(WORKERS, "-inf", now - self._seconds)
        pipeline.expire(WORKERS, self._seconds)
        await pipeline.execute()

    async def withdraw(self) -> None:
        """Take the metrics away, since the worker ends. Raises `RedisError` or `OSError`."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(METRICS_PREFIX + self._worker)
        pipeline.zrem(WORKERS, self._worker)
        await pipeline.execute()


async def keep_publishing(stopping: asyncio.Event, metrics: PublishedMetrics, *, every: float) -> None:
    """Publish every so many seconds until told to stop; while Redis is away, nothing is."""
    while not stopping.is_set():
        try:
            async with asyncio.timeout(PATIENCE):
                await metrics.publish()
        except (RedisError, OSError) as error:
            log.debug("Metrics cannot be published now: %s", error)
        await told(stopping, every)
    with suppress(RedisError, OSError):  # they end by themselves
        async with asyncio.timeout(PATIENCE):
            await metrics.withdraw()


async def reports(redis: Redis) -> list[Report]:
    """What the workers that live have published. Raises `RedisError` or `OSError`."""
    workers = cast("Sequence[bytes]", await redis.zrange(WORKERS, 0, -1))
    pipeline = redis.pipeline(transaction=False)
    for worker in workers:
        pipeline.get(METRICS_PREFIX + worker.decode())
    found = [_report(document) for document in await pipeline.execute() if document]
    return [report for report in found if report]


def _report(document: bytes) -> Report | None:
    try:
        return Report.model_validate_json(document)
    except ValidationError as error:
        log.warning("Metrics of a worker are not in the form of this version: %s", error)
        return None
