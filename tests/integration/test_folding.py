"""Messages that leave a log, folded into a running summary by a model behind a real HTTP server."""

import asyncio
from typing import Any

import pytest
from chat_server import ChatServer, recounted, refused
from running import until
from sessions import Sessions, numbered

from memos.handlers.working.clearing import keep_clearing
from memos.handlers.working.folding import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    OUTGROWN_PATIENCE,
    PATIENCE,
    Folding,
    Pauses,
)
from memos.language_models.openai_compatible import OpenAICompatibleModel
from memos.ports import Crowded

pytest_plugins = ["rooms", "sessions_fixtures", "model_fixtures"]

TEN = [f"message {number}" for number in range(1, 11)]


async def test_messages_that_leave_are_folded_into_a_running_summary(
    sessions: Sessions, model: OpenAICompatibleModel
) -> None:
    clearing = sessions.clearing(model)
    ids = await sessions.say(*TEN)
    await clearing.round()
    await clearing.settled()
    ids += await sessions.say("message 11", "message 12")
    await clearing.round()
    await clearing.settled()

    summary = await sessions.summary()
    assert summary.text == "; ".join([*TEN[:8]])
    assert (summary.through, list(summary.message_ids), summary.model) == (8, ids[:8], "teller")
    assert await sessions.left() == [*TEN[8:], "message 11", "message 12"]
    assert await sessions.remembered() == numbered(TEN[:8])


async def test_the_log_waits_for_a_model_that_is_away_and_is_folded_when_it_is_back(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    clearing = sessions.clearing(model)
    teller.answer = lambda _: refused(503)
    await sessions.say(*TEN[:7])
    await clearing.round()
    await clearing.settled()

    assert await sessions.left() == TEN[:7]
    assert await sessions.remembered() == numbered(TEN[:3])
    assert await sessions.working.crowded(10) == []

    teller.answer = recounted
    await sessions.working.put_off(await sessions.kept(), 0)
    await clearing.round()
    await clearing.settled()

    assert (await sessions.summary()).text == "; ".join(TEN[:3])
    assert await sessions.left() == TEN[3:7]


async def test_a_log_that_is_twice_its_window_waits_a_minute_and_its_summary_says_what_it_misses(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    clearing = sessions.clearing(model, clock=lambda: clock[0])
    await sessions.say("message 0")
    teller.answer = lambda _: refused(503, "the model is away")
    await sessions.say(*TEN[:8])

    for moment in (0.0, OUTGROWN_PATIENCE - 1):
        clock[0] = moment
        await sessions.working.put_off(await sessions.kept(), 0)
        await clearing.round()
        await clearing.settled()
        assert await sessions.left() == ["message 0", *TEN[:8]]
    clock[0] = OUTGROWN_PATIENCE
    await sessions.working.put_off(await sessions.kept(), 0)
    await clearing.round()
    await clearing.settled()

    assert await sessions.left() == TEN[4:8]
    assert await sessions.remembered() == numbered(["message 0", *TEN[:4]])
    assert "Messages of session s leave it without a summary" in caplog.text
    assert "the model is away" in caplog.text

    teller.answer = recounted
    await sessions.say(*TEN[8:])
    await clearing.round()
    await clearing.settled()
    summary = await sessions.summary()
    assert (summary.text, summary.through, summary.missing) == ("message 5; message 6", 7, 5)


async def test_a_log_waits_ten_minutes_for_a_model_and_no_longer(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    teller.answer = lambda _: refused(503)
    clock = [0.0]
    folding = Folding(sessions.working, model, Pauses(lambda: clock[0]))
    await sessions.say(*TEN[:7])
    await sessions.promote(through=3)
    crowded = Crowded(await sessions.kept(), 3)

    for moment in (0.0, PATIENCE - 1):
        clock[0] = moment
        await folding.begin(crowded)
        await folding.finished()
        assert await sessions.left() == TEN[:7]
    clock[0] = PATIENCE
    await folding.begin(crowded)
    await folding.finished()

    assert await sessions.left() == TEN[3:7]
    assert (await sessions.kept()).summary is None


async def test_pauses_double_up_to_a_minute_and_patience_ends_in_time(sessions: Sessions) -> None:
    await sessions.say("a")
    session, clock = await sessions.kept(), [0.0]
    pauses = Pauses(lambda: clock[0])
    waited = []
    while pauses.lasted(session) < PATIENCE:
        waited.append(pauses.failed(session))
        clock[0] += waited[-1]

    assert waited[:7] == [FIRST_PAUSE, 2, 4, 8, 16, 32, LONGEST_PAUSE]
    assert set(waited[6:]) == {LONGEST_PAUSE}
    assert pauses.lasted(session) < PATIENCE + LONGEST_PAUSE
    pauses.over(session)
    assert pauses.failed(session) == FIRST_PAUSE


async def test_a_model_that_hangs_holds_up_no_other_session(
    sessions: Sessions, teller: ChatServer, model: OpenAICompatibleModel
) -> None:
    free = asyncio.Event()

    async def slowly(body: dict[str, Any]) -> str:
        await free.wait()
        return recounted(body)

    teller.answer = slowly
    clearing, other = sessions.clearing(model), sessions.of("t")
    await sessions.say(*TEN)
    await clearing.round()
    await other.say(*TEN)
    await clearing.round()

    assert await other.remembered() == numbered(TEN[:6])
    assert await sessions.left() == TEN
    free.set()
    await clearing.settled()
    assert await sessions.left() == await other.left() == TEN[-4:]


async def test_the_duty_goes_on_until_it_is_told_to_stop(sessions: Sessions, model: OpenAICompatibleModel) -> None:
    stopping = asyncio.Event()
    duty = asyncio.create_task(
        keep_clearing(
            stopping,
            working=sessions.working,
            facts=sessions.facts,
            promoting=sessions.promoting,
            language_model=model,
        )
    )
    await sessions.say(*TEN)

    async def folded() -> bool:
        return (await sessions.kept()).summary is not None

    await until(folded)
    stopping.set()
    await duty

    assert await sessions.left() == TEN[-4:]
