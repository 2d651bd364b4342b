"""Several workers that fold the messages of one session into its running summary."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from chat_server import ChatServer, recounted
from logs import logged
from running import until
from sessions import Sessions, numbered

from memos.handlers.working.folding import FIRST_PAUSE, PATIENCE, Folding, Pauses
from memos.handlers.working.summarise import MOST_CHARACTERS
from memos.language_models.openai_compatible import OpenAICompatibleModel
from memos.ports import Crowded
from memos.records import KeptSession

pytest_plugins = ["rooms", "sessions_fixtures", "model_fixtures"]

TEN = [f"message {number}" for number in range(1, 11)]


class Instead:
    """A port of which one method is another."""

    def __init__(self, port: Any, name: str, method: Any) -> None:
        self._port = port
        setattr(self, name, method)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


async def test_what_two_workers_fold_at_once_is_folded_once(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    one, two = sessions.clearing(model), sessions.clearing(model)
    await sessions.say(*TEN)

    await asyncio.gather(one.round(), two.round())
    await asyncio.gather(one.settled(), two.settled())

    assert (await sessions.summary()).text == "; ".join(TEN[:6])
    assert await sessions.left() == TEN[-4:]
    assert await sessions.remembered() == numbered(TEN[:6])


async def test_a_session_stays_claimed_however_long_the_model_takes(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.handlers.working.folding.CLAIMED_SECONDS", 0.03)
    free, claimed = asyncio.Event(), list[float]()

    async def slowly(body: dict[str, Any]) -> str:
        await free.wait()
        return recounted(body)

    async def put_off(session: KeptSession, seconds: float) -> None:
        claimed.append(seconds)
        await sessions.working.put_off(session, seconds)

    async def renewed() -> bool:
        return len(claimed) > 5

    teller.answer = slowly
    working: Any = Instead(sessions.working, "put_off", put_off)
    clearing = replace(sessions, working=working).clearing(model)
    await sessions.say(*TEN)
    await clearing.round()

    await until(renewed)
    free.set()
    await clearing.settled()

    assert set(claimed[:-1]) == {0.03}
    assert claimed[-1] == 0
    assert await sessions.left() == TEN[-4:]


async def test_a_worker_whose_claim_ran_out_loses_nothing_of_the_summary(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    free = asyncio.Event()

    async def slowly(body: dict[str, Any]) -> str:
        await free.wait()
        return recounted(body)

    late, other = sessions.clearing(model), sessions.clearing(model)
    await sessions.say(*TEN)
    teller.answer = slowly
    await late.round()

    async def asked() -> bool:
        return bool(teller.asked)

    await until(asked)
    teller.answer = recounted
    await sessions.working.put_off(await sessions.kept(), 0)
    await other.round()
    await other.settled()
    await sessions.say("message 11", "message 12")
    free.set()
    await late.settled()
    await other.round()
    await other.settled()

    summary = await sessions.summary()
    assert (summary.text, summary.through, summary.missing) == ("; ".join(TEN[:8]), 8, 0)
    assert len(summary.message_ids) == 8


async def test_a_fold_begins_with_the_summary_that_is_kept_by_then(
    sessions: Sessions, model: OpenAICompatibleModel
) -> None:
    folding = Folding(sessions.working, model, Pauses())
    await sessions.say(*TEN)
    await sessions.promote(through=8)
    stale = await sessions.kept()
    await folding.begin(Crowded(stale, 6))
    await folding.finished()

    await folding.begin(Crowded(stale, 8))
    await folding.finished()

    assert (await sessions.summary()).text == "; ".join(TEN[:8])


async def test_a_summary_that_comes_late_does_not_take_the_place_of_a_later_one(
    sessions: Sessions, model: OpenAICompatibleModel
) -> None:
    clearing = sessions.clearing(model)
    await sessions.say(*TEN)
    stale = await sessions.kept()
    await clearing.round()
    await clearing.settled()
    late = (await sessions.summary()).model_copy(update={"text": "late", "through": 3})

    await sessions.working.leave(stale, 3, late)

    assert (await sessions.summary()).through == 6
    assert await sessions.left() == TEN[-4:]


async def test_a_failure_is_over_when_another_worker_has_folded_those_messages(sessions: Sessions) -> None:
    await sessions.say(*TEN)
    await sessions.promote(through=6)
    clock = [0.0]
    pauses = Pauses(lambda: clock[0])
    pauses.failed(await sessions.kept())
    await sessions.working.leave(await sessions.kept(), 6, None)

    clock[0] = PATIENCE

    assert pauses.lasted(await sessions.kept()) == 0
    assert pauses.failed(await sessions.kept()) == FIRST_PAUSE


async def test_a_session_that_has_ended_meanwhile_is_not_folded(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel, caplog: pytest.LogCaptureFixture
) -> None:
    folding = Folding(sessions.working, model, Pauses())
    await sessions.say(*TEN)
    crowded = Crowded(await sessions.kept(), 6)
    await sessions.end()

    await folding.begin(crowded)
    await folding.finished()
    await sessions.say(*TEN)
    await folding.begin(crowded)
    await folding.finished()

    assert (teller.asked, logged(caplog, "memos.handlers.working.folding")) == ([], [])


async def test_a_worker_that_comes_too_late_asks_the_model_no_more(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    free = asyncio.Event()

    async def slowly(body: dict[str, Any]) -> str:
        await free.wait()
        return recounted(body)

    async def asked() -> bool:
        return bool(teller.asked)

    long = [letter * (MOST_CHARACTERS - 1000) for letter in "abc"]
    late, other = sessions.clearing(model), sessions.clearing(model)
    await sessions.say(*long, *TEN[:4])
    teller.answer = slowly
    await late.round()
    await until(asked)
    teller.answer = recounted
    await sessions.working.put_off(await sessions.kept(), 0)
    await other.round()
    await other.settled()
    free.set()
    await late.settled()

    assert len(teller.asked) == 1 + len(long)
    assert (await sessions.summary()).through == 3
    assert await sessions.left() == TEN[:4]
