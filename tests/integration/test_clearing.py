"""What working memory leaves behind: facts of what is over, and memories of what leaves a log."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from logs import logged
from running import until
from sessions import Sessions, numbered

from memos.errors import Unavailable
from memos.handlers.working.clearing import LONG
from memos.handlers.working.folding import FIRST_PAUSE, Pauses
from memos.handlers.working.promoting import SLICE
from memos.records import message_memory_id

pytest_plugins = ["rooms", "sessions_fixtures"]

EXPIRED, ENDED = "memos.working.expired.v1", "memos.session.ended.v1"
TEN = [f"message {number}" for number in range(1, 11)]


async def test_messages_that_outgrow_the_window_become_memories_and_leave(sessions: Sessions) -> None:
    await sessions.say(*TEN)

    await sessions.clearing().round()

    assert await sessions.left() == TEN[-4:]
    assert await sessions.remembered() == numbered(TEN[:6])
    kept = await sessions.kept()
    assert (kept.promoted_through, kept.summary) == (6, None)


async def test_a_log_within_its_window_is_left_alone(sessions: Sessions) -> None:
    await sessions.say(*TEN[:4])

    await sessions.clearing().round()

    assert await sessions.left() == TEN[:4]
    assert await sessions.remembered() == []


@pytest.mark.parametrize(
    ("promote", "asked", "remembered"),
    [("end", None, 10), ("end", False, 0), ("never", None, 0), ("never", True, 4), ("window", None, 6)],
)
async def test_a_session_that_ends_becomes_memories_as_its_options_or_the_command_say(
    sessions: Sessions, promote: Any, asked: bool | None, remembered: int
) -> None:
    await sessions.configure(promote)
    ids = await sessions.say(*TEN)
    await sessions.set("goal", b"1")
    epoch = (await sessions.kept()).epoch

    await sessions.end(promote=asked)
    await sessions.clearing().round()

    found = await sessions.remembered()
    first = 7 if promote == "never" else 1
    assert found == numbered(TEN[first - 1 : first - 1 + remembered], first)
    assert ids[0] == message_memory_id(sessions.key, epoch, 1)
    [fact] = await sessions.told(ENDED)
    assert (fact["session_id"], fact["reason"], fact["keys"]) == ("s", "requested", 1)
    assert await sessions.working.ended(10) == []


async def test_a_session_that_expires_becomes_memories_and_a_fact(sessions: Sessions) -> None:
    await sessions.configure("end", ttl=1)
    await sessions.say(*TEN[:3])

    async def over() -> bool:
        await sessions.clearing().round()
        return bool(await sessions.told(ENDED))

    await until(over)
    assert await sessions.remembered() == numbered(TEN[:3])
    what = {"agent_id": "ada", "session_id": "s", "reason": "expired", "messages": 3, "keys": 0, "version": 1}
    assert await sessions.told(ENDED) == [what]


async def test_keys_that_expire_are_told_once_by_many_workers(sessions: Sessions) -> None:
    for key in ("a", "b", "c"):
        await sessions.set(key, b"1", ttl=1)
    await sessions.set("d", b"1")

    async def all_told() -> bool:
        await asyncio.gather(*(sessions.clearing().round() for _ in range(3)))
        return len(await sessions.told(EXPIRED)) >= 3

    await until(all_told)
    await sessions.clearing().round()

    facts = await sessions.told(EXPIRED)
    assert sorted((fact["key"], fact["version"], fact["session_id"]) for fact in facts) == [
        ("a", 1, "s"),
        ("b", 1, "s"),
        ("c", 1, "s"),
    ]
    assert await sessions.working.expired(10) == []


class Away:
    """A ledger of facts that is away for one session."""

    def __init__(self, facts: Any, session_id: str) -> None:
        self._facts = facts
        self._session_id = session_id

    async def add_expired(self, values: Any) -> None:
        await self._facts.add_expired(values)

    async def add_ended(self, ended: Any) -> None:
        if ended.session.key.session_id == self._session_id:
            raise Unavailable("The ledger is away.")
        await self._facts.add_ended(ended)


async def test_a_session_that_cannot_be_finished_is_put_off_and_holds_up_no_other(sessions: Sessions) -> None:
    for one in (sessions, sessions.of("t")):
        await one.say("a")
        await one.end(promote=True)
    faulty: Any = Away(sessions.facts, "s")

    await replace(sessions, facts=faulty).clearing().round()

    assert [fact["session_id"] for fact in await sessions.told(ENDED)] == ["t"]
    assert await sessions.working.ended(10) == []

    async def told() -> bool:
        await sessions.clearing().round()
        return len(await sessions.told(ENDED)) > 1

    await until(told)
    assert await sessions.remembered() == [(1, "a")]


async def test_a_long_session_that_ended_holds_up_no_other_and_goes_on_where_it_was(sessions: Sessions) -> None:
    contents = [f"message {number}" for number in range(2 * SLICE + 1)]
    other = sessions.of("t", agent_id="bob")
    await sessions.say(*contents)
    await sessions.end(promote=True)
    await other.say("b")
    await other.end(promote=True)
    clearing = sessions.clearing()

    more = await clearing.round()

    assert await sessions.remembered() == numbered(contents[:SLICE])
    assert await other.remembered() == [(1, "b")]
    [ended] = await sessions.working.ended(10)
    assert (more, ended.session.promoted_through) == (True, SLICE)
    assert [await clearing.round() for _ in range(2)] == [True, False]
    assert await sessions.remembered() == numbered(contents)
    assert len(await sessions.told(ENDED)) == 2


async def test_a_log_far_beyond_its_window_holds_up_no_other(sessions: Sessions) -> None:
    contents = [f"message {number}" for number in range(2 * SLICE + 5)]
    other = sessions.of("t", agent_id="bob")
    await sessions.say(*contents)
    await other.say(*TEN)
    clearing = sessions.clearing()

    assert await clearing.round()

    assert await sessions.remembered() == numbered(contents[:SLICE])
    assert await other.left() == TEN[-4:]
    while await clearing.round():
        pass
    assert await sessions.remembered() == numbered(contents[:-4])
    assert await sessions.left() == contents[-4:]


async def test_it_is_an_error_when_a_session_is_put_off_for_long(
    sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    await sessions.say("a")
    ended = await sessions.end(promote=True)
    assert ended is not None
    faulty: Any = Away(sessions.facts, "s")
    clock = [0.0]
    clearing = replace(sessions, facts=faulty).clearing(clock=lambda: clock[0])
    levels = []

    for clock[0] in (0.0, LONG - 1, LONG):
        await sessions.working.put_off(ended.session, 0)
        await clearing.round()
        levels.append(logged(caplog, "memos.handlers.working.clearing")[-1].levelname)

    assert levels == ["WARNING", "WARNING", "ERROR"]
    assert "Session s is put off, for 600 s by now: The ledger is away." in caplog.text


async def test_what_asks_for_a_longer_pause_gets_it(sessions: Sessions) -> None:
    await sessions.say("a")
    session, pauses = await sessions.kept(), Pauses(lambda: 0.0)

    asked = [pauses.failed(session, Unavailable("busy", retry_after=seconds)) for seconds in (0, 90, 0)]

    assert asked == [FIRST_PAUSE, 90, 4 * FIRST_PAUSE]
