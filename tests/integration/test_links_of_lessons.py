"""Links of lessons: those that contradict each other stay so, and those of several agents are linked as well."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from builders import MODEL, Rooms, change, draft, rooms_on
from taught import LESSON, School

from memos.projection.comparing import Comparer
from memos.records import Link, duplicate_key
from memos.stores.links import PostgresLinks
from memos.stores.migrate import find_migrations, migrate
from memos.stores.postgres import Pool, open_pool, pack

pytest_plugins = ["rooms"]

LONG = " ".join(f"word-{number}" for number in range(60))


@pytest.fixture
async def school(rooms: Rooms) -> School:
    return School(rooms)


async def compare_all(school: School) -> None:
    comparer = Comparer(links=PostgresLinks(school.rooms.pool), **school.rooms.engines)
    await comparer.compare()
    while comparer.amid:
        await comparer.compare()


async def links(school: School, memory_id: UUID, agent_id: str = "ann") -> list[Link]:
    return await school.rooms.memories.links("default", agent_id, memory_id)


async def test_comparing_memories_does_not_make_peace_between_lessons(school: School) -> None:
    first = await school.taught(f"{LONG} always")
    second = await school.taught({"content": f"{LONG} never", "contradicts": [first.memory_id]})
    [before] = await links(school, first.memory_id)

    await compare_all(school)

    assert await links(school, first.memory_id) == [before]
    assert (before.memory_id, before.relation) == (second.memory_id, "contradicts")


async def test_lessons_that_were_linked_as_alike_contradict_each_other_once_that_is_known(school: School) -> None:
    first = await school.taught(f"{LONG} always")
    second = await school.taught(f"{LONG} often indeed", agent_id="bob")
    await compare_all(school)
    assert [link.relation for link in await links(school, first.memory_id)] == ["similar"]

    await school.taught({"content": f"{LONG} often indeed", "contradicts": [first.memory_id]}, agent_id="cid")

    [link] = await links(school, first.memory_id)
    assert (link.memory_id, link.relation) == (second.memory_id, "contradicts")


async def test_what_contradicts_comes_before_what_is_alike(school: School) -> None:
    first = await school.taught(LONG)
    alike = await school.taught(f"{LONG} always", agent_id="bob", visibility="shared", task="sing")
    against = await school.taught({"content": "no", "contradicts": [first.memory_id]})
    await school.rooms.pool.execute(
        "insert into memory_links values ('default', $1, $2, 0.99)", alike.memory_id, first.memory_id
    )
    assert [link.memory_id for link in await links(school, first.memory_id)] == [against.memory_id, alike.memory_id]


async def test_shared_lessons_of_several_agents_are_linked_and_private_ones_are_not(school: School) -> None:
    ann = await school.rooms.remember(LONG, agent_id="ann", kind="lesson", visibility="shared")
    bob = await school.rooms.remember(LONG, agent_id="bob", kind="lesson", visibility="shared")
    await school.rooms.remember(LONG, agent_id="ann", kind="lesson")
    await school.rooms.remember(LONG, agent_id="cid", visibility="shared")
    await compare_all(school)
    assert [link.memory_id for link in await links(school, ann)] == [bob]


async def test_a_private_lesson_that_contradicts_a_shared_one_is_shown_to_its_agent_alone(school: School) -> None:
    shared = await school.taught(agent_id="bob")
    private = await school.taught({"content": "no", "contradicts": [shared.memory_id]}, visibility="private")
    learnings = school.ports["learnings"]
    assert [link.memory_id for link in await links(school, shared.memory_id)] == [private.memory_id]
    assert await links(school, shared.memory_id, "bob") == []
    assert await learnings.contradictions("default", "bob", [shared.memory_id]) == []
    assert await learnings.contradictions("default", "ann", [shared.memory_id]) == [
        (private.memory_id, shared.memory_id)
    ]


async def test_a_private_lesson_that_a_shared_one_contradicts_is_shown_to_its_agent_alone(school: School) -> None:
    private = await school.taught(visibility="private")
    shared = await school.taught({"content": "no", "contradicts": [private.memory_id]})
    both, learnings = [private.memory_id, shared.memory_id], school.ports["learnings"]
    assert await learnings.contradictions("default", "ann", both) == [(shared.memory_id, private.memory_id)]
    assert await learnings.contradictions("default", "bob", both) == []
    assert await learnings.contradictions("other", "ann", both) == []


async def test_a_lesson_that_says_something_else_by_now_contradicts_nothing(school: School) -> None:
    first = await school.taught()
    second = await school.taught({"content": "no", "contradicts": [first.memory_id]})
    await school.rooms.memories.update(change(second.memory_id, agent_id="ann", content="yes"))
    assert await links(school, first.memory_id) == []


@pytest.fixture
async def former(empty_database: str) -> AsyncIterator[Pool]:
    """A ledger with memories, usefulness and a link from before there was learning, migrated since."""
    migrations = find_migrations()
    await migrate(empty_database, [one for one in migrations if one.name < "0007"])
    one, other = draft(f"{LONG} one", visibility="shared"), draft(f"{LONG} other", visibility="shared")
    async with open_pool(empty_database) as pool:
        for each in (one, other):
            await pool.execute(
                "insert into agent_memories (tenant, memory_id, agent_id, visibility, kind, content, content_hash,"
                " duplicate_key, usefulness) values ('default', $1, 'ada', 'shared', 'lesson', $2, $3, $4, 0.5)",
                *(each.memory_id, each.content, each.content_hash, duplicate_key("default", each)),
            )
            assert each.embedding is not None
            vector = each.embedding.vector
            await pool.execute(
                "insert into memory_embeddings values ('default', $1, 1, $2, $3, $4, $5, true)",
                *(each.memory_id, MODEL, len(vector), pack(vector), each.content_hash),
            )
        await pool.execute(
            "insert into memory_links values ('default', $1, $2, 0.97)", other.memory_id, one.memory_id
        )
    await migrate(empty_database)
    async with open_pool(empty_database) as pool:
        yield pool


async def test_links_and_usefulness_of_before_are_kept_and_learned_from(former: Pool) -> None:
    school = School(await rooms_on(former))
    rows = await former.fetch("select memory_id from agent_memories order by content")
    one, other = [row["memory_id"] for row in rows]

    assert await links(school, one) == [Link(memory_id=other, similarity=0.97)]
    assert (await school.memory(one)).usefulness == 0.5
    assert await school.judged(one, helped=False) == pytest.approx(-1 / 3, abs=1e-4)
    await school.taught({"content": LESSON, "contradicts": [other]})
    assert {link.relation for link in await links(school, other)} == {"contradicts", "similar"}
