"""Memories that are as close to a question as a test says, and what is recalled of them."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from builders import DIMENSION, MODEL, Rooms, origin, vector_of

from memos.events.memories import RecalledMemory, StoreMemory, StoreOutcome
from memos.records import Vector


def near(question: str, cosine: float) -> dict[str, Any]:
    """The fields that give a memory a vector of this cosine with the question's, whatever it says."""
    return {"embedding": list(vector_near(question, cosine)), "embedding_model": MODEL}


def vector_near(question: str, cosine: float) -> Vector:
    """A unit vector of this cosine with that of a question; the rest of it is the same for every cosine."""
    asked = vector_of(question)
    axis = min(range(DIMENSION), key=lambda place: abs(asked[place]))
    rest = [(place == axis) - asked[axis] * number for place, number in enumerate(asked)]
    length = math.hypot(*rest)
    return [cosine * a + math.sqrt(1 - cosine**2) * b / length for a, b in zip(asked, rest, strict=True)]


async def remember_all(rooms: Rooms, commands: Sequence[StoreMemory], *, tenant: str = "default") -> list[UUID]:
    """Store memories, a hundred at a time, in order; each must be new and searchable."""
    ids: list[UUID] = []
    for start in range(0, len(commands), 100):
        part = commands[start : start + 100]
        for outcome in await rooms.store(*part, origins=[origin(tenant=tenant) for _ in part]):
            assert isinstance(outcome, StoreOutcome), outcome
            assert outcome.status == "stored"
            ids.append(outcome.memory_id)
    return ids


async def converse(rooms: Rooms, *turns: str, tenant: str = "default", **fields: Any) -> list[UUID]:
    """Store the turns of a session, which is `s` unless told otherwise."""
    said = {"session_id": "s", **fields}
    return [await rooms.remember(turn, tenant=tenant, **said) for turn in turns]


async def chatter(rooms: Rooms, number: int, question: str, cosine: float, **fields: Any) -> None:
    """Store memories of nothing that is asked for, each in its own words, all as close to the question."""
    said = {**near(question, cosine), **fields}
    remarks = [StoreMemory(content=f"Remark {n} of {n * n}.", sequence=n, **said) for n in range(number)]
    await remember_all(rooms, remarks)


async def results(rooms: Rooms, query: str, **fields: Any) -> list[RecalledMemory]:
    """What answers a query, best first, each explaining itself."""
    return (await rooms.query(query, explain=True, **fields)).memories.results


async def scores(rooms: Rooms, query: str, **fields: Any) -> dict[str, float]:
    """How each content that answers a query is scored."""
    return {one.content: one.score for one in await results(rooms, query, **fields)}
