"""The limits of the commands: what they refuse, and that they take everything up to there."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from memos.events.memories import (
    IngestBatch,
    MemoryChanges,
    QueryMemory,
    StoreMemories,
    StoreMemory,
    UpdateMemory,
)
from memos.events.problems import faults_of

ID = UUID("0191d1a0-0000-7000-8000-000000000000")


def deep(levels: int) -> dict[str, Any]:
    return {"a": deep(levels - 1)} if levels > 1 else {"a": 1}


TAKEN: list[dict[str, Any]] = [
    {"content": "x" * 999_999},
    {"content": "é" * 499_999},
    {"content": "\U0001f600" * 249_999},
    {"content": " a "},
    {"content": "\U0001f600\n\t\x01"},
    {"agent_id": "é" * 255},
    {"session_id": "s" * 255},
    {"metadata": {"a": "x" * (65_536 - 8)}},
    {"metadata": deep(16)},
    {"metadata": {"a": [2**64 - 1, -(2**63)]}},
    {"metadata": {"": [None, True, 1.5, {"ключ": "x"}]}},
    {"tags": ["t" * 128] * 64},
    {"importance": 0},
    {"importance": 1},
    {"sequence": 2**31 - 1},
    {"occurred_at": "0002-01-01T00:00:00+14:00"},
    {"expires_at": "9998-12-31T23:59:59Z"},
    {"kind": "k" * 64},
    {"embedding": [1e308], "embedding_model": "m"},
    {"source": {"uri": "u" * 2048, "symbol": "s" * 1024, "line": 2**31 - 1}},
]

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("content", {"content": ""}),
    ("content", {"content": " \n\t\u2003"}),
    ("content", {"content": "a\x00b"}),
    ("content", {"content": "\ud800"}),
    ("content", {"content": "x" * 1_000_000}),
    ("content", {"content": "é" * 500_000}),
    ("content", {"content": "\U0001f600" * 250_000}),
    ("content", {"content": 1}),
    ("content", {"content": None}),
    ("agent_id", {"agent_id": ""}),
    ("agent_id", {"agent_id": "a" * 256}),
    ("agent_id", {"agent_id": "a\nb"}),
    ("agent_id", {"agent_id": "a\n"}),
    ("agent_id", {"agent_id": "a\x7f"}),
    ("agent_id", {"agent_id": None}),
    ("session_id", {"session_id": ""}),
    ("metadata", {"metadata": {"a": "x" * (65_536 - 7)}}),
    ("metadata", {"metadata": deep(17)}),
    ("metadata", {"metadata": {"a": "\x00"}}),
    ("metadata", {"metadata": {"\x00": 1}}),
    ("metadata", {"metadata": {"a": [{"b": "\x00"}]}}),
    ("metadata", {"metadata": {"a": float("nan")}}),
    ("metadata", {"metadata": {"a": [float("-inf")]}}),
    ("metadata", {"metadata": {"a": 2**64}}),
    ("metadata", {"metadata": {"a": [-(2**63) - 1]}}),
    ("metadata", {"metadata": [1]}),
    ("tags", {"tags": ["t"] * 65}),
    ("tags.0", {"tags": [""]}),
    ("tags.1", {"tags": ["a", "t" * 129]}),
    ("tags.0", {"tags": ["\x00"]}),
    ("importance", {"importance": -0.01}),
    ("importance", {"importance": 1.01}),
    ("importance", {"importance": float("nan")}),
    ("sequence", {"sequence": -1}),
    ("sequence", {"sequence": 2**31}),
    ("occurred_at", {"occurred_at": "2026-01-01T00:00:00"}),
    ("occurred_at", {"occurred_at": "0001-12-31T00:00:00Z"}),
    ("expires_at", {"expires_at": "9999-01-01T00:00:00Z"}),
    ("kind", {"kind": "Episodic"}),
    ("kind", {"kind": "k" * 65}),
    ("visibility", {"visibility": "public"}),
    ("embedding", {"embedding": [], "embedding_model": "m"}),
    ("embedding.1", {"embedding": [1, float("nan")], "embedding_model": "m"}),
    ("embedding", {"embedding": [1.0] * 65_537, "embedding_model": "m"}),
    ("body", {"embedding": [1.0]}),
    ("body", {"embedding_model": "m"}),
    ("id", {"id": "x"}),
    ("source.uri", {"source": {"uri": "\ud800"}}),
    ("tenant", {"tenant": "other"}),
    ("unknown", {"unknown": 1}),
]


@pytest.mark.parametrize("fields", TAKEN, ids=str)
def test_a_memory_within_the_limits_is_taken(fields: dict[str, Any]) -> None:
    StoreMemory.model_validate({"content": "a", **fields})


@pytest.mark.parametrize(("where", "fields"), REFUSED, ids=[where for where, _ in REFUSED])
def test_a_memory_beyond_the_limits_is_refused_where_it_exceeds_them(where: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        StoreMemory.model_validate({"content": "a", **fields})

    assert where in [fault.field for fault in faults_of(refusal.value)]


def test_a_memory_is_taken_from_json_as_from_python() -> None:
    one = StoreMemory(content="a", occurred_at="2026-01-01T00:00:00Z", metadata={"n": 1.5}, id=ID)

    assert StoreMemory.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"content": None},
        {"metadata": None},
        {"tags": None},
        {"visibility": None},
        {"content": " "},
        {"kind": "note"},
    ],
    ids=str,
)
def test_changes_that_change_nothing_or_clear_what_must_be_there_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MemoryChanges.model_validate(changes)


@pytest.mark.parametrize(
    "changes", [{"importance": None}, {"expires_at": None}, {"tags": []}, {"metadata": {}}], ids=str
)
def test_changes_may_clear_the_rest(changes: dict[str, Any]) -> None:
    assert MemoryChanges.model_validate(changes).model_dump(exclude_unset=True) == changes


def test_a_version_that_is_expected_is_a_version() -> None:
    with pytest.raises(ValidationError):
        UpdateMemory(memory_id=ID, changes=MemoryChanges(tags=[]), expected_version=0)


@pytest.mark.parametrize(
    "fields",
    [
        {"query": ""},
        {"query": "x" * 16_001},
        {"top_k": 0},
        {"top_k": 1001},
        {"max_tokens": 0},
        {"filter": {"occurred_after": "2026-01-01"}},
        {"filter": {"metadata": {"a": {"b": 1.5}}}},
        {"filter": {"metadata": {"a": None}}},
    ],
    ids=str,
)
def test_a_query_beyond_the_limits_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QueryMemory.model_validate({"query": "a", **fields})


def test_a_query_of_the_greatest_length_is_taken() -> None:
    assert QueryMemory(query="x" * 16_000, top_k=1000, max_tokens=1_000_000).filter is None


@pytest.mark.parametrize(("number", "taken"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_batch_has_from_one_to_a_hundred_memories(number: int, taken: bool) -> None:
    batch = {"memories": [{"content": "a"}] * number}

    if taken:
        assert len(StoreMemories.model_validate(batch).memories) == number
    else:
        with pytest.raises(ValidationError):
            StoreMemories.model_validate(batch)


@pytest.mark.parametrize(("number", "taken"), [(0, False), (1, True), (256, True), (257, False)])
def test_an_ingest_has_from_one_to_256_passages(number: int, taken: bool) -> None:
    batch = {"items": [{"content": "a", "source": {"uri": "u"}}] * number}

    if taken:
        assert len(IngestBatch.model_validate(batch).items) == number
    else:
        with pytest.raises(ValidationError):
            IngestBatch.model_validate(batch)


def test_a_fault_in_a_batch_is_named_with_its_place() -> None:
    with pytest.raises(ValidationError) as refusal:
        StoreMemories.model_validate({"memories": [{"content": "a"}, {"content": ""}]})

    assert [fault.field for fault in faults_of(refusal.value)] == ["memories.1.content"]
