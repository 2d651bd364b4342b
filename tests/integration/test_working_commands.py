"""Working memory over the bus: what each command does, once for its id, for its tenant alone."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from lanes import Wire
from running import Memos

from memos.client.bus import Bus, open_bus
from memos.client.redis import open_redis
from memos.errors import Conflict, NotFound
from memos.events.commands import Command
from memos.events.envelope import FIELD
from memos.events.sessions import (
    AppendMessage,
    AppendMessages,
    ConfigureSession,
    EndSession,
    ListSessions,
    Message,
    ReadSession,
    SessionOptions,
)
from memos.events.working import (
    AppendWorking,
    DeleteWorking,
    GetWorking,
    IncrementWorking,
    ListWorking,
    SetWorking,
    ValueToSet,
)

pytest_plugins = ["bus_fixtures"]

S: dict[str, Any] = {"session_id": "s"}


class Tenant:
    """A tenant's commands on working memory."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"tenant-{uuid4().hex[:8]}"

    async def send(self, command: Command, command_id: str | None = None) -> Any:
        return await self._bus.send(command, command_id or str(uuid4()), 20, self.name)

    async def set(self, **values: Any) -> Any:
        """Keep values by their keys."""
        drafts = [ValueToSet(key=key, value=value) for key, value in values.items()]
        return await self.send(SetWorking(**S, values=drafts))

    async def value(self, key: str) -> Any:
        """The value of a key, or `None`."""
        results = (await self.send(GetWorking(**S, keys=[key])))["results"]
        return results[0]["value"] if results else None

    async def say(self, *texts: str) -> Any:
        """Append messages."""
        return await self.send(AppendMessages(**S, messages=[Message(content=text) for text in texts]))

    async def read(self, **fields: Any) -> Any:
        """The session."""
        return await self.send(ReadSession(**S, **fields))


@pytest.fixture
async def bus(memos: Memos) -> AsyncIterator[Bus]:
    async with open_bus(memos.redis_url, "tests") as opened:
        yield opened


@pytest.fixture
def ours(bus: Bus) -> Tenant:
    return Tenant(bus)


@pytest.fixture
def theirs(bus: Bus) -> Tenant:
    return Tenant(bus)


def texts_of(found: Any) -> list[str]:
    return [message["content"] for message in found["messages"]]


async def test_a_value_is_set_by_an_entry_that_any_language_can_write(memos: Memos, ours: Tenant) -> None:
    inbox = f"memos:reply:{uuid4()}"
    document = (
        f'{{"specversion":"1.0","id":"1","source":"a-shell","type":"memos.working-set.v1","tenant":"{ours.name}",'
        f'"replyto":"{inbox}","data":{{"session_id":"s","values":[{{"key":"clé","value":{{"é":[1,null]}}}}]}}}}'
    )
    async with open_redis(memos.redis_url) as redis:
        await redis.xadd("memos:working-set", {FIELD: document})
        reply = await Wire(redis, inbox=inbox).reply()

    assert (reply.type, reply.correlationid) == ("memos.working-set.reply.v1", "1")
    [kept] = reply.data["results"]
    assert (kept["key"], kept["version"]) == ("clé", 1)
    assert await ours.value("clé") == {"é": [1, None]}


async def test_values_are_set_read_and_deleted_together(ours: Tenant) -> None:
    done = await ours.set(a=1, b=[True, None], c="Zoë")
    again = await ours.set(b={"x": 2.5})
    found = await ours.send(GetWorking(**S, keys=["c", "none", "b"]))
    gone = await ours.send(DeleteWorking(**S, keys=["a", "none", "c"]))

    assert [(one["key"], one["version"]) for one in done["results"]] == [("a", 1), ("b", 1), ("c", 1)]
    assert [(one["key"], one["version"]) for one in again["results"]] == [("b", 2)]
    assert [(one["key"], one["value"], one["version"]) for one in found["results"]] == [
        ("c", "Zoë", 1),
        ("b", {"x": 2.5}, 2),
    ]
    assert (found["missing"], gone["deleted"]) == (["none"], ["a", "c"])
    assert await ours.value("a") is None


