"""What memOS adds to a store of LangGraph: items are memories, found by meaning, with versions, that expire."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import pytest
from graph_stores import memos_store
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp
from running import Memos, until

from memos.adapters.langgraph import MemosStore, open_store
from memos.adapters.langgraph_items import LONGEST_URI, Address
from memos.client import Client
from memos.errors import ConfigurationError, InvalidCommand

pytest_plugins = ["bus_fixtures"]

FOODS = {
    "a": {"text": "Ann never eats fish.", "note": "She said so on the ferry."},
    "b": {"text": "Ben collects stamps of islands.", "note": "Fish are on most of them."},
    "c": {"text": "The meeting is moved to Friday.", "note": "In the large room."},
}


@pytest.fixture
async def store(client: Client, agent: str) -> MemosStore:
    return MemosStore(client, agent_id=agent)


async def test_items_are_found_by_meaning_best_first(store: BaseStore) -> None:
    await store.abatch([PutOp(("facts",), key, {"text": one["text"]}) for key, one in FOODS.items()])
    await store.aput(("others",), "d", {"text": "Fish is what Ann never eats."})

    found = await store.asearch(("facts",), query="Which food does Ann avoid?", limit=2)
    second = await store.asearch(("facts",), query="Which food does Ann avoid?", limit=2, offset=1)

    assert found[0].key == "a"
    assert found[1].key == second[0].key
    assert found[0].score is not None
    assert found[1].score is not None
    assert found[0].score > found[1].score


async def test_only_what_is_indexed_is_ranked_and_the_rest_comes_after_it(client: Client, agent: str) -> None:
    store = MemosStore(client, agent_id=agent, fields=["text"])
    for key, value in FOODS.items():
        await store.aput(("facts",), key, value)
    await store.aput(("facts",), "d", FOODS["b"], index=["note"])
    await store.aput(("facts",), "e", {"text": "Ann hates fish."}, index=False)
    await store.aput(("facts",), "f", {"other": 1})

    found = await store.asearch(("facts",), query="Fish are on most of them.", limit=10)
    values = {one.key: one.value for one in found}

    assert found[0].key == "d"
    assert {one.key for one in found if one.score is None} == {"e", "f"} == {one.key for one in found[-2:]}
    assert values == {**FOODS, "d": FOODS["b"], "e": {"text": "Ann hates fish."}, "f": {"other": 1}}


async def test_what_is_ranked_can_be_filtered(store: BaseStore) -> None:
    puts = [PutOp(("facts",), f"{key}{n}", {**one, "n": n}) for key, one in FOODS.items() for n in range(5)]
    await store.abatch(puts)

    found = await store.asearch(("facts",), query="Who avoids fish?", filter={"n": {"$gte": 3}}, limit=3)

    assert [one.value["n"] >= 3 for one in found] == [True] * 3
    assert {found[0].key, found[1].key} == {"a3", "a4"}


async def test_an_item_is_a_memory_with_its_history(client: Client, agent: str, store: BaseStore) -> None:
    await store.aput(("users", "ann"), "tea", {"text": "Ann drinks green tea."})
    await store.aput(("users", "ann"), "tea", {"text": "Ann drinks black tea."})

    recalled = await client.query("What does Ann drink?", agent_id=agent, filter={"tags": ["langgraph:users.ann"]})
    memory = recalled.memories.results[0]
    history = await client.history(memory.memory_id, agent_id=agent)

    assert memory.content == '{"text": "Ann drinks black tea."}'
    assert [one.content for one in history.versions] == [
        '{"text": "Ann drinks green tea."}',
        '{"text": "Ann drinks black tea."}',
    ]


async def test_more_items_than_one_query_answers_are_all_found(
    store: BaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.adapters.langgraph_shelf.MOST_RESULTS", 8)
    await store.abatch([PutOp(("n", str(n % 4)), f"k{n}", {"n": n if n % 2 else "same"}) for n in range(60)])

    found = await store.asearch(("n",), limit=1000)

    assert sorted(one.key for one in found) == sorted(f"k{n}" for n in range(60))
    assert len(await store.alist_namespaces()) == 4


async def test_puts_at_once_leave_one_item(store: MemosStore) -> None:
    for again in range(2):
        await asyncio.gather(*(store.aput(("a",), "k", {"n": n, "again": again}) for n in range(12)))
        [found] = await store.asearch(())
        assert found == await store.aget(("a",), "k") or found.value["again"] == again
        await store.adelete(("a",), "k")
        assert await store.asearch(()) == []
        assert await store.aget(("a",), "k") is None


async def test_an_item_expires_and_reading_puts_that_off(client: Client, agent: str) -> None:
    store = MemosStore(client, agent_id=agent, ttl={"default_ttl": 60, "refresh_on_read": False})
    for key, ttl in (("short", 0.3 / 60), ("long", 30)):
        await store.aput(("a",), key, {"n": 1}, ttl=ttl)
    await store.aput(("a",), "default", {"n": 1})
    await store.aput(("a",), "never", {"n": 1}, ttl=None)
    first = await expiry_of(client, agent, "long")

    async def gone() -> bool:
        return await store.aget(("a",), "short") is None

    await until(gone)
    assert {one.key for one in await store.asearch(("a",))} == {"long", "default", "never"}
    assert await expiry_of(client, agent, "long") == first
    await store.aput(("a",), "short", {"n": 2}, ttl=0.02)
    before = await expiry_of(client, agent, "short")
    item = await until_refreshed(store, client, agent, before)
    assert item.updated_at == (await store.asearch(("a",), filter={"n": 2}))[0].updated_at
    assert await expiry_of(client, agent, "never") is None


async def until_refreshed(store: BaseStore, client: Client, agent: str, before: Any) -> Any:
    async def later() -> bool:
        await store.aget(("a",), "short", refresh_ttl=True)
        return bool(await expiry_of(client, agent, "short") > before)

    await until(later)
    return await store.aget(("a",), "short")


async def expiry_of(client: Client, agent: str, key: str) -> Any:
    found = await client.query("item", agent_id=agent, filter={"source": Address(("a",), key).uri})
    return found.memories.results[0].expires_at


class State(TypedDict):
    said: str
    known: list[str]


def graph_of(store: BaseStore) -> Any:
    """A compiled graph that remembers what is said to it, by a synchronous and an asynchronous node."""

    def remember(state: State, *, store: BaseStore) -> dict[str, Any]:
        store.put(("users", "ann", "said"), state["said"], {"text": state["said"]})
        return {}

    def recall(state: State, *, store: BaseStore) -> dict[str, Any]:
        found = store.search(("users", "ann"), query=state["said"], limit=2)
        return {"known": [one.value["text"] for one in found]}

    builder = StateGraph(State)
    builder.add_node("recall", recall)
    builder.add_node("remember", remember)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "remember")
    builder.add_edge("remember", END)
    return builder.compile(store=store)


async def test_the_nodes_of_a_graph_are_given_the_store(store: BaseStore) -> None:
    graph = graph_of(store)
    await graph.ainvoke({"said": "I am allergic to nuts.", "known": []})

    second = await graph.ainvoke({"said": "What may I eat?", "known": []})

    assert second["known"] == ["I am allergic to nuts."]


async def test_a_program_without_an_event_loop_opens_a_store(memos: Memos, agent: str) -> None:
    def program() -> list[str]:
        with open_store(memos.redis_url, agent_id=agent) as store:
            graph = graph_of(store)
            graph.invoke({"said": "The key is under the mat.", "known": []})
            found: list[str] = graph.invoke({"said": "Where is the key?", "known": []})["known"]
            return found

    assert await asyncio.to_thread(program) == ["The key is under the mat."]


async def test_a_store_is_used_from_other_loops_and_threads_and_not_blocking_in_its_own(store: BaseStore) -> None:
    await store.aput(("a",), "k", {"n": 1})

    async def elsewhere() -> Any:
        return await store.aget(("a",), "k")

    with ThreadPoolExecutor(1) as threads:
        found = await asyncio.wrap_future(threads.submit(asyncio.run, elsewhere()))

    assert found.value == {"n": 1}
    with pytest.raises(InvalidCommand, match="aget"):
        store.get(("a",), "k")


async def test_what_cannot_be_kept_is_refused(store: BaseStore) -> None:
    with pytest.raises(InvalidCommand, match="content"):
        await store.aput(("a",), "k", {"text": "x" * 1_000_000})
    with pytest.raises(InvalidCommand, match="minutes"):
        await store.aput(("a",), "k", {"n": 1}, ttl=1e10)
    await store.aput(("a",), "k", {"n": 1})
    with pytest.raises(InvalidCommand, match=r"\$near"):
        await store.asearch(("a",), filter={"n": {"$near": 1}})


@pytest.mark.parametrize(
    ("op", "told"),
    [
        (PutOp(("a",), "b\ud800c", {"n": 1}), r"key .* 'b\\ud800'"),
        (PutOp(("a", "\udfff"), "k", {"n": 1}), "namespace has a lone surrogate"),
        (GetOp(("a",), "\ud800"), "key has a lone surrogate"),
        (SearchOp(("\ud800" * 200,)), "namespace_prefix has a lone surrogate"),
        (ListNamespacesOp((MatchCondition("prefix", ("\ud800" * 200,)),)), "match_conditions has a lone"),
        (PutOp(("a",), "ü" * 340, {"n": 1}), r"2,052 characters as a URI.* 2,048 is the limit"),
        (PutOp(("a",), "ü" * 340, None), "2,048 is the limit"),
        (GetOp(("a" * 3000,), "k"), "2,048 is the limit"),
    ],
)
async def test_names_that_cannot_be_kept_are_refused_before_anything_of_a_batch_is_done(
    store: BaseStore, op: Op, told: str
) -> None:
    with pytest.raises(InvalidCommand, match=told):
        await store.abatch([PutOp(("a",), "good", {"n": 1}), op])

    assert await store.aget(("a",), "good") is None


async def test_the_longest_key_is_kept(store: BaseStore) -> None:
    key = "k" * (LONGEST_URI - len(Address(("a",), "").uri))
    await store.aput(("a",), key, {"n": 1})
    assert [one.key for one in await store.asearch(("a",))] == [key]


def test_a_store_outside_of_an_event_loop_says_what_to_use(clients: dict[str, Client]) -> None:
    with pytest.raises(ConfigurationError, match="open_store"):
        memos_store(clients["bus"])


def test_without_langgraph_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import memos.adapters as importable

    monkeypatch.setitem(sys.modules, "langgraph.store.base", None)
    monkeypatch.delitem(sys.modules, "memos.adapters.langgraph")
    monkeypatch.delattr(importable, "langgraph")
    with pytest.raises(ConfigurationError, match=r"memos-as\[langgraph\]"):
        import memos.adapters.langgraph  # noqa: F401
