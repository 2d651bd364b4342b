"""Questions that are hardly any: each is answered, or refused by name, over HTTP and over the bus alike."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import httpx
import pytest
from lanes import Wire
from running import Memos

from memos.client import Client
from memos.client.redis import open_redis
from memos.errors import InvalidCommand
from memos.events.memories import MemoriesFound, QueryMemory
from memos.events.problems import PROBLEM_TYPE
from memos.events.streams import STREAM_OF

pytest_plugins = ["bus_fixtures"]

QUERIES = STREAM_OF[QueryMemory]
MOST = 16_000
"""Characters of a query."""

ODD = {
    "stop words": "the of and",
    "one letter": "a",
    "an emoji": "\U0001f511",
    "many emoji": "\U0001f511\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f3f3\ufe0f\u200d\U0001f308\u2764\ufe0f"
    * 50,
    "punctuation": "?!… ,;:-()[]{}«»'\"…/\\|@#~^*_=+<>`\u00b4¿¡%&§",
    "four scripts": "key ключ 钥匙 مفتاح",
    "four scripts in one word": "key\u043a\u043b\u044e\u0447钥匙\u0645\u0641\u062a\u0627\u062d",
    "letters that look alike": "\u0440\u0430ss\u0440\u043ert p\u0430ssport",
    "zero-width characters": "\u200b\u200c\u200d\u2060\ufeff",
    "marks of direction": "\u200f\u202e\u2066key\u2069\u202c",
    "marks of direction alone": "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "marks without a letter": "\u0301\u0308\u0323",
    "letters under many marks": "k\u0301\u0308\u0323\u0336" * 3000,
    "one long word": "x" * 15_000,
    "one long word of another script": "鑰" * 15_000,
    "one word time and again": "key " * 4000,
    "as many bytes as fit": "\U0001f511" * MOST,
    "numbers": "42 3.14 -7 1e999 0x1F ١٢٣ ½ Ⅷ",
    "a number beyond all columns": "9" * 15_000,
    "SQL": "'; drop table agent_memories; -- \" $1 $$ E'\\000'",
    "JSON": '{"must": [{"key": "tenant", "match": {"any": []}}]}',
    "half of JSON": '"}]}, {"query": "',
    "null": "null",
    "Lucene": 'title:(+key -"lock out"~2) AND id:[* TO *]^4 OR NOT /ke.*/ \\',
    "tsquery": "key & ! lock | ( <-> :*",
    "a pattern": "(a+)+$ [^ (?P<x>",
    "a template": "{query} %s %n ${HOME} {{7*7}} {0.__class__}",
    "markup": "<script>alert(1)</script> &lt; <![CDATA[",
    "a command of Redis": "*1\r\n$8\r\nFLUSHALL\r\n",
    "an address": "../../etc/passwd%00 file:///dev/null",
    "control characters": "".join(map(chr, range(1, 32))) + "key\x7f\x80\x9f",
    "control characters alone": "\x01\x02\x1b\x7f\x80\x9f",
    "lines of every kind": "key\nkey\rkey\x0bkey\x0ckey\x85key\u2028key\u2029key",
    "private and unassigned characters": "\ue000\U000f0000\u0378\U000e0041",
    "characters that are none": "\ufffe\uffff\ufdd0\U0010ffff",
    "a replacement character": "\ufffd",
}

REFUSED = {
    "nothing": ("", "empty or blank"),
    "blanks of all kinds": (" \t\n\r\x0b\x0c\x1c\x1f\x85\u00a0\u2003\u2028\u3000", "empty or blank"),
    "NUL": ("a\x00b", "NUL"),
    "one too many": ("x" * (MOST + 1), f"at most {MOST} characters"),
    "100 kB": ("where is the key? " * 5700, f"at most {MOST} characters"),
    "100 kB in few characters": ("\U0001f511" * 25_000, f"at most {MOST} characters"),
}

HALVES = {
    "a first half": '"key \\ud83d"',
    "a second half": '"\\ude00 key"',
    "halves in the wrong order": '"\\ude00\\ud83d"',
    "a half before a letter": '"\\ud83dx"',
}
"""Escapes in JSON that stand for no character."""


@pytest.fixture(scope="session")
async def tray(memos: Memos) -> AsyncIterator[Wire]:
    """The streams of the memOS that all tests share, with an inbox of these tests' own."""
    async with open_redis(memos.redis_url) as redis:
        yield Wire(redis, inbox=f"memos:reply:{uuid4()}")


def fields_of(problem: dict[str, Any]) -> list[str]:
    return [fault["field"] for fault in problem["faults"]]


def own() -> dict[str, Any]:
    """A filter for what other agents do not share."""
    return {"visibility": "private"}


async def asked(client: Client, agent: str, query: str) -> MemoriesFound:
    """What an agent has of its own that answers a query; the answer must be well formed."""
    found = await client.query(query, agent_id=agent, filter=own(), explain=True)
    results = found.memories.results
    assert found.query == query
    assert found.memories.count == len(results) <= 5
    assert all(math.isfinite(one.score) and one.agent_id == agent for one in results)
    assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)
    return found


