"""Input that cannot be used: refused over HTTP and over the bus alike, by field, and nothing else suffers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from lanes import Wire
from running import Memos

from memos.client.redis import open_redis
from memos.errors import ERRORS
from memos.events.commands import Command
from memos.events.envelope import FIELD
from memos.events.memories import GetMemory, IngestBatch, QueryMemory, StoreMemories, StoreMemory, UpdateMemory
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF

pytest_plugins = ["bus_fixtures"]

MODEL = "all-MiniLM-L6-v2-int8"
NAN, INFINITY = float("nan"), float("inf")
VECTOR = [1.0] + [0.0] * 383
SOURCE = {"uri": "a.py"}


def nested(depth: int) -> Any:
    """A list in a list in a list …"""
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


STORES: list[tuple[str, dict[str, Any], str]] = [
    ("no text", {}, "content"),
    ("an empty text", {"content": ""}, "content"),
    ("a blank text", {"content": " \t\n\u2003"}, "content"),
    ("null", {"content": None}, "content"),
    ("a number for a text", {"content": 5}, "content"),
    ("a text of a megabyte", {"content": "x" * 1_000_000}, "content"),
    ("a text of a megabyte in few characters", {"content": "\U0001f511" * 250_000}, "content"),
    ("a text with NUL", {"content": "a\x00b"}, "content"),
    ("a text with half a surrogate pair", {"content": "a\ud800b"}, "content"),
    ("a field that nobody knows", {"content": "x", "contents": "y"}, "contents"),
    ("a tenant in the body", {"content": "x", "tenant": "acme"}, "tenant"),
    ("an unknown field of a source", {"content": "x", "source": {**SOURCE, "page": 1}}, "source.page"),
    ("a source without an address", {"content": "x", "source": {"line": 1}}, "source.uri"),
    ("a source with NUL", {"content": "x", "source": {"uri": "a\x00.py"}}, "source.uri"),
    ("a symbol with NUL", {"content": "x", "source": {**SOURCE, "symbol": "a\x00"}}, "source.symbol"),
    ("a line beyond all files", {"content": "x", "source": {**SOURCE, "line": 2**31}}, "source.line"),
    ("NaN in metadata", {"content": "x", "metadata": {"a": NAN}}, "metadata"),
    ("infinity deep in metadata", {"content": "x", "metadata": {"a": [{"b": -INFINITY}]}}, "metadata"),
    ("NUL in a value of metadata", {"content": "x", "metadata": {"a": "\x00"}}, "metadata"),
    ("NUL in a name in metadata", {"content": "x", "metadata": {"\x00": "a"}}, "metadata"),
    ("half a surrogate pair in metadata", {"content": "x", "metadata": {"a": ["\udfff"]}}, "metadata"),
    ("metadata a hundred deep", {"content": "x", "metadata": {"a": nested(100)}}, "metadata"),
    ("metadata of a megabyte", {"content": "x", "metadata": {"a": "y" * 1_000_000}}, "metadata"),
    ("metadata that is a list", {"content": "x", "metadata": []}, "metadata"),
    ("a number of a thousand digits", {"content": "x", "metadata": {"a": 10**1000}}, "metadata"),
    ("too many tags", {"content": "x", "tags": ["t"] * 65}, "tags"),
    ("an empty tag", {"content": "x", "tags": [""]}, "tags.0"),
    ("a tag with NUL", {"content": "x", "tags": ["a", "\x00"]}, "tags.1"),
    ("an empty agent", {"content": "x", "agent_id": ""}, "agent_id"),
    ("an agent of two lines", {"content": "x", "agent_id": "a\nb"}, "agent_id"),
    ("an agent with half a surrogate pair", {"content": "x", "agent_id": "\ud800"}, "agent_id"),
    ("an agent with a long name", {"content": "x", "agent_id": "a" * 256}, "agent_id"),
    ("an agent that is a list", {"content": "x", "agent_id": ["a"]}, "agent_id"),
    ("a session with a control character", {"content": "x", "session_id": "\x1b"}, "session_id"),
    ("a negative place", {"content": "x", "sequence": -1}, "sequence"),
    ("a place beyond an integer", {"content": "x", "sequence": 2**31}, "sequence"),
    ("the year 0", {"content": "x", "occurred_at": "0000-01-01T00:00:00Z"}, "occurred_at"),
    ("the year 1", {"content": "x", "occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
    ("the year 9999", {"content": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
    ("the year 10000", {"content": "x", "expires_at": "10000-01-01T00:00:00Z"}, "expires_at"),
    ("a time without a zone", {"content": "x", "occurred_at": "2024-01-01T00:00:00"}, "occurred_at"),
    ("a time that is none", {"content": "x", "occurred_at": "yesterday"}, "occurred_at"),
    ("a time beyond all clocks", {"content": "x", "occurred_at": 1e300}, "occurred_at"),
    ("a kind with blanks", {"content": "x", "kind": "Big Kind"}, "kind"),
    ("a visibility that nobody knows", {"content": "x", "visibility": "public"}, "visibility"),
    ("an importance above 1", {"content": "x", "importance": 1.5}, "importance"),
    ("an importance that is no number", {"content": "x", "importance": NAN}, "importance"),
    ("an id that is no UUID", {"content": "x", "id": "7"}, "id"),
    ("a vector without its model", {"content": "x", "embedding": VECTOR}, "embedding_model"),
    ("a model without its vector", {"content": "x", "embedding_model": MODEL}, "embedding"),
    ("a vector of another model", {"content": "x", "embedding": VECTOR, "embedding_model": "m"}, "embedding_model"),
    ("a short vector", {"content": "x", "embedding": [1.0], "embedding_model": MODEL}, "embedding"),
    ("an empty vector", {"content": "x", "embedding": [], "embedding_model": MODEL}, "embedding"),
    ("a vector of zeros", {"content": "x", "embedding": [0] * 384, "embedding_model": MODEL}, "embedding"),
    ("NaN in a vector", {"content": "x", "embedding": [NAN, *VECTOR[1:]], "embedding_model": MODEL}, "embedding"),
    ("a text in a vector", {"content": "x", "embedding": ["one"], "embedding_model": MODEL}, "embedding.0"),
]

QUERIES: list[tuple[str, dict[str, Any], str]] = [
    ("no question", {}, "query"),
    ("an empty question", {"query": ""}, "query"),
    ("a question with NUL", {"query": "a\x00b"}, "query"),
    ("a question with half a surrogate pair", {"query": "\ud800"}, "query"),
    ("a question of a book", {"query": "x" * 16_001}, "query"),
    ("no results wanted", {"query": "x", "top_k": 0}, "top_k"),
    ("a million results wanted", {"query": "x", "top_k": 10**6}, "top_k"),
    ("more results than numbers", {"query": "x", "top_k": 10**100}, "top_k"),
    ("half a result wanted", {"query": "x", "top_k": 0.5}, "top_k"),
    ("no tokens wanted", {"query": "x", "max_tokens": 0}, "max_tokens"),
    ("a field that nobody knows", {"query": "x", "topk": 3}, "topk"),
    ("a condition that nobody knows", {"query": "x", "filter": {"colour": "red"}}, "filter.colour"),
    ("a filter that is a list", {"query": "x", "filter": []}, "filter"),
    ("an engine's filter", {"query": "x", "filter": {"must": []}}, "filter.must"),
    ("a condition on a name with dots", {"query": "x", "filter": {"metadata": {"a.b": 1}}}, "filter.metadata"),
    ("a condition on a part", {"query": "x", "filter": {"metadata": {"a": {"b": 1}}}}, "filter.metadata"),
    ("a condition with NaN", {"query": "x", "filter": {"metadata": {"a": NAN}}}, "filter.metadata"),
    (
        "a condition with a number beyond all columns",
        {"query": "x", "filter": {"metadata": {"a": 2**63}}},
        "filter.metadata.a",
    ),
    (
        "a period without a zone",
        {"query": "x", "filter": {"occurred_after": "2024-01-01"}},
        "filter.occurred_after",
    ),
]

OTHERS: list[tuple[str, type[Command], str, dict[str, Any], str]] = [
    ("no memories", StoreMemories, "/memory/store/batch", {"memories": []}, "memories"),
    (
        "a bad memory among good ones",
        StoreMemories,
        "/memory/store/batch",
        {"memories": [{"content": "x"}, {"content": ""}, {"content": "y"}]},
        "memories.1.content",
    ),
    ("no passages", IngestBatch, "/ingest/batch", {"items": []}, "items"),
    (
        "a passage without a source",
        IngestBatch,
        "/ingest/batch",
        {"items": [{"content": "x", "source": SOURCE}, {"content": "y"}]},
        "items.1.source",
    ),
    (
        "too many passages",
        IngestBatch,
        "/ingest/batch",
        {"items": [{"content": "x", "source": SOURCE}] * 257},
        "items",
    ),
]

CASES = [
    *((name, StoreMemory, "/memory/store", data, field) for name, data, field in STORES),
    *((name, QueryMemory, "/memory/query", data, field) for name, data, field in QUERIES),
    *OTHERS,
]
STRICT_JSON_REFUSES = ("NaN", "infinity", "surrogate", "no number")
"""What Python's `json` writes and JSON does not have; the bus refuses the whole document."""


