"""A lane: the streams that one worker process consumes under one lease."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from memos.broker.bindings import Binding
from memos.broker.claims import Claims
from memos.broker.consumer import StreamConsumer
from memos.broker.delayed import move_due
from memos.broker.leases import Lease, consumer_name
from memos.broker.pauses import every
from memos.broker.pipeline import Pipeline, new_broker
from memos.broker.policy import Policy
from memos.broker.rereading import reread
from memos.broker.settling import Settler
from memos.broker.turns import end_current_turn
from memos.broker.work import Work
from memos.handlers import Handler
from memos.telemetry import Telemetry
from memos.waiting import GRACE, ended, set_in_the_end

log = logging.getLogger(__name__)

BEATS_PER_LEASE = 5
SECONDS_BETWEEN_MOVES = 0.2
SECONDS_TO_LEAVE_LOOPS = 2.0
"""A little more than a read blocks."""


class Lane:
    """Consumes the streams of handlers until told to stop."""

    def __init__(
        self,
        redis: Redis,
        url: str,
        handlers: Sequence[Handler],
        ports: Mapping[str, object],
        *,
        policy: Policy,
        telemetry: Telemetry,
    ) -> None:
        self._redis = redis
        self._policy = policy
        self._telemetry = telemetry
        self._lease = Lease(redis, consumer_name(), policy.lease_seconds)
        self._interval = policy.lease_seconds / BEATS_PER_LEASE
        self._patient_until = 0.0
        self._settler = Settler(redis, self.consumer, policy, telemetry)
        self._broker = new_broker(url)
        self._pipelines: list[Pipeline] = []
        self._works: list[Work] = []
        self._claims: list[Claims] = []
        self._consumers: list[StreamConsumer] = []
        for handler in handlers:
            self._add(Binding(handler, {**ports, "ready": end_current_turn}, policy.retry_attempts))

    @property
    def consumer(self) -> str:
        """The name under which this worker reads."""
        return self._lease.consumer

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until told to stop; then give what is under way its time, and leave the rest to others.

        The lease is kept to the end, so that nobody claims what is still being finished.
        """
        for pipeline in self._pipelines:
            await pipeline.open()
        halted, left = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(every(self._interval, left, self._show_life, "Keeping the lease"))
            with set_in_the_end(left):
                loops = [tasks.create_task(loop) for loop in self._loops(halted)]
                with set_in_the_end(halted):
                    await stopping.wait()
                await self._finish(loops)
            living.cancel()
        await ended([asyncio.create_task(self._leave())], GRACE)

    def _add(self, binding: Binding) -> None:
        pipeline = Pipeline(self._broker, binding, self.consumer)
        work = Work(
            binding.stream,
            batch=binding.batch,
            process=pipeline.process,
            fetch=partial(reread, self._redis, binding.stream.name, self.consumer),
            settler=self._settler,
            telemetry=self._telemetry,
        )
        claims = Claims(
            self._redis,
            self.consumer,
            work,
            stalled_seconds=self._policy.stalled_seconds,
            telemetry=self._telemetry,
        )
        consumer = StreamConsumer(
            self._redis, self.consumer, work, claims, in_parts=binding.in_parts, telemetry=self._telemetry
        )
        self._pipelines.append(pipeline)
        self._works.append(work)
        self._claims.append(claims)
        self._consumers.append(consumer)

    def _loops(self, stopping: asyncio.Event) -> Iterator[Coroutine[None, None, None]]:
        """All that goes on until told to stop."""
        move = partial(move_due, self._redis, self._works)
        yield every(SECONDS_BETWEEN_MOVES, stopping, move, "Moving what is due")
        yield every(self._interval, stopping, self._take_over, "Taking over")
        for claims, consumer in zip(self._claims, self._consumers, strict=True):
            yield every(self._interval, stopping, claims.try_suspects, "Trying suspects")
            yield consumer.run(stopping)

    async def _show_life(self) -> None:
        try:
            await self._lease.renew()
            for claims in self._claims:
                await claims.show_life()
        except (RedisError, OSError):
            for consumer in self._consumers:
                consumer.replay()
            # While Redis was away no lease was renewed: once it is back, the living show it first.
            self._patient_until = asyncio.get_running_loop().time() + 2 * self._interval
            raise

    async def _take_over(self) -> None:
        if asyncio.get_running_loop().time() < self._patient_until:
            return
        for claims, work in zip(self._claims, self._works, strict=True):
            try:
                await claims.take_over()
            except ResponseError as error:  # of one stream, which must not keep others from being looked after
                log.info("Nothing of %s can be taken over: %s", work.stream.name, error)

    async def _finish(self, loops: Sequence[asyncio.Task[None]]) -> None:
        seconds = self._policy.stop_seconds
        for work in self._works:
            work.close()
        await asyncio.gather(
            ended(loops, min(seconds, SECONDS_TO_LEAVE_LOOPS)), *(work.finish(seconds) for work in self._works)
        )
        await self._settler.close()

    async def _leave(self) -> None:
        try:
            for claims in self._claims:
                await claims.give_back()
            await self._lease.give_up()
        except (RedisError, OSError) as error:
            log.warning("The lease could not be given up, and ends by itself: %s", error)
