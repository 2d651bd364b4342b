"""The embedder for OpenAI-compatible servers, against a real HTTP server."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import openai
import pytest
from fastapi import FastAPI, Request, Response
from http_servers import serving

from memos.embeddings.openai_compatible import OpenAICompatible, open_openai_compatible
from memos.errors import EmbeddingRefused, Unavailable

Answer = Callable[[list[str]], Any]

DIMENSION = 4


class Server:
    """An embeddings server that answers as `answer` says and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: Answer = embeddings
        self.url = ""

    async def embed(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers["authorization"])
        answer = self.answer(body["input"])
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, Response) else as_json(answer)


def as_json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content), status, media_type="application/json")


def vector_of(text: str) -> list[float]:
    return [float(len(text)), 3.0, 0.0, 0.0]


def unit_of(text: str) -> list[float]:
    vector = vector_of(text)
    return [number / math.hypot(*vector) for number in vector]


def items(texts: list[str]) -> list[dict[str, Any]]:
    return [
        {"object": "embedding", "index": index, "embedding": vector_of(text)} for index, text in enumerate(texts)
    ]


def as_answer(data: object) -> dict[str, object]:
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def embeddings(texts: list[str]) -> object:
    return as_answer(items(texts))


def with_vector(vector: object) -> Answer:
    return lambda texts: as_answer([{**item, "embedding": vector} for item in items(texts)])


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[Server]:
    server, app = Server(), FastAPI()
    app.post("/v1/embeddings")(server.embed)
    async with serving(app) as url:
        server.url = f"{url}/v1"
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.asked.clear()
    running.keys.clear()
    running.answer = embeddings
    return running


@pytest.fixture
async def embedder(server: Server) -> AsyncIterator[OpenAICompatible]:
    """An embedder that asks once and waits ten seconds."""
    async with openai.AsyncOpenAI(base_url=server.url, api_key="secret", timeout=10, max_retries=0) as client:
        yield OpenAICompatible(client, "m", DIMENSION)


async def test_texts_become_unit_vectors_in_order(server: Server, embedder: OpenAICompatible) -> None:
    texts = ["a", "bcd", ""]

    vectors = await embedder.embed(texts)

    assert vectors == [pytest.approx(unit_of(text)) for text in texts]
    assert (embedder.model, embedder.dimension) == ("m", DIMENSION)
    [asked] = server.asked
    assert (asked["model"], asked["input"], asked["encoding_format"]) == ("m", texts, "float")
    assert server.keys == ["Bearer secret"]


async def test_no_texts_are_embedded_without_asking(server: Server, embedder: OpenAICompatible) -> None:
    assert await embedder.embed([]) == []
    assert server.asked == []


async def test_answers_are_sorted_by_their_index(server: Server, embedder: OpenAICompatible) -> None:
    server.answer = lambda texts: as_answer(items(texts)[::-1])

    assert await embedder.embed(["a", "bc"]) == [pytest.approx(unit_of(text)) for text in ("a", "bc")]


async def test_many_texts_are_asked_in_batches_and_come_back_in_order(
    server: Server, embedder: OpenAICompatible
) -> None:
    texts = ["x" * number for number in range(300)]

    vectors = await embedder.embed(texts)

    assert vectors == [pytest.approx(unit_of(text)) for text in texts]
    assert sorted(len(asked["input"]) for asked in server.asked) == [44, 128, 128]


