"""LangGraph's own store and memOS's, as tests ask both the same."""

from collections.abc import Iterable, Sequence
from uuid import uuid4

from langgraph.store.base import Item, Op, PutOp, Result
from langgraph.store.memory import InMemoryStore

from memos.adapters.langgraph import MemosStore
from memos.client import Client


class TidyStore(InMemoryStore):
    """LangGraph's own, which forgets namespaces that have nothing in them, as its stores on databases do."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        ops = list(ops)
        results = [None if isinstance(op, PutOp) else self._tidied([op])[0] for op in ops]
        self._tidied([op for op in ops if isinstance(op, PutOp)])
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return self.batch(ops)

    def _tidied(self, ops: Sequence[Op]) -> list[Result]:
        done = super().batch(ops)
        for namespace in [one for one, items in self._data.items() if not items]:
            del self._data[namespace]
        return done


def memos_store(client: Client) -> MemosStore:
    """A store of an agent that nobody else knows."""
    return MemosStore(client, agent_id=f"graph-{uuid4().hex}")


def told(item: Item) -> tuple[tuple[str, ...], str, str]:
    """What must be the same of an item wherever it is kept."""
    return item.namespace, item.key, repr(sorted(item.value.items()))
