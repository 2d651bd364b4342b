"""Filters over a running memOS: what they find, delete and refuse, by SDK, by REST, on the bus and by command."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from lanes import Wire
from running import Memos, command

from memos.client import Client
from memos.client.redis import open_redis
from memos.events.commands import Command
from memos.events.conditions import ImportanceRange, MomentRange, NumberRange
from memos.events.deletions import DeleteMemories
from memos.events.filters import MemoryFilter
from memos.events.memories import QueryMemory, StoreMemory
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF

pytest_plugins = ["bus_fixtures"]

MAY = datetime(2026, 5, 1, tzinfo=UTC)
TEXTS = {
    "plan": "The plan is to plant beans along the southern wall.",
    "bill": "The seed merchant wants fourteen euros.",
    "wish": "Perhaps a pond, some day, behind the shed.",
    "note": "Slugs ate the first lettuce overnight.",
}


async def stored(client: Client, agent: str) -> dict[UUID, str]:
    """Four memories that have little in common, by their ids."""
    memories = [
        StoreMemory(
            content=text,
            agent_id=agent,
            kind=name,
            tags=["garden", name],
            importance=number / 4,
            session_id=f"{agent}-{number // 2}",
            occurred_at=MAY + timedelta(days=number),
            metadata={"cost": number * 1.5, "due": (MAY + timedelta(days=number)).isoformat(), "done": number > 1},
        )
        for number, (name, text) in enumerate(TEXTS.items())
    ]
    results = (await client.store_many(memories)).results
    return {result.memory_id: name for result, name in zip(results, TEXTS, strict=True)}  # type: ignore[union-attr]


CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({"kind": ["plan", "bill"]}, {"plan", "bill"}),
    ({"tags": ["garden"], "tags_any": ["wish", "note"]}, {"wish", "note"}),
    ({"importance": {"gt": 0.25, "lt": 0.75}}, {"wish"}),
    ({"sequence": {"gte": 1}, "visibility": "private"}, {"bill", "note"}),
    ({"metadata": {"cost": 3}}, {"wish"}),
    ({"metadata": {"cost": [1.5, 4.5, "much"]}}, {"bill", "note"}),
    ({"metadata": {"cost": {"gte": 1.5, "lt": 4}}}, {"bill", "wish"}),
    ({"metadata": {"due": {"gte": "2026-05-02T02:00:00+02:00", "lt": "2026-05-04T00:00:00Z"}}}, {"bill", "wish"}),
    ({"occurred_after": "2026-05-03T00:00:00Z", "not": {"metadata": {"cost": {"gt": 4}}}}, {"wish"}),
    ({"not": {"metadata": {"done": True}}, "created_after": "2026-01-01T00:00:00Z"}, {"plan", "bill"}),
    ({"or": [{"kind": "note"}, {"and": [{"tags": ["plan"]}, {"importance": {"lte": 0}}]}]}, {"plan", "note"}),
    ({"not": {"or": [{"kind": "plan"}, {"not": {"metadata": {"done": True}}}]}}, {"wish", "note"}),
    ({"kind": "plan", "not": {"kind": "plan"}}, set()),
    ({"created_before": "2026-01-01T00:00:00Z"}, set()),
]


async def test_a_filter_finds_and_deletes_what_it_describes(client: Client, agent: str) -> None:
    names = await stored(client, agent)
    for wanted, expected in CASES:
        own = {"and": [wanted], "agent_id": agent}
        found = await client.query("garden", agent_id=agent, top_k=1000, filter=own)
        told = await client.delete_many(agent_id=agent, filter=wanted)

        assert {names[memory.memory_id] for memory in found.memories.results} == expected, wanted
        assert {names[memory_id] for memory_id in told.examples} == expected, wanted

    await client.delete_many(agent_id=agent, filter={"or": [{"kind": "plan"}, {"kind": "bill"}]}, dry_run=False)
    left = await client.query("garden", agent_id=agent, top_k=1000, filter={"agent_id": agent})
    assert {names[memory.memory_id] for memory in left.memories.results} == {"wish", "note"}


async def test_a_filter_written_in_python_arrives_as_it_was_meant(client: Client, agent: str) -> None:
    names = await stored(client, agent)
    dear = MemoryFilter(metadata={"cost": NumberRange(gt=4)})
    early = MemoryFilter(metadata={"due": MomentRange(lt=MAY + timedelta(hours=1))})

    found = await client.query(
        "garden",
        agent_id=agent,
        filter=MemoryFilter(
            agent_id=[agent], or_=[dear, early], not_=MemoryFilter(importance=ImportanceRange(gte=1))
        ),
    )

    assert {names[memory.memory_id] for memory in found.memories.results} == {"plan", "note"}


async def test_an_agent_named_in_a_filter_is_seen_only_as_far_as_it_shares(client: Client, agent: str) -> None:
    other = f"{agent}-2"
    await client.store(TEXTS["plan"], agent_id=other)
    shared = await client.store(TEXTS["wish"], agent_id=other, visibility="shared")
    await client.store(TEXTS["note"], agent_id=agent)

    found = await client.query("garden", agent_id=agent, filter={"agent_id": other})

    assert [memory.memory_id for memory in found.memories.results] == [shared.memory_id]


def deep(depth: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {"kind": "a"}
    for _ in range(depth):
        wanted = {"not": wanted}
    return wanted


REFUSED: list[tuple[str, Any, str]] = [
    ("an unknown condition", {"colour": "red"}, "filter.colour"),
    ("an unknown condition among others", {"or": [{"kind": "a"}, {"tagz": ["a"]}]}, "filter.or.1.tagz"),
    ("an engine's condition", {"and": [{"must": []}]}, "filter.and.0.must"),
    ("nine levels", deep(9), "filter" + ".not" * 9),
    ("a hundred levels", deep(100), "filter" + ".not" * 9),
    ("too many conditions", {"or": [{"kind": "a"}] * 300}, "filter.or.256"),
    ("a list that is too long", {"not": {"source": ["a"] * 300}}, "filter.not"),
    ("alternatives that are none", {"or": []}, "filter.or"),
    ("a condition on nothing", {"not": {}}, "filter.not"),
    ("a text for a filter", {"and": ["kind"]}, "filter.and.0"),
    ("a number for a kind", {"not": {"kind": 5}}, "filter.not.kind"),
    ("a text for tags", {"tags_any": "a"}, "filter.tags_any"),
    ("a kind with blanks among others", {"kind": ["a", "Big Kind"]}, "filter.kind.1"),
    ("NUL in a source", {"source": ["a.py", "\x00"]}, "filter.source.1"),
    ("NUL in metadata", {"metadata": {"a": ["x", "\x00"]}}, "filter.metadata.a.1"),
    ("a range that holds nothing", {"importance": {"gt": 0.5, "lte": 0.5}}, "filter.importance"),
    ("a range without limits", {"sequence": {}}, "filter.sequence"),
    ("a range with an unknown limit", {"sequence": {"from": 1}}, "filter.sequence.from"),
    ("a text for a limit", {"sequence": {"gte": "1"}}, "filter.sequence.gte"),
    ("a boolean for a limit", {"importance": {"gte": True}}, "filter.importance.gte"),
    ("an importance above 1", {"importance": {"lte": 1.5}}, "filter.importance.lte"),
    ("a limit of a hundred digits", {"sequence": {"lt": 10**100}}, "filter.sequence.lt"),
    ("a limit of a thousand digits", {"metadata": {"a": {"lt": 10**1000}}}, "filter.metadata.a.lt"),
    ("a limit beyond all floats", {"metadata": {"a": {"gte": float("inf")}}}, "filter.metadata.a.gte"),
    ("a limit that is no number", {"metadata": {"a": {"gte": float("nan")}}}, "filter.metadata.a.gte"),
    ("a value that is no number", {"metadata": {"a": [1, float("nan")]}}, "filter.metadata.a.1"),
    ("an integer of 65 bits", {"metadata": {"a": 2**64}}, "filter.metadata.a"),
    ("limits of two kinds", {"metadata": {"a": {"gte": 1, "lt": "2026-05-01T00:00:00Z"}}}, "filter.metadata.a.gte"),
    ("a time that is a number in quotes", {"metadata": {"a": {"gte": "17"}}}, "filter.metadata.a.gte"),
    ("a time without a zone", {"metadata": {"a": {"gte": "2026-05-01T00:00:00"}}}, "filter.metadata.a.gte"),
    ("a value within a value", {"metadata": {"a": {"b": 1}}}, "filter.metadata.a"),
    ("a value for a range", {"or": [{"importance": 0.8}]}, "filter.or.0.importance"),
    ("a period in seconds", {"not": {"created_after": 1767225600}}, "filter.not.created_after"),
    ("a period in days", {"occurred_before": "2026-01-01"}, "filter.occurred_before"),
    (
        "a period that ends before it begins",
        {"occurred_after": "2026-05-02T00:00:00Z", "occurred_before": "2026-05-01T00:00:00Z"},
        "filter.occurred_before",
    ),
    (
        "an empty period",
        {"created_after": "2026-05-01T12:00:00Z", "created_before": "2026-05-01T14:00:00+02:00"},
        "filter.created_before",
    ),
]
COMMANDS: list[tuple[type[Command], str, dict[str, Any]]] = [
    (QueryMemory, "/memory/query", {"query": "x"}),
    (DeleteMemories, "/memory/delete", {"agent_id": "nobody"}),
]


@pytest.fixture(scope="session")
async def tray(memos: Memos) -> AsyncIterator[Wire]:
    """The streams of the memOS that all tests share, with an inbox of these tests' own."""
    async with open_redis(memos.redis_url) as redis:
        yield Wire(redis, inbox=f"memos:reply:{uuid4()}")


