"""LangGraph's own store and memOS's answer alike: every test here is passed by both."""

from datetime import UTC, datetime
from typing import Any

import pytest
from graph_stores import TidyStore, memos_store, told
from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)

from memos.client import Client

pytest_plugins = ["bus_fixtures"]

NAMESPACES = [
    ("users", "ann", "notes", "v1"),
    ("users", "ann", "notes", "v2"),
    ("users", "bob", "notes", "v1"),
    ("users", "bob", "plans"),
    ("teams", "a", "notes", "v1"),
    ("teams",),
]


@pytest.fixture(params=["langgraph", "memos over http", "memos over bus"])
async def store(request: pytest.FixtureRequest, clients: dict[str, Client]) -> BaseStore:
    """A store that is empty."""
    return TidyStore() if request.param == "langgraph" else memos_store(clients[request.param.split()[-1]])


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"text": "Ann likes tea.", "deep": {"list": [1, 2.5, None, True, {"a": []}]}},
        {"large": 2**80, "small": -1e-300, "exact": 0.1},
        {"odd": "NUL \x00, a lone \ud800, ü, 茶, 🍵, \n\t\"'\\"},
        {"": "no name", "$": "a path", "a.b": "a dot"},
        {"deep": [[[[[[[[[[[[[[[[[[[["bottom"]]]]]]]]]]]]]]]]]]]]},
        {"long": "x" * 200_000},
    ],
    ids=["empty", "nested", "numbers", "characters", "names", "deep", "long"],
)
async def test_a_value_comes_back_exactly(store: BaseStore, value: dict[str, Any]) -> None:
    await store.aput(("users", "ann"), "k", value)

    item = await store.aget(("users", "ann"), "k")

    assert item is not None
    assert (item.value, item.key, item.namespace) == (value, "k", ("users", "ann"))


async def test_a_value_is_replaced_whole_and_its_times_tell(store: BaseStore) -> None:
    before = datetime.now(UTC)
    await store.aput(("users",), "k", {"a": 1, "b": 2})
    first = await store.aget(("users",), "k")
    await store.aput(("users",), "k", {"b": 3})
    second = await store.aget(("users",), "k")

    assert first is not None
    assert second is not None
    assert second.value == {"b": 3}
    assert before < first.updated_at < second.updated_at
    assert first.created_at <= second.created_at <= second.updated_at


async def test_what_is_deleted_is_gone_and_can_be_put_again_and_again(store: BaseStore) -> None:
    await store.adelete(("users",), "never there")
    for number in range(3):
        await store.aput(("users",), "k", {"n": number})
        found = await store.aget(("users",), "k")
        assert found is not None
        assert found.value == {"n": number}
        await store.aput(("users",), "k", {"n": number, "again": True})
        assert [one.value for one in await store.asearch(())] == [{"n": number, "again": True}]
        await store.adelete(("users",), "k")
        assert await store.aget(("users",), "k") is None
        assert await store.asearch(()) == []
        assert await store.alist_namespaces() == []


async def test_keys_and_labels_are_any_text_and_never_mixed_up(store: BaseStore) -> None:
    under = [(("a", "b"), "c"), (("a",), "b/c"), (("a",), "b#c")]
    places = [*under, (("a/b",), "c"), (("a#b",), "c"), (("ü", " "), "%")]
    for number, (namespace, key) in enumerate(places):
        await store.aput(namespace, key, {"n": number})

    found = [await store.aget(namespace, key) for namespace, key in places]

    assert [one and one.value["n"] for one in found] == list(range(len(places)))
    assert {told(one)[:2] for one in await store.asearch(("a",))} == {*under}


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({"kind": "tea"}, "ab"),
        ({"kind": "tea", "price": 3}, "a"),
        ({"price": {"$gt": 3}}, "bc"),
        ({"price": {"$gte": 3, "$lt": 7.5}}, "ab"),
        ({"price": {"$lte": 3}}, "a"),
        ({"kind": {"$ne": "tea"}}, "c"),
        ({"kind": {"$eq": "tea"}}, "ab"),
        ({"from": {"country": "IN"}}, "a"),
        ({"from": {"country": {"$ne": "IN"}}}, "b"),
        ({"tags": ["hot", "black"]}, "a"),
        ({"tags": ["hot"]}, ""),
        ({"missing": None}, "abc"),
        ({"missing": {"$eq": 1}}, ""),
    ],
)
async def test_filters_compare_fields(store: BaseStore, wanted: dict[str, Any], keys: str) -> None:
    values: dict[str, dict[str, Any]] = {
        "a": {"kind": "tea", "price": 3, "from": {"country": "IN"}, "tags": ["hot", "black"]},
        "b": {"kind": "tea", "price": 4.5, "from": {"country": "CN"}},
        "c": {"kind": "coffee", "price": 7.5, "tags": ["hot", "black", "strong"]},
    }
    await store.abatch([PutOp(("drinks",), key, value) for key, value in values.items()])

    assert sorted(one.key for one in await store.asearch(("drinks",), filter=wanted)) == list(keys)


