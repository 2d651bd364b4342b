"""What is no command: a dead letter at once, with reason and code, told to whoever asked."""

import json
from typing import Any
from uuid import uuid4

import pytest
from lanes import OpenLane, Wire, event

from memos.events.envelope import FIELD
from memos.events.memories import DeleteMemory, DeleteOutcome
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF
from memos.handlers import Handler

pytest_plugins = ["bus_fixtures"]

DELETES = STREAM_OF[DeleteMemory]
MEMORY = {"memory_id": str(uuid4())}


async def delete(command: DeleteMemory) -> DeleteOutcome:
    return DeleteOutcome(memory_id=command.memory_id, status="deleted", message="")


async def bury(wire: Wire, open_lane: OpenLane, fields: dict[str, Any]) -> dict[str, bytes]:
    """The dead letter of an entry among two commands that are handled."""
    async with open_lane(Handler(DeleteMemory, delete)):
        await wire.put(DELETES, event(DeleteMemory, MEMORY, replyto="memos:reply:neighbours"))
        await wire.redis.xadd(DELETES.name, fields)
        await wire.put(DELETES, event(DeleteMemory, MEMORY, replyto="memos:reply:neighbours"))
        [letter] = await wire.dead(DELETES)
        await wire.nothing_left(DELETES)
    assert await wire.redis.llen("memos:reply:neighbours") == 2
    return letter


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"data": "{}"}, "no field __data__"),
        ({FIELD: ""}, "no valid JSON"),
        ({FIELD: "not json"}, "no valid JSON"),
        ({FIELD: b"\xff\xfe"}, "no valid JSON"),
        ({FIELD: b"\x89BIN\r\n\x1a\n"}, "no valid JSON"),
        ({FIELD: b"\x89BIN\r\n\x1a\n\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"}, "no valid JSON"),
        ({FIELD: "[" * 100_000}, "no valid JSON"),
        ({FIELD: "null"}, "CloudEvents"),
        ({FIELD: "[]"}, "CloudEvents"),
        ({FIELD: '"text"'}, "CloudEvents"),
        ({FIELD: "{}"}, "id"),
    ],
)
async def test_what_is_no_document_is_a_dead_letter_and_its_neighbours_are_handled(
    wire: Wire, open_lane: OpenLane, fields: dict[str, Any], reason: str
) -> None:
    letter = await bury(wire, open_lane, fields)
    assert letter["memos:code"] == b"malformed"
    assert reason in letter["memos:reason"].decode()
    assert {name: value for name, value in letter.items() if not name.startswith("memos:")} == {
        name: value if isinstance(value, bytes) else value.encode() for name, value in fields.items()
    }


@pytest.mark.parametrize(
    ("attributes", "code", "field"),
    [
        ({"specversion": "0.3"}, "malformed", "specversion"),
        ({"id": ""}, "malformed", "id"),
        ({"id": "x" * 256}, "malformed", "id"),
        ({"id": "a\nb"}, "malformed", "id"),
        ({"id": 7}, "malformed", "id"),
        ({"source": None}, "malformed", "source"),
        ({"type": "memos.delete.v2"}, "malformed", "memos.delete.v2"),
        ({"type": "memos.store.v1"}, "malformed", "memos.store.v1"),
        ({"time": "yesterday"}, "malformed", "time"),
        ({"datacontenttype": "text/xml"}, "malformed", "datacontenttype"),
        ({"tenant": ""}, "malformed", "tenant"),
        ({"tenant": "../etc"}, "malformed", "tenant"),
        ({"tenant": "x" * 64}, "malformed", "tenant"),
        ({"tenant": {"$ne": None}}, "malformed", "tenant"),
        ({"ttlms": 0}, "malformed", "ttlms"),
        ({"traceparent": "x" * 200}, "malformed", "traceparent"),
        ({"data": None}, "invalid", "DeleteMemory"),
        ({"data": "text"}, "invalid", "DeleteMemory"),
        ({"data": {}}, "invalid", "memory_id"),
        ({"data": {"memory_id": "no-id"}}, "invalid", "memory_id"),
        ({"data": {**MEMORY, "tenant": "acme"}}, "invalid", "tenant"),
    ],
)
async def test_a_document_that_is_no_command_is_a_dead_letter_and_its_sender_is_told_which_field(
    wire: Wire, open_lane: OpenLane, attributes: dict[str, Any], code: str, field: str
) -> None:
    document = event(DeleteMemory, MEMORY, correlationid="me")
    letter = await bury(wire, open_lane, {FIELD: json.dumps({**document, **attributes})})
    reply = await wire.reply()

    assert letter["memos:code"] == code.encode()
    assert field in letter["memos:reason"].decode()
    assert (reply.type, reply.correlationid) == (PROBLEM_TYPE, "me")
    assert reply.data["code"] == code
    assert field in reply.data["detail"]


async def test_json_that_only_python_reads_is_refused_and_its_sender_is_told(
    wire: Wire, open_lane: OpenLane
) -> None:
    document = event(DeleteMemory, {**MEMORY, "agent_id": float("nan")}, id="me")
    letter = await bury(wire, open_lane, {FIELD: json.dumps(document)})
    reply = await wire.reply()
    assert letter["memos:code"] == b"malformed"
    assert (reply.correlationid, reply.data["code"]) == ("me", "malformed")


@pytest.mark.parametrize(
    "replyto",
    ["elsewhere", "memos:store", "memos:reply:", "memos:reply: x", "channel:elsewhere", "memos:reply:\u0007", 5],
)
async def test_a_reply_is_never_sent_where_it_does_not_belong(
    wire: Wire, open_lane: OpenLane, replyto: object
) -> None:
    before = set(await wire.redis.keys())
    letter = await bury(wire, open_lane, {FIELD: json.dumps(event(DeleteMemory, MEMORY, replyto=replyto))})
    assert letter["memos:code"] == b"malformed"
    assert "replyto" in letter["memos:reason"].decode()
    known = {b"memos:reply:neighbours", DELETES.name.encode(), DELETES.dead.encode()}
    assert set(await wire.redis.keys()) - before == known


async def test_a_sender_whose_correlation_id_is_bad_is_told_by_its_commands_id(
    wire: Wire, open_lane: OpenLane
) -> None:
    await bury(wire, open_lane, {FIELD: json.dumps(event(DeleteMemory, MEMORY, id="me", correlationid="\n"))})
    assert (await wire.reply()).correlationid == "me"
