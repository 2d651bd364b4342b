"""The second stage of ranking, against a real HTTP server."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from fastapi import Response
from rerank_server import (
    Answer,
    ScoringServer,
    as_infinity,
    as_jina,
    as_json,
    as_tei,
    overlap,
    rerank_server,
    scored,
)

from memos.embeddings.rerank import RemoteReranker, RerankServer, open_remote_reranker
from memos.engines import open_reranker
from memos.errors import ConfigurationError, RerankingRefused, Unavailable
from memos.settings import Settings

QUERY = "spare key of the office"
TEXTS = ["Lunch is at noon.", "The spare key of the office hangs here.", "The office is closed."]
SCORES = [overlap(QUERY, text) for text in TEXTS]


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[ScoringServer]:
    async with rerank_server() as server:
        yield server


@pytest.fixture
def server(running: ScoringServer) -> ScoringServer:
    running.asked.clear()
    running.keys.clear()
    running.answer = as_jina
    return running


@pytest.fixture
def where(server: ScoringServer) -> RerankServer:
    """The server, given ten seconds and asked again at once when it fails."""
    return RerankServer(server.url, model="m", api_key="secret", timeout=10, rest=0)


@pytest.fixture
async def reranker(where: RerankServer) -> AsyncIterator[RemoteReranker]:
    async with open_remote_reranker(where) as opened:
        yield opened


async def test_every_text_has_its_score_in_the_order_of_the_texts(
    server: ScoringServer, reranker: RemoteReranker
) -> None:
    assert SCORES == [0.0, 1.0, 0.4]

    assert await reranker.rerank(QUERY, TEXTS) == SCORES

    assert (reranker.model, reranker.top) == ("m", 50)
    assert server.asked == [{"model": "m", "query": QUERY, "documents": TEXTS, "top_n": 3}]
    assert server.keys == ["Bearer secret"]


async def test_no_texts_are_scored_without_asking(server: ScoringServer, reranker: RemoteReranker) -> None:
    assert await reranker.rerank(QUERY, []) == []
    assert server.asked == []


@pytest.mark.parametrize("answer", [as_jina, as_infinity, as_tei])
async def test_the_answers_of_all_kinds_of_servers_are_read(
    server: ScoringServer, reranker: RemoteReranker, answer: Answer
) -> None:
    server.answer = answer

    assert await reranker.rerank(QUERY, TEXTS) == SCORES


async def test_scores_that_are_not_sorted_are_read_by_their_index(
    server: ScoringServer, reranker: RemoteReranker
) -> None:
    server.answer = lambda body: {"results": scored(body)[::-1]}

    assert await reranker.rerank(QUERY, TEXTS) == SCORES


@pytest.mark.parametrize("scores", [[-11.5, 4, 0.25], [0, 0, 0]], ids=["logits", "all alike"])
async def test_scores_of_any_scale_are_given_as_they_are(
    server: ScoringServer, reranker: RemoteReranker, scores: list[float]
) -> None:
    server.answer = lambda _: [{"index": index, "score": score} for index, score in enumerate(scores)]

    assert await reranker.rerank(QUERY, TEXTS) == scores


async def test_tei_is_asked_in_its_own_words(server: ScoringServer, where: RerankServer) -> None:
    server.answer = as_tei
    async with open_remote_reranker(replace(where, api="tei", api_key="")) as reranker:
        assert await reranker.rerank(QUERY, TEXTS) == SCORES

    assert server.asked == [{"query": QUERY, "texts": TEXTS, "raw_scores": False, "truncate": True}]
    assert server.keys == [None]


async def test_a_server_with_one_model_is_not_told_its_name(server: ScoringServer, where: RerankServer) -> None:
    async with open_remote_reranker(replace(where, model="")) as reranker:
        assert await reranker.rerank(QUERY, TEXTS) == SCORES

    assert "model" not in server.asked[0]


@pytest.mark.parametrize("ending", ["/", "/rerank", "/rerank/"])
async def test_the_address_may_name_the_route(where: RerankServer, ending: str) -> None:
    async with open_remote_reranker(replace(where, url=where.url + ending)) as reranker:
        assert await reranker.rerank(QUERY, TEXTS) == SCORES


@pytest.mark.parametrize(("api", "sizes"), [("jina", [50, 100, 100]), ("tei", [26] + [32] * 7)])
async def test_many_texts_are_sent_in_batches_and_come_back_in_order(
    server: ScoringServer, where: RerankServer, api: Any, sizes: list[int]
) -> None:
    server.answer = as_jina if api == "jina" else as_tei
    texts = [" ".join(QUERY.split()[: number % 6]) for number in range(250)]
    async with open_remote_reranker(replace(where, api=api, timeout=10)) as reranker:
        scores = await reranker.rerank(QUERY, texts)

    assert scores == [overlap(QUERY, text) for text in texts]
    assert sorted(len(asked.get("documents") or asked["texts"]) for asked in server.asked) == sizes


async def test_a_server_has_at_most_four_requests_at_a_time(server: ScoringServer, where: RerankServer) -> None:
    four_are_there, let_go = asyncio.Event(), asyncio.Event()

    async def held(body: dict[str, Any]) -> object:
        if len(server.asked) == 4:
            four_are_there.set()
        await let_go.wait()
        return as_tei(body)

    server.answer = held
    async with open_remote_reranker(replace(where, api="tei", timeout=10)) as reranker, asyncio.timeout(10):
        scoring = asyncio.create_task(reranker.rerank(QUERY, TEXTS * 64))
        await four_are_there.wait()
        async with httpx.AsyncClient() as another:
            await another.get(server.url)
        assert len(server.asked) == 4
        let_go.set()
        assert await scoring == SCORES * 64

    assert len(server.asked) == 6


@pytest.mark.parametrize(("query", "room"), [("key", 97), ("k" * 70, 50)], ids=["short", "long"])
async def test_what_is_too_long_is_cut_and_a_query_leaves_half_of_the_room_to_the_text(
    server: ScoringServer, where: RerankServer, query: str, room: int
) -> None:
    text = " \n" + "x" * 200
    async with open_remote_reranker(replace(where, characters=100)) as reranker:
        await reranker.rerank(query, [text, "short"])

    [asked] = server.asked
    assert asked["query"] == query[:50]
    assert asked["documents"] == ["x" * room, "short"]


def one_changed(**fields: object) -> Answer:
    """A good answer but for the first score."""

    def changed(body: dict[str, Any]) -> object:
        first, *others = scored(body)
        return {"results": [{**first, **fields}, *others]}

    return changed


BAD_ANSWERS: dict[str, tuple[Answer, str]] = {
    "one too few": (lambda body: {"results": scored(body)[1:]}, "none for index 1"),
    "one twice for another": (one_changed(index=0), "none for index 1"),
    "one too many": (lambda body: {"results": scored(body) * 2}, "it has 6"),
    "an index too high": (one_changed(index=3), "none for index 1"),
    "a negative index": (one_changed(index=-1), "none for index 1"),
    "an index that is none": (one_changed(index="1"), "0.index: "),
    "an index that is true": (one_changed(index=True), "0.index: "),
    "not a number": (one_changed(relevance_score=math.nan), "finite number"),
    "infinite": (one_changed(relevance_score=-math.inf), "finite number"),
    "beyond all floats": (one_changed(relevance_score=10**400), "0.relevance_score: "),
    "too high": (one_changed(relevance_score=1.1e30), "0.relevance_score: .*not a usable score"),
    "too low": (one_changed(relevance_score=-1e300), "0.relevance_score: .*not a usable score"),
    "no score": (one_changed(relevance_score=None), "0.relevance_score: "),
    "a score in words": (one_changed(relevance_score="high"), "0.relevance_score: "),
    "no scores": (lambda _: {"results": []}, "none for index 0"),
    "null": (lambda _: None, "valid list"),
    "a number": (lambda _: 7, "valid list"),
    "texts for scores": (lambda body: {"results": body["documents"]}, "0: "),
    "an error with status 200": (lambda _: {"error": "no model is loaded"}, "no model is loaded"),
    "a page": (lambda _: Response("<html>\nHello", media_type="text/html"), "<html> Hello"),
    "broken JSON": (lambda _: Response('{"results": ['), "EOF"),
    "JSON nested too deep": (lambda _: Response("[" * 100_000), "recursion"),
    "bytes that are no text": (lambda _: Response(b"\xff\x00\x1b"), "expected value"),
    "nothing": (lambda _: Response(""), r"\(nothing\)"),
}


@pytest.mark.parametrize(("answer", "reason"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_what_is_not_one_score_for_each_text_is_refused_with_what_was_answered(
    server: ScoringServer, reranker: RemoteReranker, answer: Answer, reason: str
) -> None:
    server.answer = answer

    with pytest.raises(RerankingRefused, match=reason) as refusal:
        await reranker.rerank(QUERY, TEXTS)

    assert "It answered: " in refusal.value.detail
    assert "secret" not in refusal.value.detail
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 600


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_request_that_the_server_refuses_is_refused_and_the_next_is_asked(
    server: ScoringServer, where: RerankServer, status: int
) -> None:
    server.answer = lambda _: as_json({"detail": "512 tokens\nat most"}, status)
    async with open_remote_reranker(replace(where, rest=60)) as reranker:
        with pytest.raises(RerankingRefused, match=f"CHARACTERS.*status {status}: .*512 tokens"):
            await reranker.rerank(QUERY, TEXTS)
        server.answer = as_jina

        assert await reranker.rerank(QUERY, TEXTS) == SCORES


@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 424, 429, 500, 502, 503])
async def test_a_server_that_gives_no_scores_now_is_unavailable_and_asked_once(
    server: ScoringServer, reranker: RemoteReranker, status: int
) -> None:
    server.answer = lambda _: as_json({"error": {"message": "not now"}}, status)

    with pytest.raises(Unavailable, match=f"the key.*status {status}: .*not now"):
        await reranker.rerank(QUERY, TEXTS)

    assert len(server.asked) == 1


@pytest.mark.parametrize("times", [1, 40])
async def test_a_server_that_stalls_is_given_up_within_the_timeout_however_many_batches_there_are(
    server: ScoringServer, where: RerankServer, times: int
) -> None:
    given_up = asyncio.Event()
    server.answer = lambda _: given_up.wait()
    async with open_remote_reranker(replace(where, api="tei", timeout=0.2)) as reranker:
        with pytest.raises(Unavailable, match=r"within 0\.2 s.*MEMOS_RERANK_TIMEOUT"):
            await asyncio.wait_for(reranker.rerank(QUERY, TEXTS * 32 * times), 10)
    given_up.set()


async def test_a_server_that_drips_is_given_up_within_the_timeout(where: RerankServer) -> None:
    """Each of its bytes comes in time, but never the last."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{dripping.sockets[0].getsockname()[1]}"
    async with dripping, open_remote_reranker(replace(where, url=url, timeout=0.3)) as reranker:
        with pytest.raises(Unavailable, match=r"within 0\.3 s"):
            await asyncio.wait_for(reranker.rerank(QUERY, TEXTS), 10)


