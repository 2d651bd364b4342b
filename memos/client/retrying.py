"""Sending again what may succeed a moment later: the same command under the same id, all within one timeout.

A command is sent again when it failed with `Unavailable`, since memOS or one of its engines was away or the
connection was lost, or with `Overloaded`, since too much was waiting. Reads change nothing, and a write whose id is
known is not done again: if only its answer was lost, the first answer is given. What is refused for good is raised
at once, and so is `DeadlineExceeded`, which leaves no time.

The pauses double, and each is drawn between half of its bound and the whole, so that a crowd does not come back at
once. Where an answer says how long to stay away, that is the least. When too little time is left for another try
the last error is raised at once.

What the bus loses on its own, without an error, is sent again by `memos.client.awaited`, whoever waits for it.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from memos.client.transport import Transport
from memos.errors import DeadlineExceeded, MemosError, Overloaded, Unavailable
from memos.events.answers import LookUpAnswer, ReleaseAnswer, RenewLease, StoreAnswer
from memos.events.commands import Command
from memos.events.embeddings import LookUpEmbeddings, StoreEmbeddings
from memos.events.health import CheckBulkHealth, CheckHealth
from memos.records import Fact

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRIES = 5
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
MOST_DOUBLINGS = 60

LEAST_LEFT = 0.05
"""Seconds without which another try is not worth beginning."""

HEALTH: tuple[type[Command], ...] = (CheckHealth, CheckBulkHealth)
ANSWERS: tuple[type[Command], ...] = (LookUpAnswer, StoreAnswer, RenewLease, ReleaseAnswer)
EMBEDDINGS: tuple[type[Command], ...] = (LookUpEmbeddings, StoreEmbeddings)
ONCE = frozenset(HEALTH + ANSWERS + EMBEDDINGS)
"""Health is asked for as it is now, and a cache that does not answer is done without."""


class Retrying:
    """A transport that sends again over another, up to `retries` times; what is posted has `patience` seconds."""

    def __init__(
        self,
        transport: Transport,
        *,
        retries: int = RETRIES,
        patience: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._retries = retries
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    async def send(self, command: Command, command_id: str, timeout: float) -> Any:
        """The data of the reply, of whichever try it is."""

        async def attempt(left: float) -> Any:
            return await self._transport.send(command, command_id, left)

        return await self._repeated(attempt, command, command_id, timeout)

    async def post(self, command: Command, command_id: str) -> None:
        """Hand a command over."""

        async def attempt(_: float) -> None:
            await self._transport.post(command, command_id)

        await self._repeated(attempt, command, command_id, self._patience)

    def follow(
        self, after: int | None, types: Sequence[str], *, group: str | None = None, consumer: str | None = None
    ) -> AsyncIterator[Fact]:
        """Facts without end, which go on by themselves."""
        return self._transport.follow(after, types, group=group, consumer=consumer)

    async def _repeated(
        self, attempt: Callable[[float], Awaitable[T]], command: Command, command_id: str, timeout: float
    ) -> T:
        end, left, tries = self._clock() + timeout, timeout, 0
        former: MemosError | None = None
        while True:
            try:
                return await attempt(left)
            except (Unavailable, Overloaded) as error:
                pause = max(pause_after(tries), error.retry_after)
                spent = tries >= self._retries or type(command) in ONCE or not error.transient
                if spent or pause + LEAST_LEFT > end - self._clock():
                    raise
                tries, former = tries + 1, error
                log.info("Command %s is sent again in %.1f s: %s", command_id, pause, error)
            except DeadlineExceeded as error:
                if former is None:
                    raise
                raise DeadlineExceeded(f"{error.detail} The try before it failed: {former.detail}") from error
            await self._sleep(pause)
            left = max(end - self._clock(), LEAST_LEFT)


def pause_after(tries: int) -> float:
    """Seconds until the next try: exponential backoff with equal jitter."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, MOST_DOUBLINGS))
    return random.uniform(longest / 2, longest)  # noqa: S311 - to spread load, not to keep a secret