async def test_pages_hold_every_item_once(store: BaseStore) -> None:
    await store.abatch([PutOp(("n", str(number % 3)), f"k{number}", {"same": "text"}) for number in range(23)])

    pages = [await store.asearch(("n",), limit=5, offset=offset) for offset in range(0, 30, 5)]

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3, 0]
    assert {one.key for page in pages for one in page} == {f"k{number}" for number in range(23)}
    assert len(await store.asearch(())) == 10
    assert await store.asearch((), limit=0) == []


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"prefix": ("users",)},
        {"prefix": ("users", "*", "notes")},
        {"prefix": ("*", "ann")},
        {"suffix": ("v1",)},
        {"suffix": ("notes", "*")},
        {"prefix": ("users",), "suffix": ("v1",)},
        {"prefix": ("users", "ann", "notes", "v1", "more")},
        {"max_depth": 1},
        {"max_depth": 2, "prefix": ("users",)},
        {"limit": 2, "offset": 1},
        {"max_depth": 3, "limit": 3, "offset": 2},
        {"prefix": ("nobody",)},
    ],
    ids=str,
)
async def test_namespaces_are_listed_alike(store: BaseStore, asked: dict[str, Any]) -> None:
    puts = [PutOp(namespace, "k", {"n": 1}) for namespace in NAMESPACES]
    reference = TidyStore()
    await reference.abatch(puts)
    await store.abatch(puts)

    assert await store.alist_namespaces(**asked) == reference.list_namespaces(**asked)


async def test_a_batch_reads_what_was_there_before_it_and_its_last_write_wins(store: BaseStore) -> None:
    await store.aput(("a",), "k", {"n": 0})

    results = await store.abatch(
        [
            PutOp(("a",), "k", {"n": 1}),
            GetOp(("a",), "k"),
            PutOp(("a",), "k", {"n": 2}),
            SearchOp(("a",)),
            PutOp(("b",), "new", {"n": 3}),
            PutOp(("b",), "new", None),
            ListNamespacesOp((MatchCondition("prefix", ("a",)),)),
        ]
    )

    got, found, listed = results[1], results[3], results[6]
    assert getattr(got, "value", None) == {"n": 0}
    assert isinstance(found, list)
    assert [getattr(one, "value", None) for one in found] == [{"n": 0}]
    assert (listed, [results[index] for index in (0, 2, 4, 5)]) == ([("a",)], [None] * 4)
    now = await store.aget(("a",), "k")
    assert now is not None
    assert now.value == {"n": 2}
    assert await store.aget(("b",), "new") is None


async def test_what_is_read_is_a_copy(store: BaseStore) -> None:
    value = {"list": [1]}
    await store.aput(("a",), "k", value)
    value["list"] = [2]

    found = await store.aget(("a",), "k")

    assert found is not None
    assert found.value == {"list": [1]}


@pytest.mark.parametrize("namespace", [(), ("",), ("a.b",), ("langgraph",), ("a", 1), ("\x00",)])
async def test_namespaces_that_langgraph_does_not_allow_are_refused(store: BaseStore, namespace: Any) -> None:
    with pytest.raises(InvalidNamespaceError):
        await store.aput(namespace, "k", {"n": 1})
    assert await store.asearch(()) == []
