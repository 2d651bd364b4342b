"""`memos learning` and `memos context`: what they take and what they print."""

import json
from typing import Any
from uuid import uuid4

import pytest
from running import Ended, Memos, command

from memos.client import Client
from memos.events.learning import LessonLearned

pytest_plugins = ["bus_fixtures"]


@pytest.fixture
def task() -> str:
    """A task that nobody else has."""
    return f"Water the {uuid4().hex} roses."


async def typed(memos: Memos, *words: str) -> Ended:
    """How a command ends."""
    return await command(*words, "--url", memos.url)


async def said(memos: Memos, *words: str) -> str:
    """What a command that succeeds prints."""
    ended = await typed(memos, *words)
    assert (ended.code, ended.errors) == (0, ""), ended
    return ended.output


async def data(memos: Memos, *words: str) -> Any:
    """What a command that succeeds prints as JSON."""
    return json.loads(await said(memos, *words, "--json"))


async def test_what_is_recorded_is_printed_with_its_ids_and_listed(
    memos: Memos, client: Client, agent: str, task: str
) -> None:
    known = [str((await client.store(text, agent_id=agent)).memory_id) for text in ("Sun.", "Rain.", "Wind.")]
    uses = (f"{known[0]}=helped", f"{known[1]}=hindered", known[2])

    recorded = await said(
        memos,
        *("learning", "record", task, "--outcome", "success", "--agent", agent, "--task-id", "garden-1"),
        *("--lesson", "Use rain.", "--lesson", "Not at noon.", "--private", "--cost", "0.5", "--seconds", "30"),
        *(word for use in uses for word in ("--memory", use)),
    )
    listed = await said(memos, "learning", "list", "--agent", agent)

    lines = [line.strip() for line in recorded.splitlines()[1:]]
    assert [line.split(":")[0] for line in lines] == ["lesson 1", "lesson 2", "memory 1", "memory 2", "memory 3"]
    assert [line.split(", ")[-1].split()[-1][0] for line in lines[2:]] == ["+", "-", "+"]
    assert all(one in recorded for one in known)
    assert f"success  {agent}" in listed
    assert task in listed
    assert "task garden-1, lessons: 2, memories: 3, 30 s, cost 0.5" in listed


async def test_a_lesson_that_is_told_again_is_said_to_be_learned_twice(memos: Memos, agent: str, task: str) -> None:
    words = ("--outcome", "success", "--agent", agent, "--private", "--lesson", "Use rain.")

    first, second = [await said(memos, "learning", "record", f"{task} {day}", *words) for day in ("Mon", "Tue")]

    assert "stored" in first
    assert "strengthened, learned 2 times" in second


async def test_what_is_not_known_is_named_and_ends_with_status_1(memos: Memos, agent: str, task: str) -> None:
    unknown = str(uuid4())
    words = ("learning", "record", task, "--outcome", "failure", "--agent", agent, "--memory", unknown)

    ended = await typed(memos, *words, "--tool", "no=tool=hindered")

    assert (ended.code, ended.errors) == (1, "")
    assert unknown in ended.output
    assert "no=tool" in ended.output
    assert (await data(memos, "learning", "list", "--agent", agent))["count"] == 1


async def test_what_helped_in_another_word_is_refused(memos: Memos, agent: str, task: str) -> None:
    words = ("learning", "record", task, "--outcome", "success", "--agent", agent, "--private")

    ended = await typed(memos, *words, "--tool", "mail=maybe")

    assert ended.code == 1
    assert "'mail=maybe' says neither helped nor hindered" in ended.errors
    assert (await data(memos, "learning", "list", "--agent", agent))["count"] == 0


async def test_the_same_command_id_teaches_once(memos: Memos, agent: str, task: str) -> None:
    words = ("learning", "record", task, "--outcome", "success", "--agent", agent, "--command-id", uuid4().hex)

    first, second = [await data(memos, *words, "--private", "--lesson", "Use rain.") for _ in range(2)]

    assert first == second
    assert (await data(memos, "learning", "list", "--agent", agent))["count"] == 1


async def test_a_page_says_how_to_go_on(memos: Memos, client: Client, agent: str, task: str) -> None:
    for outcome in ("success", "failure"):
        await client.learning.record(task, outcome=outcome, agent_id=agent)

    first = await said(memos, "learning", "list", "--agent", agent, "--limit", "1")
    last = first.split("There are more: --before ")[1].strip()
    rest = await said(memos, "learning", "list", "--agent", agent, "--limit", "1", "--before", last)
    none = await said(memos, "learning", "list", "--agent", agent, "--outcome", "partial")

    assert ("failure" in first, "success" in rest, "There are more" in rest) == (True, True, False)
    assert none == "Nothing that was told meets the conditions.\n"


async def test_the_context_of_a_task_is_printed_with_what_it_costs(
    memos: Memos, client: Client, agent: str, task: str
) -> None:
    told: dict[str, Any] = {"outcome": "success", "visibility": "private", "agent_id": agent}
    recorded = await client.learning.record(task, lessons=["Use rain."], **told)
    await client.working.say("beds", "They look dry.", agent_id=agent)
    words = ("context", task, "--agent", agent, "--session", "beds", "--tools", "0", "--max-tokens", "4000")
    own = ("--filter", json.dumps({"agent_id": agent}))

    shown = await said(memos, *words, *own)
    found = await data(memos, *words, *own)

    assert "Use rain." in shown
    assert "They look dry." in shown
    assert [str(one.memory_id) in shown for one in recorded.lessons if isinstance(one, LessonLearned)] == [True]
    assert "learned once" in shown
    assert f"Tokens: {found['tokens']['total']} of 4000" in shown
    assert "Tools  tokens: 0\n    (none)" in shown
    assert "Missing" not in shown


async def test_a_section_that_is_missing_is_named(memos: Memos, agent: str, task: str) -> None:
    shown = await said(memos, "context", task, "--agent", agent, "--loadout", f"none-{uuid4().hex}", "--tools", "3")

    assert "Missing: " in shown
    assert "(not found)" in shown


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("learning", "record", " ", "--outcome", "success"), "task"),
        (("learning", "record", "t", "--outcome", "success", "--memory", "one=helped"), "memories.0.memory_id"),
        (("learning", "record", "t", "--outcome", "success", "--metadata", "{"), "--metadata is no JSON"),
        (("learning", "record", "t", "--outcome", "success", "--lesson", "l", "--lesson", "l"), "twice"),
        (("learning", "list", "--limit", "0"), "limit"),
        (("learning", "list", "--before", "one"), "before"),
        (("context", " "), "task"),
        (("context", "t", "--lessons", "101"), "lessons"),
        (("context", "t", "--lessons", "0", "--memories", "0", "--tools", "0"), "must ask for something"),
        (("context", "t", "--filter", "[]"), "--filter takes an object"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(memos: Memos, words: tuple[str, ...], fault: str) -> None:
    ended = await typed(memos, *words)

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("memos: ")
    assert ended.errors.count("\n") == 1
    assert fault in ended.errors
