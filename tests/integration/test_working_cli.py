"""`memos working`, as it is typed."""

import json
import re
from typing import Any

import pytest
from running import Memos, command

pytest_plugins = ["bus_fixtures"]


class Commands:
    """Commands of one agent under `memos working`."""

    def __init__(self, memos: Memos, agent: str) -> None:
        self._options = ("--agent", agent, "--url", memos.redis_url)

    async def text(self, *words: str) -> str:
        """What a command that succeeds prints."""
        ended = await command("working", *words, *self._options)
        assert (ended.code, ended.errors) == (0, ""), ended
        return ended.output

    async def json(self, *words: str) -> Any:
        """What a command that succeeds prints as JSON."""
        return json.loads(await self.text(*words, "--json"))

    async def refused(self, *words: str) -> str:
        """The one line of a command that is refused."""
        ended = await command("working", *words, *self._options)
        assert (ended.code, ended.output, ended.errors.count("\n")) == (1, "", 1), ended
        return ended.errors


@pytest.fixture
def working(memos: Memos, agent: str) -> Commands:
    return Commands(memos, agent)


async def test_a_value_is_set_printed_listed_and_deleted(working: Commands) -> None:
    said = await working.text("set", "trip", "plan/a", '{"city": "Lisboa", "é": [1]}')
    await working.text("set", "trip", "note", "[bold]5[/bold]", "--text", "--ttl", "3600")
    value = await working.text("get", "trip", "plan/a")
    listed = await working.text("list", "trip", "--prefix", "")
    deleted = await working.text("delete", "trip", "note", "none")

    assert said == "plan/a is at version 1, as long as its session.\n"
    assert json.loads(value) == {"city": "Lisboa", "é": [1]}
    assert '    "[bold]5[/bold]"\n' in listed
    assert listed.index("note  version 1, until ") < listed.index("plan/a  version 1, as long as its session\n")
    assert deleted == "note: It is deleted.\nnone: There was no such key.\n"


async def test_what_is_not_there_is_said(working: Commands) -> None:
    listed = await working.text("list", "none")

    assert re.fullmatch(r"Session none of agent \S+ has no keys, or there is no such session.\n", listed)
    assert "has no key that begins so" in await working.text("list", "none", "--prefix", "a")
    assert (await working.text("sessions")).endswith(" has no sessions.\n")
    assert "'none'" in await working.refused("messages", "none")
    assert "'k'" in await working.refused("get", "none", "k")
    assert await working.text("end", "none") == "There was no such session.\n"


async def test_a_conversation_is_printed_and_ended(working: Commands) -> None:
    first = await working.text("say", "trip", "Is there a night train?", "--name", "ada")
    await working.text("say", "trip", "Yes:\nat ten.", "--role", "assistant")
    printed = await working.text("messages", "trip")
    last = await working.text("messages", "trip", "--last", "1")
    sessions = await working.text("sessions")
    ended = await working.text("end", "trip", "--no-promote")

    assert first.startswith("It is message 1 of trip, until ")
    assert printed.startswith("1. user ada, ")
    assert "\n    Is there a night train?\n2. assistant, " in printed
    assert printed.endswith("\n    Yes:\n    at ten.\n")
    assert last.startswith("2. assistant, ")
    assert sessions.startswith("trip  keys: 0, messages: 2, bytes: ")
    assert ended == "The session is ended.\n"


async def test_a_number_is_added_to_and_a_list_appended_to(working: Commands) -> None:
    set_to = await working.text("set", "trip", "steps", "-5")
    one = await working.text("increment", "trip", "steps")
    two = await working.text("increment", "trip", "steps", "-2.5")
    listed = await working.text("append", "trip", "seen", "-1", '{"a": 1}', "--ttl", "3600")
    more = await working.json("append", "trip", "seen", "-x", "--text")

    assert set_to == "steps is at version 1, as long as its session.\n"
    assert one == "steps is -4, at version 2, as long as its session.\n"
    assert two == "steps is -6.5, at version 3, as long as its session.\n"
    assert listed.startswith("seen has 2 items, at version 1, until ")
    assert (more["length"], (await working.json("get", "trip", "seen"))["value"]) == (3, [-1, {"a": 1}, "-x"])


async def test_a_session_is_kept_as_it_is_said(working: Commands) -> None:
    said = await working.text("configure", "trip", "--window-messages", "20", "--promote", "window", "--lasting")
    told = (await working.json("configure", "trip", "--no-lasting", "--window-tokens", "900"))["session"]
    await working.text("end", "trip")

    assert said == "trip keeps 20 messages of 16000 tokens, until it is ended; promote is window.\n"
    assert (told["window_messages"], told["window_tokens"], told["promote"]) == (20, 900, "window")
    assert told["ttl"] is not None


async def test_a_log_is_read_on_from_a_number(working: Commands) -> None:
    for text in ("one", "two", "three"):
        await working.text("say", "trip", text)

    first = await working.json("messages", "trip", "--first", "1", "--after", "1")
    after = await working.json("messages", "trip", "--after", "1")

    assert [one["content"] for one in first["messages"]] == ["two"]
    assert [one["content"] for one in after["messages"]] == ["two", "three"]


async def test_what_others_said_is_shown_and_not_obeyed(working: Commands) -> None:
    await working.text("say", "trip", "a\x1b[2Jb")

    assert "\x1b" not in await working.text("messages", "trip")


async def test_as_json_the_answers_of_the_bus_are_printed(working: Commands, agent: str) -> None:
    done = await working.json("set", "s", "k", "[1]", "--if-version", "0")
    value = await working.json("get", "s", "k")
    listed = await working.json("list", "s")
    said = await working.json("say", "s", "Hello.")
    read = await working.json("messages", "s")
    [session] = await working.json("sessions")
    deleted = await working.json("delete", "s", "k")
    ended = await working.json("end", "s")

    assert (done["key"], done["version"], value["value"], listed["count"]) == ("k", 1, [1], 1)
    assert (said["sequences"], read["messages"][0]["content"]) == ([1], "Hello.")
    assert (session["session_id"], session["agent_id"]) == ("s", agent)
    assert (deleted["deleted"], ended["status"]) == (["k"], "ended")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "s", "k", "Lisboa"), "--text"),
        (("set", "s", "k", "NaN"), "value"),
        (("set", "s", "a\nb", "1"), "key"),
        (("set", "s", "k", "1", "--ttl", "0"), "ttl"),
        (("increment", "s", "k", "many"), "NUMBER"),
        (("increment", "s", "k", "1e999"), "by"),
        (("append", "s", "k", "Lisboa"), "--text"),
        (("configure", "s", "--ttl", "5", "--lasting"), "lasting"),
        (("messages", "s", "--first", "1", "--last", "2"), "first"),
        (("set", "s", "k", "1", "--if-version", "3"), "version"),
        (("delete", "s", "a", "a"), "keys"),
        (("say", "s", " "), "content"),
        (("messages", "s", "--last", "1001"), "last"),
        (("promote", "s", "--key", "a", "--through", "1"), "through"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    working: Commands, words: tuple[str, ...], said: str
) -> None:
    assert said in await working.refused(*words)
