"""A worker that dies before or after any call of a port, and what the next one finds."""

import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from chat_server import chat_server
from running import until
from sessions import Sessions, numbered

from memos.handlers.working.clearing import Clearing
from memos.language_models.openai_compatible import OpenAICompatibleModel, open_language_model

pytest_plugins = ["rooms", "sessions_fixtures"]

SAID = [f"message {number}" for number in range(1, 13)]


class Killed(BaseException):
    """What no code catches, as none catches the end of its process."""


@dataclass
class Life:
    """How many steps a process makes before it dies; it makes none after that."""

    left: int
    made: int = 0

    def step(self) -> None:
        if self.made >= self.left:
            raise Killed
        self.made += 1


class Mortal:
    """A port that dies with its process, just before a call or just after it took effect."""

    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            self._life.step()
            result = await method(*arguments, **named)
            self._life.step()
            return result

        return call


@pytest.fixture
async def model() -> AsyncIterator[OpenAICompatibleModel]:
    async with chat_server() as server, open_language_model(server.url, "m", api_key="", timeout=20) as opened:
        yield opened


def worker(sessions: Sessions, model: OpenAICompatibleModel, steps: int) -> tuple[Clearing, Life]:
    """A worker that lives for so many steps."""
    life = Life(steps)
    rooms: Any = sessions.rooms
    names = ("memories", "vectors", "projections", "embedder")
    engines = {name: Mortal(getattr(rooms, name), life) for name in names}
    ports: dict[str, Any] = {
        "working": Mortal(sessions.working, life),
        "facts": Mortal(sessions.facts, life),
        "rooms": replace(rooms, **engines),
    }
    return replace(sessions, **ports).clearing(model), life


async def lived(clearing: Clearing) -> None:
    """Have a worker go round until it dies, or has nothing left to do."""
    try:
        await clearing.round()
        await clearing.settled()
    except Killed:
        await clearing.stop()


@pytest.mark.parametrize("phase", ["window", "end"])
async def test_wherever_a_worker_dies_every_message_is_one_memory_in_order(
    sessions: Sessions, model: OpenAICompatibleModel, phase: str
) -> None:
    steps = deaths = 0
    while True:
        one = sessions.of(f"dies after {steps}")
        await one.configure("end")
        await one.say(*SAID[:10])
        if phase == "end":
            await one.clearing().round()
            await one.say(*SAID[10:])
            epoch = await one.kept()
            await one.end()
        else:
            epoch = await one.kept()
        clearing, life = worker(one, model, steps)
        await lived(clearing)
        await one.working.put_off(epoch, 0)
        await _next_worker(one, model, phase)
        if life.made < steps:
            break
        steps, deaths = steps + 1, deaths + 1

    assert deaths > 15


async def _next_worker(one: Sessions, model: OpenAICompatibleModel, phase: str) -> None:
    """What a worker that lives makes of it: the same as if the one before it had lived."""
    clearing = one.clearing(model)
    await clearing.round()
    await clearing.settled()
    if phase == "window":
        kept = await one.kept()
        assert kept.summary is not None
        assert kept.summary.text == "; ".join(SAID[:6])
        assert await one.left() == SAID[6:10]
        await one.say(*SAID[10:])
        await one.end()
        await clearing.round()
    assert await one.remembered() == numbered(SAID)
    ended = [fact for fact in await one.told("memos.session.ended.v1") if fact["session_id"] == one.key.session_id]
    assert len(ended) == 1
    stored = await one.told("memos.memory.stored.v1")
    assert len([fact for fact in stored if fact["session_id"] == one.key.session_id]) == len(SAID)
    assert await one.working.ended(10) == []


async def test_wherever_a_worker_dies_a_key_that_expired_is_told_once(
    sessions: Sessions, model: OpenAICompatibleModel
) -> None:
    keys = [f"key {number}" for number in range(12)]
    for key in keys:
        await sessions.set(key, b"1", ttl=1)
    await sessions.set("lasting", b"1")

    async def over() -> bool:
        return not await sessions.working.get(sessions.key, keys)

    await until(over)

    for steps in range(12):
        clearing, _ = worker(sessions, model, steps)
        await lived(clearing)
    await sessions.clearing().round()

    told = [fact["key"] for fact in await sessions.told("memos.working.expired.v1")]
    assert sorted(told) == sorted(keys)
    assert await sessions.working.expired(100) == []
