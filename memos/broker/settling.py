"""What is done with a handled entry: reply, then acknowledge and delete, many in one round trip."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from memos.broker.bindings import Verdict
from memos.events.envelope import CHANNEL_PREFIX
from memos.events.streams import GROUP, Stream

log = logging.getLogger(__name__)

FINISH = """
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
"""

BURY = """
local dead = redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return dead
"""

MOST_ACKNOWLEDGED = 1000
MOST_FIELDS_KEPT = 1000
"""Of a dead letter: Lua unpacks no more than some thousands."""

NEVER = "WRONGTYPE"
"""What Redis says when a key is taken by something else: to try again is of no use."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Settlement(NamedTuple):
    """The verdicts on entries of one stream; `done` is set once they are carried out."""

    stream: Stream
    verdicts: Sequence[Verdict]
    done: asyncio.Event


class Settler:
    """Carries out verdicts; those that come while others are under way go together after them."""

    def __init__(self, redis: Redis, reply_ttl: float) -> None:
        self._redis = redis
        self._reply_ttl = max(1, round(reply_ttl * 1000))
        self._waiting: list[Settlement] = []
        self._task: asyncio.Task[None] | None = None

    async def settle(self, stream: Stream, verdicts: Sequence[Verdict]) -> None:
        """Return when every verdict is carried out, however long Redis is away."""
        settlement = Settlement(stream, verdicts, asyncio.Event())
        self._waiting.append(settlement)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await settlement.done.wait()

    async def _work(self) -> None:
        while self._waiting:
            together, self._waiting = self._waiting, []
            try:
                await self._persist(together)
            except Exception:
                # The entries stay pending, so nothing is lost; those that wait behind them must go on.
                log.exception("Verdicts could not be carried out")
            for settlement in together:
                settlement.done.set()

    async def _persist(self, settlements: Sequence[Settlement]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._carry_out(settlements)
            except (RedisError, OSError) as error:
                log.warning("Redis does not take replies: %s; trying again in %.2f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    async def _carry_out(self, settlements: Sequence[Settlement]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        replies = self._reply(pipeline, settlements)
        for stream, verdicts, _ in settlements:
            self._finish(pipeline, stream, [one.delivery.entry.id for one in verdicts if not one.fault])
            for verdict in verdicts:
                if verdict.fault:
                    self._bury(pipeline, stream, verdict)
        results: list[Any] = await pipeline.execute(raise_on_error=False)
        for error in results[:replies]:
            if isinstance(error, RedisError):
                log.warning("A reply could not be delivered: %s", error)
        _check(results[replies:])

    def _reply(self, pipeline: Pipeline, settlements: Sequence[Settlement]) -> int:
        """Queue the replies, many for one inbox in one command; return how many commands that took."""
        inboxes: dict[str, list[bytes]] = defaultdict(list)
        for settlement in settlements:
            for verdict in settlement.verdicts:
                if verdict.reply and (envelope := verdict.delivery.envelope) and envelope.replyto:
                    inboxes[envelope.replyto].append(verdict.reply)
        for inbox, documents in inboxes.items():
            if inbox.startswith(CHANNEL_PREFIX):
                for document in documents:
                    pipeline.publish(inbox.removeprefix(CHANNEL_PREFIX), document)
            else:
                pipeline.rpush(inbox, *documents)
                pipeline.pexpire(inbox, self._reply_ttl)
        return len(pipeline)

    def _finish(self, pipeline: Pipeline, stream: Stream, ids: Sequence[bytes]) -> None:
        for start in range(0, len(ids), MOST_ACKNOWLEDGED):
            pipeline.eval(FINISH, 1, stream.name, GROUP, *ids[start : start + MOST_ACKNOWLEDGED])

    def _bury(self, pipeline: Pipeline, stream: Stream, verdict: Verdict) -> None:
        fault, entry = verdict.fault, verdict.delivery.entry
        if fault is None:
            return
        fields = {
            **dict(islice(entry.fields.items(), MOST_FIELDS_KEPT)),
            b"memos:entry": entry.id,
            b"memos:code": fault.code.encode(),
            b"memos:reason": fault.detail.encode(errors="replace"),
            b"memos:time": datetime.now(UTC).isoformat().encode(),
        }
        flat = [part for field in fields.items() for part in field]
        pipeline.eval(BURY, 2, stream.name, stream.dead, GROUP, entry.id, *flat)


def _check(results: Sequence[Any]) -> None:
    """Raise the first error that may pass; what will never go through is only logged."""
    for error in results:
        if isinstance(error, RedisError):
            if not str(error).startswith(NEVER):
                raise error
            log.error("Entries stay pending: %s", error)
