"""Vectors for what is stored: the caller's own, those known before, and those that are made."""

from collections.abc import Sequence

import pytest
from builders import Rooms, count, origin, statuses, vector_of

from memos.errors import EmbeddingRefused, InvalidCommand, Unavailable
from memos.events.memories import (
    StoreMemory,
)
from memos.handlers.memories.store import store_memory
from memos.ports import Vectors
from memos.records import RecordKey, Vector

pytest_plugins = ["rooms"]


class Picky:
    """Embeds as the embedder that it stands before, but refuses texts with a word, or all of them for now."""

    model, dimension = "words", 64

    def __init__(self, *, refuses: str = "", away: bool = False) -> None:
        self._refuses, self._away = refuses, away

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self._away:
            raise Unavailable("The embedder is away.")
        if self._refuses and any(self._refuses in text for text in texts):
            raise EmbeddingRefused("One of the texts cannot be embedded.")
        return [vector_of(text) for text in texts]


async def test_a_text_is_embedded_once_for_each_tenant(rooms: Rooms) -> None:
    texts = [StoreMemory(content="a b c", session_id=str(number)) for number in range(3)]
    await rooms.store(*texts)
    await rooms.store(StoreMemory(content="a b c", agent_id="other"), StoreMemory(content="new"))
    assert rooms.embedder.asked == ["a b c", "new"]

    await rooms.store(StoreMemory(content="a b c"), origins=[origin(tenant="other")])

    assert rooms.embedder.asked == ["a b c", "new", "a b c"]


async def test_a_repeated_command_is_not_embedded_and_needs_no_embedder(rooms: Rooms) -> None:
    sender, command = origin(), StoreMemory(content="a b c")
    [first] = await rooms.store(command, origins=[sender])

    ports = {**rooms.storing, "embedder": Picky(away=True)}
    [again] = await store_memory([command], origins=[sender], **ports)

    assert again == first


async def test_a_vector_of_the_caller_is_kept_as_it_is_and_not_reused(rooms: Rooms) -> None:
    vector = [3.0, 4.0] + [0.0] * 62
    await rooms.store(StoreMemory(content="a b c", embedding=vector, embedding_model="words"))
    assert rooms.embedder.asked == []
    memory_id = await rooms.pool.fetchval("select memory_id from agent_memories")
    [kept] = await rooms.projections.embedded([RecordKey("default", memory_id)])
    assert kept.vector is not None
    assert list(kept.vector) == vector

    await rooms.store(StoreMemory(content="a b c", session_id="s"))

    assert rooms.embedder.asked == ["a b c"]


@pytest.mark.parametrize(
    ("vector", "model", "field"),
    [
        ([1.0] * 64, "another", "embedding_model"),
        ([1.0] * 63, "words", "embedding"),
        ([0.0] * 64, "words", "embedding"),
        ([1e308] * 64, "words", "embedding"),
    ],
)
async def test_a_vector_that_is_none_of_the_collection_is_refused_alone(
    rooms: Rooms, vector: list[float], model: str, field: str
) -> None:
    bad = StoreMemory(content="bad", embedding=vector, embedding_model=model)

    first, refused, last = await rooms.store(StoreMemory(content="a"), bad, StoreMemory(content="b"))

    assert statuses([first, last]) == ["stored", "stored"]
    assert isinstance(refused, InvalidCommand)
    assert [fault.field for fault in refused.faults] == [field]


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e30, 1e200])
async def test_a_vector_of_any_length_keeps_its_direction(rooms: Rooms, edge: Vectors, size: float) -> None:
    vector = [3 * size, 4 * size] + [0.0] * 62
    command = StoreMemory(content="a b c", embedding=vector, embedding_model="words")

    outcomes = await store_memory([command], origins=[origin()], **{**rooms.storing, "vectors": edge})

    assert statuses(outcomes) == ["stored"]
    [hit] = await edge.search([0.6, 0.8] + [0.0] * 62, matching={}, limit=1)
    assert hit.score == pytest.approx(1)


async def test_a_text_that_the_embedder_refuses_is_refused_alone(rooms: Rooms) -> None:
    commands = [StoreMemory(content=content) for content in ("a", "b", "bad", "c", "d")]

    outcomes = await store_memory(
        commands, origins=[origin() for _ in commands], **{**rooms.storing, "embedder": Picky(refuses="bad")}
    )

    assert statuses(outcomes) == ["stored", "stored", "embedding-refused", "stored", "stored"]


async def test_while_the_embedder_is_away_nothing_is_written(rooms: Rooms) -> None:
    with pytest.raises(Unavailable):
        await store_memory(
            [StoreMemory(content="a")], origins=[origin()], **{**rooms.storing, "embedder": Picky(away=True)}
        )

    assert await count(rooms.pool, "commands") == 0