async def test_a_value_that_has_moved_on_is_a_conflict_and_nothing_is_written(ours: Tenant) -> None:
    await ours.set(a=1)
    await ours.set(a=2)
    guarded = [ValueToSet(key="b", value=1), ValueToSet(key="a", value=3, if_version=1)]

    with pytest.raises(Conflict, match=r"'a'.*version 2"):
        await ours.send(SetWorking(**S, values=guarded))
    with pytest.raises(Conflict, match="'a'"):
        await ours.send(SetWorking(**S, values=[ValueToSet(key="a", value=3, if_version=0)]))
    with pytest.raises(Conflict, match="'a'"):
        await ours.send(DeleteWorking(**S, keys=["a"], if_version=1))

    assert (await ours.value("a"), await ours.value("b")) == (2, None)


async def test_keys_are_listed_by_prefix_page_by_page(ours: Tenant) -> None:
    await ours.set(**{"t/3": 3, "t/1": 1, "u": 0, "t/2": 2, "é": 4})

    first = await ours.send(ListWorking(**S, prefix="t/", limit=2))
    rest = await ours.send(ListWorking(**S, prefix="t/", limit=2, after=first["next"]))
    every = await ours.send(ListWorking(**S))

    assert [(one["key"], one["value"]) for one in first["results"]] == [("t/1", 1), ("t/2", 2)]
    assert (first["count"], first["next"], rest["count"], rest["next"]) == (2, "t/2", 1, None)
    assert [one["key"] for one in every["results"]] == ["t/1", "t/2", "t/3", "u", "é"]


async def test_numbers_are_added_to_and_lists_appended_to(ours: Tenant) -> None:
    counts = [await ours.send(IncrementWorking(**S, key="n", by=by)) for by in (1, 41, 0.5)]
    lists = [await ours.send(AppendWorking(**S, key="l", items=items)) for items in ([1], [{"a": []}, "b"])]

    assert [(one["value"], one["version"]) for one in counts] == [(1, 1), (42, 2), (42.5, 3)]
    assert [(one["length"], one["version"]) for one in lists] == [(1, 1), (3, 2)]
    assert (await ours.value("n"), await ours.value("l")) == (42.5, [1, {"a": []}, "b"])


async def test_what_is_no_number_or_no_list_is_a_conflict(ours: Tenant) -> None:
    await ours.set(text="5", number=5)

    with pytest.raises(Conflict, match=r"'text'.*no number"):
        await ours.send(IncrementWorking(**S, key="text"))
    with pytest.raises(Conflict, match=r"'number'.*no list"):
        await ours.send(AppendWorking(**S, key="number", items=[1]))


async def test_a_write_is_done_once_for_its_id(ours: Tenant) -> None:
    command = IncrementWorking(**S, key="n", by=2)

    first, again = [await ours.send(command, "once") for _ in range(2)]
    with pytest.raises(Conflict, match="once"):
        await ours.send(IncrementWorking(**S, key="n", by=3), "once")

    assert first == again
    assert await ours.value("n") == 2


async def test_messages_are_numbered_and_read_newest_first_to_go_oldest_first_in_the_answer(ours: Tenant) -> None:
    before = datetime.now(UTC)
    said = await ours.say("one", "two")
    more = await ours.send(AppendMessage(**S, message=Message(role="assistant", content="three", name="cortex")))
    found = await ours.read()

    assert (said["sequences"], more["sequences"], more["messages"]) == ([1, 2], [3], 3)
    assert [message["sequence"] for message in found["messages"]] == [1, 2, 3]
    assert [message["message_id"] for message in found["messages"]] == [*said["message_ids"], *more["message_ids"]]
    last = found["messages"][2]
    assert (last["role"], last["name"], last["content"], last["metadata"]) == ("assistant", "cortex", "three", {})
    assert before <= datetime.fromisoformat(last["occurred_at"]) <= datetime.now(UTC)
    assert found["session"]["tokens"] == sum(message["tokens"] for message in found["messages"])


async def test_a_message_keeps_when_it_was_said_and_what_is_told_of_it(ours: Tenant) -> None:
    when = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    message = Message(role="tool", content=" 5 °C\n", occurred_at=when, metadata={"a": [1, None]})
    await ours.send(AppendMessage(**S, message=message))

    [kept] = (await ours.read())["messages"]

    assert Message.model_validate({name: kept[name] for name in Message.model_fields}) == message