@pytest.fixture(scope="session")
async def tray(memos: Memos) -> AsyncIterator[Wire]:
    """The streams of the memOS that all tests share, with an inbox of these tests' own."""
    async with open_redis(memos.redis_url) as redis:
        yield Wire(redis, inbox=f"memos:reply:{uuid4()}")


def fields_of(problem: dict[str, Any]) -> list[str]:
    return [fault["field"] for fault in problem.get("faults", [])]


@pytest.mark.parametrize(("path", "data", "field"), [pytest.param(*case[2:], id=case[0]) for case in CASES])
async def test_over_http_bad_input_is_refused_by_field(
    http: httpx.AsyncClient, path: str, data: dict[str, Any], field: str
) -> None:
    response = await http.post(path, content=json.dumps(data), headers={"Content-Type": "application/json"})

    assert response.status_code == 422, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "invalid"
    assert any(named == field or named.startswith(f"{field}.") for named in fields_of(problem)) or (
        field in problem["detail"]
    )
    assert len(response.content) < 5000


@pytest.mark.parametrize(
    ("name", "command", "data", "field"),
    [pytest.param(name, command, data, field, id=name) for name, command, _, data, field in CASES],
)
async def test_over_the_bus_bad_input_is_a_dead_letter_and_its_sender_learns_the_field(
    tray: Wire, name: str, command: type[Command], data: dict[str, Any], field: str
) -> None:
    stream = STREAM_OF[command]
    command_id = str(uuid4())
    await tray.put(stream, {**envelope(command, command_id, tray), "data": data})
    reply = await tray.reply()
    await tray.nothing_left(stream)

    assert (reply.type, reply.correlationid) == (PROBLEM_TYPE, command_id)
    if any(word in name for word in STRICT_JSON_REFUSES):
        assert reply.data["code"] == "malformed"
    else:
        assert reply.data["code"] == "invalid"
        assert any(named == field or named.startswith(f"{field}.") for named in fields_of(reply.data)) or (
            field in reply.data["detail"]
        )