async def test_a_server_that_hangs_up_is_unavailable(where: RerankServer) -> None:
    hanging_up = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{hanging_up.sockets[0].getsockname()[1]}"
    async with hanging_up, open_remote_reranker(replace(where, url=url)) as reranker:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await reranker.rerank(QUERY, TEXTS)


async def test_a_server_that_is_not_there_is_unavailable_by_its_address_without_the_password(
    where: RerankServer,
) -> None:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    url = f"http://ada:password@127.0.0.1:{port}"
    async with open_remote_reranker(replace(where, url=url)) as reranker:
        with pytest.raises(Unavailable, match=f"http://127.0.0.1:{port}/rerank cannot be reached") as refusal:
            await reranker.rerank(QUERY, TEXTS)

    assert "password" not in refusal.value.detail


async def test_a_server_that_failed_is_left_alone_for_a_while(server: ScoringServer, where: RerankServer) -> None:
    server.answer = lambda _: as_json({}, 500)
    async with open_remote_reranker(replace(where, rest=30)) as reranker:
        with pytest.raises(Unavailable, match="status 500"):
            await reranker.rerank(QUERY, TEXTS)
        server.answer = as_jina

        with pytest.raises(Unavailable, match=r"left alone for (29|30)\.\d s more") as second:
            await reranker.rerank(QUERY, TEXTS)

    assert 29 < second.value.retry_after <= 30
    assert len(server.asked) == 1


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(("retry_after", "seconds"), [("20", 20), (in_an_hour(), 60), ("1e999", 60)])
async def test_a_busy_server_is_not_asked_again_before_the_time_that_it_gave(
    server: ScoringServer, reranker: RemoteReranker, retry_after: str, seconds: float
) -> None:
    server.answer = lambda _: as_json({}, 429, **{"Retry-After": retry_after})
    with pytest.raises(Unavailable, match="status 429") as first:
        await reranker.rerank(QUERY, TEXTS)
    server.answer = as_jina

    with pytest.raises(Unavailable, match="left alone") as second:
        await reranker.rerank(QUERY, TEXTS)

    assert first.value.retry_after == seconds
    assert seconds - 1 < second.value.retry_after <= seconds
    assert len(server.asked) == 1


