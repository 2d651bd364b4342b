"""Reading sessions: on from a number, and as they were in one life of theirs."""

from collections.abc import Sequence
from typing import Any

import pytest
from builders import origin
from redis.asyncio import Redis
from sessions_kept import LIMITS, POLICY

from memos.client import Client
from memos.events.sessions import AppendMessages, EndSession, Message, ReadSession, SessionFound
from memos.handlers.working.sessions import append_messages, end_session, read_session
from memos.records import KeptMessage, SessionKey, message_memory_id
from memos.stores.working import RedisWorking

pytest_plugins = ["bus_fixtures", "working_fixtures"]

KEY = SessionKey("default", "default_agent", "s")


async def say(working: RedisWorking, *texts: str) -> None:
    """Append messages to the session."""
    command = AppendMessages(session_id="s", messages=[Message(content=text) for text in texts])
    await append_messages(command, origin=origin(), working=working)


async def read(working: RedisWorking, **fields: Any) -> SessionFound:
    return await read_session(ReadSession(session_id="s", **fields), origin=origin(), working=working)


def numbers(found: SessionFound) -> list[int]:
    return [message.sequence for message in found.messages]


class Interrupted(RedisWorking):
    """Working memory of which a session is ended and begun anew after its messages were read, once."""

    begun_anew = 0

    async def messages(self, *args: Any, **kwargs: Any) -> list[KeptMessage]:
        found = await super().messages(*args, **kwargs)
        if not self.begun_anew:
            self.begun_anew += 1
            await end_session(EndSession(session_id="s"), origin=origin(), working=self)
            await say(self, "new")
        return found


async def test_a_log_is_read_on_from_a_number(working: RedisWorking) -> None:
    await say(working, *(f"{number}" for number in range(1, 6)))

    assert numbers(await read(working, first=2)) == [1, 2]
    assert numbers(await read(working, first=2, after=2)) == [3, 4]
    assert numbers(await read(working, first=2, after=4)) == [5]
    assert numbers(await read(working, first=2, after=5)) == []


async def test_reading_on_begins_with_what_the_log_still_has(working: RedisWorking) -> None:
    window = POLICY.window_messages
    await say(working, *(f"{number}" for number in range(window + 3)))

    assert numbers(await read(working, first=2)) == [4, 5]
    assert numbers(await read(working, first=2, after=1)) == [4, 5]


async def test_the_first_messages_are_bounded_by_tokens_from_where_they_begin(working: RedisWorking) -> None:
    await say(working, "x" * 40, "x" * 80, "x" * 40)
    costs = [message.tokens for message in (await read(working)).messages]

    assert numbers(await read(working, first=3, max_tokens=costs[0] + costs[1])) == [1, 2]
    assert numbers(await read(working, first=3, max_tokens=costs[0] + costs[1] - 1)) == [1]
    assert numbers(await read(working, max_tokens=costs[2] + costs[1])) == [2, 3]


@pytest.mark.parametrize("wanted", [{}, {"first": 10}], ids=["last", "first"])
async def test_a_session_and_its_messages_are_of_one_life(redis: Redis, wanted: dict[str, int]) -> None:
    working = Interrupted(redis, POLICY, LIMITS)
    working.begun_anew = 1
    await say(working, "old", "older")
    working.begun_anew = 0

    found = await read(working, **wanted)

    epoch = (await working.session(KEY)).epoch
    assert [(one.content, one.message_id) for one in found.messages] == [("new", message_memory_id(KEY, epoch, 1))]
    assert (found.session.messages, found.session.newest) == (1, 1)


async def test_what_was_kept_is_what_is_read(working: RedisWorking) -> None:
    said: Sequence[Message] = [
        Message.model_validate({"role": "tool", "content": "a\n", "name": "Zoë", "metadata": {"a": [None, 1.5]}}),
        Message.model_validate({"content": "b", "occurred_at": "2026-01-31T09:30:00.000001+05:30"}),
    ]
    command = AppendMessages(session_id="s", messages=list(said))
    await append_messages(command, origin=origin(), working=working)

    found = SessionFound.model_validate_json((await read(working)).model_dump_json())

    shared = [{name: getattr(one, name) for name in Message.model_fields} for one in found.messages]
    assert shared[1] == dict(said[1])
    assert {**shared[0], "occurred_at": None} == dict(said[0])


async def test_every_message_is_read_page_by_page(client: Client, agent: str) -> None:
    await client.working.configure("s", agent_id=agent, window_messages=5000, window_tokens=1_000_000)
    for begin in range(0, 1200, 100):
        texts = [Message(content=str(number)) for number in range(begin + 1, begin + 101)]
        await client.working.say_many("s", texts, agent_id=agent)

    every = [one.content async for one in client.working.every_message("s", agent_id=agent)]
    rest = [one.sequence async for one in client.working.every_message("s", agent_id=agent, after=1198)]
    page = await client.working.read("s", agent_id=agent, first=2, after=100)

    assert every == [str(number) for number in range(1, 1201)]
    assert rest == [1199, 1200]
    assert [one.sequence for one in page.messages] == [101, 102]
