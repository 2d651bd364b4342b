"""The SDK's own session and memOS's answer alike; and agents of the SDK talk on in one of memOS's."""

import asyncio
import sys
from typing import Any, cast

import pytest
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    RunConfig,
    Runner,
    Session,
    SessionSettings,
    SQLiteSession,
    function_tool,
)
from chat_server import ChatServer, completion
from openai import AsyncOpenAI

from memos.adapters.openai_agents import MemosSession
from memos.client import Client
from memos.errors import ConfigurationError, InvalidCommand, TooLarge

pytest_plugins = ["bus_fixtures", "model_fixtures"]

TURN: list[Any] = [
    {"role": "user", "content": "What is 2 + 2?"},
    {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "gAAA"},
    {"type": "function_call", "id": "f1", "call_id": "c1", "name": "add", "arguments": '{"a": 2, "b": 2}'},
    {"type": "function_call_output", "call_id": "c1", "output": "4"},
    {
        "type": "message",
        "id": "m1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "It is 4.", "annotations": []}],
    },
]
ODD: list[Any] = [
    {"role": "user", "content": "NUL \x00, a lone \ud800, ü, 茶"},
    {"role": "user", "content": [], "n": 2**70, "f": 0.1, "deep": [[[{"a": None}]]], "": True},
]


@pytest.fixture(params=["the SDK's own", "memos over http", "memos over bus"])
async def session(request: pytest.FixtureRequest, clients: dict[str, Client], agent: str) -> Any:
    """A session that is empty."""
    if request.param == "the SDK's own":
        return SQLiteSession("chat")
    return MemosSession("chat", clients[request.param.split()[-1]], agent_id=agent)


async def test_items_come_back_exactly_and_in_order(session: Session) -> None:
    assert isinstance(session, Session)
    assert session.session_id == "chat"
    assert await session.get_items() == []
    await session.add_items(TURN)
    await session.add_items([])
    await session.add_items(ODD)

    assert await session.get_items() == [*TURN, *ODD]


@pytest.mark.parametrize("limit", [0, 1, 2, 6, 7, 100, -1, None])
async def test_the_newest_items_are_read_oldest_first(session: Session, limit: int | None) -> None:
    everything = [*TURN, *ODD]
    await session.add_items(everything)

    expected = everything if limit is None or limit < 0 else everything[len(everything) - min(limit, 7) :]
    assert await session.get_items(limit) == expected


async def test_the_newest_item_is_popped(session: Session) -> None:
    assert await session.pop_item() is None
    await session.add_items(TURN)
    popped = [await session.pop_item() for _ in range(2)]
    await session.add_items(ODD)

    assert popped == [TURN[4], TURN[3]]
    assert await session.get_items(3) == [TURN[2], *ODD]
    assert [await session.pop_item() for _ in range(6)] == [ODD[1], ODD[0], TURN[2], TURN[1], TURN[0], None]


async def test_a_cleared_session_begins_anew(session: Session) -> None:
    await session.clear_session()
    await session.add_items(TURN)
    await session.clear_session()
    assert await session.get_items() == []
    assert await session.pop_item() is None

    await session.add_items(ODD)
    assert await session.get_items(10) == ODD


async def test_items_added_at_once_stay_together_and_each_is_popped_once(session: Session) -> None:
    pairs: list[list[Any]] = [[{"role": "user", "content": f"{n} {part}"} for part in "ab"] for n in range(6)]
    await asyncio.gather(*(session.add_items(pair) for pair in pairs))

    items = [cast("Any", one)["content"] for one in await session.get_items()]
    assert sorted(items[::2]) == sorted(f"{n} a" for n in range(6))
    assert [one.replace("a", "b") for one in items[::2]] == items[1::2]
    popped = await asyncio.gather(*(session.pop_item() for _ in range(15)))
    assert sorted(cast("Any", one)["content"] for one in popped if one) == sorted(items)


async def test_the_settings_of_a_session_limit_what_is_read(client: Client, agent: str) -> None:
    session = MemosSession("chat", client, agent_id=agent, session_settings=SessionSettings(limit=2))
    await session.add_items(TURN)

    assert await session.get_items() == TURN[-2:]
    assert await session.get_items(3) == TURN[-3:]


async def test_more_items_than_one_page_are_added_and_read(client: Client, agent: str) -> None:
    session = MemosSession("chat", client, agent_id=agent)
    items: list[Any] = [{"role": "user", "content": str(n)} for n in range(2500)]
    await session.add_items(items)

    assert await session.get_items() == items
    assert await session.get_items(1200) == items[-1200:]
    await session.clear_session()
    assert await session.get_items() == []


