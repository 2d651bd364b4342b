"""A filter means the same to every vector engine and to deletions, whatever it says and whatever it is asked of."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import Engines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos.events.filters import MemoryFilter
from memos.handlers.memories.filters import conditions_of
from memos.ports import Filter, Vectors
from memos.projection.points import MEMORY_INDEXES, match
from memos.records import Collection, Point, VersionKey
from memos.records.payloads import marks_of, payload_of
from memos.stores.edge import open_edge
from memos.stores.filters import parse_filter
from memos.stores.matching import matches
from memos.stores.qdrant import open_qdrant
from memos.testing import open_twin

MOMENTS = [datetime(2026, 5, day, hour, tzinfo=UTC) for day in (1, 2, 3) for hour in (0, 12)]
EAST = timezone(timedelta(hours=2))
WORDS = ["", "a", "b", "ü 🚀"]
TIMES = [
    *(moment.isoformat() for moment in MOMENTS),
    *(moment.astimezone(EAST).isoformat(" ") for moment in MOMENTS),
    *("2026-05-01T12:00:00.000001Z", "2026-05-01t12:00:00z", "2026-05-01 12:00:00 UTC", "2026-05-01T14:00:00+0200"),
    *("2026-05-02", "2026-5-2", "2026-05-02T12:00", "2026-05-02 12:00:00.5", "2026-05-02T12:00:00-02"),
    *("20260502", "2026-05-02T12:00Z", "2026-05-02T24:00:00Z", "2026-02-30", "2026-05", "2026", "1777636800"),
]
INTEGERS = [0, 1, 2, -1, 2**53 + 1, 2**62, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, 1.5, 2.0, -1.0, 1e300, -1e-300]

SCALARS = [True, False, *INTEGERS, *FLOATS, *WORDS, *TIMES]
LISTS = [[], [None], [1, "a"], [True, 2.0], ["b", *TIMES[:2]], [["a"], [1]]]
VALUES = [None, *SCALARS, 2**64 - 1, *LISTS, {"a": 1}]

values = st.sampled_from([None, True, 1, 1.0, 1.5, "a", TIMES[1], TIMES[-1], *LISTS])
moments = st.none() | st.sampled_from(MOMENTS)
payloads = st.builds(
    payload_of,
    agent_id=st.sampled_from(["ada", "bob"]),
    visibility=st.sampled_from(["private", "shared"]),
    kind=st.sampled_from(["note", "task"]),
    session_id=st.none() | st.sampled_from(["s", "t"]),
    source=st.none() | st.sampled_from(["a.py", "b.py"]),
    tags=st.lists(st.sampled_from(WORDS[1:]), max_size=3, unique=True),
    metadata=st.dictionaries(st.sampled_from(["a", "b-1"]), values),
    importance=st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    sequence=st.none() | st.sampled_from([0, 1, 2, 2**31 - 1]),
    occurred_at=moments,
    created_at=moments,
    superseded=st.booleans(),
)


def one_or_several(*names: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(names) | st.lists(st.sampled_from(names), min_size=1, max_size=2)


def ranges(limits: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One limit, or two that leave something between them."""
    low, high = st.sampled_from(["gt", "gte"]), st.sampled_from(["lt", "lte"])
    alone = st.builds(lambda name, limit: {name: limit}, low | high, st.sampled_from(limits))
    pairs = [(limits[i], limits[j]) for j in range(len(limits)) for i in range(j)]
    both = st.builds(lambda low, high, pair: {low: pair[0], high: pair[1]}, low, high, st.sampled_from(pairs))
    return alone | both


