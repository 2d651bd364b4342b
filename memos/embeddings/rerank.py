"""A second stage of ranking from any `/rerank` server: Jina, Cohere, vLLM, llama.cpp, Infinity, TEI, …"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import httpx
from pydantic import AliasChoices, BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError, field_validator
from pydantic_core import from_json

from memos.errors import ConfigurationError, RerankingRefused, Unavailable
from memos.waiting import seconds_asked_for

RerankApi = Literal["jina", "tei"]
"""How a request names the texts: `documents`, as most servers have it after Jina's, or TEI's `texts`."""

MOST_TEXTS: Mapping[RerankApi, int] = {"jina": 100, "tei": 32}
"""Texts in one request: what Cohere bills as one search, and what TEI takes unless it is told otherwise."""

REQUESTS_AT_ONCE = 4

REST_SECONDS = 5.0
"""For how long a server that failed is left alone, lest every query waits for it in vain."""

FAULTS_OF_A_TEXT = {400, 413, 422}
"""Statuses that speak of what was sent; all others speak of the server, the key or the address."""

HIGHEST_SCORE = 1e30
"""No model scores so far from 0; the sums and squares of what is further would not be finite."""

MOST_QUOTED = 200
"""Characters of an answer that an error quotes."""


@dataclass(frozen=True, slots=True)
class RerankServer:
    """Where a reranker is reached, and how much is asked of it.

    `characters` are the most of the query and one text together; what is longer is cut, since most servers refuse
    a whole request for one text that their model cannot read. `timeout` is for all the texts of a query.
    """

    url: str
    api: RerankApi = "jina"
    model: str = ""
    api_key: str = ""
    timeout: float = 2.0
    top: int = 50
    characters: int = 1600
    rest: float = REST_SECONDS

    @property
    def endpoint(self) -> str:
        """The address of `/rerank`, which `url` may name or not."""
        url = self.url.rstrip("/")
        return url if url.endswith("/rerank") else f"{url}/rerank"

    def __str__(self) -> str:
        """The address without user and password."""
        url = httpx.URL(self.endpoint)
        return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path}"


class Scored(BaseModel, strict=True, frozen=True):
    """What a server says of one text: its place in the request, and its score."""

    index: int
    score: FiniteFloat = Field(validation_alias=AliasChoices("relevance_score", "score"))

    @field_validator("score")
    @classmethod
    def _require_usable(cls, score: float) -> float:
        if abs(score) > HIGHEST_SCORE:
            raise ValueError("not a usable score")
        return score


ALL_SCORED = TypeAdapter(list[Scored])


class RemoteReranker:
    """Scores by `POST /rerank`; every text must come back once, with a usable score, in whatever order.

    Nothing is tried twice, and a server that failed is not asked again for a while, or for the time that it gave:
    a query does without its second stage meanwhile.
    """

    def __init__(self, client: httpx.AsyncClient, server: RerankServer) -> None:
        self._client = client
        self._server = server
        self._turns = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._rests_until = 0.0

    @property
    def model(self) -> str:
        """The model's name at the server; empty when the server was not told one."""
        return self._server.model

    @property
    def top(self) -> int:
        """How many of the best candidates it is meant to be given."""
        return self._server.top

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score per text, in order.

        Raises `RerankingRefused` when the server refuses the texts or answers with what is not one score for each,
        `Unavailable` when it does not answer in time, is busy or fails.
        """
        if not texts:
            return []
        self._require_rested()
        try:
            return await self._in_time(query, texts)
        except Unavailable as error:
            self._rests_until = _now() + max(error.retry_after, self._server.rest)
            raise

    async def _in_time(self, query: str, texts: Sequence[str]) -> list[float]:
        most = MOST_TEXTS[self._server.api]
        parts = [texts[start : start + most] for start in range(0, len(texts), most)]
        try:
            async with asyncio.timeout(self._server.timeout):
                batches = await asyncio.gather(*(self._batch(query, part) for part in parts))
        except TimeoutError as error:
            raise out_of_time(self._server) from error
        return [score for batch in batches for score in batch]

    async def _batch(self, query: str, texts: Sequence[str]) -> list[float]:
        async with self._turns:
            content = await answer(self._client, self._server, body_of(self._server, query, texts))
        try:
            return scores_in(content, len(texts))
        except ValueError as error:
            raise RerankingRefused(
                f"The reranking server {self._server} answered with something that is not one score for each of "
                f"{len(texts)} texts: {reason_of(error)}. Check that a reranking model is at MEMOS_RERANK_URL. "
                f"It answered: {beginning(content)}"
            ) from error

    def _require_rested(self) -> None:
        left = self._rests_until - _now()
        if left > 0:
            raise Unavailable(
                f"The reranking server {self._server} failed a moment ago and is left alone for {left:.1f} s more.",
                retry_after=left,
            )


def body_of(server: RerankServer, query: str, texts: Sequence[str]) -> dict[str, Any]:
    """A request; it has only fields that every server of its kind knows, as Cohere refuses others."""
    asked = query.strip()[: server.characters // 2]
    cut = [text.strip()[: server.characters - len(asked)] for text in texts]
    if server.api == "tei":
        return {"query": asked, "texts": cut, "raw_scores": False, "truncate": True}
    model = {"model": server.model} if server.model else {}
    return {**model, "query": asked, "documents": cut, "top_n": len(cut)}


async def answer(client: httpx.AsyncClient, server: RerankServer, body: dict[str, Any]) -> bytes:
    """What a server answers to a request, if it does."""
    try:
        response = await client.post(server.endpoint, json=body)
    except httpx.TimeoutException as error:
        raise out_of_time(server) from error
    except httpx.HTTPError as error:
        raise Unavailable(
            f"The reranking server {server} cannot be reached: {error!r}. Start it, or correct MEMOS_RERANK_URL."
        ) from error
    if not response.is_success:
        refuse(server, response)
    return response.content


def refuse(server: RerankServer, response: httpx.Response) -> NoReturn:
    """Raise what a status stands for."""
    said = f"status {response.status_code}: {beginning(response.content)}"
    if response.status_code in FAULTS_OF_A_TEXT:
        raise RerankingRefused(
            f"The reranking server {server} refused the texts. Send it less with MEMOS_RERANK_CHARACTERS or "
            f"MEMOS_RERANK_TOP, or correct MEMOS_RERANK_MODEL or MEMOS_RERANK_API. It answered with {said}"
        )
    raise Unavailable(
        f"The reranking server {server} gives no scores now. See that it runs, knows the key and has the model "
        f"loaded, and that MEMOS_RERANK_URL is right. It answered with {said}",
        retry_after=seconds_asked_for(response.headers.get("retry-after", "")),
    )


def out_of_time(server: RerankServer) -> Unavailable:
    """The error for a server that takes too long."""
    return Unavailable(
        f"The reranking server {server} did not answer within {server.timeout:g} s. "
        "Allow it more with MEMOS_RERANK_TIMEOUT, or send it fewer texts with MEMOS_RERANK_TOP."
    )


def scores_in(content: bytes, count: int) -> list[float]:
    """The scores of an answer in the order of the texts.

    Reads a list of scores (TEI), or an object with it as `results` (Jina, Cohere, vLLM, llama.cpp) or `data`
    (Infinity, Voyage). Raises ValueError unless there is one for each of `count` texts.
    """
    found = from_json(content)
    if isinstance(found, dict):
        found = found.get("results", found.get("data"))
    scored = ALL_SCORED.validate_python(found)
    scores = {one.index: one.score for one in scored}
    if missing := [index for index in range(count) if index not in scores]:
        raise ValueError(f"it has none for index {missing[0]} of 0 to {count - 1}")
    if len(scored) != count:
        raise ValueError(f"it has {len(scored)}")
    return [scores[index] for index in range(count)]


def reason_of(error: ValueError) -> str:
    """What is wrong with an answer, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False)[0]
    return ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)


def beginning(content: bytes) -> str:
    """The first of an answer, in one line."""
    text = " ".join(content[: 4 * MOST_QUOTED].decode("utf-8", "replace").split())
    return "".join(filter(str.isprintable, text))[:MOST_QUOTED] or "(nothing)"


def require_usable(server: RerankServer) -> None:
    """Raise `ConfigurationError` for an address or a key that no request can have."""
    try:
        url = httpx.URL(server.endpoint)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"MEMOS_RERANK_URL is no address: {error}. Correct it.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError("MEMOS_RERANK_URL must be an address like http://localhost:8000. Correct it.")
    if not (server.api_key.isascii() and server.api_key.isprintable()):
        raise ConfigurationError("MEMOS_RERANK_API_KEY has characters that no HTTP header can carry. Correct it.")


@asynccontextmanager
async def open_remote_reranker(server: RerankServer) -> AsyncIterator[RemoteReranker]:
    """A reranker at a server, which need not be there yet. Raises `ConfigurationError`."""
    require_usable(server)
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    async with httpx.AsyncClient(headers=headers, timeout=server.timeout) as client:
        yield RemoteReranker(client, server)


def _now() -> float:
    return asyncio.get_running_loop().time()
