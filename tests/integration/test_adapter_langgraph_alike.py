"""Whatever is done in whatever order, and in whatever batches, memOS holds what LangGraph's own store holds."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from graph_stores import TidyStore, memos_store, told
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchOp,
)

from memos.client import Client

pytest_plugins = ["bus_fixtures"]

EXAMPLES = os.environ.get("MEMOS_TEST_EXAMPLES")
"""How many sequences are tried, at random; when it is not set, always the same few."""

ORDINARY = 20
MOST = 1000

LABELS = st.sampled_from(["a", "b", "ü"])
NAMESPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
PREFIXES = st.lists(LABELS, max_size=2).map(tuple)
PATHS = st.lists(st.one_of(LABELS, st.just("*")), min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "l"])
NUMBERS = st.integers(-2, 2) | st.sampled_from([0.5, 1.0])
OTHERS = {"s": st.sampled_from(["x", "y"]), "d": st.just({"e": [1]})}
VALUES = st.fixed_dictionaries({"n": NUMBERS}, optional=OTHERS)
INDEXED = st.sampled_from([None, False, ["s"]])
OPERATORS = st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"])
FILTERS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"n": NUMBERS | st.dictionaries(OPERATORS, NUMBERS, min_size=1, max_size=2)}),
    st.sampled_from([{"s": "x"}, {"s": {"$ne": "y"}}, {"d": {"e": [1]}}, {"s": None}]),
)
CONDITIONS = st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), PATHS)
OPS: st.SearchStrategy[Op] = st.one_of(
    st.builds(PutOp, NAMESPACES, KEYS, VALUES, INDEXED, st.none()),
    st.builds(PutOp, NAMESPACES, KEYS, st.none(), st.none(), st.none()),
    st.builds(GetOp, NAMESPACES, KEYS),
    st.builds(SearchOp, PREFIXES, FILTERS, st.just(MOST), st.just(0), st.none()),
    st.builds(
        ListNamespacesOp,
        st.none() | st.lists(CONDITIONS, max_size=2).map(tuple),
        st.none() | st.integers(1, 3),
        st.integers(1, 4),
        st.integers(0, 2),
    ),
)
BATCHES = st.lists(st.lists(OPS, min_size=1, max_size=5), min_size=1, max_size=8)


async def test_batches_of_operations_answer_alike(clients: dict[str, Client]) -> None:
    running = asyncio.get_running_loop()

    @settings(
        max_examples=int(EXAMPLES or ORDINARY),
        deadline=None,
        derandomize=EXAMPLES is None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(batches=BATCHES)
    def alike(batches: Sequence[Sequence[Op]]) -> None:
        kept = asyncio.run_coroutine_threadsafe(opened(clients["bus"]), running).result()
        own = TidyStore()
        everything: list[Op] = [SearchOp((), limit=MOST), ListNamespacesOp()]
        for batch in [*batches, everything]:
            assert said(kept, batch) == said(own, batch)

    await asyncio.to_thread(alike)


async def opened(client: Client) -> BaseStore:
    return memos_store(client)


def said(store: BaseStore, batch: Sequence[Op]) -> list[Any]:
    """What a store answers, but for the times and the order of items, in which LangGraph's own stores differ."""
    return [comparable(result) for result in store.batch(batch)]


def comparable(result: Result) -> Any:
    if isinstance(result, Item):
        return told(result)
    if isinstance(result, list):
        return sorted(told(one) if isinstance(one, Item) else one for one in result)
    return result
