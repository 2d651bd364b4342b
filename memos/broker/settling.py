"""What is done with a handled entry: reply, then acknowledge and delete, many in one round trip."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from memos.broker.bindings import Verdict
from memos.broker.entries import letter_fields, plain_letter_fields, retry_fields
from memos.broker.failures import gone, may_pass
from memos.broker.policy import Policy
from memos.errors import Unavailable
from memos.events.envelope import CHANNEL_PREFIX
from memos.events.streams import GROUP, Stream
from memos.telemetry import Telemetry
from memos.waiting import ended, told

log = logging.getLogger(__name__)

REPLY = """
redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
"""Puts replies into an inbox together with its end, so that no inbox stays for ever."""

FINISH = """
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 2))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
"""

LEAVE = """
local stream, delayed, dead = unpack(KEYS)
local group, entry, consumer, what, pause, limit = unpack(ARGV, 1, 6)
if #redis.call('XPENDING', stream, group, entry, entry, 1, consumer) == 0 then return 'lost' end
if what ~= 'delayed' and redis.call('XLEN', dead) >= tonumber(limit) then
  what = what == 'hopeless' and 'discarded' or 'delayed'
end
if what == 'delayed' then
  local time = redis.call('TIME')
  local due = time[1] * 1000 + math.floor(time[2] / 1000) + pause
  redis.call('ZADD', delayed, due, cmsgpack.pack({unpack(ARGV, 7)}))
elseif what ~= 'discarded' then
  redis.call('XADD', dead, '*', unpack(ARGV, 7))
end
redis.call('XACK', stream, group, entry)
redis.call('XDEL', stream, entry)
return what
"""
"""Takes an entry that could not be handled off its stream, unless it has become another worker's.

It is `delayed`, or a dead letter: `hopeless` when it can never succeed, `spent` when it ran out of
attempts. Where dead letters are full the former is discarded, and the latter goes on being tried.
"""

MOST_AT_ONCE = 1000
"""Verdicts that one script carries out: Lua unpacks no more than some thousands."""