async def test_agents_and_sessions_are_apart_and_other_values_stay(client: Client, agent: str) -> None:
    one, other = MemosSession("a", client, agent_id=agent), MemosSession("b", client, agent_id=agent)
    of_another = MemosSession("a", client, agent_id=f"{agent}-2")
    await client.working.set("a", "plan", "rest", agent_id=agent)
    await one.add_items(TURN)
    await other.add_items(ODD)
    await one.clear_session()

    assert (await other.get_items(), await of_another.get_items()) == (ODD, [])
    assert (await client.working.get("a", "plan", agent_id=agent)).value == "rest"


async def test_a_session_is_kept_as_asked(client: Client, agent: str) -> None:
    await MemosSession("short", client, agent_id=agent, ttl=60).add_items(TURN)
    await MemosSession("lasting", client, agent_id=agent, lasting=True).add_items(TURN)

    found = [await client.working.read(name, agent_id=agent) for name in ("short", "lasting")]

    assert [one.session.ttl for one in found] == [60, None]
    assert found[1].session.expires_at is None


async def test_what_was_said_becomes_memories_once(client: Client, agent: str) -> None:
    session = MemosSession("chat", client, agent_id=agent)
    assert await session.promote() == []
    await session.add_items([*TURN, *ODD])
    first = await session.promote()
    again = await session.promote()
    await session.add_items([{"role": "assistant", "content": "The sum of two and two is four."}])
    rest = await session.promote(visibility="shared")

    memories = [await client.get(one.memory_id, agent_id=agent) for one in [*first, *rest]]
    assert again == []
    assert [one.content for one in memories] == [
        "What is 2 + 2?",
        "It is 4.",
        "NUL , a lone ?, ü, 茶",
        "The sum of two and two is four.",
    ]
    assert [one.metadata["role"] for one in memories] == ["user", "assistant", "user", "assistant"]
    assert {one.session_id for one in memories} == {"chat"}
    assert [one.visibility for one in memories] == ["private"] * 3 + ["shared"]
    await client.delete(rest[0].memory_id, agent_id=agent)


async def test_an_item_that_is_too_large_is_refused_and_nothing_of_its_turn_is_kept(
    client: Client, agent: str
) -> None:
    session = MemosSession("chat", client, agent_id=agent)
    with pytest.raises(TooLarge):
        await session.add_items([*TURN, {"role": "user", "content": "x" * 300_000}])

    assert await session.get_items() == []


@pytest.mark.parametrize("items", [["plain text"], [*TURN, None], [["a", "list"]], "plain text"], ids=str)
async def test_what_is_no_item_is_refused_and_nothing_is_written(client: Client, agent: str, items: Any) -> None:
    session = MemosSession("chat", client, agent_id=agent)
    with pytest.raises(InvalidCommand, match=r"items\.\d is a \w+, not a mapping"):
        await session.add_items(items)

    assert await session.get_items() == []
    assert (await client.working.list("chat", agent_id=agent)).results == []


@function_tool
def secret_number() -> int:
    """The secret number."""
    return 7


def counting(body: dict[str, Any]) -> Any:
    """A model that calls its tool once, and otherwise tells how many messages of each role it was given."""
    roles = [message["role"] for message in body["messages"]]
    if "tool" not in roles:
        call = {"id": "c1", "type": "function", "function": {"name": "secret_number", "arguments": "{}"}}
        return completion({"role": "assistant", "content": None, "tool_calls": [call]})
    return " ".join(roles)


async def test_a_second_turn_sees_the_first_with_its_tool_calls(
    client: Client, agent: str, teller: ChatServer
) -> None:
    teller.answer = counting
    async with AsyncOpenAI(base_url=teller.url, api_key="none") as openai:
        model = OpenAIChatCompletionsModel("teller", openai)
        speaker = Agent(name="speaker", instructions="Be brief.", model=model, tools=[secret_number])
        config = RunConfig(tracing_disabled=True)
        answers = [
            await Runner.run(speaker, said, session=MemosSession("chat", client, agent_id=agent), run_config=config)
            for said in ("What is the number?", "And again?")
        ]

    assert [one.final_output for one in answers] == [
        "system user assistant tool",
        "system user assistant tool assistant user",
    ]
    texts = [message["content"] for message in teller.asked[-1]["messages"]]
    assert texts[1:2] == ["What is the number?"]
    assert texts[-1] == "And again?"


def test_without_the_sdk_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import memos.adapters as importable

    monkeypatch.setitem(sys.modules, "agents", None)
    monkeypatch.delitem(sys.modules, "memos.adapters.openai_agents")
    monkeypatch.delattr(importable, "openai_agents")
    with pytest.raises(ConfigurationError, match=r"memos-as\[openai-agents\]"):
        import memos.adapters.openai_agents  # noqa: F401
