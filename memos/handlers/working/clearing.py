"""What working memory leaves behind: keys and sessions that are over, and messages that leave their log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from memos.errors import MemosError
from memos.handlers.working.folding import Folding, Pauses
from memos.handlers.working.promote import promote_log
from memos.handlers.working.promoting import SLICE, Promoting
from memos.ports import Crowded, Facts, LanguageModel, Working
from memos.records import EndedSession, KeptSession, SessionKey
from memos.waiting import told

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
MOST_SWEPT = 256
MOST_SESSIONS = 32

LONG = 600.0
"""Seconds after which it is an error that a session is put off."""


class Clearing:
    """One round after the other; two workers that do the same at once do it once.

    What was not finished, whatever step it got to, is there again in the next round: memories have the ids of
    their messages, facts are claimed in the ledger, and only then is anything dropped here.
    """

    def __init__(
        self,
        working: Working,
        facts: Facts,
        promoting: Promoting,
        language_model: LanguageModel | None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._working = working
        self._facts = facts
        self._promoting = promoting
        self._pauses = Pauses(clock)
        self._folding = Folding(working, language_model, Pauses(clock)) if language_model else None

    async def round(self) -> bool:
        """Do what there is to be done, as far as one round takes; whether there may be more of it."""
        full = [
            await self._attempt("Clearing away what expired", self._sweep()),
            await self._attempt("Telling which keys expired", self._tell_expired()),
            await self._attempt("Finishing sessions", self._finish()),
            await self._attempt("Making room in sessions", self._make_room()),
        ]
        return any(full)

    async def settled(self) -> None:
        """Return when nothing is being summarised any more."""
        if self._folding:
            await self._folding.finished()

    async def stop(self) -> None:
        """Leave what is under way as it is."""
        if self._folding:
            await self._folding.stop()

    async def _attempt(self, doing: str, work: Awaitable[bool]) -> bool:
        try:
            return await work
        except MemosError as error:
            log.warning("%s is put off: %s", doing, error)
            return False

    async def _sweep(self) -> bool:
        return await self._working.sweep(MOST_SWEPT) >= MOST_SWEPT

    async def _tell_expired(self) -> bool:
        values = await self._working.expired(MOST_SWEPT)
        if values:
            await self._facts.add_expired(values)
            await self._working.told(values)
        return len(values) >= MOST_SWEPT

    async def _finish(self) -> bool:
        """Go on with sessions that ended, each for a slice; of one id the older life is finished first."""
        sessions = await self._working.ended(MOST_SESSIONS)
        held: set[SessionKey] = set()
        for one in sessions:
            if one.session.key not in held and not await self._in_turn(one.session, self._finish_one(one)):
                held.add(one.session.key)
        return bool(held) or len(sessions) >= MOST_SESSIONS

    async def _finish_one(self, ended: EndedSession) -> bool:
        if ended.promote and not await self._promote_ended(ended):
            return False
        await self._facts.add_ended(ended)
        await self._working.forget(ended)
        return True

    async def _promote_ended(self, ended: EndedSession) -> bool:
        """Make memories of the next slice of messages; whether those were the last."""
        session = ended.session
        if messages := await self._working.ended_messages(ended, session.promoted_through, SLICE):
            promoted = await self._promoting.messages(session, messages)
            await self._working.promoted(session, promoted.through)
        return len(messages) < SLICE

    async def _make_room(self) -> bool:
        crowded = await self._working.crowded(MOST_SESSIONS)
        done = [await self._in_turn(one.session, self._make_room_in(one)) for one in crowded]
        return not all(done) or len(crowded) >= MOST_SESSIONS

    async def _make_room_in(self, crowded: Crowded) -> bool:
        session, through = crowded
        until = min(through, max(session.promoted_through, session.newest - session.messages) + SLICE)
        await promote_log(self._promoting, self._working, session, until)
        if until < through:
            return False
        if self._folding:
            await self._folding.begin(crowded)
        else:
            await self._working.leave(session, through, None)
        return True

    async def _in_turn(self, session: KeptSession, work: Awaitable[bool]) -> bool:
        """Do something for a session, and whether it is done; what is not has its next turn after all others.

        When it fails, the session is put off for longer.
        """
        failure: Exception
        try:
            done = await work
        except MemosError as error:
            self._note(session, error)
            failure = error
        except Exception as error:
            # One session must not keep all others from being dealt with.
            log.exception("Session %s failed in a way that was not foreseen", session.key.session_id)
            failure = error
        else:
            self._pauses.over(session)
            if not done:
                await self._working.put_off(session, 0)
            return done
        await self._working.put_off(session, self._pauses.failed(session, failure))
        return False

    def _note(self, session: KeptSession, error: MemosError) -> None:
        """Say that a session is put off; what lasts is an error, for a session aside is kept for a week only."""
        lasted = self._pauses.lasted(session)
        level = logging.ERROR if lasted >= LONG else logging.WARNING
        log.log(level, "Session %s is put off, for %.0f s by now: %s", session.key.session_id, lasted, error)


async def keep_clearing(
    stopping: asyncio.Event,
    *,
    working: Working,
    facts: Facts,
    promoting: Promoting,
    language_model: LanguageModel | None,
) -> None:
    """Clear away what is over, and make room in logs, until told to stop.

    It looks twice a second, and goes on at once while there is much to be done.
    """
    clearing = Clearing(working, facts, promoting, language_model)
    try:
        while not stopping.is_set():
            if not await _foreseen(clearing):
                await told(stopping, PAUSE_SECONDS)
    finally:
        await clearing.stop()


async def _foreseen(clearing: Clearing) -> bool:
    try:
        return await clearing.round()
    except Exception:
        # Without it nothing of working memory would ever end.
        log.exception("Clearing up failed in a way that was not foreseen")
        return False
