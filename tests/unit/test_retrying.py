"""Sending again under the same id, within the one timeout."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from memos.client.retrying import FIRST_PAUSE, LEAST_LEFT, LONGEST_PAUSE, ONCE, Retrying, pause_after
from memos.errors import (
    ERRORS,
    Closed,
    CollectionMissing,
    DeadlineExceeded,
    InternalError,
    MemosError,
    Overloaded,
    Unavailable,
)
from memos.events.answers import LookUpAnswer
from memos.events.commands import Command
from memos.events.health import CheckHealth
from memos.events.memories import DeleteMemory, GetMemory
from memos.records import Fact

GET = GetMemory(memory_id=UUID(int=1))
DELETE = DeleteMemory(memory_id=UUID(int=1))
CHAT = {"model": "m", "messages": [{"role": "user", "content": "q"}]}


class Time:
    """A clock that only what waits moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Scripted:
    """A transport that fails as told, a try after another, and then answers."""

    def __init__(self, time: Time, *faults: MemosError, seconds: float = 0.0) -> None:
        self._time = time
        self._faults = list(faults)
        self._seconds = seconds
        self.sent: list[tuple[str, float]] = []

    async def send(self, command: Command, command_id: str, timeout: float) -> Any:
        self.sent.append((command_id, timeout))
        self._time.now += self._seconds
        if self._faults:
            raise self._faults.pop(0)
        return {"answered": len(self.sent)}

    async def post(self, command: Command, command_id: str) -> None:
        await self.send(command, command_id, 0)

    def follow(
        self, after: int | None, types: Sequence[str], *, group: str | None = None, consumer: str | None = None
    ) -> AsyncIterator[Fact]:
        raise NotImplementedError


@pytest.fixture
def time() -> Time:
    return Time()


def over(transport: Scripted, time: Time, retries: int = 5) -> Retrying:
    return Retrying(transport, retries=retries, patience=30, clock=time.clock, sleep=time.sleep)


def away(seconds: float = 0.0) -> MemosError:
    return Unavailable("Away.", retry_after=seconds)


@pytest.mark.parametrize("command", [GET, DELETE], ids=["read", "write"])
@pytest.mark.parametrize("kind", [Unavailable, CollectionMissing, Overloaded])
async def test_what_may_succeed_later_is_sent_again_with_the_same_id_and_what_is_left_of_the_time(
    time: Time, command: Command, kind: type[MemosError]
) -> None:
    transport = Scripted(time, kind("No."), kind("No."), seconds=1)

    assert await over(transport, time).send(command, "7", 30) == {"answered": 3}

    first, second = time.pauses
    assert FIRST_PAUSE / 2 <= first <= FIRST_PAUSE <= second <= 2 * FIRST_PAUSE
    assert [command_id for command_id, _ in transport.sent] == ["7", "7", "7"]
    assert [left for _, left in transport.sent] == pytest.approx([30, 29 - first, 28 - first - second])


@pytest.mark.parametrize("kind", [kind for kind in ERRORS.values() if not kind.transient] + [DeadlineExceeded])
async def test_what_is_refused_for_good_and_what_took_too_long_is_raised_at_once(
    time: Time, kind: type[MemosError]
) -> None:
    transport = Scripted(time, kind("No."))
    with pytest.raises(kind):
        await over(transport, time).send(DELETE, "7", 30)
    assert (len(transport.sent), time.pauses) == (1, [])


async def test_a_closed_client_and_an_internal_error_are_among_those() -> None:
    assert not Closed.transient
    assert not InternalError.transient


async def test_the_last_error_is_raised_after_so_many_tries(time: Time) -> None:
    transport = Scripted(time, *(Unavailable(f"Away {number}.") for number in range(9)))
    with pytest.raises(Unavailable, match=r"Away 3\."):
        await over(transport, time, retries=3).send(DELETE, "7", 30)
    assert len(transport.sent) == 4


async def test_a_try_that_takes_too_long_says_why_the_one_before_it_failed(time: Time) -> None:
    transport = Scripted(time, Unavailable("No room."), DeadlineExceeded("Nobody answered."))
    with pytest.raises(DeadlineExceeded, match=r"^Nobody answered\. The try before it failed: No room\.$"):
        await over(transport, time).send(GET, "one", 30)


async def test_without_retries_a_command_is_sent_once(time: Time) -> None:
    transport = Scripted(time, away())
    with pytest.raises(Unavailable):
        await over(transport, time, retries=0).send(DELETE, "7", 30)
    assert len(transport.sent) == 1


async def test_whoever_asks_to_be_left_alone_is(time: Time) -> None:
    transport = Scripted(time, away(4), away(0.001))
    await over(transport, time).send(DELETE, "7", 30)
    assert time.pauses[0] == 4
    assert time.pauses[1] >= FIRST_PAUSE


async def test_an_error_is_raised_at_once_when_too_little_time_is_left_for_another_try(time: Time) -> None:
    transport = Scripted(time, away(), away(20), seconds=11)
    with pytest.raises(Unavailable):
        await over(transport, time).send(DELETE, "7", 30)
    assert len(transport.sent) == 2
    assert time.now < 130


async def test_no_try_is_given_less_time_than_it_needs_to_begin(time: Time) -> None:
    async def overslept(seconds: float) -> None:
        time.now += seconds + 100

    transport = Scripted(time, away())
    retrying = Retrying(transport, clock=time.clock, sleep=overslept)
    await retrying.send(DELETE, "7", 30)
    assert transport.sent[1] == ("7", LEAST_LEFT)


async def test_what_is_posted_is_sent_again_within_the_patience_of_the_client(time: Time) -> None:
    transport = Scripted(time, Overloaded("Full."), away())
    await over(transport, time).post(DELETE, "7")
    assert [command_id for command_id, _ in transport.sent] == ["7"] * 3
    with pytest.raises(Unavailable):
        await over(Scripted(time, *[away(10)] * 9), time).post(DELETE, "8")


@pytest.mark.parametrize("command", [CheckHealth(), LookUpAnswer(request=CHAT)])
async def test_health_and_a_cache_are_asked_once(time: Time, command: Command) -> None:
    transport = Scripted(time, away())
    with pytest.raises(Unavailable):
        await over(transport, time).send(command, "7", 30)
    assert (type(command) in ONCE, len(transport.sent)) == (True, 1)


def test_pauses_grow_to_a_bound_and_no_two_crowds_come_back_together() -> None:
    assert all(LONGEST_PAUSE / 2 <= pause_after(tries) <= LONGEST_PAUSE for tries in (5, 50, 5000))
    assert len({pause_after(3) for _ in range(10)}) > 1