@pytest.mark.parametrize(("path", "body"), [case[1:] for case in COMMANDS], ids=["query", "delete"])
@pytest.mark.parametrize(("wanted", "place"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
async def test_over_rest_a_bad_filter_is_refused_naming_the_place(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], wanted: Any, place: str
) -> None:
    content = json.dumps({**body, "filter": wanted})
    response = await http.post(path, content=content, headers={"Content-Type": "application/json"})

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid"), response.text[:500]
    assert [fault["field"] for fault in problem["faults"]] == [place]
    assert place in problem["detail"]
    assert len(response.content) < 2000


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, _, body in COMMANDS], ids=["query", "delete"])
@pytest.mark.parametrize(("wanted", "place"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
async def test_over_the_bus_a_bad_filter_is_refused_naming_the_place(
    tray: Wire, kind: type[Command], body: dict[str, Any], wanted: Any, place: str
) -> None:
    await tray.put(STREAM_OF[kind], {**envelope(kind, tray), "data": {**body, "filter": wanted}})
    reply = await tray.reply()

    assert reply.type == PROBLEM_TYPE
    if "NaN" in (written := json.dumps(wanted)) or "Infinity" in written:
        assert reply.data["code"] == "malformed"  # JSON has no such numbers
    else:
        assert reply.data["code"] == "invalid"
        assert [fault["field"] for fault in reply.data["faults"]] == [place]


def envelope(kind: type[Command], tray: Wire) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "tests",
        "type": STREAM_OF[kind].event_type,
        "replyto": tray.inbox,
    }


async def test_the_commands_take_a_filter_of_every_kind(memos: Memos, client: Client, agent: str) -> None:
    names = await stored(client, agent)
    place = ("--agent", agent, "--url", memos.url)
    wanted = json.dumps({"agent_id": agent, "or": [{"importance": {"gte": 0.75}}, {"metadata": {"cost": 1.5}}]})

    found = await command("query", "garden", *place, "--filter", wanted, "--json")
    nothing = await command("query", "garden", *place, "--filter", '{"kind": "poem"}')
    told = await command("delete", *place, "--tag", "bill", "--filter", wanted, "--json")
    done = await command("delete", *place, "--tag", "garden", "--filter", wanted, "--yes", "--json")

    results = json.loads(found.output)["memories"]["results"]
    assert {names[UUID(memory["memory_id"])] for memory in results} == {"bill", "note"}
    assert "meets the conditions of --filter" in nothing.output
    assert [names[UUID(memory_id)] for memory_id in json.loads(told.output)["examples"]] == ["bill"]
    assert json.loads(done.output)["matched"] == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ('{"kind"', "--filter is no JSON"),
        ("[" * 100_000, "--filter is no JSON"),
        ('["note"]', "--filter takes an object"),
        ('{"or": [{"kind": "a"}, {"tagz": 1}]}', "filter.or.1.tagz: is no condition; there are kind, agent_id"),
        ('{"importance": 0.8}', 'filter.importance: must be a range with gt, gte, lt or lte, such as {"gte": 0.5}'),
        ('{"and": 5}', "filter.and: Input should be a valid list"),
        ('{"metadata": {"a": NaN}}', "filter.metadata.a: a string, a boolean, a finite number"),
    ],
)
async def test_a_bad_filter_of_a_command_is_one_clear_line(memos: Memos, wanted: str, said: str) -> None:
    for words in (("query", "garden"), ("delete", "--kind", "note")):
        refused = await command(*words, "--filter", wanted, "--url", memos.url)
        assert (refused.code, refused.output) == (1, "")
        assert said in refused.errors
        assert refused.errors.startswith("memos: ")
        assert refused.errors.count("\n") == 1
