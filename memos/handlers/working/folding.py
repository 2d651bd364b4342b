"""Folding the messages that leave a log into its session's running summary, beside everything else."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from memos.errors import MemosError, NotFound, Unavailable
from memos.handlers.working.promoting import slices_of_log
from memos.handlers.working.summarise import foldable, folded
from memos.ports import Crowded, LanguageModel, Working
from memos.records import KeptSession, KeptSummary, SessionKey
from memos.waiting import ended

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two attempts at a session; they double from the first."""

PATIENCE = 600.0
"""Seconds after the first failure until messages leave a log without being summarised."""

MOST_OUTGROWN = 2
"""How many times its window a log is when it has less patience."""

OUTGROWN_PATIENCE = 60.0
"""The same of a log that has outgrown its window so much: a model that begins anew is back by then."""

AT_ONCE = 8
"""Sessions that one worker has summarised at a time."""

CLAIMED_SECONDS = 60.0
"""How long a session is left out by other workers after the one that summarises it was last heard of."""

MOST_REMEMBERED = 10_000


class Failures(NamedTuple):
    """How often in a row something failed, and when it did first, by the clock of the loop."""

    times: int
    since: float


class Stuck(NamedTuple):
    """A session whose log begins with a message: once that has left, by whomever, what fails is something else."""

    key: SessionKey
    epoch: str
    before: int


class Pauses:
    """How long what failed is left alone; the longest known is forgotten at last."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._failures: OrderedDict[Stuck, Failures] = OrderedDict()

    def failed(self, session: KeptSession, error: Exception | None = None) -> float:
        """Note a failure; return the seconds until the next attempt, at least those that the error asks for."""
        key = _stuck(session)
        times, since = self._failures.pop(key, Failures(0, self._clock()))
        self._failures[key] = Failures(times + 1, since)
        if len(self._failures) > MOST_REMEMBERED:
            self._failures.popitem(last=False)
        asked = error.retry_after if isinstance(error, Unavailable) else 0.0
        doubled: float = FIRST_PAUSE * 2 ** min(times, 10)
        return max(asked, min(doubled, LONGEST_PAUSE))

    def lasted(self, session: KeptSession) -> float:
        """The seconds since the first failure in a row."""
        known = self._failures.get(_stuck(session))
        return self._clock() - known.since if known else 0.0

    def over(self, session: KeptSession) -> None:
        """Note a success."""
        self._failures.pop(_stuck(session), None)


class Folding:
    """Has sessions summarised, several at a time; a model that is slow or away holds up nothing else.

    What cannot be summarised for ten minutes, or for one while its log is twice its window, leaves the log without:
    the messages are memories by then, and working memory stays bounded. The next summary says how many it misses.
    """

    def __init__(self, working: Working, model: LanguageModel, pauses: Pauses) -> None:
        self._working = working
        self._model = model
        self._pauses = pauses
        self._tasks: dict[SessionKey, asyncio.Task[None]] = {}

    async def begin(self, crowded: Crowded) -> None:
        """Begin to fold the promoted messages of a session, or put it off while too many others are folded."""
        session = crowded.session
        if len(self._tasks) >= AT_ONCE or session.key in self._tasks:
            await self._working.put_off(session, FIRST_PAUSE)
            return
        await self._working.put_off(session, CLAIMED_SECONDS)
        task = asyncio.create_task(self._fold_or_wait(crowded))
        self._tasks[session.key] = task
        task.add_done_callback(lambda _: self._tasks.pop(session.key))

    async def finished(self) -> None:
        """Return when nothing is being folded."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def stop(self) -> None:
        """Leave what is being folded as it is."""
        await ended(self._tasks.values(), 0)

    async def _fold_or_wait(self, crowded: Crowded) -> None:
        session = crowded.session
        try:
            async with self._claimed(session):
                done = await self._fold(crowded)
            if done:
                await self._working.put_off(session, 0)
        except MemosError as error:
            await self._failed(crowded, error)
        except Exception as error:
            log.exception("Summarising a session failed in a way that was not foreseen")
            await self._failed(crowded, error)
        else:
            self._pauses.over(session)

    async def _fold(self, crowded: Crowded) -> bool:
        """Fold as many messages at a time as the model reads; each time they leave the log in the same step.

        `False` when somebody else has made another summary meanwhile, which stays.
        """
        session = await self._present(crowded.session)
        if session is None:
            return True
        summary = session.summary
        async for found in slices_of_log(self._working, session, after=0, through=crowded.through):
            messages = found
            while messages:
                some, former = foldable(messages), summary
                summary = await folded(self._model, former, some)
                if not await self._left(session, summary, former):
                    return False
                messages = messages[len(some) :]
        return True

    async def _present(self, session: KeptSession) -> KeptSession | None:
        """A session as it is now, unless it has ended."""
        try:
            now = await self._working.session(session.key)
        except NotFound:
            return None
        return now if now.epoch == session.epoch else None

    async def _left(self, session: KeptSession, summary: KeptSummary, former: KeptSummary | None) -> bool:
        """Have messages leave with their summary; whether it was still the next after the former one."""
        onto = former.through if former else 0
        return await self._working.leave(session, summary.through, summary, onto=onto)

    @asynccontextmanager
    async def _claimed(self, session: KeptSession) -> AsyncIterator[None]:
        """Have other workers leave a session out meanwhile, however long the model takes."""
        keeping = asyncio.create_task(self._keep(session))
        try:
            yield
        finally:
            await ended([keeping], 0)

    async def _keep(self, session: KeptSession) -> None:
        while True:
            await asyncio.sleep(CLAIMED_SECONDS / 3)
            try:
                await self._working.put_off(session, CLAIMED_SECONDS)
            except MemosError as error:
                log.warning("Session %s is not claimed for now: %s", session.key.session_id, error)

    async def _failed(self, crowded: Crowded, error: Exception) -> None:
        session = crowded.session
        pause = self._pauses.failed(session, error)
        try:
            if self._pauses.lasted(session) < (OUTGROWN_PATIENCE if outgrown(session) else PATIENCE):
                log.warning("Summarising session %s is put off: %s", session.key.session_id, error)
                await self._working.put_off(session, pause)
                return
            log.error("Messages of session %s leave it without a summary: %s", session.key.session_id, error)
            await self._working.leave(session, crowded.through, None)
            await self._working.put_off(session, 0)
        except MemosError as second:
            log.warning("Session %s stays as it is for now: %s", session.key.session_id, second)


def _stuck(session: KeptSession) -> Stuck:
    return Stuck(session.key, session.epoch, session.newest - session.messages)


def outgrown(session: KeptSession) -> bool:
    """Whether a log is so large that it can wait no longer."""
    messages, tokens = session.policy.window_messages, session.policy.window_tokens
    return session.messages >= MOST_OUTGROWN * messages or session.tokens >= MOST_OUTGROWN * tokens
