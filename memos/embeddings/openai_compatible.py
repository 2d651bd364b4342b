"""Embeddings from any OpenAI-compatible server: LM Studio, OpenAI, vLLM, Ollama, …"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import openai

from memos.errors import EmbeddingRefused, Unavailable
from memos.records import Vector

MOST_TEXTS = 128
"""Texts in one request; servers differ in what they take, and this is below the limits of the common ones."""

REQUESTS_AT_ONCE = 4

FAULTS_OF_A_TEXT = {400, 413, 422}
"""Statuses that speak of what was sent; all others speak of the server, the key or the model."""

LONGEST_REST = 60.0
"""Most seconds for which a server that is busy is left alone, however long it asks for."""


class OpenAICompatible:
    """Embeds by `POST /embeddings`; vectors are checked and brought to unit length.

    Nothing is tried twice here, and a server that is busy is not asked again before the time that it gave:
    the bus tries the command again later, and others are not held up meanwhile.
    """

    def __init__(self, client: openai.AsyncOpenAI, model: str, dimension: int) -> None:
        self._client = client
        self._model = model
        self._dimension = dimension
        self._turns = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._rests_until = 0.0

    @property
    def model(self) -> str:
        """The model's name at the server, kept beside every vector."""
        return self._model

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector per text, in order.

        Raises `EmbeddingRefused` when the server refuses a text or answers with what is no vector of
        this model, `Unavailable` when it does not answer, is busy or fails.
        """
        starts = range(0, len(texts), MOST_TEXTS)
        batches = await asyncio.gather(*(self._batch(texts[start : start + MOST_TEXTS]) for start in starts))
        return [vector for batch in batches for vector in batch]

    async def _batch(self, texts: Sequence[str]) -> list[Vector]:
        async with self._turns:
            self._require_rested()
            try:
                vectors = await request(self._client, self._model, texts)
            except Unavailable as error:
                self._rests_until = max(self._rests_until, _now() + error.retry_after)
                raise
        return [unit(vector, self._dimension, self._model) for vector in vectors]

    def _require_rested(self) -> None:
        left = self._rests_until - _now()
        if left > 0:
            raise Unavailable(
                f"The embedding server {self._client.base_url} is busy and asked to be left alone for "
                f"{left:.1f} s more. Try again then.",
                retry_after=left,
            )


async def request(client: openai.AsyncOpenAI, model: str, texts: Sequence[str]) -> list[list[float]]:
    """What the server answers for some texts, in their order."""
    try:
        answer = await client.embeddings.create(model=model, input=list(texts), encoding_format="float")
        found = {item.index: item.embedding for item in answer.data}
        return [list(found[index]) for index in range(len(texts))]
    except (openai.APIConnectionError, openai.APIStatusError) as error:
        if isinstance(error, openai.APIStatusError) and error.status_code in FAULTS_OF_A_TEXT:
            raise EmbeddingRefused(
                f"The embedding server {client.base_url} refused the text: {error}. Send a shorter one."
            ) from error
        raise Unavailable(
            f"The embedding server {client.base_url} does not embed with {model} now: {error}. "
            "See that it runs, knows the key, and has the model loaded.",
            retry_after=rest_asked_for(error),
        ) from error
    except (openai.OpenAIError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise EmbeddingRefused(
            f"The embedding server {client.base_url} answered for {model} with something that is not "
            f"{len(texts)} embeddings: {error!r}. Check that the address is one of an OpenAI-compatible server."
        ) from error


def rest_asked_for(error: openai.OpenAIError) -> float:
    """The seconds of the header `Retry-After`, RFC 9110 section 10.2.3, in either of its forms; else 0."""
    value = error.response.headers.get("retry-after", "") if isinstance(error, openai.APIStatusError) else ""
    try:
        seconds = float(value) if value[:1].isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_REST)


def _now() -> float:
    return asyncio.get_running_loop().time()


def unit(vector: Sequence[float], dimension: int, model: str) -> Vector:
    """A vector of length 1 in the same direction. Raises `EmbeddingRefused` for what has none."""
    if len(vector) != dimension:
        raise EmbeddingRefused(
            f"The embedding server answered with {len(vector)} dimensions, where {model} has {dimension}. "
            "Correct MEMOS_EMBEDDING_MODEL or MEMOS_EMBEDDING_DIMENSION."
        )
    try:
        length = math.hypot(*vector)
    except TypeError:
        length = math.nan
    if not 0 < length < math.inf:
        raise EmbeddingRefused(
            f"The embedding server answered for {model} with a vector that has no direction: it is all zeros, "
            "infinite, or not of numbers. Reload the model at the server."
        )
    return [number / length for number in vector]


@asynccontextmanager
async def open_openai_compatible(
    url: str, model: str, *, dimension: int, api_key: str, timeout: float
) -> AsyncIterator[OpenAICompatible]:
    """An embedder at `url`; a dimension of 0 is asked of the server.

    Raises `Unavailable` or `EmbeddingRefused` when that question has no answer.
    """
    client = openai.AsyncOpenAI(base_url=url, api_key=api_key, timeout=timeout, max_retries=0)
    async with client:
        if not dimension:
            [vector] = await request(client, model, ["How long is a vector of yours?"])
            dimension = len(unit(vector, len(vector), model))
        yield OpenAICompatible(client, model, dimension)
