"""A lane: the streams that one worker process consumes under one lease."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.broker.bindings import Binding
from memos.broker.consumer import StreamConsumer
from memos.broker.leases import Lease, consumer_name
from memos.broker.pipeline import Pipeline, new_broker
from memos.broker.settling import Settler
from memos.broker.turns import end_current_turn
from memos.handlers import Handler

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3


class Lane:
    """Consumes the streams of handlers until told to stop."""

    def __init__(
        self,
        redis: Redis,
        url: str,
        handlers: Sequence[Handler],
        ports: Mapping[str, object],
        *,
        lease_seconds: float,
        reply_ttl: float,
    ) -> None:
        self._lease = Lease(redis, consumer_name(), lease_seconds)
        self._interval = lease_seconds / RENEWALS_PER_LEASE
        broker, settler = new_broker(url), Settler(redis, reply_ttl)
        self._pipelines = []
        self._consumers = []
        for handler in handlers:
            binding = Binding(handler, {**ports, "ready": end_current_turn})
            pipeline = Pipeline(broker, binding, self._lease.consumer)
            self._pipelines.append(pipeline)
            self._consumers.append(
                StreamConsumer(
                    redis,
                    self._lease.consumer,
                    binding.stream,
                    batch=binding.batch,
                    in_parts=binding.in_parts,
                    process=pipeline.process,
                    settler=settler,
                )
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop, then finish what is under way and give up the lease."""
        for pipeline in self._pipelines:
            await pipeline.open()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_lease(stopping))
            for consumer in self._consumers:
                tasks.create_task(consumer.run(stopping))
        await asyncio.gather(*(consumer.finish() for consumer in self._consumers))
        try:
            await self._lease.give_up()
        except (RedisError, OSError) as error:
            log.warning("The lease could not be given up, and ends by itself: %s", error)

    async def _keep_lease(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self._lease.renew()
                await self._take_over()
            except (RedisError, OSError) as error:
                log.warning("The lease could not be renewed: %s", error)
                for consumer in self._consumers:
                    consumer.replay()
            try:
                await asyncio.wait_for(stopping.wait(), self._interval)
            except TimeoutError:
                continue

    async def _take_over(self) -> None:
        for consumer in self._consumers:
            async for entries in self._lease.orphans(consumer.stream):
                log.info("Took over %d entries of %s", len(entries), consumer.stream.name)
                consumer.accept(entries)
