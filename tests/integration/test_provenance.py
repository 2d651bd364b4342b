"""What answers were made from: the versions that the ledger has of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from builders import Rooms, change, draft, origin
from toolbox import Toolbox

from memos.events.tools import RegisterTool
from memos.records import AnswerSource
from memos.stores.postgres import Pool
from memos.stores.provenance import PostgresProvenance

pytest_plugins = ["rooms"]


def memory(memory_id: object, version: int | None = None) -> AnswerSource:
    return AnswerSource("memory", str(memory_id), version)


def clock(description: str) -> RegisterTool:
    return RegisterTool(tool_id="clock", name="Clock", description=description, endpoint_url="http://127.0.0.1:9/c")


async def version(rooms: Rooms, memory_id: object, tenant: str = "default") -> int | None:
    """The version of a memory that is there."""
    source = memory(memory_id)
    return (await PostgresProvenance(rooms.pool).versions(tenant, [source])).get(source)


async def test_a_memory_is_there_at_its_version_until_it_is_deleted(rooms: Rooms) -> None:
    [stored] = await rooms.commit(draft("a"))
    assert await version(rooms, stored.memory_id) == 1

    await rooms.memories.update(change(stored.memory_id, content="b"))
    assert await version(rooms, stored.memory_id) == 2

    await rooms.memories.delete(origin(), b"", "ada", stored.memory_id)
    assert await version(rooms, stored.memory_id) is None


async def test_a_memory_that_is_superseded_or_has_expired_is_not_there(rooms: Rooms) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    former, expired = await rooms.commit(draft("a"), draft("b", expires_at=past))
    later = await rooms.commit(draft("c", supersedes=[former.memory_id]))

    assert await version(rooms, former.memory_id) is None
    assert await version(rooms, expired.memory_id) is None
    assert await version(rooms, later[0].memory_id) == 1


async def test_memories_and_tools_of_one_tenant_are_not_those_of_another(rooms: Rooms) -> None:
    toolbox, tool = Toolbox(rooms.pool), AnswerSource("tool", "clock")
    [stored] = await rooms.commit(draft("a", of=origin(tenant="ada")))
    await toolbox.register(clock("Tells the time."), tenant="ada")
    provenance = PostgresProvenance(rooms.pool)

    assert await provenance.versions("bob", [memory(stored.memory_id), tool]) == {}
    assert set((await provenance.versions("ada", [memory(stored.memory_id), tool])).values()) == {1}


async def test_a_tool_is_there_at_its_version_until_it_is_removed(rooms: Rooms) -> None:
    toolbox, tool = Toolbox(rooms.pool), AnswerSource("tool", "clock", 1)
    provenance = PostgresProvenance(rooms.pool)

    await toolbox.register(clock("Tells the time."))
    first = await provenance.versions("default", [tool])
    await toolbox.register(clock("Tells the time of day."))
    second = await provenance.versions("default", [tool])
    await toolbox.deregister("clock")

    assert (first, second) == ({tool: 1}, {tool: 2})
    assert await provenance.versions("default", [tool]) == {}


async def test_each_source_is_answered_as_it_was_asked_about(rooms: Rooms) -> None:
    [stored] = await rooms.commit(draft("a"))
    asked = [memory(stored.memory_id, 7), memory(str(stored.memory_id).upper()), memory(uuid4()), memory("no id")]
    asked += [AnswerSource("fact", "the sky"), AnswerSource("tool", "none")]

    assert await PostgresProvenance(rooms.pool).versions("default", asked) == {asked[0]: 1, asked[1]: 1}


async def test_the_rows_are_found_by_key(pool: Pool) -> None:
    """A sequential scan is what a planner does without an index; the pool has them switched off, and shows it."""
    provenance = PostgresProvenance(pool)
    plan = await pool.fetch(f"explain {provenance._sql['present_versions']}", ["t"], [UUID(int=1)], ["t"], ["x"])
    text = "\n".join(row[0] for row in plan)
    assert "agent_memories_pkey" in text
    assert "Seq Scan" not in text
