"""The bus's own document: complete, and nothing in it points nowhere."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from memos.events.asyncapi import asyncapi
from memos.events.envelope import Envelope
from memos.events.facts import FACTS, document_of
from memos.events.memories import StoreMemory
from memos.events.streams import FACTS_STREAM, STREAMS
from memos.records import Fact


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_every_stream_is_a_channel_with_its_command_and_its_reply(document: dict[str, Any]) -> None:
    assert set(document["channels"]) == {"facts", "reply", *(stream.name for stream in STREAMS)}
    for stream in STREAMS:
        operation = document["operations"][stream.command.__name__]
        assert operation["channel"] == {"$ref": f"#/channels/{stream.name}"}
        answers = {each["$ref"].rpartition("/")[2] for each in operation["reply"]["messages"]}
        assert answers == {stream.reply.__name__, "Problem"}


def test_every_model_that_travels_has_a_schema_and_a_message(document: dict[str, Any]) -> None:
    models = {model.__name__ for stream in STREAMS for model in (stream.command, stream.reply)}
    models |= {"Problem", *(fact.__name__ for fact in FACTS.values())}
    assert models | {"Envelope"} <= document["components"]["schemas"].keys()
    assert models == document["components"]["messages"].keys()
    assert all(message["name"] in models for message in document["components"]["messages"].values())


def test_facts_are_sent_on_a_channel_of_their_own(document: dict[str, Any]) -> None:
    assert document["channels"]["facts"]["address"] == FACTS_STREAM
    assert document["operations"]["FollowFacts"]["action"] == "send"
    assert set(document["channels"]["facts"]["messages"]) == {model.__name__ for model in FACTS.values()}
    payload = document["components"]["messages"]["MemoryDeleted"]["payload"]
    validator = Draft202012Validator({**payload, "components": document["components"]})
    data = {"memory_id": str(UUID(int=1)), "version": 2, "agent_id": "ada", "reason": "expired"}
    fact = Fact(
        position=7,
        tenant="acme",
        type="memos.memory.deleted.v1",
        record_id=UUID(int=1),
        version=2,
        data=data,
        occurred_at=datetime.now(UTC),
    )
    entry = json.loads(document_of(fact))
    assert validator.is_valid(entry)
    assert not validator.is_valid({**entry, "position": 0})


def test_every_operation_says_what_it_is_for(document: dict[str, Any]) -> None:
    assert all(operation["summary"] for operation in document["operations"].values())


def test_every_schema_is_one_and_none_names_the_python_behind_it(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert "__main__" not in str(document)


def test_a_real_command_fits_its_message_and_a_wrong_one_does_not(document: dict[str, Any]) -> None:
    payload = document["components"]["messages"]["StoreMemory"]["payload"]
    validator = Draft202012Validator({**payload, "components": document["components"]})
    sent = Envelope(
        id="7", source="s", type="memos.store.v1", data=StoreMemory(content="x").model_dump(mode="json")
    )
    command = sent.model_dump(mode="json", exclude_none=True)

    assert validator.is_valid(command)
    assert not validator.is_valid({**command, "type": "memos.query.v1"})
    assert not validator.is_valid({**command, "data": {"contents": "x"}})
    assert not validator.is_valid({**command, "tenant": "a b"})


def test_it_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert asyncapi() == document
