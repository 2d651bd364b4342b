"""What a worker notes of its engines."""

from collections.abc import Awaitable, Callable

import pytest
from logs import said

from memos.errors import Unavailable
from memos.handlers.watch import LOOKS_PER_COSTLY_ONE, Watch
from memos.telemetry import Telemetry


class Engine:
    """An engine that answers or does not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("It is away. Start it.")


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


def value(telemetry: Telemetry, name: str, engine: str) -> float | None:
    return telemetry.registry.get_sample_value(name, {"engine": engine})


async def test_an_engine_is_up_or_down_as_it_answers(telemetry: Telemetry) -> None:
    ledger, vectors = Engine(), Engine()
    vectors.away = True
    pings: dict[str, Callable[[], Awaitable[object]]] = {"ledger": ledger, "vectors": vectors}
    await Watch(pings, telemetry).look()

    assert value(telemetry, "memos_engine_up", "ledger") == 1
    assert value(telemetry, "memos_engine_up", "vectors") == 0
    assert value(telemetry, "memos_engine_failures_total", "ledger") is None
    assert value(telemetry, "memos_engine_failures_total", "vectors") == 1


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "memos.handlers.watch")
    engine = Engine()
    watch = Watch({"ledger": engine}, telemetry)
    for away in (False, True, True, False, False):
        engine.away = away
        await watch.look()

    assert said(caplog, "memos.handlers.watch") == [
        "The engine ledger is down: It is away. Start it.",
        "The engine ledger is up again",
    ]
    assert value(telemetry, "memos_engine_up", "ledger") == 1
    assert value(telemetry, "memos_engine_failures_total", "ledger") == 2


async def test_an_engine_that_is_costly_to_ask_is_asked_seldom_while_it_answers(telemetry: Telemetry) -> None:
    engine = Engine()
    watch = Watch({"embedder": engine}, telemetry, costly=frozenset({"embedder"}))
    for _ in range(LOOKS_PER_COSTLY_ONE):
        await watch.look()
    assert engine.asked == 1

    engine.away = True
    for _ in range(3):
        await watch.look()
    assert engine.asked == 4
    assert value(telemetry, "memos_engine_up", "embedder") == 0