async def test_what_is_read_of_a_log_is_bounded_by_number_by_tokens_and_by_where_it_begins(ours: Tenant) -> None:
    await ours.say(*("x" * 40 * number for number in (1, 2, 3, 4)))
    costs = [message["tokens"] for message in (await ours.read())["messages"]]

    async def read(**fields: Any) -> list[int]:
        return [message["sequence"] for message in (await ours.read(**fields))["messages"]]

    assert costs == sorted(costs)
    assert await read(last=2) == [3, 4]
    assert await read(last=0) == []
    assert await read(after=3) == [4]
    assert await read(after=1, last=2) == [3, 4]
    assert await read(max_tokens=costs[3] + costs[2]) == [3, 4]
    assert await read(max_tokens=costs[3] + costs[2] - 1) == [4]
    assert await read(max_tokens=1) == []


async def test_a_session_says_how_it_is_kept_and_can_be_told_otherwise(ours: Tenant) -> None:
    options = SessionOptions(ttl=60, window_messages=2, window_tokens=1000, promote="never")
    told = (await ours.send(ConfigureSession(**S, options=options)))["session"]
    await ours.set(a=1)
    await ours.say("one", "two", "three")
    found = await ours.read()

    assert (told["ttl"], told["window_messages"], told["keys"], told["messages"]) == (60, 2, 0, 0)
    session = found["session"]
    assert (session["keys"], session["messages"], session["newest"]) == (1, 2, 3)
    expires = datetime.fromisoformat(session["expires_at"])
    assert timedelta(seconds=50) < expires - datetime.fromisoformat(session["created_at"]) < timedelta(seconds=80)
    assert texts_of(found) == ["two", "three"]
    lasting = await ours.send(ConfigureSession(**S, options=SessionOptions(lasting=True)))
    assert (lasting["session"]["ttl"], lasting["session"]["expires_at"]) == (None, None)
    await ours.send(EndSession(**S))


async def test_a_session_that_ended_has_nothing_in_it_and_is_another_when_it_begins_anew(ours: Tenant) -> None:
    await ours.set(a=1)
    first = await ours.say("one")

    ended, absent = [await ours.send(EndSession(**S)) for _ in range(2)]
    with pytest.raises(NotFound, match="'s'"):
        await ours.read()
    anew = await ours.say("one")

    assert (ended["status"], absent["status"], await ours.value("a")) == ("ended", "absent", None)
    assert (anew["sequences"], anew["messages"]) == ([1], 1)
    assert anew["message_ids"] != first["message_ids"]


async def test_agents_and_tenants_do_not_see_each_other(ours: Tenant, theirs: Tenant) -> None:
    await ours.set(a=1)
    await ours.say("ours")
    other = {**S, "agent_id": "other"}

    assert await theirs.value("a") is None
    assert (await ours.send(GetWorking(**other, keys=["a"])))["missing"] == ["a"]
    with pytest.raises(NotFound):
        await theirs.read()
    with pytest.raises(NotFound):
        await ours.send(ReadSession(**other))
    assert (await theirs.send(ListSessions()))["results"] == []
    assert (await theirs.send(EndSession(**S)))["status"] == "absent"
    assert await ours.value("a") == 1


async def test_sessions_are_listed_in_the_order_of_their_ids_page_by_page(ours: Tenant) -> None:
    for name in ("c", "a", "b/1"):
        await ours.send(SetWorking(session_id=name, values=[ValueToSet(key="k", value=name)]))

    first = await ours.send(ListSessions(limit=2))
    rest = await ours.send(ListSessions(limit=2, after=first["next"]))

    assert [one["session_id"] for one in first["results"]] == ["a", "b/1"]
    assert ([one["session_id"] for one in rest["results"]], rest["next"]) == (["c"], None)


async def test_an_entry_that_is_no_command_is_refused(memos: Memos, ours: Tenant) -> None:
    inbox = f"memos:reply:{uuid4()}"
    document = {
        "specversion": "1.0",
        "id": "1",
        "source": "a-shell",
        "type": "memos.working-set.v1",
        "tenant": ours.name,
        "replyto": inbox,
        "data": {"session_id": "s", "values": [{"key": "a\nb", "value": 1, "ttl": -5}]},
    }
    async with open_redis(memos.redis_url) as redis:
        await redis.xadd("memos:working-set", {FIELD: json.dumps(document)})
        reply = await Wire(redis, inbox=inbox).reply()

    assert reply.data["code"] == "invalid"
    assert [fault["field"] for fault in reply.data["faults"]] == ["values.0.key", "values.0.ttl"]
