"""The SDK over the bus and over HTTP: the same methods, the same answers."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from running import Memos, until

from memos.client import Client, connect
from memos.errors import Conflict, Gone, InvalidCommand, NotFound
from memos.events.filters import MemoryFilter
from memos.events.memories import IngestItem, StoreMemory, StoreOutcome
from memos.events.problems import Problem
from memos.records import Preferences, Source

pytest_plugins = ["bus_fixtures"]

KETTLE = "The kettle in the lab trips the fuse."


async def test_what_is_stored_is_found_by_its_meaning(client: Client, agent: str) -> None:
    stored = await client.store(KETTLE, agent_id=agent, tags=["lab"], metadata={"room": 4})
    await client.store("Bread is baked on Tuesdays.", agent_id=agent)

    found = await client.query("why is the power out in the laboratory?", agent_id=agent, top_k=1)

    assert stored.status == "stored"
    [memory] = found.memories.results
    assert (memory.memory_id, memory.content, memory.agent_id) == (stored.memory_id, KETTLE, agent)
    assert (memory.tags, memory.metadata, memory.version) == (["lab"], {"room": 4}, 1)
    assert 0.2 < memory.score < 1


async def test_a_query_keeps_to_its_filter(client: Client, agent: str) -> None:
    await client.store("Tea is at four.", agent_id=agent, session_id="monday")
    wanted = await client.store("Tea is at five.", agent_id=agent, session_id="tuesday", tags=["new"])

    found = await client.query("tea", agent_id=agent, filter={"session_id": "tuesday", "tags": ["new"]})

    assert [memory.memory_id for memory in found.memories.results] == [wanted.memory_id]


async def test_a_query_says_how_it_wants_to_be_answered(client: Client, agent: str) -> None:
    for number, text in enumerate(["Tea is at four.", "Then we walk the dog.", "Dinner is at eight."]):
        await client.store(text, agent_id=agent, session_id="day", sequence=number, importance=number / 2)
    own = MemoryFilter(agent_id=[agent])

    found = await client.query(
        "the dog",
        agent_id=agent,
        filter=own,
        top_k=1,
        max_tokens=50,
        around=1,
        as_of=datetime.now(UTC) + timedelta(minutes=1),
        include_superseded=True,
        diversity=0.1,
        preferences=Preferences(importance=0),
        rerank=False,
        explain=True,
    )
    important = await client.query("the dog", agent_id=agent, filter=own, preferences={"importance": 10})

    [walk] = found.memories.results
    assert ([one.content for one in walk.before], walk.content) == (["Tea is at four."], "Then we walk the dog.")
    assert [one.content for one in walk.after] == ["Dinner is at eight."]
    assert walk.explanation is not None
    assert walk.explanation["rank"] == 1
    assert [one.importance for one in important.memories.results] == [1.0, 0.5, 0.0]
    with pytest.raises(InvalidCommand, match=r"preferences\.recency"):
        await client.query("the dog", agent_id=agent, preferences={"recency": -1})


async def test_a_memory_is_read_changed_and_forgotten(client: Client, agent: str) -> None:
    memory_id = (await client.store("The door code is 1234.", agent_id=agent)).memory_id

    changed = await client.update(memory_id, agent_id=agent, content="The door code is 9876.", expected_version=1)
    read = await client.get(memory_id, agent_id=agent)
    history = await client.history(memory_id, agent_id=agent)
    deleted = await client.delete(memory_id, agent_id=agent)

    assert read == changed
    assert (read.content, read.version) == ("The door code is 9876.", 2)
    assert [version.content for version in history.versions] == ["The door code is 1234.", "The door code is 9876."]
    assert deleted.status == "deleted"
    with pytest.raises(NotFound, match=str(memory_id)):
        await client.get(memory_id, agent_id=agent)


async def test_a_memory_takes_the_place_of_another(client: Client, agent: str) -> None:
    old = await client.store("Ada lives in Paris.", agent_id=agent)

    new = await client.store("Ada lives in Berlin.", agent_id=agent, supersedes=[old.memory_id])

    found = await client.query("where does Ada live?", agent_id=agent, filter={"visibility": "private"})
    assert [memory.memory_id for memory in found.memories.results] == [new.memory_id]
    versions = (await client.history(old.memory_id, agent_id=agent)).versions
    assert [version.superseded_by for version in versions] == [None, new.memory_id]
    assert (await client.get(old.memory_id, agent_id=agent)).superseded_by == new.memory_id
    with pytest.raises(Conflict, match=f"superseded already, at last by memory {new.memory_id}"):
        await client.store("Ada lives in Rome.", agent_id=agent, supersedes=[old.memory_id])
    with pytest.raises(NotFound, match=str(old.memory_id)):
        await client.store("Ada lives in Rome.", agent_id=f"not-{agent}", supersedes=[old.memory_id])


async def test_a_memory_is_shown_with_those_that_say_nearly_the_same(client: Client, agent: str) -> None:
    one = (await client.store("The kettle in the lab trips the fuse.", agent_id=agent)).memory_id
    other = (await client.store("the kettle in the lab trips the fuse!", agent_id=agent)).memory_id

    async def linked() -> bool:
        links = (await client.get(one, agent_id=agent)).links
        return [link.memory_id for link in links] == [other] and links[0].similarity > 0.95

    await until(linked)


async def test_a_change_keeps_what_it_does_not_name_and_null_clears(client: Client, agent: str) -> None:
    expires = datetime(2999, 1, 1, tzinfo=UTC)
    stored = await client.store("Keep me.", agent_id=agent, tags=["a"], importance=0.5, expires_at=expires)

    tagged = await client.update(stored.memory_id, agent_id=agent, tags=["b"])
    cleared = await client.update(stored.memory_id, agent_id=agent, expires_at=None, importance=None)

    assert (tagged.content, tagged.tags, tagged.importance, tagged.expires_at) == ("Keep me.", ["b"], 0.5, expires)
    assert (cleared.tags, cleared.importance, cleared.expires_at) == (["b"], None, None)


async def test_a_change_to_a_version_that_is_gone_is_a_conflict(client: Client, agent: str) -> None:
    memory_id = (await client.store("First.", agent_id=agent)).memory_id
    await client.update(memory_id, agent_id=agent, content="Second.")

    with pytest.raises(Conflict, match="version 2, not 1"):
        await client.update(memory_id, agent_id=agent, content="Third.", expected_version=1)


async def test_a_command_sent_again_gives_the_first_reply_and_another_body_is_a_conflict(
    client: Client, agent: str
) -> None:
    command_id = str(uuid4())
    first = await client.store("Once.", agent_id=agent, command_id=command_id)
    again = await client.store("Once.", agent_id=agent, command_id=command_id)

    assert again == first
    with pytest.raises(Conflict, match=command_id):
        await client.store("Twice.", agent_id=agent, command_id=command_id)


async def test_a_text_that_is_known_is_a_duplicate_under_its_first_id(client: Client, agent: str) -> None:
    first = await client.store("Said twice.", agent_id=agent)
    again = await client.store("Said twice.", agent_id=agent)

    assert (again.status, again.memory_id) == ("duplicate", first.memory_id)
    assert (await client.get(first.memory_id, agent_id=agent)).times_stored == 2


async def test_many_are_stored_in_order_and_a_bad_one_fails_alone(client: Client, agent: str) -> None:
    taken = (await client.store("Here first.", agent_id=agent)).memory_id
    texts = [StoreMemory(content=f"Number {n}.", agent_id=agent, id=taken if n == 1 else None) for n in range(3)]

    results = (await client.store_many(texts)).results

    assert [getattr(result, "status", None) for result in results] == ["stored", 409, "stored"]
    assert isinstance(results[1], Problem)
    assert results[1].code == "conflict"


async def test_passages_are_ingested_for_every_agent(client: Client, agent: str) -> None:
    place = Source(uri=f"{agent}.py", symbol="f", line=3)
    items = [IngestItem(content=f"function f, which boils water for {agent}", source=place, sequence=0)]

    [outcome] = (await client.ingest(items, agent_id=agent)).results
    found = await client.query("boil water", agent_id="another", filter={"source": place.uri})

    assert isinstance(outcome, StoreOutcome)
    [memory] = found.memories.results
    assert (memory.memory_id, memory.source, memory.kind) == (outcome.memory_id, place, "document")
    assert (memory.visibility, memory.agent_id) == ("shared", agent)


async def test_deletion_wins_over_a_store_that_comes_later(client: Client, agent: str) -> None:
    memory_id = uuid4()

    assert (await client.delete(memory_id, agent_id=agent)).status == "absent"
    with pytest.raises(Gone, match=str(memory_id)):
        await client.store("Too late.", agent_id=agent, id=memory_id)


async def test_another_agents_private_memory_is_not_found_in_any_way(client: Client, agent: str) -> None:
    memory_id = (await client.store("Nobody else's business.", agent_id=agent)).memory_id

    for asked in (
        client.get(memory_id, agent_id="another"),
        client.history(memory_id, agent_id="another"),
        client.update(memory_id, agent_id="another", content="Mine."),
        client.delete(memory_id, agent_id="another"),
    ):
        with pytest.raises(NotFound):
            await asked
    found = await client.query("Nobody else's business.", agent_id="another", top_k=50)
    assert memory_id not in [memory.memory_id for memory in found.memories.results]


async def test_health_names_every_engine_of_both_lanes(client: Client) -> None:
    readiness = await client.health()

    assert readiness.status == "ready"
    for lane in ("interactive", "bulk"):
        report = readiness.lanes[lane]
        assert not isinstance(report, Problem)
        assert set(report.engines) == {"ledger", "vectors", "embedder"}


@pytest.mark.parametrize(
    ("method", "arguments", "field"),
    [
        ("store", {"content": ""}, "content"),
        ("store", {"content": "x", "nonsense": 1}, "nonsense"),
        ("query", {"query": "x", "top_k": 0}, "top_k"),
        ("query", {"query": "x", "filter": {"nonsense": 1}}, "filter.nonsense"),
        ("get", {"memory_id": "no-id"}, "memory_id"),
        ("update", {"memory_id": UUID(int=1), "tags": None}, ""),
        ("store_many", {"memories": [{"content": "x"}, {"content": ""}]}, "memories.1.content"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_by_name_before_anything_is_sent(
    client: Client, method: str, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await getattr(client, method)(**arguments)
    assert field in [fault.field for fault in refused.value.faults] or field in refused.value.detail


async def test_what_is_handed_over_for_later_is_stored_under_the_commands_id(client: Client, agent: str) -> None:
    command_id = await client.store_later("Not in a hurry.", agent_id=agent)

    outcome = await client.store("Not in a hurry.", agent_id=agent, command_id=command_id)

    assert (await client.get(outcome.memory_id, agent_id=agent)).times_stored == 1


async def test_the_bus_is_also_reached_by_the_name_of_a_source_of_ones_own(memos: Memos, agent: str) -> None:
    """Command ids are unique within a source, so two sources may use the same."""
    async with connect(memos.redis_url, source="one") as one, connect(memos.redis_url, source="two") as two:
        first = await one.store("By one.", agent_id=agent, command_id="1")
        second = await two.store("By two.", agent_id=agent, command_id="1")
    assert first.memory_id != second.memory_id


async def test_a_command_id_may_be_of_any_script(client: Client, agent: str) -> None:
    command_id = f"schlüssel \U0001f511 {agent}"
    first = await client.store("Once.", agent_id=agent, command_id=command_id)
    assert await client.store("Once.", agent_id=agent, command_id=command_id) == first
    with pytest.raises(Conflict, match=command_id):
        await client.store("Twice.", agent_id=agent, command_id=command_id)