@pytest.mark.parametrize("query", ODD.values(), ids=ODD)
async def test_an_odd_question_is_answered_and_finds_what_says_the_same(
    client: Client, agent: str, query: str
) -> None:
    await client.store("Bread is baked on Tuesdays.", agent_id=agent)
    same = await client.store(query, agent_id=agent)

    found = await asked(client, agent, query)

    assert same.memory_id in [one.memory_id for one in found.memories.results]


@pytest.mark.parametrize("query", ODD.values(), ids=ODD)
async def test_an_odd_question_of_an_agent_that_knows_nothing_is_answered_with_nothing(
    client: Client, agent: str, query: str
) -> None:
    assert (await asked(client, agent, query)).memories.results == []


@pytest.mark.parametrize(
    "name",
    [
        "four scripts",
        "four scripts in one word",
        "numbers",
        "SQL",
        "JSON",
        "Lucene",
        "lines of every kind",
        "markup",
    ],
)
async def test_an_odd_question_finds_first_what_says_the_same(client: Client, agent: str, name: str) -> None:
    wanted = await client.store(ODD[name], agent_id=agent)
    for other in ("Bread is baked on Tuesdays.", "The kettle in the lab trips the fuse.", "Grace is on holiday."):
        await client.store(other, agent_id=agent)

    found = await asked(client, agent, ODD[name])

    assert found.memories.results[0].memory_id == wanted.memory_id


@pytest.mark.parametrize(("query", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_question_that_cannot_be_asked_is_refused_by_field_and_limit(
    client: Client, agent: str, query: str, reason: str
) -> None:
    with pytest.raises(InvalidCommand, match=reason) as refusal:
        await client.query(query, agent_id=agent)

    assert "query" in refusal.value.detail or [fault.field for fault in refusal.value.faults] == ["query"]
    assert len(refusal.value.detail) < 500


@pytest.mark.parametrize(("query", "reason"), REFUSED.values(), ids=REFUSED)
async def test_over_http_such_a_question_is_a_problem_of_few_words(
    http: httpx.AsyncClient, query: str, reason: str
) -> None:
    response = await http.post("/memory/query", json={"query": query})

    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert (response.json()["code"], fields_of(response.json())) == ("invalid", ["query"])
    assert reason in response.json()["faults"][0]["message"]
    assert len(response.content) < 1000


@pytest.mark.parametrize(("query", "reason"), REFUSED.values(), ids=REFUSED)
async def test_over_the_bus_such_a_question_is_answered_with_a_problem_of_few_words(
    tray: Wire, query: str, reason: str
) -> None:
    problem = await problem_over(tray, json.dumps({"query": query}))

    assert (problem["code"], fields_of(problem)) == ("invalid", ["query"])
    assert reason in problem["faults"][0]["message"]
    assert len(json.dumps(problem)) < 1000


async def problem_over(tray: Wire, data: str) -> dict[str, Any]:
    """What is answered to a query that is put on the bus by hand."""
    head = {"specversion": "1.0", "id": str(uuid4()), "source": "tests", "replyto": tray.inbox}
    document = json.dumps({**head, "type": QUERIES.event_type}).removesuffix("}")
    await tray.put(QUERIES, f'{document},"data":{data}}}'.encode())
    reply = await tray.reply()
    assert (reply.type, reply.correlationid) == (PROBLEM_TYPE, head["id"])
    await tray.nothing_left(QUERIES)
    problem: dict[str, Any] = reply.data
    return problem


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES)
async def test_half_a_surrogate_pair_is_refused_over_http_and_over_the_bus(
    http: httpx.AsyncClient, tray: Wire, text: str
) -> None:
    data = f'{{"query": {text}}}'
    response = await http.post("/memory/query", content=data, headers={"Content-Type": "application/json"})
    problem = await problem_over(tray, data)

    assert (response.status_code, fields_of(response.json())) == (422, ["query"])
    assert "unicode string" in response.json()["detail"]
    assert problem["code"] == "malformed"


async def test_a_surrogate_pair_in_json_is_one_character(http: httpx.AsyncClient, agent: str) -> None:
    data = f'{{"query": "\\ud83d\\udd11 key", "agent_id": "{agent}"}}'
    response = await http.post("/memory/query", content=data, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["query"]) == (200, "\U0001f511 key")


@pytest.mark.parametrize(("kept", "said"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC"), ("NFD", "NFD")])
async def test_accents_are_found_however_they_are_composed(
    client: Client, agent: str, kept: Any, said: Any
) -> None:
    texts = [
        "Das Café Zürich öffnet früh am Donnerstag.",
        "Ça coûte déjà très cher à Orléans.",
        "Việt Nam có nhiều cà phê.",
        "한국의 커피",
    ]
    ids = [(await client.store(normalize(kept, text), agent_id=agent)).memory_id for text in texts]

    for text, memory_id in zip(texts, ids, strict=True):
        found = await asked(client, agent, normalize(said, text))
        same = await asked(client, agent, normalize(kept, text))
        assert found.memories.results[0].memory_id == memory_id
        assert [one.memory_id for one in found.memories.results] == [one.memory_id for one in same.memories.results]
        assert [one.score for one in found.memories.results] == pytest.approx(
            [one.score for one in same.memories.results], abs=1e-4
        )