PAUSE_WITHOUT_ROOM_MS = 60_000
"""Until the next try, where a plain dead letter finds dead letters full."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Settlement:
    """The verdicts on entries of one stream: those whose reply is yet to go out, and those to be finished."""

    def __init__(self, stream: Stream, verdicts: Sequence[Verdict]) -> None:
        self.stream = stream
        self.unanswered = [one for one in verdicts if one.reply]
        self.unfinished = [one for one in verdicts if not one.reply]
        self.done = asyncio.Event()
        self.due = 0.0
        self._pause = FIRST_PAUSE

    def advance(self, failed: set[int], now: float) -> None:
        """Go on to the next step with all but those of the verdicts (by `id`) for which this one failed."""
        answered = [one for one in self.unanswered if id(one) not in failed]
        unanswered = [one for one in self.unanswered if id(one) in failed]
        unfinished = [one for one in self.unfinished if id(one) in failed]
        if unanswered or unfinished:
            self.due = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self.unanswered, self.unfinished = unanswered, unfinished + answered
        if not self.unanswered and not self.unfinished:
            self.done.set()


class Step(NamedTuple):
    """One command to Redis, the verdicts that it carries out, and the stream of those it takes off it."""

    command: tuple[Any, ...]
    verdicts: Sequence[Verdict]
    left: Stream | None = None


class Settler:
    """Carries out verdicts: an entry is finished only once its reply has gone out.

    Those that come while others are under way go together after them. What Redis does not take is tried
    again by itself: it holds up no other, and what went out is not sent again.
    """

    def __init__(self, redis: Redis, consumer: str, policy: Policy, telemetry: Telemetry) -> None:
        self._redis = redis
        self._consumer = consumer
        self._policy = policy
        self._telemetry = telemetry
        self._reply_ttl = max(1, round(policy.reply_ttl * 1000))
        self._open: list[Settlement] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def settle(self, stream: Stream, verdicts: Sequence[Verdict]) -> None:
        """Return when every verdict is carried out, however long Redis is away."""
        settlement = Settlement(stream, verdicts)
        self._open.append(settlement)
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await settlement.done.wait()

    async def close(self) -> None:
        """Stop; what is not carried out is left pending."""
        await ended([self._task] if self._task else [], 0)

    async def _work(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._open:
            now = clock()
            due = [one for one in self._open if one.due <= now]
            if due:
                await self._carry_out(due)
                self._open = [one for one in self._open if not one.done.is_set()]
            else:
                self._news.clear()
                await told(self._news, min(one.due for one in self._open) - now)

    async def _carry_out(self, settlements: Sequence[Settlement]) -> None:
        try:
            failed = await self._take(self._steps(settlements))
        except Exception:
            if len(settlements) > 1:
                for settlement in settlements:
                    await self._carry_out([settlement])
            else:
                # Its entries stay pending, so nothing is lost; those that wait behind it must go on.
                log.exception("Verdicts on entries of %s could not be carried out", settlements[0].stream.name)
                settlements[0].done.set()
            return
        now = asyncio.get_running_loop().time()
        for settlement in settlements:
            settlement.advance(failed, now)

    async def _take(self, steps: Sequence[Step]) -> set[int]:
        """Take steps, together if they can be; return the verdicts (by `id`) for which to try them again."""
        try:
            results = await self._results(steps)
        except Exception:
            if len(steps) > 1:
                return {verdict for step in steps for verdict in await self._take([step])}
            # It is not tried again. An entry that should have left its stream stays pending, and is claimed later.
            log.exception("What was decided cannot be sent to Redis")
            return set()
        failures = [(step, each) for step, each in zip(steps, results, strict=True) if self._failed(step, each)]
        if failures:
            log.warning("Redis does not take what was decided: %s; trying again", failures[0][1])
        return {id(verdict) for step, _ in failures for verdict in step.verdicts}

    async def _results(self, steps: Sequence[Step]) -> Sequence[Any]:
        """What Redis answers to each of some steps sent together. Raises whatever keeps them from being sent."""
        pipeline = self._redis.pipeline(transaction=False)
        for step in steps:
            pipeline.execute_command(*step.command)
        try:
            results: Sequence[Any] = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            if not may_pass(error):
                raise
            return [error] * len(steps)
        return results

    def _failed(self, step: Step, result: Any) -> bool:
        """Whether a step is to be tried again."""
        if not isinstance(result, Exception):
            if step.left:
                self._count(step.left, step.verdicts, result.decode())
            return False
        if may_pass(result):
            return True
        if not gone(result):
            log.error("Redis refuses for good what was decided: %s", result)
        return False

    def _count(self, stream: Stream, verdicts: Sequence[Verdict], what: str) -> None:
        for verdict in verdicts:
            entry, fault = verdict.delivery.entry, verdict.fault
            code = fault.code if fault else ""
            if what == "delayed":
                self._telemetry.retried.labels(stream.name).inc()
            elif what in {"hopeless", "spent"}:
                self._telemetry.dead_letters.labels(stream.name, code).inc()
            elif what == "discarded":
                log.error("Dead letters of %s are full; entry %r is thrown away: %s", stream.name, entry.id, fault)
                self._telemetry.discarded.labels(stream.name).inc()

    def _steps(self, settlements: Sequence[Settlement]) -> list[Step]:
        finished: defaultdict[Stream, list[Verdict]] = defaultdict(list)
        steps = list(self._answers([one for each in settlements for one in each.unanswered]))
        for settlement in settlements:
            for verdict in settlement.unfinished:
                if verdict.fault:
                    steps.append(self._leave(settlement.stream, verdict))
                else:
                    finished[settlement.stream].append(verdict)
        return steps + [step for stream, verdicts in finished.items() for step in _finish(stream, verdicts)]

    def _answers(self, verdicts: Sequence[Verdict]) -> Iterator[Step]:
        """Replies, many for one inbox in one command."""
        inboxes: defaultdict[str, list[Verdict]] = defaultdict(list)
        for verdict in verdicts:
            if (envelope := verdict.delivery.envelope) and envelope.replyto:
                inboxes[envelope.replyto].append(verdict)
        for inbox, waiting in inboxes.items():
            if inbox.startswith(CHANNEL_PREFIX):
                channel = inbox.removeprefix(CHANNEL_PREFIX)
                yield from (Step(("PUBLISH", channel, verdict.reply), [verdict]) for verdict in waiting)
            else:
                for some in _slices(waiting):
                    replies = (verdict.reply for verdict in some)
                    yield Step(("EVAL", REPLY, 1, inbox, self._reply_ttl, *replies), some)

    def _leave(self, stream: Stream, verdict: Verdict) -> Step:
        entry = verdict.delivery.entry
        try:
            what, pause_ms, fields = self._fate(stream, verdict)
        except Exception:
            log.exception("What was decided on entry %r of %s cannot be written down", entry.id, stream.name)
            what, pause_ms, fields = "spent", PAUSE_WITHOUT_ROOM_MS, plain_letter_fields(stream, entry)
        arguments = (GROUP, entry.id, self._consumer, what, pause_ms, self._policy.dead_letters_limit)
        keys = (stream.name, stream.delayed, stream.dead)
        return Step(("EVAL", LEAVE, len(keys), *keys, *arguments, *fields), [verdict], stream)

    def _fate(self, stream: Stream, verdict: Verdict) -> tuple[str, int, list[bytes]]:
        """Where an entry goes, after how many milliseconds it is tried again, and what is then written."""
        entry, fault = verdict.delivery.entry, verdict.fault
        assert fault  # noqa: S101
        rest = fault.retry_after if isinstance(fault, Unavailable) else 0.0
        pause_ms = round((rest + self._policy.pause_after(entry.attempts + 1)) * 1000)
        if verdict.again:
            return "delayed", pause_ms, retry_fields(entry, fault)
        return "spent" if fault.transient else "hopeless", pause_ms, letter_fields(stream, entry, fault)


def _finish(stream: Stream, verdicts: Sequence[Verdict]) -> Iterator[Step]:
    for some in _slices(verdicts):
        ids = (verdict.delivery.entry.id for verdict in some)
        yield Step(("EVAL", FINISH, 1, stream.name, GROUP, *ids), some)


def _slices(verdicts: Sequence[Verdict]) -> Iterator[Sequence[Verdict]]:
    return (verdicts[start : start + MOST_AT_ONCE] for start in range(0, len(verdicts), MOST_AT_ONCE))