REFUSED: dict[str, Answer] = {
    "a vector too short": with_vector([1.0, 2.0]),
    "an empty vector": with_vector([]),
    "not a number": with_vector([math.nan, 1.0, 1.0, 1.0]),
    "infinite": with_vector([math.inf, 1.0, 1.0, 1.0]),
    "all zeros": with_vector([0.0] * DIMENSION),
    "no vector": with_vector(None),
    "words for numbers": with_vector(["a", "b", "c", "d"]),
    "base64 for numbers": with_vector("AACAPwAAAEA="),
    "one too few": lambda texts: as_answer(items(texts)[1:]),
    "another index": lambda texts: as_answer([{**item, "index": item["index"] + 1} for item in items(texts)]),
    "no data": lambda _: as_answer([]),
    "null data": lambda _: as_answer(None),
    "data of another kind": lambda _: as_answer({"a": 1}),
    "an error with status 200": lambda _: {"error": "no model is loaded"},
    "a list": lambda _: [1, 2],
    "null": lambda _: None,
    "a page": lambda _: Response("<html>", media_type="text/html"),
    "broken JSON": lambda _: Response('{"data": [', media_type="application/json"),
    "nothing": lambda _: Response(""),
    "status 400": lambda _: as_json({"error": {"message": "too long"}}, 400),
    "status 413": lambda _: as_json({"error": {"message": "too long"}}, 413),
    "status 400 without JSON": lambda _: Response("no", 400),
    "status 422": lambda _: Response("no", 422),
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_embedding_is_refused(server: Server, embedder: OpenAICompatible, answer: Answer) -> None:
    server.answer = answer

    with pytest.raises(EmbeddingRefused) as refusal:
        await embedder.embed(["a", "b"])

    assert "\n" not in refusal.value.detail


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 502, 503])
async def test_a_server_that_does_not_embed_for_us_now_is_unavailable(
    server: Server, embedder: OpenAICompatible, status: int
) -> None:
    server.answer = lambda _: as_json({"error": {"message": "not now"}}, status)

    with pytest.raises(Unavailable, match="not now"):
        await embedder.embed(["a"])

    assert len(server.asked) == 1


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("retry_after", ["20", in_an_hour(), "1e9"])
async def test_a_busy_server_is_not_asked_again_before_the_time_that_it_gave(
    server: Server, embedder: OpenAICompatible, retry_after: str
) -> None:
    server.answer = lambda _: Response("{}", 429, {"Retry-After": retry_after})
    with pytest.raises(Unavailable, match="429") as first:
        await embedder.embed(["a"])
    server.answer = embeddings

    with pytest.raises(Unavailable, match=r"asked to be left alone for (1[5-9]|20|5[5-9]|60)\.\d s more") as second:
        await embedder.embed(["a"])

    assert 60 >= first.value.retry_after >= second.value.retry_after > 15
    assert len(server.asked) == 1


@pytest.mark.parametrize("retry_after", ["0", "-1", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_a_busy_server_that_gives_no_time_to_come_is_asked_again(
    server: Server, embedder: OpenAICompatible, retry_after: str
) -> None:
    server.answer = lambda _: Response("{}", 429, {"Retry-After": retry_after})
    with pytest.raises(Unavailable, match="429") as refusal:
        await embedder.embed(["a"])
    server.answer = embeddings

    assert refusal.value.retry_after == 0
    assert await embedder.embed(["a"]) == [pytest.approx(unit_of("a"))]


async def test_a_server_that_fails_is_asked_once_and_not_waited_for(server: Server) -> None:
    server.answer = lambda _: Response("{}", 503, {"Retry-After": "30"})
    async with open_openai_compatible(server.url, "m", dimension=DIMENSION, api_key="k", timeout=10) as embedder:
        with pytest.raises(Unavailable):
            await embedder.embed(["a"])

    assert len(server.asked) == 1


async def test_a_server_that_hangs_is_unavailable(server: Server) -> None:
    given_up = asyncio.Event()
    server.answer = lambda _: given_up.wait()
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", timeout=0.05, max_retries=0) as client:
        with pytest.raises(Unavailable):
            await OpenAICompatible(client, "m", DIMENSION).embed(["a"])
    given_up.set()


async def test_a_server_that_is_not_there_is_unavailable(unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="k", timeout=10, max_retries=0) as client:
        with pytest.raises(Unavailable, match=str(unused_port)):
            await OpenAICompatible(client, "m", DIMENSION).embed(["a"])


@pytest.fixture
async def unused_port() -> int:
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    return port


async def test_a_key_that_is_wrong_is_named_as_such(server: Server, embedder: OpenAICompatible) -> None:
    server.answer = lambda _: as_json({"error": {"message": "bad key"}}, 401)

    with pytest.raises(Unavailable, match="key"):
        await embedder.embed(["a"])


async def test_a_dimension_of_zero_is_asked_of_the_server(server: Server) -> None:
    async with open_openai_compatible(server.url, "m", dimension=0, api_key="k", timeout=10) as embedder:
        assert embedder.dimension == DIMENSION
        assert await embedder.embed(["a"]) == [pytest.approx(unit_of("a"))]


async def test_a_dimension_that_is_given_is_not_asked_for(server: Server) -> None:
    async with open_openai_compatible(server.url, "m", dimension=7, api_key="k", timeout=10) as embedder:
        assert embedder.dimension == 7
        assert server.asked == []
        with pytest.raises(EmbeddingRefused, match=r"4 dimensions, where m has 7.*MEMOS_EMBEDDING_DIMENSION"):
            await embedder.embed(["a"])


@pytest.mark.parametrize("answer", [with_vector([]), with_vector(None), with_vector([0.0]), with_vector("1234")])
async def test_a_server_whose_dimension_cannot_be_learnt_is_refused(server: Server, answer: Answer) -> None:
    server.answer = answer

    with pytest.raises(EmbeddingRefused):
        async with open_openai_compatible(server.url, "m", dimension=0, api_key="k", timeout=10):
            pass
