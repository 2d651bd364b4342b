"""`memos query` and `memos history`: what they ask for, and what they show of it."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from running import Memos, command

from memos.client import Client

pytest_plugins = ["bus_fixtures"]

TURNS = [
    "Ines: Shall we go to the mountains in October?",
    "Noor: I would rather see the sea.",
    "Ines: Fine with me, if we take the train.",
]


@pytest.fixture
async def told(client: Client, agent: str) -> list[UUID]:
    """The turns of a conversation, a day apart from one another."""
    return [
        (
            await client.store(
                turn, agent_id=agent, session_id="trip", occurred_at=datetime(2026, 3, day, 18, tzinfo=UTC)
            )
        ).memory_id
        for day, turn in enumerate(TURNS, start=1)
    ]


async def said(memos: Memos, *words: str) -> str:
    """What a command that succeeds prints."""
    ended = await command(*words, "--url", memos.url)
    assert (ended.code, ended.errors) == (0, ""), ended
    return ended.output


async def asked(memos: Memos, *words: str) -> list[dict[str, Any]]:
    """The results of a query."""
    results: list[dict[str, Any]] = json.loads(await said(memos, "query", *words, "--json"))["memories"]["results"]
    return results


def own(agent: str) -> tuple[str, ...]:
    """Options of a query for what this agent alone remembers."""
    return ("--agent", agent, "--filter", json.dumps({"agent_id": agent}))


def factors_of(result: str) -> dict[str, float]:
    """What each factor adds to the score of a shown result."""
    lines = re.findall(r"^ +([a-z]+) +-?[\d.]+ +([+-][\d.]+)", result, re.MULTILINE)
    return {name: float(contribution) for name, contribution in lines}


async def test_a_result_is_shown_between_its_neighbours(memos: Memos, agent: str, told: list[UUID]) -> None:
    shown = await said(memos, "query", "who wants to see the sea?", *own(agent), "-k", "1", "--around", "1")

    lines = [line.strip() for line in shown.splitlines()]
    assert lines[1:4] == [f"before: {TURNS[0]}", TURNS[1], f"after: {TURNS[2]}"]
    assert "2026-03-02 18:00" in lines[0]
    assert lines[0].endswith(f"  {told[1]}")
    assert [line for line in shown.splitlines() if line.endswith(" ")] == []


async def test_the_factors_of_a_score_are_shown_and_add_up_to_it(
    memos: Memos, agent: str, told: list[UUID]
) -> None:
    shown = await said(memos, "query", "who wants to see the sea?", *own(agent), "-k", "3", "--explain")

    strongest, *others = re.split(r"^ (?=\d\. )", shown, flags=re.MULTILINE)[1:]
    assert {"meaning", "terms", "context"} <= set(factors_of(strongest))
    assert "neighbours" in factors_of(others[0])
    for result in (strongest, *others):
        assert sum(factors_of(result).values()) == pytest.approx(float(result.split()[1]), abs=0.01)


async def test_without_being_asked_for_no_factor_and_no_neighbour_is_shown(
    memos: Memos, agent: str, told: list[UUID]
) -> None:
    shown = await said(memos, "query", "who wants to see the sea?", *own(agent), "-k", "1")

    assert [line.strip() for line in shown.splitlines()][1:] == [TURNS[1], ""]


async def test_a_query_is_answered_as_of_a_moment(memos: Memos, agent: str, told: list[UUID]) -> None:
    found = await asked(memos, "the trip", *own(agent), "--as-of", "2026-03-02T20:00:00+01:00")
    none = await said(memos, "query", "the trip", *own(agent), "--as-of", "2026-02-28")

    assert {one["memory_id"] for one in found} == {str(one) for one in told[:2]}
    assert none == "Nothing that this agent may see meets the conditions of --filter and --as-of.\n"


async def test_preferences_decide_among_results(memos: Memos, client: Client, agent: str, told: list[UUID]) -> None:
    valued = await client.store("Soup is on the stove.", agent_id=agent, importance=1)

    plain = await asked(memos, "who wants to see the sea?", *own(agent), "-k", "1")
    other = await asked(
        memos, "who wants to see the sea?", *own(agent), "-k", "1", "--preferences", '{"importance": 10}'
    )

    assert [one["memory_id"] for one in (*plain, *other)] == [str(told[1]), str(valued.memory_id)]


async def test_a_long_line_stays_one_when_it_is_not_for_a_terminal(
    memos: Memos, client: Client, agent: str
) -> None:
    text = f"A line {'that goes on and on ' * 20}to its end.\n\n  An indented one."
    memory_id = (await client.store(text, agent_id=agent)).memory_id
    expected = ["    " + line if line else "" for line in text.splitlines()]

    found = await said(memos, "query", "a line that goes on", *own(agent))
    versions = await said(memos, "history", str(memory_id), "--agent", agent)

    assert found.splitlines()[1:4] == versions.splitlines()[1:4] == expected


async def test_results_keep_to_their_tokens(memos: Memos, agent: str, told: list[UUID]) -> None:
    found = await asked(memos, "the trip", *own(agent), "--max-tokens", "20")

    assert found
    assert sum(-(-len(one["content"]) // 4) for one in found) <= 20


async def test_repetitions_are_named_and_diversity_puts_what_differs_first(
    memos: Memos, client: Client, agent: str
) -> None:
    await client.store("The night train to Porto leaves at ten.", agent_id=agent)
    repeated = await client.store("the night train to porto leaves at ten!", agent_id=agent)
    await client.store("Night trains from Madrid go to Porto at ten o'clock.", agent_id=agent)
    other = await client.store("Trains to Porto have a dining car.", agent_id=agent)

    plain = await asked(memos, "night train to Porto at ten", *own(agent), "-k", "2")
    varied = await asked(memos, "night train to Porto at ten", *own(agent), "-k", "2", "--diversity", "0.8")
    shown = await said(memos, "query", "night train to Porto at ten", *own(agent), "-k", "1")

    assert str(other.memory_id) not in {one["memory_id"] for one in plain}
    assert varied[1]["memory_id"] == str(other.memory_id)
    assert f"repeated by {plain[0]['repeats'][0]}" in shown
    assert str(repeated.memory_id) in {plain[0]["memory_id"], *plain[0]["repeats"]}


async def test_what_is_superseded_is_shown_when_asked_for_and_names_what_took_its_place(
    memos: Memos, client: Client, agent: str
) -> None:
    old = (await client.store("Ada lives in Paris.", agent_id=agent, tags=["home"], importance=0.5)).memory_id
    new = (await client.store("Ada lives in Berlin.", agent_id=agent, supersedes=[old])).memory_id

    newest = await said(memos, "query", "where does Ada live?", *own(agent))
    every = await said(memos, "query", "where does Ada live?", *own(agent), "--include-superseded")
    versions = await said(memos, "history", str(old), "--agent", agent)
    as_json = json.loads(await said(memos, "history", str(old), "--agent", agent, "--json"))

    assert "Paris" not in newest
    assert f"superseded by {new}" in every
    first, last = (line for line in versions.splitlines() if line.startswith("version"))
    assert re.fullmatch(r"version 1, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, importance 0.5, tags: home", first)
    assert re.fullmatch(rf"version 2, .*, superseded \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d by {new}", last)
    assert [version["superseded_by"] for version in as_json["versions"]] == [None, str(new)]


async def test_the_versions_of_a_memory_are_shown_oldest_first(memos: Memos, client: Client, agent: str) -> None:
    memory_id = (await client.store("The door code is 1234.", agent_id=agent)).memory_id
    await client.update(memory_id, agent_id=agent, content="The door code is [bold]9876.", tags=["door"])

    lines = (await said(memos, "history", str(memory_id), "--agent", agent)).splitlines()

    assert [line.strip() for line in lines[1::3]] == ["The door code is 1234.", "The door code is [bold]9876."]
    assert lines[3].startswith("version 2, ")
    assert lines[3].endswith(", tags: door")


async def test_metadata_is_shown_of_the_versions_in_which_it_changed(
    memos: Memos, client: Client, agent: str
) -> None:
    memory_id = (await client.store("The door is locked.", agent_id=agent)).memory_id
    await client.update(memory_id, agent_id=agent, metadata={"by": "José"})
    await client.update(memory_id, agent_id=agent, content="The door is open.")
    await client.update(memory_id, agent_id=agent, metadata={})

    shown = await said(memos, "history", str(memory_id), "--agent", agent)

    versions = shown.strip().split("\n\n")
    assert [re.findall("metadata: (.*)", version) for version in versions] == [[], ['{"by": "José"}'], [], ["{}"]]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("query", "x", "--as-of", "yesterday"), "'yesterday' is neither an age such as 30d nor a date"),
        (("query", "x", "--preferences", "[1]"), "--preferences takes an object, such as '{\"recency\": 0.5}'"),
        (("query", "x", "--preferences", '{"taste": 1}'), "preferences.taste: Extra inputs are not permitted"),
        (("query", "x", "--around", "11"), "around: Input should be less than or equal to 10"),
        (("query", "x", "--diversity", "1.5"), "diversity: Input should be less than or equal to 1"),
        (("query", "x", "--max-tokens", "0"), "max_tokens: Input should be greater than or equal to 1"),
        (("history", "nobody"), "memory_id: Input should be a valid UUID"),
        (("history", "0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4"), "No memory 0198c5f2-7a31-7c4e-9d10-3b5a86f0e2c4"),
    ],
)
async def test_what_cannot_be_asked_is_said_in_one_line(memos: Memos, words: tuple[str, ...], reason: str) -> None:
    ended = await command(*words, "--url", memos.url)

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("memos: ")
    assert reason in ended.errors
    assert ended.errors.count("\n") == 1
