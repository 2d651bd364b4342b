"""How long a context is awaited: whoever waits less than its deadline would lose what came in time."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from memos.api.context import gather
from memos.api.requests import Exchange
from memos.client import Client
from memos.client.bus import Bus
from memos.errors import DeadlineExceeded
from memos.events.commands import Command
from memos.events.context import RequestContext
from memos.records import Fact


class Patience:
    """A way to memOS that answers nothing, and notes how long each answer was awaited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def send(self, command: Command, command_id: str, timeout: float, tenant: str = "") -> Any:
        self.seconds.append(timeout)
        raise DeadlineExceeded("Nobody answers.")

    async def post(self, command: Command, command_id: str, tenant: str = "") -> None:
        raise NotImplementedError

    def follow(
        self, after: int | None, types: Sequence[str], *, group: str | None = None, consumer: str | None = None
    ) -> AsyncIterator[Fact]:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("timeout", "deadline_ms", "awaited"), [(30.0, 2000, 30.0), (1.0, 2000, 3.0), (30.0, 60_000, 61.0)]
)
async def test_a_client_awaits_a_context_for_as_long_as_its_deadline(
    timeout: float, deadline_ms: int, awaited: float
) -> None:
    way = Patience()

    with pytest.raises(DeadlineExceeded):
        await Client(way, timeout=timeout).context("t", deadline_ms=deadline_ms)

    assert way.seconds == [awaited]


async def test_other_commands_are_awaited_for_as_long_as_the_client_waits() -> None:
    way = Patience()

    with pytest.raises(DeadlineExceeded):
        await Client(way, timeout=1.0).query("q")

    assert way.seconds == [1.0]


@pytest.mark.parametrize(("timeout", "awaited"), [(30.0, 30.0), (1.0, 3.0)])
async def test_the_facade_awaits_a_context_for_as_long_as_its_deadline(timeout: float, awaited: float) -> None:
    way = Patience()

    with pytest.raises(DeadlineExceeded):
        await gather(RequestContext(task="t"), Exchange(cast("Bus", way), "c", timeout))

    assert way.seconds == [awaited]
