"""Sessions that follow each other under one id, end while they are promoted, or have no places left."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sessions import Sessions, numbered

from memos.errors import InvalidCommand, MemosError, NotFound, Unavailable
from memos.events.memories import StoreMemory
from memos.handlers.working.promoting import SLICE
from memos.records import MOST_PLACES, Draft, value_memory_id

pytest_plugins = ["rooms", "sessions_fixtures"]

Step = Callable[[], Awaitable[Any]]


class Before:
    """A port before whose call of a method something else happens, once."""

    def __init__(self, port: Any, method: str, step: Step, *, after: int = 0) -> None:
        self._port = port
        self._method = method
        self._steps = [step]
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name != self._method:
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            self._after -= 1
            if self._after < 0 and self._steps:
                await self._steps.pop()()
            return await method(*arguments, **named)

        return call


async def test_a_session_waits_until_the_one_that_had_its_id_is_memories(sessions: Sessions) -> None:
    first_life = [f"first {number}" for number in range(2 * SLICE + 1)]
    await sessions.say(*first_life)
    await sessions.end(promote=True)
    await sessions.say("second 1", "second 2")
    await sessions.set("goal", b"1")

    for fields in ({}, {"keys": ["goal"]}):
        with pytest.raises(Unavailable, match="earlier session 's'"):
            await sessions.promote(**fields)
    clearing = sessions.clearing()
    while await sessions.working.waits(await sessions.kept()):
        await clearing.round()
    promoted = await sessions.promote()

    assert promoted.count == 2
    assert await sessions.remembered() == numbered([*first_life, "second 1", "second 2"])


async def test_a_window_of_a_later_session_waits_as_well(sessions: Sessions) -> None:
    await sessions.say(*(f"first {number}" for number in range(SLICE + 1)))
    await sessions.end(promote=True)
    await sessions.say(*(f"second {number}" for number in range(6)))
    clearing = sessions.clearing()

    while await clearing.round():
        pass

    found = [content.split()[0] for _, content in await sessions.remembered()]
    assert found == ["first"] * (SLICE + 1) + ["second"] * 2


async def test_a_life_that_cannot_be_finished_is_not_overtaken_by_the_next(sessions: Sessions) -> None:
    await sessions.say("first")
    await sessions.end(promote=True)
    await sessions.say("second")
    await sessions.end(promote=True)
    away: Any = Before(sessions.rooms.memories, "handled", _away)

    await replace(sessions, rooms=replace(sessions.rooms, memories=away)).clearing().round()

    assert await sessions.remembered() == []


async def _away() -> None:
    raise Unavailable("The ledger is away.")


async def test_a_session_without_places_left_becomes_memories_in_order(sessions: Sessions) -> None:
    await sessions.rooms.store(
        StoreMemory(content="a", agent_id="ada", session_id="s", sequence=3),
        StoreMemory(content="the end", agent_id="ada", session_id="s", sequence=MOST_PLACES),
    )
    await sessions.say("b", "c")
    await sessions.promote()
    await sessions.end()
    await sessions.clearing().round()
    await sessions.say("d")

    promoted = await sessions.promote()

    assert promoted.count == 1
    assert await sessions.remembered() == [(3, "a"), (4, "b"), (5, "c"), (6, "d"), (MOST_PLACES, "the end")]


async def test_messages_come_after_what_was_stored_in_the_session_otherwise(sessions: Sessions) -> None:
    await sessions.rooms.store(StoreMemory(content="a", agent_id="ada", session_id="s", sequence=7))
    await sessions.say("b", "c")

    await sessions.promote(through=1)
    await sessions.rooms.store(StoreMemory(content="d", agent_id="ada", session_id="s", sequence=20))
    await sessions.promote()

    assert await sessions.remembered() == [(7, "a"), (8, "b"), (9, "c"), (20, "d")]


async def test_a_session_that_ends_while_it_is_promoted_is_promoted_as_far_as_is_said(sessions: Sessions) -> None:
    contents = [f"message {number}" for number in range(3 * SLICE)]
    await sessions.say(*contents)
    working: Any = Before(sessions.working, "messages", lambda: sessions.end(promote=False), after=1)

    promoted = await replace(sessions, working=working).promote()

    assert (promoted.count, promoted.promoted_through, len(promoted.results)) == (SLICE, SLICE, SLICE)
    assert await sessions.remembered() == numbered(contents[:SLICE])


async def test_values_are_of_the_session_whose_they_are_said_to_be(sessions: Sessions) -> None:
    await sessions.set("goal", b'"a garden"')

    async def anew() -> None:
        await sessions.end()
        await sessions.clearing().round()
        await sessions.set("goal", b'"a park"')

    working: Any = Before(sessions.working, "get", anew)
    [made] = (await replace(sessions, working=working).promote(keys=["goal"])).results

    session = await sessions.kept()
    assert made.memory_id == value_memory_id(session.key, session.epoch, "goal", 1)
    assert await _contents(sessions) == ["goal: a park"]


async def test_values_of_a_session_that_ends_meanwhile_are_not_promoted(sessions: Sessions) -> None:
    await sessions.set("goal", b"1")
    working: Any = Before(sessions.working, "get", sessions.end)

    with pytest.raises(NotFound, match="'s'"):
        await replace(sessions, working=working).promote(keys=["goal"])

    assert await _contents(sessions) == []


async def _contents(sessions: Sessions) -> list[str]:
    return [content for _, content in await sessions.remembered()]


class Narrow:
    """A ledger that can hold no channels."""

    def __init__(self, memories: Any) -> None:
        self._memories = memories

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memories, name)

    async def store(self, drafts: list[Draft]) -> list[Any]:
        refusal: MemosError = InvalidCommand("The ledger cannot hold this.")
        stored = iter(await self._memories.store([one for one in drafts if "channel" not in one.metadata]))
        return [refusal if "channel" in one.metadata else next(stored) for one in drafts]


async def test_a_message_that_the_ledger_cannot_hold_is_stored_without_its_metadata(sessions: Sessions) -> None:
    await sessions.say("a", name="Ines", metadata={"channel": "garden"})
    await sessions.say("b")
    narrow: Any = Narrow(sessions.rooms.memories)

    promoted = await replace(sessions, rooms=replace(sessions.rooms, memories=narrow)).promote()

    assert [one.status for one in promoted.results] == ["stored", "stored"]
    assert await sessions.remembered() == [(1, "a"), (2, "b")]
    memory = await sessions.rooms.memories.get("default", "ada", promoted.results[0].memory_id)
    assert memory.metadata == {"speaker": "Ines"}
