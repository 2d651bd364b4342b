"""A rebuild with another embedding model has what tools are found by read by it before anyone searches with it."""

import logging
from collections.abc import Sequence

import pytest
from builders import MODEL, WordsEmbedder, origin
from rebuilding import Reversed, Site
from tool_drafts import outcome, record, register, tool

from memos.errors import EmbeddingRefused, Unavailable
from memos.projection.rebuild import Stage
from memos.projection.tool_texts import embed_missing
from memos.records import Generation, Vector, content_hash
from memos.stores.tools import PostgresTools

pytest_plugins = ["rooms", "rebuilding_fixtures"]


class Choosy(Reversed):
    """Refuses texts with the word `bad`, and all that is sent along with them."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if any("bad" in text for text in texts):
            raise EmbeddingRefused("The model does not read this.")
        return await super().embed(texts)


@pytest.fixture
def tools(site: Site) -> PostgresTools:
    return PostgresTools(site.rooms.pool)


async def test_every_text_of_every_tenant_has_a_vector_of_the_new_model_before_the_switch(
    site: Site, tools: PostgresTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.projection.tool_texts.MOST_READ", 2)
    await register(tools, tool(examples=["a", "b"]), tool("other", name="Other"))
    await register(tools, tool(examples=["a"]), tenant="bob")
    await record(tools, outcome(task="a task"))
    told: list[tuple[int, int]] = []
    left: list[int] = []
    unread = tools.count_unembedded

    async def counted(model: str) -> int:
        left.append(await unread(model))
        return left[-1]

    monkeypatch.setattr(PostgresTools, "count_unembedded", lambda _self, model: counted(model))

    def tell(stage: Stage, done: int, total: int) -> None:
        if stage == "reading":
            told.append((done, total))

    await site.rebuild(Reversed(), tell)

    assert told == [(0, 7), (2, 7), (4, 7), (6, 7), (7, 7)]
    assert left == [7, 0]
    hashed = content_hash("a task")
    before, after = [(await tools.texts(model, "default", [hashed]))[hashed] for model in (MODEL, "reversed")]
    assert list(before.vector)[::-1] == list(after.vector)


async def test_a_rebuild_with_the_same_model_reads_no_text_again(site: Site, tools: PostgresTools) -> None:
    await register(tools, tool())
    embedder = WordsEmbedder()

    await site.rebuild(embedder)

    assert embedder.asked == []


async def test_a_text_that_the_model_refuses_is_logged_and_holds_up_no_other(
    site: Site, tools: PostgresTools, caplog: pytest.LogCaptureFixture
) -> None:
    examples = ["good 1", "bad 1", "good 2", "bad 2", "good 3"]
    await register(tools, tool(examples=examples))

    with caplog.at_level(logging.WARNING, "memos.projection.tool_texts"):
        await site.rebuild(Choosy())

    assert [text for _, text in await tools.unembedded("reversed", 10)] == sorted(
        ["bad 1", "bad 2"], key=content_hash
    )
    logged = [record for record in caplog.records if record.name == "memos.projection.tool_texts"]
    assert {record.getMessage() for record in logged} == {
        "A text of the tools of tenant 'default' is left unread: The model does not read this."
    }


async def test_a_model_that_is_away_ends_the_rebuild_before_the_switch(site: Site, tools: PostgresTools) -> None:
    class Away(Reversed):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            raise Unavailable("The model is away.")

    await register(tools, tool())

    with pytest.raises(Unavailable, match="The model is away"):
        await site.rebuild(Away())

    current = await site.generations.current()
    assert current is not None
    assert current.model == MODEL


async def test_what_is_registered_while_workers_go_over_is_read_as_well(
    site: Site, tools: PostgresTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(tools, tool())
    switch = site.generations.switch

    async def switched(generation: Generation) -> None:
        await switch(generation)
        await register(tools, tool("late", name="Late"))

    monkeypatch.setattr(site.generations, "switch", switched)
    embedder = Reversed()

    await site.rebuild(embedder)

    assert embedder.asked == ["Web Search: finds pages", "Late: finds pages"]
    assert await tools.count_unembedded("reversed") == 0


async def test_no_vector_comes_back_of_a_tool_that_is_deregistered_while_it_is_read(
    site: Site, tools: PostgresTools
) -> None:
    class Slow(Reversed):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            await tools.deregister(origin(), b"", "web.search")
            return await super().embed(texts)

    await register(tools, tool())

    await embed_missing(tools, Slow(), lambda *_: None)

    assert await site.rooms.pool.fetchval("select count(*) from tool_vectors") == 0
