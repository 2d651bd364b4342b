"""The facts of working memory in the ledger: one of each, however often they are told."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from memos.events.facts import FACTS
from memos.records import (
    EndedSession,
    ExpiredValue,
    KeptSession,
    SessionKey,
    SessionPolicy,
    key_record_id,
    session_record_id,
)
from memos.stores.facts import PostgresFacts
from memos.stores.postgres import Pool

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SESSION = SessionKey("acme", "ada", "s")


@pytest.fixture
def facts(pool: Pool, postgres_dsn: str) -> PostgresFacts:
    return PostgresFacts(pool, postgres_dsn)


def expired(key: str = "goal", version: int = 1, **fields: Any) -> ExpiredValue:
    return ExpiredValue(**{"session": SESSION, "epoch": "e", "expired_at": NOW, **fields}, key=key, version=version)


def over(epoch: str = "e") -> EndedSession:
    kept = KeptSession(
        key=SESSION,
        epoch=epoch,
        policy=SessionPolicy(60, 100, 16_000, "end"),
        created_at=NOW,
        updated_at=NOW,
        expires_at=NOW,
        keys=2,
        messages=3,
        tokens=30,
        bytes=300,
        newest=3,
        promoted_through=0,
        summary=None,
    )
    return EndedSession(kept, "expired", promote=True)


async def told(pool: Pool) -> list[tuple[Any, ...]]:
    """Every fact in order; its data must be as its contract says."""
    rows = await pool.fetch("select tenant, type, record_id, version, data from facts order by sequence")
    for row in rows:
        FACTS[row["type"]].model_validate(row["data"])
    return [tuple(row) for row in rows]


async def test_a_key_that_expired_is_told_with_its_version(facts: PostgresFacts, pool: Pool) -> None:
    await facts.add_expired([expired(version=3)])

    data = {"agent_id": "ada", "session_id": "s", "key": "goal", "version": 3}
    assert await told(pool) == [("acme", "memos.working.expired.v1", key_record_id(SESSION, "e", "goal"), 3, data)]


async def test_the_end_of_a_session_is_told_with_what_was_in_it(facts: PostgresFacts, pool: Pool) -> None:
    await facts.add_ended(over())

    data = {"agent_id": "ada", "session_id": "s", "reason": "expired", "messages": 3, "keys": 2, "version": 1}
    assert await told(pool) == [("acme", "memos.session.ended.v1", session_record_id(SESSION, "e"), 1, data)]


async def test_what_is_told_again_is_one_fact_whoever_tells_it(facts: PostgresFacts, pool: Pool) -> None:
    values = [expired("a"), expired("b"), expired("a")]

    await asyncio.gather(
        *(facts.add_expired(values) for _ in range(4)), *(facts.add_ended(over()) for _ in range(4))
    )
    await facts.add_expired([*values, expired("c")])

    kinds = [(kind, data.get("key")) for _, kind, _, _, data in await told(pool)]
    assert sorted(kinds, key=str) == [
        ("memos.session.ended.v1", None),
        ("memos.working.expired.v1", "a"),
        ("memos.working.expired.v1", "b"),
        ("memos.working.expired.v1", "c"),
    ]


async def test_what_is_not_the_same_is_told_by_itself(facts: PostgresFacts, pool: Pool) -> None:
    again = expired(expired_at=NOW + timedelta(seconds=60))
    elsewhere = expired(session=SESSION._replace(tenant="other"))

    await facts.add_expired([expired(), again, expired(version=2), expired(epoch="f"), elsewhere])
    await facts.add_ended(over())
    await facts.add_ended(over("f"))

    assert len(await told(pool)) == 7
    assert len({record_id for _, _, record_id, _, _ in await told(pool)}) == 5


async def test_nothing_to_tell_is_no_fact(facts: PostgresFacts, pool: Pool) -> None:
    await facts.add_expired([])

    assert await told(pool) == []