def envelope(command: type[Command], command_id: str, tray: Wire) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": command_id,
        "source": "tests",
        "type": STREAM_OF[command].event_type,
        "replyto": tray.inbox,
    }


@pytest.mark.parametrize(
    "data",
    [
        pytest.param('{"content":"x","metadata":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}", id="nested"),
        pytest.param('{"content":"x","metadata":{"a":' + "9" * 5000 + "}}", id="many digits"),
        pytest.param('{"content":"x"', id="cut off"),
    ],
)
async def test_over_the_bus_what_no_parser_reads_is_a_dead_letter_and_holds_up_nobody(
    tray: Wire, data: str
) -> None:
    stream, command_id = STREAM_OF[StoreMemory], str(uuid4())
    head = json.dumps(envelope(StoreMemory, "unreadable", tray)).removesuffix("}")
    dead = await tray.redis.xlen(stream.dead)
    await tray.put(stream, f'{head},"data":{data}}}'.encode())
    await tray.put(stream, {**envelope(StoreMemory, command_id, tray), "data": {"content": f"After {command_id}"}})
    reply = await tray.reply()
    while reply.correlationid == "unreadable":
        assert reply.data["code"] == "malformed"
        reply = await tray.reply()
    assert (reply.correlationid, reply.data["status"]) == (command_id, "stored")
    await tray.nothing_left(stream)
    assert await tray.redis.xlen(stream.dead) == dead + 1


async def test_one_bad_command_among_many_fails_alone_on_the_bus(tray: Wire) -> None:
    stream = STREAM_OF[StoreMemory]
    ids = [str(uuid4()) for _ in range(20)]
    documents = [
        {**envelope(StoreMemory, each, tray), "data": {"content": "" if place == 7 else f"{each}"}}
        for place, each in enumerate(ids)
    ]
    documents[11]["data"]["embedding"], documents[11]["data"]["embedding_model"] = [1.0], MODEL
    async with tray.redis.pipeline(transaction=True) as together:
        for document in documents:
            together.xadd(stream.name, {FIELD: json.dumps(document)})
        await together.execute()
    replies = {reply.correlationid: reply for reply in await tray.replies(20)}
    assert [replies[each].data["status"] for each in ids] == [
        422 if place in {7, 11} else "stored" for place in range(20)
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b'"text"', 422, id="a text"),
        pytest.param(b"{", 422, id="half a document"),
        pytest.param(b"{'content': 'x'}", 422, id="no JSON"),
        pytest.param(b'{"content": "\xff"}', 400, id="no UTF-8"),
        pytest.param('{"content": "x"}'.encode("utf-16"), 200, id="UTF-16"),
        pytest.param(b'{"content":"x","metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422, id="too deep"),
        pytest.param(b'{"content":"x","metadata":{"a":' + b"9" * 5000 + b"}}", 400, id="too many digits"),
        pytest.param(b'{"content":"x","\\ud800":1}', 422, id="a name with half a surrogate pair"),
    ],
)
async def test_over_http_a_body_that_cannot_be_read_is_refused(
    http: httpx.AsyncClient, body: bytes, status: int
) -> None:
    response = await http.post("/memory/store", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text[:500]
    if status != 200:
        assert response.headers["content-type"] == "application/problem+json"
        assert ERRORS[response.json()["code"]].status in {400, 422}


async def test_over_http_a_body_that_is_no_json_by_its_type_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post("/memory/store", content=b'{"content": "x"}', headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("announced", [True, False])
async def test_over_http_a_body_above_the_limit_is_refused_whether_or_not_it_is_announced(
    http: httpx.AsyncClient, announced: bool
) -> None:
    block, blocks = b" " * 2**20, 33

    async def body() -> AsyncIterator[bytes]:
        for _ in range(blocks):
            yield block

    headers = {"Content-Type": "application/json"}
    if announced:
        headers["Content-Length"] = str(len(block) * blocks)
    response = await http.post("/memory/store", content=body(), headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
    assert response.json()["code"] == "too-large"


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (b"", 422),
        (b"x" * 255, 200),
        (b"x" * 256, 422),
        (b"a\x01b", 400),
        (b"a\x7fb", 400),
        ("schlüssel".encode(), 200),
        (b"\xff", 200),
    ],
)
async def test_over_http_an_idempotency_key_is_printable_and_of_at_most_255_characters(
    memos: Memos, agent: str, key: bytes, status: int
) -> None:
    """Sent by hand, since HTTP clients refuse some of them by themselves."""
    key = key.replace(b"x" * 10, agent.encode()[:10]) if len(key) > 200 else key
    body = json.dumps({"content": "x", "agent_id": agent}).encode()
    answer = await by_hand(
        memos,
        b"POST /memory/store HTTP/1.1\r\nHost: memos\r\nContent-Type: application/json\r\n"
        b"Idempotency-Key: " + key + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
    )
    assert int(answer.split()[1]) == status, answer


async def by_hand(memos: Memos, request: bytes) -> bytes:
    parts = urlsplit(memos.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("GET", "/memory/no-uuid", "memory_id"),
        ("GET", "/memory/no-uuid/history", "memory_id"),
        ("DELETE", "/memory/7", "memory_id"),
        ("GET", f"/memory/{uuid4()}?agent_id=", "agent_id"),
        ("GET", f"/memory/{uuid4()}?agent_id=a%0Ab", "agent_id"),
        ("GET", f"/memory/{uuid4()}?agent_id=%ED%A0%80%00", "agent_id"),
        ("GET", f"/memory/{uuid4()}?agent_id=" + "a" * 256, "agent_id"),
        ("POST", "/memory/0/store", "tier"),
        ("POST", "/memory/4/store", "tier"),
        ("POST", "/memory/two/store", "tier"),
    ],
)
async def test_over_http_a_bad_part_of_an_address_is_refused_by_name(
    http: httpx.AsyncClient, method: str, path: str, field: str
) -> None:
    body = {"content": "x"} if method == "POST" else None
    response = await http.request(method, path, json=body)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert fields_of(response.json()) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "field"),
        ({"content": ""}, "content"),
        ({"content": None}, "content"),
        ({"tags": None}, "tags"),
        ({"agent_id": "another"}, "agent_id"),
        ({"metadata": {"a": nested(17)}}, "metadata"),
        ({"expires_at": "2024-01-01T00:00:00"}, "expires_at"),
    ],
)
async def test_a_bad_change_is_refused_by_field_both_ways(
    http: httpx.AsyncClient, tray: Wire, changes: dict[str, Any], field: str
) -> None:
    memory_id = str(uuid4())
    response = await http.patch(f"/memory/{memory_id}", json=changes)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert field in response.json()["detail"]

    document = envelope(UpdateMemory, str(uuid4()), tray)
    await tray.put(STREAM_OF[UpdateMemory], {**document, "data": {"memory_id": memory_id, "changes": changes}})
    reply = await tray.reply()
    assert (reply.type, reply.data["code"]) == (PROBLEM_TYPE, "invalid")
    assert field in reply.data["detail"]


@pytest.mark.parametrize("version", ["0", "-1", "x", str(10**30)])
async def test_a_version_that_is_none_is_refused(http: httpx.AsyncClient, version: str) -> None:
    params = {"expected_version": version}
    response = await http.patch(f"/memory/{uuid4()}", params=params, json={"importance": 1})
    assert response.status_code in {404, 422}
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "3601", "soon"])
async def test_a_request_timeout_that_is_none_is_refused(http: httpx.AsyncClient, timeout: str) -> None:
    response = await http.get(f"/memory/{uuid4()}", headers={"Request-Timeout": timeout})
    assert (response.status_code, fields_of(response.json())) == (422, ["request-timeout"])


async def test_a_read_with_bad_data_is_answered_over_the_bus(tray: Wire) -> None:
    document = envelope(GetMemory, str(uuid4()), tray)
    await tray.put(STREAM_OF[GetMemory], {**document, "data": {"memory_id": str(uuid4()), "agent_id": "\n"}})
    reply = await tray.reply()
    assert (reply.data["code"], fields_of(reply.data)) == ("invalid", ["agent_id"])
