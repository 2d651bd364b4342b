"""`client.working`, over the bus and over HTTP: the same methods, the same answers."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from memos.client import Client
from memos.errors import Conflict, InvalidCommand, NotFound, TooLarge
from memos.events.sessions import Message
from memos.events.working import ValueToSet

pytest_plugins = ["bus_fixtures"]


@pytest.fixture(params=["s", "user/42?ü", "..", "keys/get"])
def session(request: pytest.FixtureRequest) -> str:
    """The id of a session, of an agent that nobody else knows."""
    return str(request.param)


async def test_a_value_is_set_read_and_deleted(client: Client, session: str, agent: str) -> None:
    working = client.working
    first = await working.set(session, "a/b", {"step": [1, None]}, agent_id=agent, if_version=0)
    second = await working.set(session, "a/b", 2, agent_id=agent, ttl=60, if_version=1)
    read = await working.get(session, "a/b", agent_id=agent)
    deleted = await working.delete(session, "a/b", "none", agent_id=agent)

    assert (first.version, second.version, read.value, read.version) == (1, 2, 2, 2)
    assert read.expires_at == second.expires_at
    assert second.expires_at is not None
    assert deleted.deleted == ["a/b"]
    with pytest.raises(NotFound, match="'a/b'"):
        await working.get(session, "a/b", agent_id=agent)


async def test_values_are_set_read_and_listed_together(client: Client, session: str, agent: str) -> None:
    working = client.working
    await working.set_many(session, {"t/1": 1, "t/2": 2, "u": None}, agent_id=agent)
    await working.set_many(session, [ValueToSet(key="t/2", value=3), {"key": "t/3", "value": 4}], agent_id=agent)

    found = await working.get_many(session, ["u", "none", "t/2"], agent_id=agent)
    page = await working.list(session, agent_id=agent, prefix="t/", limit=2)
    every = [(one.key, one.value) async for one in working.every(session, agent_id=agent, prefix="t/")]

    assert ([one.value for one in found.results], found.missing) == ([None, 3], ["none"])
    assert (page.count, page.next) == (2, "t/2")
    assert every == [("t/1", 1), ("t/2", 3), ("t/3", 4)]


async def test_numbers_and_lists_grow(client: Client, session: str, agent: str) -> None:
    working = client.working
    counts = [await working.increment(session, "a/n", by, agent_id=agent) for by in (1, 0.5)]
    lists = [await working.append(session, "..", *items, agent_id=agent) for items in ([1], [2, {"a": 3}])]

    assert [one.value for one in counts] == [1, 1.5]
    assert [one.length for one in lists] == [1, 3]
    assert (await working.get(session, "..", agent_id=agent)).value == [1, 2, {"a": 3}]


async def test_what_moved_on_is_of_another_kind_or_too_large_is_refused(
    client: Client, session: str, agent: str
) -> None:
    working = client.working
    await working.set(session, "k", "text", agent_id=agent)

    with pytest.raises(Conflict):
        await working.set(session, "k", 1, agent_id=agent, if_version=0)
    with pytest.raises(Conflict):
        await working.delete(session, "k", agent_id=agent, if_version=2)
    with pytest.raises(Conflict):
        await working.increment(session, "k", agent_id=agent)
    with pytest.raises(Conflict):
        await working.append(session, "k", 1, agent_id=agent)
    with pytest.raises(TooLarge):
        await working.set(session, "k", "x" * 262_144, agent_id=agent)
    assert (await working.get(session, "k", agent_id=agent)).version == 1


@pytest.mark.parametrize(
    "refused",
    [
        lambda working: working.set("s", "a\nb", 1),
        lambda working: working.set("s", "k", math.nan),
        lambda working: working.set("s", "k", {1, 2}),
        lambda working: working.set("s", "k", 1, ttl=0),
        lambda working: working.set("s", "k", 1, ttl=True),
        lambda working: working.set_many("s", {}),
        lambda working: working.get_many("s", ["a", "a"]),
        lambda working: working.append("s", "k"),
        lambda working: working.increment("s", "k", "1"),
        lambda working: working.delete("s"),
        lambda working: working.say("s", " "),
        lambda working: working.say("", "x"),
        lambda working: working.configure("s", ttl=1, lasting=True),
        lambda working: working.promote("s", keys=["a"], through=1),
    ],
)
async def test_what_does_not_fit_is_refused_before_it_is_sent(client: Client, refused: Callable[..., Any]) -> None:
    with pytest.raises(InvalidCommand):
        await refused(client.working)


async def test_a_conversation_is_kept_read_and_ended(client: Client, session: str, agent: str) -> None:
    working, when = client.working, datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    first = await working.say(session, "Hello.", agent_id=agent, name="ada", occurred_at=when, metadata={"a": 1})
    more: list[Any] = [Message(role="assistant", content="Hi."), {"content": "Bye."}]
    rest = await working.say_many(session, more, agent_id=agent)
    kept = await working.configure(session, agent_id=agent, ttl=60, window_messages=10)
    found = await working.read(session, agent_id=agent)
    newest = await working.read(session, agent_id=agent, last=2, after=2)
    ended = await working.end(session, agent_id=agent)

    assert (first.sequences, rest.sequences, rest.messages) == ([1], [2, 3], 3)
    hello = found.messages[0]
    assert (hello.content, hello.name, hello.occurred_at, hello.metadata) == ("Hello.", "ada", when, {"a": 1})
    assert [one.message_id for one in found.messages] == [*first.message_ids, *rest.message_ids]
    assert ([one.content for one in newest.messages], kept.session.ttl) == (["Bye."], 60)
    assert (found.session.session_id, found.session.agent_id) == (session, agent)
    assert ended.status == "ended"
    with pytest.raises(NotFound):
        await working.read(session, agent_id=agent)


async def test_messages_become_memories_once(client: Client, session: str, agent: str) -> None:
    working = client.working
    texts = [Message(content="Tea is at four."), Message(content="At five.")]
    said = await working.say_many(session, texts, agent_id=agent)
    await working.set(session, "tea", "Earl Grey", agent_id=agent)

    first = await working.promote(session, agent_id=agent, through=1)
    rest, again = [await working.promote(session, agent_id=agent) for _ in range(2)]
    value = await working.promote(session, agent_id=agent, keys=["tea"])

    assert [(one.count, one.promoted_through) for one in (first, rest, again)] == [(1, 1), (1, 2), (0, 2)]
    assert (await client.get(said.message_ids[0], agent_id=agent)).content == "Tea is at four."
    assert [(one.key, one.sequence) for one in value.results] == [("tea", None)]
    with pytest.raises(NotFound):
        await working.promote("none", agent_id=agent)


async def test_sessions_are_listed(client: Client, agent: str) -> None:
    names = ["a", "b/c", "d e"]
    for name in reversed(names):
        await client.working.say(name, "Hello.", agent_id=agent)

    page = await client.working.sessions(agent_id=agent, limit=2)
    every = [one.session_id async for one in client.working.every_session(agent_id=agent)]

    assert ([one.session_id for one in page.results], page.next) == (names[:2], "b/c")
    assert every == names


async def test_a_write_is_done_once_for_its_id(client: Client, agent: str) -> None:
    command_id = uuid4().hex

    first, again = [
        await client.working.increment("s", "n", 2, agent_id=agent, command_id=command_id) for _ in range(2)
    ]
    with pytest.raises(Conflict, match=command_id):
        await client.working.increment("s", "n", 3, agent_id=agent, command_id=command_id)

    assert first == again
