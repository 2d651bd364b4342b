from typing import Any
from uuid import UUID

import pytest

from memos.events.memories import DeleteMemory, GetMemory, MemoryChanges, StoreMemory, UpdateMemory
from memos.handlers.digests import digest_of

ID = UUID("0191d1a0-0000-7000-8000-000000000000")
VECTOR: dict[str, Any] = {"embedding": [0.1, 0.2], "embedding_model": "m"}


def store(**fields: Any) -> StoreMemory:
    return StoreMemory(content="a", **fields)


def update(**values: Any) -> UpdateMemory:
    return UpdateMemory(memory_id=ID, changes=MemoryChanges(**values))


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (store(), store(agent_id="default_agent", metadata={}, session_id=None, supersedes=[])),
        (store(metadata={"a": 1, "b": {"c": 2, "d": 3}}), store(metadata={"b": {"d": 3, "c": 2}, "a": 1})),
        (store(occurred_at="2026-01-01T00:00:00Z"), store(occurred_at="2026-01-01T00:00:00+00:00")),
        (store(**VECTOR), store(**VECTOR)),
        (update(tags=["a"]), update(tags=["a"])),
    ],
)
def test_the_same_said_in_another_way_has_the_same_digest(one: StoreMemory, same: StoreMemory) -> None:
    assert digest_of(one) == digest_of(same)
    assert len(digest_of(one)) == 32


DIFFERENT = [
    store(),
    StoreMemory(content="b"),
    store(agent_id="bob"),
    store(tags=["a"]),
    store(tags=["a", "b"]),
    store(tags=["b", "a"]),
    store(metadata={"a": 1}),
    store(metadata={"a": "1"}),
    store(metadata={"a": None}),
    store(session_id="s"),
    store(sequence=0),
    store(importance=0),
    store(id=ID),
    store(**VECTOR),
    store(**{**VECTOR, "embedding": [0.1, 0.2000001]}),
    store(**{**VECTOR, "embedding_model": "n"}),
    update(tags=["a"]),
    update(tags=["a"], importance=None),
    update(tags=["a"], expires_at=None),
    DeleteMemory(memory_id=ID),
    DeleteMemory(memory_id=ID, agent_id="bob"),
    GetMemory(memory_id=ID),
]


def test_what_differs_in_anything_has_another_digest() -> None:
    assert len({digest_of(command) for command in DIFFERENT}) == len(DIFFERENT)
