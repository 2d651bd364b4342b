"""The bus as a transport: commands go to their streams, replies come to one inbox.

Nothing that is awaited is given up because a connection was lost, Redis was started again, or it was emptied: the
inbox outlives connections, and a command that Redis no longer has is put there again, under the same id and with
the same correlation id, so that whichever reply comes first is the one.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.client.awaited import Awaited, Lookout
from memos.client.follow import FactLog, Page, pages
from memos.client.group import GroupConsumer
from memos.client.ids import uuid7
from memos.client.publisher import MOST_QUEUED, MOST_QUEUED_BYTES, Publisher
from memos.client.redis import open_redis
from memos.errors import Closed, DeadlineExceeded, InternalError, MalformedEntry, MemosError, Unavailable
from memos.events.commands import Command
from memos.events.envelope import DEFAULT_TENANT, REPLY_PREFIX, Envelope, decode
from memos.events.facts import FactsRead, ReadFacts
from memos.events.problems import PROBLEM_TYPE, Problem, error_of
from memos.events.streams import STREAM_OF
from memos.records import Fact

log = logging.getLogger(__name__)

BLOCK_SECONDS = 1
MOST_COLLECTED = 256
PAUSE = 0.2
WAKE = b"wake"
FACTS_PATIENCE = 5.0
"""Seconds that a follower waits for a page of facts before it asks again."""


class Bus:
    """Publishes commands and matches replies to them by their correlation id.

    The inbox is a list in Redis, so a reply that comes while the connection is away is not lost.
    """

    def __init__(
        self,
        redis: Redis,
        source: str,
        most_queued: int = MOST_QUEUED,
        most_bytes: int = MOST_QUEUED_BYTES,
    ) -> None:
        self._redis = redis
        self._publisher = Publisher(redis, most_queued, most_bytes)
        self.source = source
        self._inbox = f"{REPLY_PREFIX}{socket.gethostname()}-{os.getpid()}-{uuid7().hex}"
        self._waiting: dict[str, Awaited] = {}
        self._lookout = Lookout(redis, self._waiting, self._drain)
        self._closing = False

    async def send(self, command: Command, command_id: str, timeout: float, tenant: str = DEFAULT_TENANT) -> Any:
        """The data of the reply to a command. Raises `Closed` when the bus is closed meanwhile."""
        correlation = uuid7().hex
        awaited = self._waiting[correlation] = Awaited(STREAM_OF[type(command)])
        clock = asyncio.get_running_loop().time
        end, left, envelope = clock() + timeout, timeout, None
        try:
            async with asyncio.timeout(timeout):
                while envelope is None:
                    entry = await self._publish(command, command_id, tenant, correlation, left)
                    awaited.sent(entry, clock())
                    envelope = await awaited.news()
                    left = end - clock()
        except TimeoutError as error:
            raise _unanswered(command, command_id, timeout) from error
        finally:
            del self._waiting[correlation]
        if envelope.type == PROBLEM_TYPE:
            raise _problem_in(envelope)
        return envelope.data

    async def post(self, command: Command, command_id: str, tenant: str = DEFAULT_TENANT) -> None:
        """Put a command on its stream and await no reply. What Redis loses from there is not sent again."""
        await self._publish(command, command_id, tenant)

    def pages(
        self, after: int | None, types: Sequence[str] = (), tenant: str = DEFAULT_TENANT
    ) -> AsyncGenerator[Page, None]:
        """A tenant's facts after a position, or from now on, page by page; see `memos.client.follow.pages`."""
        return pages(self._facts(types, tenant), after)

    async def follow(
        self,
        after: int | None,
        types: Sequence[str] = (),
        *,
        group: str | None = None,
        consumer: str | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> AsyncIterator[Fact]:
        """A tenant's facts one by one, without end; with a `group`, those that Redis gives this consumer of it."""
        if group is not None:
            member = GroupConsumer(self._facts(types, tenant), f"{tenant}:{group}", consumer or group)
            async with aclosing(member.facts(after)) as given:
                async for fact in given:
                    yield fact
        else:
            async with aclosing(self.pages(after, types, tenant)) as read:
                async for page in read:
                    for fact in page.facts:
                        yield fact

    def _facts(self, types: Sequence[str], tenant: str) -> FactLog:
        async def ask(command: ReadFacts) -> FactsRead:
            data = await self.send(command, str(uuid7()), FACTS_PATIENCE, tenant)
            return FactsRead.model_validate(data)

        return FactLog(self._open_redis, ask, tenant, list(types))

    def _open_redis(self) -> Redis:
        """The connection. Raises `Closed`: redis-py itself would connect again."""
        if self._closing:
            raise Closed("The client is closed. Open another to go on.")
        return self._redis

    async def collect(self) -> None:
        """Take replies out of the inbox until `close`, and hand them to whoever waits for them.

        Those that wait when it ends are told so.
        """
        while not self._closing:
            try:
                self._deliver(
                    await self._redis.blmpop(BLOCK_SECONDS, 1, self._inbox, direction="LEFT", count=MOST_COLLECTED)
                )
                await self._lookout.look()
                continue
            except (RedisError, OSError) as error:
                log.warning("The inbox cannot be read: %s; trying again in %.1f s", error, PAUSE)
            except Exception:
                # Without the inbox nobody would be answered any more.
                log.exception("The inbox cannot be read; trying again in %.1f s", PAUSE)
            self._lookout.hurry()
            await asyncio.sleep(PAUSE)
        for awaited in self._waiting.values():
            awaited.fail(_closed())

    async def close(self) -> None:
        """Have `collect` return. It is woken, not cancelled: redis-py can swallow a cancellation."""
        self._closing = True
        with suppress(RedisError, OSError):
            await self._redis.rpush(self._inbox, WAKE)
            await self._redis.expire(self._inbox, BLOCK_SECONDS)

    async def _publish(
        self,
        command: Command,
        command_id: str,
        tenant: str,
        correlation: str | None = None,
        timeout: float | None = None,
    ) -> bytes:
        """Put a command on its stream; the id that it has there."""
        if self._closing:
            raise _closed()
        stream = STREAM_OF[type(command)]
        envelope = Envelope.model_construct(
            id=command_id,
            source=self.source,
            type=stream.event_type,
            time=datetime.now(UTC),
            data=command.model_dump(exclude_unset=True),
            tenant=tenant,
            replyto=self._inbox if correlation else None,
            correlationid=correlation,
            ttlms=max(1, round(timeout * 1000)) if timeout and not stream.writes else None,
        )
        try:
            return await self._publisher.add(stream, envelope.encode())
        except (RedisError, OSError) as error:
            raise Unavailable(
                f"The bus (Redis) did not take command {command_id}: {str(error).rstrip('.')}. "
                "Send it again with the same id, and see that Redis runs."
            ) from error

    async def _drain(self) -> None:
        while self._deliver(await self._redis.lmpop(1, self._inbox, direction="LEFT", count=MOST_COLLECTED)):
            pass

    def _deliver(self, found: Any) -> bool:
        """Hand over what was taken out of the inbox; whether that was anything."""
        for document in cast("Sequence[bytes]", found[1]) if found else ():
            if document != WAKE:
                self._hand_over(document)
        return bool(found)

    def _hand_over(self, document: bytes) -> None:
        try:
            envelope = decode(document)
        except MalformedEntry as error:
            log.warning("A reply could not be read: %s", error)
            return
        if awaited := self._waiting.get(envelope.correlationid or ""):
            awaited.answer(envelope)


@asynccontextmanager
async def open_bus(
    url: str, source: str, most_queued: int = MOST_QUEUED, most_bytes: int = MOST_QUEUED_BYTES
) -> AsyncIterator[Bus]:
    """A bus over the Redis at `url`; `source` names the sender, and must be the same when it retries.

    A stream on which `most_queued` commands wait, or `most_bytes` of them, takes no more.
    """
    async with open_redis(url) as redis:
        bus = Bus(redis, source, most_queued, most_bytes)
        collecting = asyncio.create_task(bus.collect())
        try:
            yield bus
        finally:
            await bus.close()
            await collecting


def _closed() -> Closed:
    return Closed(
        "The client was closed before the command was answered. Open another, and send the command again with the "
        "same id to learn the outcome."
    )


def _problem_in(envelope: Envelope) -> MemosError:
    try:
        return error_of(Problem.model_validate(envelope.data))
    except ValidationError as error:
        return InternalError(f"The worker answered with a problem that is none: {error}. See its log.")


def _unanswered(command: Command, command_id: str, timeout: float) -> MemosError:
    if STREAM_OF[type(command)].writes:
        outcome = (
            "It stays on the stream and may be being tried again, which /health/ready and the metrics tell: "
            "see which engine is away there, and send it again with the same id to learn the outcome"
        )
    else:
        outcome = "It was dropped; send it again, and see that a worker runs"
    return DeadlineExceeded(f"No worker answered command {command_id} within {timeout:g} s. {outcome}.")
