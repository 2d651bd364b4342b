"""What a client says of the cache, in headers and in the field `memos` of the body."""

from typing import Any
from uuid import uuid4

import httpx
import openai as openai_client
import pytest
from openai import AsyncOpenAI
from upstream import Upstream, asking

pytest_plugins = ["proxy_fixtures"]


async def found(raw: httpx.AsyncClient, text: str, own: Any = None, /, **headers: str) -> str:
    """What the cache says to a request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = asking(text) if own is None else asking(text, memos=own)
    response = await raw.post("/chat/completions", json=body, headers=named)
    assert response.status_code == 200, response.text
    return response.headers["x-memos-cache"]


async def test_no_cache_has_a_fresh_answer_made_and_kept(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    assert await found(raw, text) == "miss"
    assert await found(raw, text, cache_control="no-cache") == "miss"
    assert await found(raw, text) == "hit"
    assert await found(raw, f"{text}!", cache_control="No-Cache") == "miss"
    assert await found(raw, f"{text}!") == "hit"
    assert len(upstream.asked) == 3


async def test_no_store_has_nothing_kept(raw: httpx.AsyncClient, upstream: Upstream, text: str) -> None:
    assert await found(raw, text, cache_control="max-age=60, no-store") == "miss"
    assert await found(raw, text) == "miss"
    assert await found(raw, text, cache_control="no-store") == "hit"


async def test_an_answer_that_is_too_old_or_not_to_be_kept_long_enough_is_made_again(
    raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    assert await found(raw, text, x_memos_cache_ttl="100") == "miss"
    assert await found(raw, text, cache_control="max-age=1000, min-fresh=50") == "hit"
    assert await found(raw, text, cache_control="min-fresh=200", x_memos_cache_ttl="100") == "miss"
    assert await found(raw, text, cache_control="max-age=0") == "miss"
    assert len(upstream.asked) == 3


@pytest.mark.parametrize(
    "malformed",
    ["min-fresh", "min-fresh=", "min-fresh=soon", "min-fresh=-1", "min-fresh=1.5", "min-fresh=²", ",,=,", "odd=7"],
)
async def test_a_malformed_directive_counts_not(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, malformed: str
) -> None:
    await found(raw, text)
    headers = {b"cache-control": malformed.encode()}
    response = await raw.post("/chat/completions", json=asking(text), headers=headers)
    assert response.headers["x-memos-cache"] == "hit"


@pytest.mark.parametrize("malformed", ["max-age", "max-age=", "max-age=soon", "max-age=-1", "max-age=²"])
async def test_an_age_that_is_none_has_a_fresh_answer_made(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, malformed: str
) -> None:
    await found(raw, text)
    headers = {b"cache-control": malformed.encode()}
    response = await raw.post("/chat/completions", json=asking(text), headers=headers)
    assert response.headers["x-memos-cache"] == "miss"


@pytest.mark.parametrize("stream", [False, True])
async def test_why_an_answer_is_not_kept_is_said_when_a_source_is_not_there(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, stream: bool
) -> None:
    absent = f"memory:{uuid4()}"
    for _ in range(2):
        body = asking(text, stream=stream, memos={"sources": [absent]})
        response = await raw.post("/chat/completions", json=body)
        assert (response.status_code, response.headers["x-memos-cache"]) == (200, "miss")
        assert absent in response.headers["x-memos-not-kept"]
    assert await found(raw, text) == "miss"


async def test_only_if_cached_is_answered_by_the_cache_or_not_at_all(
    openai: AsyncOpenAI, upstream: Upstream, text: str
) -> None:
    only: dict[str, Any] = {"extra_headers": {"cache-control": "only-if-cached"}}
    with pytest.raises(openai_client.InternalServerError, match="no cached answer") as caught:
        await openai.chat.completions.create(**asking(text), **only)
    assert (caught.value.status_code, caught.value.code) == (504, "not-cached")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert upstream.asked == []
    await openai.chat.completions.create(**asking(text))
    await openai.chat.completions.create(**asking(text), **only)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("way", ["header", "field"])
async def test_a_request_may_go_past_the_cache(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, way: str
) -> None:
    off: dict[str, Any] = {"x_memos_cache": "off"} if way == "header" else {}
    own = None if way == "header" else {"cache": "off"}
    assert [await found(raw, text, own, **off) for _ in range(2)] == ["miss", "miss"]
    assert await found(raw, text) == "miss"
    assert await found(raw, text) == "hit"
    assert await found(raw, text, own, **off) == "miss"


@pytest.mark.parametrize("own", [None, {"cache": "semantic"}], ids=["exact", "semantic"])
async def test_another_question_that_asks_the_same_is_answered_where_that_is_asked_for(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, own: Any
) -> None:
    seed = len(text)
    question, again = "How do I learn to play the guitar?", "How can I learn to play the guitar?"
    seeded = {"seed": seed, "model": f"parrot-{text}"}
    first = await raw.post("/chat/completions", json=asking(question, **seeded, memos={"cache": "semantic"}))
    second = await raw.post("/chat/completions", json=asking(again, **seeded, **({"memos": own} if own else {})))
    assert first.headers["x-memos-cache"] == "miss"
    assert second.headers["x-memos-cache"] == ("semantic" if own else "miss")
    assert (second.json() == first.json()) is bool(own)


async def test_an_answer_goes_when_a_memory_it_was_made_from_changes(
    proxied_memory: httpx.AsyncClient, raw: httpx.AsyncClient, upstream: Upstream, text: str
) -> None:
    stored = await proxied_memory.post("/memory/store", json={"content": f"About {text}", "agent_id": "cortex"})
    memory_id = stored.json()["memory_id"]
    sources = {"x_memos_sources": f"memory:{memory_id}, fact:1", "x_memos_agent": "cortex"}
    assert await found(raw, text, **sources) == "miss"
    assert await found(raw, text, **sources) == "hit"
    assert await found(raw, text, {"sources": [f"memory:{memory_id}"]}) == "hit"
    changed = await proxied_memory.patch(f"/memory/{memory_id}?agent_id=cortex", json={"content": "Another."})
    assert changed.status_code == 200, changed.text
    assert await found(raw, text) == "miss"


BAD = {
    "x-memos-cache": ["fuzzy", ""],
    "x-memos-cache-ttl": ["0", "-1", "1.5", "soon", "9" * 30, "²"],
    "x-memos-agent": ["", "x" * 256],
    "x-memos-sources": ["memory", "memory:", "session:1", "memory:a@0", "memory:a@x"],
}


@pytest.mark.parametrize(("header", "value"), [(name, value) for name, values in BAD.items() for value in values])
async def test_a_header_that_is_wrong_is_refused_by_its_name(
    raw: httpx.AsyncClient, upstream: Upstream, text: str, header: str, value: str
) -> None:
    response = await raw.post("/chat/completions", json=asking(text), headers={header.encode(): value.encode()})
    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", header)
    assert header in error["message"]
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("own", "param"),
    [
        (7, "memos"),
        ([], "memos"),
        ({"ttl": "60"}, "memos.ttl"),
        ({"ttl": True}, "memos.ttl"),
        ({"cache": "fuzzy"}, "memos.cache"),
        ({"agent_id": ""}, "memos.agent_id"),
        ({"sources": "memory:a"}, "memos.sources"),
        ({"sources": ["fact:1", "b"]}, "memos.sources.1"),
        ({"tenant": "other"}, "memos.tenant"),
    ],
)
async def test_a_field_that_is_wrong_is_refused_by_its_name(
    openai: AsyncOpenAI, upstream: Upstream, text: str, own: Any, param: str
) -> None:
    with pytest.raises(openai_client.BadRequestError) as caught:
        await openai.chat.completions.create(**asking(text), extra_body={"memos": own})
    assert caught.value.param == param
    assert upstream.asked == []
