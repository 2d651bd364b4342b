"""What readers of a catalog are given: what has changed since they looked, and never less than that."""

import pytest
from builders import origin
from tool_drafts import outcome, record, register, tool

from memos.records import CatalogChanges, TextKey, TextVector, content_hash
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

pytest_plugins = ["tool_fixtures"]


async def test_a_reader_is_given_what_has_changed_since_its_revision(tools: PostgresTools) -> None:
    await register(tools, tool("a"), tool("b"))
    first = await tools.changes("default", 0)
    await register(tools, tool("b", name="B"), tool("a"))
    second = await tools.changes("default", first.revision)
    await record(tools, outcome("a", "a task"))
    third = await tools.changes("default", second.revision)

    assert sorted(one.tool_id for one in first.tools) == ["a", "b"]
    assert [(one.tool_id, one.tool and one.tool.name) for one in second.tools] == [("b", "B")]
    assert (third.tools, [one.tool_id for one in third.evidence]) == ([], ["a"])
    assert [(one.tool_id, one.successes) for one in third.reports] == [("a", 1)]


@pytest.mark.parametrize("after", [1, 2, 10])
async def test_when_there_is_nothing_new_the_revision_alone_is_given(tools: PostgresTools, after: int) -> None:
    await register(tools, tool())

    assert await tools.changes("default", after) == CatalogChanges(1)
    assert await tools.changes("another", 0) == CatalogChanges(0)


async def test_a_deregistered_tool_is_told_to_those_that_may_know_of_it(tools: PostgresTools) -> None:
    await register(tools, tool("a"), tool("b"))
    await record(tools, outcome("a", "a task"))
    await tools.deregister(origin(), b"", "a")

    assert [(one.tool_id, one.tool) for one in (await tools.changes("default", 1)).tools] == [("a", None)]
    anew = await tools.changes("default", 0)
    assert [one.tool_id for one in anew.tools] == ["b"]
    assert (anew.evidence, anew.reports) == ([], [])


async def test_a_tool_that_was_registered_anew_is_told_from_its_former_self(tools: PostgresTools) -> None:
    await register(tools, tool())
    await record(tools, outcome(task="before"))
    before = await tools.changes("default", 0)
    await tools.deregister(origin(), b"", "web.search")
    await register(tools, tool())
    await record(tools, outcome(task="after"))

    after = await tools.changes("default", before.revision)

    [former], [present] = before.tools, after.tools
    assert former.tool
    assert present.tool
    assert present.tool.created_at > former.tool.created_at
    assert [one.task_hash for one in after.evidence] == [content_hash("after")]


async def test_of_much_evidence_the_newest_is_given(tools: PostgresTools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memos.stores.catalogs.MOST_EVIDENCE", 2)
    await register(tools, tool())
    for task in ("oldest", "older", "newer"):
        await record(tools, outcome(task=task))
    await record(tools, outcome(task="oldest"))

    given = (await tools.changes("default", 0)).evidence

    assert {one.task_hash for one in given} == {content_hash("oldest"), content_hash("newer")}


async def test_texts_are_given_with_the_vectors_of_the_model_that_is_asked_for(tools: PostgresTools) -> None:
    await register(tools, tool(examples=["look up"]))
    key, absent = content_hash("look up"), content_hash("absent")

    assert (await tools.texts("words", "default", [key, absent])).keys() == {key}
    assert len((await tools.texts("words", "default", [key]))[key].vector) == 64
    unread = (await tools.texts("another", "default", [key]))[key]
    assert (unread.text, len(unread.vector)) == ("look up", 0)


async def test_texts_that_a_model_has_not_read_are_given_a_page_at_a_time(tools: PostgresTools) -> None:
    await register(tools, tool(examples=["a", "b", "c"]))
    await register(tools, tool(examples=["a"]), tenant="other")
    found: list[tuple[TextKey, str]] = []
    while page := await tools.unembedded("another", 2, found[-1][0] if found else None):
        found += page

    assert await tools.count_unembedded("another") == len(set(found)) == len(found) == 6
    assert await tools.count_unembedded("words") == 0

    await tools.keep_vectors("another", "other", [TextVector(text, [1.0]) for _, text in found])

    assert await tools.count_unembedded("another") == 4


async def test_no_vector_is_kept_of_a_text_that_was_deleted_meanwhile(pool: Pool, tools: PostgresTools) -> None:
    await register(tools, tool())

    await tools.keep_vectors("words", "default", [TextVector("deleted", [1.0])])

    assert await tools.texts("words", "default", [content_hash("deleted")]) == {}
    assert await pool.fetchval("select count(*) from tool_vectors") == 1
