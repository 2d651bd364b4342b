"""memOS as the store of LangGraph: what a graph keeps are memories, found by what they say."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypedDict, TypeVar, Unpack

from memos.adapters.extras import missing

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        validate_op_namespace,
    )
except ImportError as error:
    raise missing("langgraph-checkpoint", "langgraph") from error

from memos.adapters.langgraph_items import WHOLE, Address, address_of, check_names, found_item, item_of
from memos.adapters.langgraph_matching import common_prefix, lies, passes
from memos.adapters.langgraph_shelf import Ranked, Shelf
from memos.client import Client, connect
from memos.client.connect import DEFAULT_URL
from memos.errors import ConfigurationError, InvalidCommand
from memos.events.commands import DEFAULT_AGENT
from memos.events.memories import MOST_RESULTS
from memos.records import Memory, Visibility

T = TypeVar("T")


class StoreOptions(TypedDict, total=False):
    """How a store keeps its items: whose they are and who sees them, what of them is found, how long they last.

    `fields` are the paths of what is made searchable, the whole value unless they are given.
    """

    agent_id: str
    visibility: Visibility
    fields: Sequence[str]
    ttl: TTLConfig


class MemosStore(BaseStore):
    """A `BaseStore` whose items are memories of an agent: durable, with versions, found by meaning.

    It is used in the event loop of its client, in other loops, and in other threads. Every method raises what those
    of `Client` do. In a batch all reads come first, and of several writes of an item the last wins, as in
    LangGraph's own stores.
    """

    supports_ttl = True

    def __init__(self, client: Client, **options: Unpack[StoreOptions]) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError(
                "A MemosStore is made where its client is, in a running event loop. Without one use open_store."
            ) from error
        self._shelf = Shelf(client, options.get("agent_id", DEFAULT_AGENT), options.get("visibility", "private"))
        self._fields = tuple(options.get("fields", (WHOLE,)))
        self.ttl_config = options.get("ttl")

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations from another thread than the one of the client's event loop."""
        if _running() is self._loop:
            raise InvalidCommand(
                "This would wait for the event loop in which it is called. Use the asynchronous methods there: "
                "aget, aput, asearch, adelete, alist_namespaces and abatch."
            )
        return self._handed_over(ops).result()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations: the reads, then the writes."""
        if _running() is self._loop:
            return await self._done(list(ops))
        return await asyncio.wrap_future(self._handed_over(ops))

    def _handed_over(self, ops: Iterable[Op]) -> Future[list[Result]]:
        return asyncio.run_coroutine_threadsafe(self._done(list(ops)), self._loop)

    async def _done(self, ops: Sequence[Op]) -> list[Result]:
        for op in ops:
            validate_op_namespace(op)
            check_names(op)
        results = await _together(self._read(op) for op in ops)
        puts = {Address(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
        await _together(self._write(address, put) for address, put in puts.items())
        return results

    async def _read(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            return await self._item(op)
        if isinstance(op, SearchOp):
            return await self._search(op)
        if isinstance(op, ListNamespacesOp):
            return await self._namespaces(op)
        return None

    async def _write(self, address: Address, put: PutOp) -> None:
        if put.value is None:
            await self._shelf.delete(address)
        else:
            await self._shelf.put(put, put.value, self._fields)

    async def _item(self, op: GetOp) -> Item | None:
        memory = await self._shelf.find(Address(op.namespace, op.key))
        if memory is None:
            return None
        if op.refresh_ttl:
            await self._shelf.refresh([memory])
        return item_of(memory)

    async def _search(self, op: SearchOp) -> list[SearchItem]:
        found = [(memory, score) for memory, score in await self._found(op) if _fits(memory, op.filter)]
        page = found[op.offset : op.offset + op.limit]
        if op.refresh_ttl:
            await self._shelf.refresh(memory for memory, _ in page)
        return [found_item(memory, score) for memory, score in page]

    async def _found(self, op: SearchOp) -> list[tuple[Memory, float | None]]:
        """The last put first; for a query what answers it best first, then what is not to be found by it."""
        if not op.query or not op.query.strip():
            return [(memory, None) for memory in await self._shelf.every(op.namespace_prefix)]
        wanted = MOST_RESULTS if op.filter else min(max(op.offset + op.limit, 1), MOST_RESULTS)
        ranked: list[Ranked] = await self._shelf.ranked(op.namespace_prefix, op.query, wanted)
        if len(ranked) >= wanted:
            return [*ranked]
        return [*ranked, *((one, None) for one in await self._shelf.every(op.namespace_prefix, indexed=False))]

    async def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        conditions = op.match_conditions or ()
        memories = await self._shelf.every(common_prefix(conditions))
        namespaces = {address_of(memory).namespace for memory in memories}
        meant = {one[: op.max_depth] for one in namespaces if all(lies(one, each) for each in conditions)}
        return sorted(meant)[op.offset : op.offset + op.limit]


def _fits(memory: Memory, wanted: Mapping[str, Any] | None) -> bool:
    return not wanted or passes(item_of(memory).value, wanted)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _together(doing: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order; when one raises, it is raised after all have ended."""
    ended = await asyncio.gather(*doing, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


@contextmanager
def open_store(url: str = DEFAULT_URL, **options: Unpack[StoreOptions]) -> Iterator[MemosStore]:
    """A store for programs without an event loop: memOS is spoken to in a thread of its own meanwhile.

    Raises `ConfigurationError` for what is no address of memOS.
    """
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(_opened(url, options)) as store:
        yield store


@asynccontextmanager
async def _opened(url: str, options: StoreOptions) -> AsyncIterator[MemosStore]:
    async with connect(url, source="memos.adapters.langgraph") as client:
        yield MemosStore(client, **options)
