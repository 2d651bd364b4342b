"""A store of LangGraph while the vector index is away: items are put and read, and searching waits or says so."""

import asyncio
from pathlib import Path

from outages import site_on
from running import until

from memos.adapters.langgraph import MemosStore
from memos.client import connect
from memos.errors import Unavailable


async def test_without_the_index_items_are_put_and_read_and_with_it_they_are_found(tmp_path: Path) -> None:
    async with site_on(tmp_path) as site, connect(site.url) as client:
        store = MemosStore(client)
        await store.aput(("a",), "before", {"n": 1})
        await site.kill("edge")
        await site.until_down("vectors")
        await store.aput(("a",), "before", {"n": 2})
        await store.aput(("a",), "new", {"n": 3})
        read = [await store.aget(("a",), key) for key in ("before", "new")]
        questions = (store.asearch(("a",)), store.alist_namespaces(), store.aget(("a",), "nothing"))
        answers = await asyncio.gather(*questions, return_exceptions=True)
        await site.start("edge")
        await site.until_ready()

        async def found() -> bool:
            return {one.key: one.value for one in await store.asearch(("a",))} == {
                "before": {"n": 2},
                "new": {"n": 3},
            }

        await until(found)

    assert [one and one.value for one in read] == [{"n": 2}, {"n": 3}]
    assert [type(one) for one in answers] == [Unavailable] * 3
