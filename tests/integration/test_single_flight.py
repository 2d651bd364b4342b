"""`client.llm.answered`: one computation for all who ask the same, over the bus and over HTTP."""

import asyncio
import logging
from typing import Any
from uuid import uuid4

import pytest
from running import until

from memos.client import Client, connect
from memos.errors import InvalidCommand

pytest_plugins = ["bus_fixtures"]

Chat = dict[str, Any]


class Model:
    """A language model that answers once it may."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.calls = 0
        self.may_answer = asyncio.Event()
        if at_once:
            self.may_answer.set()

    async def __call__(self) -> dict[str, Any]:
        self.calls += 1
        number = self.calls
        await self.may_answer.wait()
        message = {"role": "assistant", "content": f"answer {number}"}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    async def called(self, times: int = 1) -> None:
        """Return when the model has been called so often."""

        async def enough() -> bool:
            return self.calls >= times

        await until(enough)


async def failing() -> dict[str, Any]:
    raise OSError("the server is gone")


def text_of(looked: Any) -> str:
    text: str = looked.answer["choices"][0]["message"]["content"]
    return text


@pytest.fixture
def chat() -> Chat:
    """A request that nobody else makes."""
    return {"model": "m", "messages": [{"role": "user", "content": uuid4().hex}]}


async def test_what_is_computed_once_is_found_from_then_on(client: Client, chat: Chat) -> None:
    model = Model()

    first = await client.llm.answered(chat, model)
    second = await client.llm.answered(chat, model)

    assert (first.status, second.status, model.calls) == ("miss", "hit", 1)
    assert first.answer == second.answer


async def test_of_all_who_ask_at_once_one_computes(clients: dict[str, Client], chat: Chat) -> None:
    model = Model(at_once=False)
    askers = [asyncio.create_task(one.llm.answered(chat, model)) for one in clients.values() for _ in range(10)]
    await model.called()
    model.may_answer.set()

    answers = await asyncio.gather(*askers)

    assert model.calls == 1
    assert sorted(one.status for one in answers) == ["hit"] * 19 + ["miss"]
    assert {text_of(one) for one in answers} == {"answer 1"}


async def test_when_computing_fails_the_next_computes_at_once(client: Client, chat: Chat, agent: str) -> None:
    model = Model()

    with pytest.raises(OSError, match="the server is gone"):
        await client.llm.answered(chat, failing, agent_id=agent)
    async with asyncio.timeout(20):
        answered = await client.llm.answered(chat, model, agent_id=agent)

    used = (await client.llm.usage(agent_id=agent)).totals
    assert text_of(answered) == "answer 1"
    assert (used.errors, used.misses) == (1, 1)


async def test_when_it_is_cancelled_another_who_waits_computes(client: Client, chat: Chat) -> None:
    slow, quick = Model(at_once=False), Model()
    first = asyncio.create_task(client.llm.answered(chat, slow))
    await slow.called()
    second = asyncio.create_task(client.llm.answered(chat, quick))

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    async with asyncio.timeout(20):
        assert text_of(await second) == "answer 1"
    assert quick.calls == 1


async def test_a_lease_is_kept_as_long_as_the_model_takes(client: Client, chat: Chat) -> None:
    slow, other = Model(at_once=False), Model()
    first = asyncio.create_task(client.llm.answered(chat, slow, lease_seconds=1.5))
    await slow.called()
    begun = asyncio.get_running_loop().time()
    second = asyncio.create_task(client.llm.answered(chat, other, lease_seconds=1.5))

    async def longer_than_the_lease() -> bool:
        return asyncio.get_running_loop().time() > begun + 2.5

    await until(longer_than_the_lease)
    slow.may_answer.set()

    assert (await first).answer == (await second).answer
    assert (slow.calls, other.calls) == (1, 0)


async def test_what_is_forgotten_while_it_is_computed_is_given_and_not_kept(client: Client, chat: Chat) -> None:
    slow, model = Model(at_once=False), Model()
    first = asyncio.create_task(client.llm.answered(chat, slow, sources=["fact:hours"]))
    await slow.called()
    await client.llm.forget(sources=["fact:hours"])
    slow.may_answer.set()

    assert (await first).status == "miss"
    assert (await client.llm.answered(chat, model, sources=["fact:hours"])).status == "miss"
    assert (await client.llm.answered(chat, model, sources=["fact:hours"])).status == "hit"
    assert (slow.calls, model.calls) == (1, 1)


async def test_who_computes_and_dies_is_followed_by_another_when_the_lease_ends(client: Client, chat: Chat) -> None:
    dead = await client.llm.look_up(chat, lease_seconds=0.3)
    model = Model()

    answered = await client.llm.answered(chat, model)

    assert dead.lease
    assert (answered.status, model.calls) == ("miss", 1)


async def test_who_asks_afresh_gets_what_another_computes_meanwhile_and_nothing_older(
    client: Client, chat: Chat
) -> None:
    model = Model()
    await client.llm.answered(chat, model)
    model.may_answer.clear()
    askers = [asyncio.create_task(client.llm.answered(chat, model, refresh=True)) for _ in range(5)]
    await model.called(2)
    model.may_answer.set()

    answers = await asyncio.gather(*askers)

    assert {text_of(one) for one in answers} == {"answer 2"}
    assert model.calls == 2


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    client: Client, chat: Chat, agent: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def odd() -> dict[str, Any]:
        return {"choices": [], "text": "\0"}

    with caplog.at_level(logging.WARNING, logger="memos.client.single_flight"):
        async with asyncio.timeout(20):
            answered = [await client.llm.answered(chat, odd, agent_id=agent) for _ in range(2)]

    assert [(one.status, one.answer) for one in answered] == [("miss", {"choices": [], "text": "\0"})] * 2
    assert "could not be kept" in caplog.text
    assert (await client.llm.usage(agent_id=agent)).totals.misses == 2


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "http://127.0.0.1:1"])
async def test_without_the_cache_the_answer_is_computed(
    chat: Chat, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model()

    with caplog.at_level(logging.WARNING, logger="memos.client.single_flight"):
        async with connect(url) as away:
            answered = await away.llm.answered(chat, model)

    assert (answered.status, text_of(answered)) == ("miss", "answer 1")
    assert "computed without the cache" in caplog.text


async def test_what_is_no_request_is_refused_before_anything_is_called(client: Client) -> None:
    model = Model()

    with pytest.raises(InvalidCommand, match="messages"):
        await client.llm.answered({"model": "m"}, model)
    assert model.calls == 0
