"""Handlers bound to their ports: deliveries in, a verdict on each out."""

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError

from memos.bisect import onwards
from memos.broker.deliveries import MOST_DELIVERIES, Delivery
from memos.errors import InternalError, MemosError
from memos.events.commands import Reply
from memos.events.envelope import Envelope
from memos.events.problems import PROBLEM_TYPE, problem_of
from memos.events.streams import STREAM_OF, Stream
from memos.handlers import Handler

log = logging.getLogger(__name__)

Handled = Reply | MemosError


DONE = "done"
EXPIRED = "expired"
VANISHED = "vanished"


class Verdict(NamedTuple):
    """What becomes of a delivery: a reply for whoever waits, and the fault when it was not handled.

    With a fault it is tried `again`, or is a dead letter. `outcome` is `done`, the code of an error,
    or why there was nothing to do.
    """

    delivery: Delivery
    reply: bytes | None = None
    fault: MemosError | None = None
    again: bool = False
    outcome: str = DONE


class Binding:
    """A handler with its ports. Its writes are tried `attempts` times when they fail for a reason that may pass."""

    def __init__(self, handler: Handler, ports: Mapping[str, object], attempts: int) -> None:
        self.stream: Stream = STREAM_OF[handler.command]
        self.batch = handler.batch
        self.in_parts = "ready" in inspect.signature(handler.function).parameters
        self._function = bound(handler.function, ports)
        self._attempts = attempts

    async def judge(self, deliveries: Sequence[Delivery]) -> list[Verdict]:
        """Handle deliveries together; one verdict each. Never raises an error of a handler."""
        now = time.time()
        moot = [Verdict(one, outcome=why) for one in deliveries if (why := self._moot(one, now))]
        wanted = [one for one in deliveries if not self._moot(one, now)] if moot else deliveries
        valid = [one if not isinstance(one.command, MemosError) else one.command for one in wanted]
        handled = await self._all(valid)
        return [*moot, *(self._verdict(one, result) for one, result in zip(wanted, handled, strict=True))]

    def _moot(self, delivery: Delivery, now: float) -> str | None:
        """Why there is nothing to do: the entry was deleted while it was pending, or nobody waits for a read."""
        if not delivery.entry.fields:
            return VANISHED
        return EXPIRED if not self.stream.writes and delivery.expired(now) else None

    async def _all(self, valid: Sequence[Delivery | MemosError]) -> list[Handled]:
        try:
            return await onwards(valid, self._together if self.batch > 1 else self._one)
        except MemosError as error:
            return [one if isinstance(one, MemosError) else error for one in valid]

    async def _together(self, deliveries: Sequence[Delivery]) -> Sequence[Handled]:
        commands, origins = [one.command for one in deliveries], [one.origin for one in deliveries]
        results: Sequence[Handled] = await guarded(self._function(commands, origins=origins))
        return results

    async def _one(self, deliveries: Sequence[Delivery]) -> Sequence[Handled]:
        [delivery] = deliveries
        return [await guarded(self._function(delivery.command, origin=delivery.origin))]

    def _verdict(self, delivery: Delivery, result: Handled) -> Verdict:
        envelope = delivery.envelope
        address = envelope if envelope and envelope.replyto else None
        if not isinstance(result, MemosError):
            return Verdict(delivery, self._reply(address, result) if address else None)
        tried = delivery.entry.attempts + 1
        if self.stream.writes and result.transient and tried < self._attempts:
            return Verdict(delivery, None, result, again=True, outcome=result.code)
        # Where dead letters are full it is tried more often than that, but its sender was told.
        reply = self._reply(address, result) if address and tried <= self._attempts else None
        fault = result if self._keeps(delivery, result) else None
        return Verdict(delivery, reply, fault, outcome=result.code)

    def _reply(self, envelope: Envelope, result: Handled) -> bytes:
        if isinstance(result, MemosError):
            return envelope.answer(PROBLEM_TYPE, problem_of(result, envelope.id)).encode()
        try:
            return envelope.answer(self.stream.reply_type, result).encode()
        except PydanticSerializationError as error:
            log.exception("An answer to command %s is no JSON", envelope.id)
            return self._reply(envelope, InternalError(f"The answer cannot be written as JSON: {error}."))

    def _keeps(self, delivery: Delivery, error: MemosError) -> bool:
        """Whether a failed entry is kept as a dead letter: when it is none, or a write left undone unheard."""
        if delivery.envelope is None or delivery.entry.redelivered >= MOST_DELIVERIES:
            return True
        unheard = not delivery.envelope.replyto
        if isinstance(delivery.command, MemosError):
            return unheard or self.stream.writes
        return self.stream.writes and (unheard or error.transient or isinstance(error, InternalError))


def bound(function: Callable[..., Awaitable[Any]], ports: Mapping[str, object]) -> Callable[..., Awaitable[Any]]:
    """A handler with those of the ports that it names; `origin` is given at each call if it names it."""
    names = inspect.signature(function).parameters
    call = partial(function, **{name: port for name, port in ports.items() if name in names})
    if "origin" in names or "origins" in names:
        return call
    return lambda command, origin: call(command)


async def guarded(handling: Awaitable[Any]) -> Any:
    """The result of a handler; what memOS did not foresee is logged and becomes an `InternalError`."""
    try:
        return await handling
    except MemosError:
        raise
    except Exception as error:
        log.exception("A handler failed in a way that was not foreseen")
        raise InternalError(
            f"The handler failed with {type(error).__name__}: {error}. The worker's log has the traceback."
        ) from error
