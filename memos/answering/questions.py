"""Questions that were answered before, in memory, each context brought up to the cache before it is searched."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from memos.answering.context import Context, Near, most_within
from memos.ports import Answers
from memos.records import Vector

PAGE = 1000
"""Questions that are read at once; between two such pages other work gets its turn."""

MOST_NEAR = 16
"""Questions that come nearest, at most so many of which are looked at closely."""


class _Name(NamedTuple):
    """What is searched together: never across tenants, surroundings or embedding models."""

    tenant: str
    context: str
    embedding_model: str


class Questions:
    """Contexts in memory; when they take more than `most_bytes` the longest unused go."""

    def __init__(self, answers: Answers, most_bytes: int) -> None:
        self._answers = answers
        self._most_bytes = most_bytes
        self._contexts: OrderedDict[_Name, Context] = OrderedDict()
        self._turns: WeakValueDictionary[_Name, asyncio.Lock] = WeakValueDictionary()
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """About what the contexts take in memory."""
        return self._bytes

    async def near(
        self, tenant: str, context: str, embedding_model: str, vector: Vector, least: float
    ) -> list[Near]:
        """Questions of a context whose vectors have a cosine of at least `least` with one of unit length.

        At most `MOST_NEAR`, best first. The answers of some may be gone meanwhile: see `drop`. Raises
        `Unavailable`.
        """
        known = await self._brought_up(_Name(tenant, context, embedding_model), len(vector))
        return known.near(np.asarray(vector, np.float32), least, MOST_NEAR)

    def drop(self, tenant: str, context: str, embedding_model: str, key: str) -> None:
        """Let go of a question whose answer is gone."""
        if known := self._contexts.get(_Name(tenant, context, embedding_model)):
            before = known.nbytes
            known.drop(key)
            self._bytes += known.nbytes - before

    async def _brought_up(self, name: _Name, dimension: int) -> Context:
        """A context with every question that is kept; it is whole until the next `await`."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            known = self._contexts.get(name)
            if known is None or known.dimension != dimension:
                known = Context(dimension, most_within(self._most_bytes, dimension))
            await self._read_on(name, known)
            self._take_in(name, known)
        return known

    async def _read_on(self, name: _Name, known: Context) -> None:
        while True:
            page = await self._answers.questions(*name, known.revision, PAGE)
            before = known.nbytes
            for question in page:
                known.add(question)
            if self._contexts.get(name) is known:
                self._bytes += known.nbytes - before
            if len(page) < PAGE:
                return

    def _take_in(self, name: _Name, known: Context) -> None:
        """Hold a context as the last that was used, and let go of those that were not used for longest."""
        if (former := self._contexts.pop(name, None)) is not None:
            self._bytes -= former.nbytes
        if not known:
            return
        self._contexts[name] = known
        self._bytes += known.nbytes
        while self._bytes > self._most_bytes and len(self._contexts) > 1:
            _, gone = self._contexts.popitem(last=False)
            self._bytes -= gone.nbytes
