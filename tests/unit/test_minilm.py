import asyncio
import importlib
import sys
from collections.abc import AsyncIterator

import pytest

from memos.embeddings.batching import batches_by_length
from memos.embeddings.minilm import MiniLM
from memos.errors import ConfigurationError
from memos.records import Vector

LONG = " ".join(f"Sentence {number} speaks of harbours, ships and the tide." for number in range(60))
SAME = 1e-3
"""How far two vectors of one text may be apart in a component.

Measured: 3e-8 between alone and in a batch. A processor that adds in another order may round one value to the
next of 255 levels, some 1e-4; scales that depended on the batch would make it 1e-2.
"""

MIXED = ["a kitten", LONG, "The invoice was paid twice.", "", LONG[:400], "def add(a, b): return a + b"]


@pytest.fixture(scope="module")
async def minilm() -> AsyncIterator[MiniLM]:
    async with MiniLM(threads=2) as opened:
        yield opened


def cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def closest(minilm: MiniLM, query: str, candidates: list[str]) -> str:
    asked, *found = await minilm.embed([query, *candidates])
    return max(zip(candidates, found, strict=True), key=lambda pair: cosine(asked, pair[1]))[0]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("Which animal is asleep?", "A kitten naps on the windowsill."),
        ("the server ran out of disk space", "No storage was left on the machine."),
        ("How much money did we make?", "Quarterly revenue rose by twelve percent."),
        ("add two numbers in Python", "def add(a, b): return a + b"),
    ],
)
async def test_a_text_is_closest_to_what_means_the_same(minilm: MiniLM, query: str, answer: str) -> None:
    candidates = [
        "A kitten naps on the windowsill.",
        "No storage was left on the machine.",
        "Quarterly revenue rose by twelve percent.",
        "def add(a, b): return a + b",
    ]
    assert await closest(minilm, query, candidates) == answer


async def test_similarities_are_those_of_the_published_model(minilm: MiniLM) -> None:
    """The example of the Sentence Transformers quickstart, which prints the float32 model's figures."""
    weather, sunny, stadium = await minilm.embed(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert cosine(weather, sunny) == pytest.approx(0.6660, abs=0.01)
    assert cosine(weather, stadium) == pytest.approx(0.1046, abs=0.01)
    assert cosine(sunny, stadium) == pytest.approx(0.1411, abs=0.01)


async def test_vectors_have_the_stated_dimension_and_unit_length(minilm: MiniLM) -> None:
    vectors = await minilm.embed(MIXED)
    assert {len(vector) for vector in vectors} == {minilm.dimension}
    assert [cosine(vector, vector) for vector in vectors] == pytest.approx([1.0] * len(MIXED), abs=1e-5)


async def test_the_vector_of_a_text_does_not_depend_on_what_it_is_embedded_with(minilm: MiniLM) -> None:
    together = await minilm.embed(MIXED * 5)
    alone = [(await minilm.embed([text]))[0] for text in MIXED] * 5
    for one, other in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=SAME)


async def test_nothing_to_embed_gives_nothing(minilm: MiniLM) -> None:
    assert await minilm.embed([]) == []


async def test_only_the_first_256_tokens_are_read(minilm: MiniLM) -> None:
    shortened = "word " * 253
    read = shortened + "harbour"
    whole, longer, shorter = await minilm.embed([read, read + " storm", shortened])
    assert whole == pytest.approx(longer, abs=SAME)
    assert whole != pytest.approx(shorter, abs=SAME)


async def test_a_megabyte_is_read_like_its_beginning(minilm: MiniLM) -> None:
    beginning, megabyte = await minilm.embed([LONG, LONG + " more" * 200_000])
    assert beginning == pytest.approx(megabyte, abs=SAME)


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\x00", "a\x00b", "😀😀", "\ud800", "人工智能", "नमस्ते", "\u202e\u200b", "ᚠᛇᚻ", "x" * 100_000],
    ids=ascii,
)
async def test_any_text_has_a_finite_vector_of_unit_length(minilm: MiniLM, text: str) -> None:
    (vector,) = await minilm.embed([text])
    assert cosine(vector, vector) == pytest.approx(1.0, abs=1e-5)


async def test_callers_at_the_same_time_each_get_their_own_vectors(minilm: MiniLM) -> None:
    expected = await minilm.embed(MIXED)
    found = await asyncio.gather(*(minilm.embed([text]) for text in MIXED * 10))
    for (vector,), wanted in zip(found, expected * 10, strict=True):
        assert vector == pytest.approx(wanted, abs=SAME)


async def test_a_query_has_its_turn_before_a_large_call_is_done(minilm: MiniLM) -> None:
    large = asyncio.create_task(minilm.embed([LONG] * 40))
    query = asyncio.create_task(minilm.embed(["a short question"]))
    await asyncio.wait({large, query}, return_when=asyncio.FIRST_COMPLETED)
    assert query.done()
    assert not large.done()
    await large


async def test_after_closing_nothing_is_embedded() -> None:
    async with MiniLM(threads=1) as minilm:
        pass
    with pytest.raises(RuntimeError, match="shutdown"):
        await minilm.embed(["too late"])


@pytest.mark.parametrize("package", ["numpy", "onnxruntime", "tokenizers"])
def test_without_the_embedded_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.delitem(sys.modules, "memos.embeddings.minilm")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf'{package}.*pip install "memos-as\[embedded\]"'):
        importlib.import_module("memos.embeddings.minilm")


def test_batches_hold_every_position_once_and_texts_of_similar_length() -> None:
    lengths = [200, 5, 7, 300, 6, 100, 90]
    assert list(batches_by_length(lengths, 256)) == [[1, 4, 2], [6, 5], [0], [3]]


@pytest.mark.parametrize("limit", [1, 64, 256, 10_000])
def test_no_batch_of_several_texts_exceeds_the_limit_when_padded(limit: int) -> None:
    lengths = [(7 * position) % 256 + 2 for position in range(500)]
    batches = list(batches_by_length(lengths, limit))
    assert sorted(position for batch in batches for position in batch) == list(range(500))
    assert all(
        len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= limit for batch in batches
    )
