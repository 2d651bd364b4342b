import re
from datetime import UTC, datetime
from importlib.resources import files
from uuid import UUID

import pytest
from pydantic import ValidationError

from memos.errors import MalformedEntry
from memos.events.envelope import Envelope, decode
from memos.events.facts import FACTS, MemoryDeleted, MemoryStored, ReadFacts, document_of, fact_in
from memos.records import Fact

ID = UUID("0191d1a0-0000-7000-8000-000000000000")


def test_the_ledger_writes_facts_of_the_known_types_and_no_other() -> None:
    stores = files("memos.stores")
    sources = [file for folder in (stores, stores / "queries") for file in folder.iterdir() if file.is_file()]
    written = {kind for file in sources for kind in re.findall(r"[\"'](memos\.[^\"']+\.v1)[\"']", file.read_text())}

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


def fact() -> Fact:
    deleted = MemoryDeleted(memory_id=ID, version=3, agent_id="ada", reason="requested")
    return Fact(
        position=12,
        tenant="acme",
        type="memos.memory.deleted.v1",
        record_id=ID,
        version=3,
        data=deleted.model_dump(mode="json"),
        occurred_at=datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC),
    )


def test_a_fact_travels_as_a_cloudevent_and_comes_out_as_it_was() -> None:
    envelope = decode(document_of(fact()))
    assert (envelope.id, envelope.source, envelope.tenant) == ("12", "memos", "acme")
    assert (envelope.subject, envelope.position) == (str(ID), 12)
    assert fact_in(document_of(fact())) == fact()


@pytest.mark.parametrize("missing", ["position", "subject", "time", "data"])
def test_what_lacks_a_part_of_a_fact_is_none(missing: str) -> None:
    whole = decode(document_of(fact()))
    with pytest.raises(MalformedEntry):
        fact_in(whole.model_copy(update={missing: None}).encode())


@pytest.mark.parametrize("data", [[], "text", {}, {"version": "third"}])
def test_what_has_other_data_is_none(data: object) -> None:
    whole: Envelope = decode(document_of(fact()))
    with pytest.raises(MalformedEntry):
        fact_in(whole.model_copy(update={"data": data}).encode())


def test_the_data_of_every_fact_has_the_version_that_the_stream_has_nowhere_else() -> None:
    assert all("version" in model.model_fields for model in FACTS.values())


def test_a_type_that_no_fact_has_is_refused_with_those_that_there_are() -> None:
    ReadFacts(types=list(FACTS))
    with pytest.raises(ValidationError, match=r"types\.0\s+must be one of memos\.memory\.stored\.v1, "):
        ReadFacts(types=["memos.memory.store.v1"])
