"""The relay: gives facts their places in the log, and copies them to the stream where they are waited for."""

import asyncio
import logging

from memos.errors import MemosError
from memos.ports import Facts, FactStream, Placing
from memos.telemetry import Telemetry
from memos.waiting import told

log = logging.getLogger(__name__)

SLICE = 500
POLL_SECONDS = 0.25
STANDBY_SECONDS = 1.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0


class Relay:
    """One of the relays of a ledger, of which one at a time works while the others stand by.

    A fact's `sequence` is drawn before its transaction commits, so facts become visible out of order,
    and whoever followed sequences would pass over those that were late. The relay alone gives those
    that it sees committed their `position`, the next ones without a gap, in the order of `sequence`.

    Facts of one memory keep their order by that. The fact of a later version is written by a
    transaction that has locked the memory's row, hence after the one of the earlier version committed:
    its sequence, drawn after that, is larger, and whatever snapshot shows it shows the earlier one too.
    So the two are placed by one statement in their order, or the earlier by an earlier statement.

    The statement that places runs on the connection that holds the lock. A relay that has lost the lock
    can place nothing, and what it still copies is refused by the stream when another copied it before.

    A stream that is ahead of its ledger shows that the ledger was restored, or merely that this relay slept
    and lost the lock since it asked. So it asks once more where it holds the lock, and the stream is emptied
    only if it still is as it was seen. Its consumer groups stay: those past the end of the log are set back
    to it, and so are given everything that will have those positions.
    """

    def __init__(self, facts: Facts, stream: FactStream, telemetry: Telemetry) -> None:
        self._facts = facts
        self._stream = stream
        self._telemetry = telemetry

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until told to stop or until an engine fails. Raises `Unavailable`."""
        async with self._facts.placing() as placing:
            while not await placing.granted():
                if await told(stopping, STANDBY_SECONDS):
                    return
            newest = await placing.newest()
            # Before anything is placed: a ledger that was restored may catch up with its stream.
            await self._copy(placing, newest)
            while not stopping.is_set():
                former, newest = newest, await placing.place(SLICE)
                await self._copy(placing, newest)
                if newest - former < SLICE:
                    await told(stopping, POLL_SECONDS)

    async def _copy(self, placing: Placing, newest: int) -> None:
        """Bring the stream up to a position; one that is new or was lost begins with the newest facts only."""
        last = await self._stream.last()
        if last > newest and last > (newest := await placing.newest()):
            log.warning(
                "The stream of facts is at %d, but the ledger only at %d, as if it had been restored; "
                "the stream is filled anew, and groups that were further are set back",
                last,
                newest,
            )
            last = await self._stream.rewind(newest, seen=last)
        after = last or max(0, newest - self._stream.kept)
        while after < newest:
            facts = await self._facts.copies(after, min(SLICE, newest - after))
            after = facts[-1].position
            if await self._stream.add(facts, after=last) != after:
                return  # another relay was faster, or the stream is gone: the next round looks again
            last = after
        self._telemetry.placed.set(newest)


async def keep_relaying(stopping: asyncio.Event, *, facts: Facts, stream: FactStream, telemetry: Telemetry) -> None:
    """Relay, or stand by to, until told to stop; whatever goes wrong is waited out."""
    relay, pause = Relay(facts, stream, telemetry), FIRST_PAUSE
    while not stopping.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await relay.run(stopping)
        except MemosError as error:
            log.warning("Facts cannot be relayed now: %s", error)
        except Exception:
            # Without a relay nobody would hear of anything any more.
            log.exception("The relay failed in a way that was not foreseen")
        lasted = asyncio.get_running_loop().time() - started > LONGEST_PAUSE
        pause = FIRST_PAUSE if lasted else min(pause * 2, LONGEST_PAUSE)
        await told(stopping, pause)