NO_REST = ["0", "-1", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT", f"Wed, 21 Oct {'9' * 20} 07:28:00 GMT"]


@pytest.mark.parametrize("retry_after", NO_REST)
async def test_a_server_that_is_well_again_is_asked_again(
    server: ScoringServer, reranker: RemoteReranker, retry_after: str
) -> None:
    server.answer = lambda _: as_json({}, 503, **{"Retry-After": retry_after})
    with pytest.raises(Unavailable):
        await reranker.rerank(QUERY, TEXTS)
    server.answer = as_jina

    assert await reranker.rerank(QUERY, TEXTS) == SCORES


async def test_by_default_there_is_no_second_stage() -> None:
    async with open_reranker(Settings()) as reranker:
        assert reranker is None


async def test_the_settings_say_where_and_how_a_reranker_is_asked(server: ScoringServer) -> None:
    server.answer = as_tei
    settings = Settings(
        rerank_url=server.url,
        rerank_api="tei",
        rerank_api_key="k",
        rerank_model="m",
        rerank_top=7,
        rerank_characters=100,
    )
    async with open_reranker(settings) as reranker:
        assert reranker is not None
        assert (reranker.model, reranker.top) == ("m", 7)
        assert await reranker.rerank("x" * 60, ["x" * 60]) == [1.0]

    assert server.asked == [{"query": "x" * 50, "texts": ["x" * 50], "raw_scores": False, "truncate": True}]
    assert server.keys == ["Bearer k"]


@pytest.mark.parametrize(
    "url", ["localhost:8000", "/rerank", "ftp://a/rerank", "http://", "http://a:port", "http://a\n"]
)
async def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MEMOS_RERANK_URL"):
        async with open_reranker(Settings(rerank_url=url)):
            pass


@pytest.mark.parametrize("key", ["secret\n", "schlüssel"])
async def test_a_key_that_no_header_can_carry_is_refused_at_the_start_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="MEMOS_RERANK_API_KEY") as refusal:
        async with open_reranker(Settings(rerank_url="http://localhost:8000", rerank_api_key=key)):
            pass

    assert key.strip() not in refusal.value.detail
