"""What every engine behind the port `Vectors` lets pass a filter."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from vector_engines import INDEXES, Engine, X, equals, id_of, key_of, point

from memos.errors import InvalidCommand
from memos.ports import Vectors
from memos.records import Collection

pytest_plugins = ["vector_engines_fixtures"]

PAYLOADS: Mapping[str, dict[str, Any]] = {
    "one": {
        "tags": ["red", "green"],
        "kind": "episodic",
        "importance": 0.5,
        "sequence": 1,
        "pinned": True,
        "created_at": "2026-01-01T00:00:00Z",
        "session_id": "0191d1a0-0000-7000-8000-000000000001",
    },
    "two": {
        "tags": ["green", "blue"],
        "kind": "semantic",
        "importance": 2.0,
        "sequence": 2,
        "pinned": False,
        "created_at": "2026-02-01T12:00:00.500+02:00",
    },
    "three": {
        "tags": [],
        "kind": "Größe 日本 🚀",
        "importance": -1.0,
        "sequence": 2**40,
        "created_at": "2026-03-01T00:00:00+00:00",
        "metadata": {
            "topic": "alpha beta",
            "deep": {"er": 5},
            "my topic": "spaced",
            "ключ": "значение",
            "parts": [{"name": "x", "n": 1}, {"name": "y", "n": 2}],
        },
    },
    "four": {"kind": None, "metadata": {"topic": "gamma", "parts": [{"name": "x", "n": 2}], "list": [1, 2, 3]}},
}
ALL = frozenset(PAYLOADS)
NESTED = {"key": "metadata.parts", "filter": {"must": [equals("name", "x"), equals("n", 2)]}}
FILTERS: Mapping[str, tuple[Mapping[str, Any], set[str]]] = {
    "everything": ({}, {*ALL}),
    "empty lists": ({"must": [], "should": [], "must_not": []}, {*ALL}),
    "nothing given": ({"must": None, "should": None}, {*ALL}),
    "one condition instead of a list": ({"must": equals("kind", "semantic")}, {"two"}),
    "keyword": ({"must": [equals("kind", "episodic")]}, {"one"}),
    "keyword in several scripts": ({"must": [equals("kind", "Größe 日本 🚀")]}, {"three"}),
    "no such value": ({"must": [equals("kind", "unheard of")]}, set()),
    "no such field": ({"must": [equals("unheard_of", "x")]}, set()),
    "keyword in a list": ({"must": [equals("tags", "green")]}, {"one", "two"}),
    "any of": ({"must": [{"key": "tags", "match": {"any": ["red", "blue"]}}]}, {"one", "two"}),
    "any of nothing": ({"must": [{"key": "tags", "match": {"any": []}}]}, set()),
    "any of integers": ({"must": [{"key": "sequence", "match": {"any": [1, 2]}}]}, {"one", "two"}),
    "other than": ({"must": [{"key": "kind", "match": {"except": ["episodic"]}}]}, {"two", "three"}),
    "all of": ({"must": [equals("tags", "green"), equals("tags", "red")]}, {"one"}),
    "integer": ({"must": [equals("sequence", 2)]}, {"two"}),
    "large integer": ({"must": [equals("sequence", 2**40)]}, {"three"}),
    "boolean": ({"must": [equals("pinned", False)]}, {"two"}),
    "uuid": ({"must": [equals("session_id", "0191d1a0-0000-7000-8000-000000000001")]}, {"one"}),
    "integer range": ({"must": [{"key": "sequence", "range": {"gt": 1, "lte": 2}}]}, {"two"}),
    "float range": ({"must": [{"key": "importance", "range": {"gte": 0.5}}]}, {"one", "two"}),
    "datetime range": (
        {"must": [{"key": "created_at", "range": {"gte": "2026-02-01T00:00:00Z"}}]},
        {"two", "three"},
    ),
    "datetime with an offset": (
        {
            "must": [
                {"key": "created_at", "range": {"gt": "2026-02-01T10:00:00Z", "lt": "2026-02-01T11:00:01+01:00"}}
            ]
        },
        {"two"},
    ),
    "datetime without an offset": (
        {"must": [{"key": "created_at", "range": {"lte": "2026-01-01T00:00:00"}}]},
        {"one"},
    ),
    "nested key": ({"must": [equals("metadata.topic", "gamma")]}, {"four"}),
    "deeper key": ({"must": [{"key": "metadata.deep.er", "range": {"gte": 5}}]}, {"three"}),
    "quoted key": ({"must": [equals('metadata."my topic"', "spaced")]}, {"three"}),
    "key in another script": ({"must": [equals("metadata.ключ", "значение")]}, {"three"}),
    "key into a list": ({"must": [equals("metadata.parts[].n", 2)]}, {"three", "four"}),
    "text": ({"must": [{"key": "metadata.topic", "match": {"text": "alpha"}}]}, {"three"}),
    "nested objects": ({"must": [{"nested": NESTED}]}, {"four"}),
    "count of values": ({"must": [{"key": "metadata.list", "values_count": {"gte": 3}}]}, {"four"}),
    "empty": ({"must": [{"is_empty": {"key": "tags"}}]}, {"three", "four"}),
    "not empty": ({"must_not": [{"is_empty": {"key": "tags"}}]}, {"one", "two"}),
    "null": ({"must": [{"is_null": {"key": "kind"}}]}, {"four"}),
    "field is empty": ({"must": [{"key": "tags", "is_empty": True}]}, {"three", "four"}),
    "field is not empty": ({"must": [{"key": "tags", "is_empty": False}]}, {"one", "two"}),
    "must not": ({"must_not": [equals("tags", "green")]}, {"three", "four"}),
    "ids": ({"must": [{"has_id": [str(key_of("one").point_id), str(key_of("four").point_id)]}]}, {"one", "four"}),
    "should": ({"should": [equals("tags", "red"), equals("metadata.topic", "gamma")]}, {"one", "four"}),
    "at least two": (
        {
            "min_should": {
                "conditions": [equals("tags", "green"), equals("kind", "semantic"), equals("sequence", 1)],
                "min_count": 2,
            }
        },
        {"one", "two"},
    ),
    "clauses within clauses": (
        {"must": [{"should": [equals("tags", "red"), {"must": [equals("kind", "semantic")]}]}]},
        {"one", "two"},
    ),
}


@pytest.fixture(scope="session")
async def filled(engine: Engine) -> AsyncIterator[Vectors]:
    async with engine.open(Collection(f"t{uuid4().hex}", "model-a", 4, INDEXES)) as opened:
        await opened.upsert([point(name, X, **payload) for name, payload in PAYLOADS.items()])
        yield opened


@pytest.mark.parametrize("case", FILTERS)
async def test_a_filter_lets_pass_what_matches_it(filled: Vectors, case: str) -> None:
    matching, expected = FILTERS[case]
    hits = await filled.search(X, matching=matching, limit=10)
    assert {hit.memory_id for hit in hits} == {id_of(name) for name in expected}
    assert await filled.count(matching) == len(expected)


@pytest.mark.parametrize(
    ("matching", "part"),
    [
        ({"mast": []}, "filter.mast"),
        ({"must": [{"unheard_of": 1}]}, "filter.must[0].unheard_of"),
        ({"must": [{"key": "kind"}]}, "filter.must[0]"),
        ({"must": [{"key": "kind", "match": {"like": "x"}}]}, "filter.must[0].match"),
        ({"must": [equals("kind", "x"), {"key": "kind", "match": {"value": 1.5}}]}, "filter.must[1].match.value"),
        ({"should": [{"key": "a..b", "match": {"value": 1}}]}, "filter.should[0].key"),
        ({"must_not": [{"key": "n", "range": {"gte": "soon"}}]}, "filter.must_not[0].range.gte"),
        ({"must": [{"has_id": ["one"]}]}, "filter.must[0].has_id[0]"),
    ],
)
async def test_a_filter_that_is_not_valid_is_refused_naming_the_part(
    filled: Vectors, matching: dict[str, Any], part: str
) -> None:
    for call in (filled.search(X, matching=matching, limit=5), filled.count(matching)):
        with pytest.raises(InvalidCommand) as refusal:
            await call
        assert part in [fault.field for fault in refusal.value.faults]
        assert part in refusal.value.detail