written = st.sampled_from([True, 1, 1.5, "a", "b"])
conditions = st.one_of(
    written,
    st.lists(written, min_size=1, max_size=3),
    ranges([-1.0, 0.0, 1, 1.5]),
    ranges([moment.isoformat() for moment in MOMENTS]),
)
moment = st.sampled_from([moment.isoformat() for moment in MOMENTS])
fields: dict[str, st.SearchStrategy[Any]] = {
    "agent_id": one_or_several("ada", "bob"),
    "visibility": st.sampled_from(["private", "shared"]),
    "kind": one_or_several("note", "task"),
    "session_id": one_or_several("s", "t"),
    "source": one_or_several("a.py", "b.py"),
    "tags": st.lists(st.sampled_from(WORDS[1:]), min_size=1, max_size=2),
    "tags_any": st.lists(st.sampled_from(WORDS[1:]), min_size=1, max_size=2),
    "importance": ranges([0, 0.25, 0.5, 1]),
    "sequence": ranges([-1, 0, 1, 2, 2**31]),
    "metadata": st.dictionaries(st.sampled_from(["a", "b-1"]), conditions, min_size=1),
    **dict.fromkeys(["occurred_after", "created_before"], moment),
}
leaves = st.sampled_from(sorted(fields)).flatmap(lambda name: st.fixed_dictionaries({name: fields[name]}))
wanted = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=5,
).map(MemoryFilter.model_validate)

Payloads = Mapping[UUID, Mapping[str, Any]]
OpenEngine = Callable[[Collection], AbstractAsyncContextManager[Vectors]]


@pytest.fixture(params=["twin", "imitation", "edge"])
async def vectors(request: pytest.FixtureRequest, engines: Engines) -> AsyncIterator[Vectors]:
    collection = Collection(f"t{uuid4().hex}", "model-a", 2, MEMORY_INDEXES)
    opens: dict[str, OpenEngine] = {
        "twin": lambda collection: open_twin(collection, kept={}),
        "imitation": lambda collection: open_qdrant(":memory:", None, collection),
        "edge": lambda collection: open_edge(engines.edge_socket, collection),
    }
    async with opens[request.param](collection) as opened:
        yield opened


async def test_every_value_of_metadata_meets_the_same_conditions(vectors: Vectors) -> None:
    many = {f"n{number}": number for number in range(100)}
    kept: dict[UUID, dict[str, Any]] = {}
    for value in VALUES:
        marks = {"marks": marks_of({"a": value})}
        unmarked = {"metadata": {"a": value, **many}}
        kept |= {uuid4(): {"metadata": {"a": value}, **marks}, uuid4(): unmarked}
    await write(vectors, "default", kept)

    asked: list[Any] = [*SCALARS, *([one, two] for one, two in pairwise(SCALARS))]
    for limit in [-1e300, -1.0, 0, 1, 1.5, 2.0, 1e300, *(moment.isoformat() for moment in MOMENTS)]:
        asked += ({name: limit} for name in ("gt", "gte", "lt", "lte"))
    for condition in asked:
        found = await compare(vectors, "default", kept, MemoryFilter(metadata={"a": condition}))
        marked = [repr(kept[key]["metadata"]["a"]) for key in found if "marks" in kept[key]]
        assert sorted(marked) == sorted(
            repr(kept[key]["metadata"]["a"]) for key in found if "marks" not in kept[key]
        )


@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payloads=st.lists(payloads, min_size=12, max_size=12), asked=st.lists(wanted, min_size=4, max_size=4))
async def test_a_filter_lets_pass_in_a_deletion_what_it_lets_pass_in_a_query(
    vectors: Vectors, payloads: list[dict[str, Any]], asked: list[MemoryFilter]
) -> None:
    tenant, kept = uuid4().hex, {uuid4(): payload for payload in payloads}
    await write(vectors, tenant, kept)

    for one in asked:
        await compare(vectors, tenant, kept, one)


async def write(vectors: Vectors, tenant: str, kept: Payloads) -> None:
    await vectors.upsert([Point(VersionKey(tenant, key, 1), [1.0, 0.0], payload) for key, payload in kept.items()])


async def compare(vectors: Vectors, tenant: str, kept: Payloads, asked: MemoryFilter) -> set[UUID]:
    matching: Filter = {"must": [match("tenant", tenant), *conditions_of(asked)]}
    clause = parse_filter(matching)
    hits = await vectors.search([1.0, 0.0], matching=matching, limit=200)
    expected = {key for key, payload in kept.items() if matches(clause, {**payload, "tenant": tenant})}
    assert {hit.memory_id for hit in hits} == expected, asked.model_dump_json(exclude_unset=True)
    return expected
