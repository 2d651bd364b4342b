import re
from uuid import UUID

import pytest
from pydantic import ValidationError

from memos.events.facts import FACTS, MemoryDeleted, MemoryStored
from memos.stores.sql import load_queries

ID = UUID("0191d1a0-0000-7000-8000-000000000000")


def test_the_ledger_writes_facts_of_the_known_types_and_no_other() -> None:
    written = {
        kind for query in load_queries("memories.sql").values() for kind in re.findall(r"'(memos\.[^']+)'", query)
    }

    assert written == FACTS.keys()


def test_every_fact_is_read_back_from_its_json() -> None:
    stored = MemoryStored(
        memory_id=ID, version=1, agent_id="ada", visibility="private", kind="episodic", session_id=None
    )
    deleted = MemoryDeleted(memory_id=ID, version=2, agent_id="ada", reason="expired")

    for fact in (stored, deleted):
        assert type(fact).model_validate_json(fact.model_dump_json()) == fact


def test_a_fact_tells_nothing_of_the_text() -> None:
    with pytest.raises(ValidationError):
        MemoryDeleted.model_validate(
            {"memory_id": ID, "version": 1, "agent_id": "ada", "reason": "requested", "content": "secret"}
        )
