"""How embeddings are come by: those of inputs that the cache has, and of the others from the server."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any

from pydantic_core import from_json, to_json

from memos.api.proxy.answer_cache import AnswerCache, Spent
from memos.api.proxy.asked import Inputs
from memos.api.proxy.chat import JSON, NOT_CACHED, OK, passed
from memos.api.proxy.flights import Answered, Flight, Passed, Ticket
from memos.api.proxy.upstream import SERVER, Upstream
from memos.completions import tokens_in
from memos.errors import MemosError, UpstreamFailed

EMBEDDINGS = "/embeddings"

Embedding = list[float] | str
"""The numbers, or 32-bit floats in Base64, as they were asked for and as the server gave them."""


class Embeddings:
    """Begins flights that land with embeddings."""

    def __init__(self, upstream: Upstream, cache: AnswerCache) -> None:
        self._upstream = upstream
        self._cache = cache

    def ticket(self, inputs: Inputs) -> Ticket:
        """What a request for embeddings asks for."""
        asked = inputs.asked
        return Ticket(asked.identity(inputs.key), asked.agent_id, partial(self._embed, inputs))

    async def _embed(self, inputs: Inputs, flight: Flight) -> None:
        kept, saved = await self._cache.look_up_embeddings(inputs)
        missing = [place for place, embedding in enumerate(kept) if embedding is None]
        if not missing:
            answered = _answered(inputs, kept, {"usage": {"prompt_tokens": 0, "total_tokens": 0}})
            flight.land(answered._replace(saved=saved))
        elif inputs.asked.directives.only_cached:
            flight.land(NOT_CACHED)
        elif flight.passengers:
            saved = await self._call(inputs, kept, missing, flight)
        else:
            flight.close()
        while shared := flight.take_sharing():
            await self._cache.count_embeddings(inputs, "none", Spent(saved, 0.0, shared))

    async def _call(self, inputs: Inputs, kept: list[Embedding | None], missing: list[int], flight: Flight) -> int:
        """Ask the server for the embeddings that are missing, and have them kept; the tokens that this took."""
        flight.linger(endable=True)
        begun = time.perf_counter()
        made: list[Embedding] = []
        tokens, keeps = 0, False
        try:
            answer, document = await self._asked(inputs, missing, flight)
            made, (tokens, _) = _embeddings(document, len(missing)), tokens_in(document)
            _check(answer, made, all_of_them=len(missing) == len(kept))
            keeps = bool(made) and inputs.asked.directives.keep and inputs.asked.directives.mode != "off"
            flight.land(_together(inputs, kept, made, answer, document) if made else answer, lasting=keeps)
        except MemosError as error:
            flight.land(error)
        finally:
            spent = Spent(tokens, time.perf_counter() - begun, flight.take_sharing())
            await self._settle(inputs, missing, made, spent, keeps=keeps)
        return tokens

    async def _asked(self, inputs: Inputs, missing: list[int], flight: Flight) -> tuple[Passed, dict[str, Any]]:
        body = inputs.sent(missing)
        answer = await passed(self._upstream, EMBEDDINGS, inputs.asked.headers, body, flight.load)
        return answer, _document(answer)

    async def _settle(
        self, inputs: Inputs, missing: list[int], made: list[Embedding], spent: Spent, *, keeps: bool
    ) -> None:
        if keeps:
            await self._cache.keep_embeddings(inputs, missing, made, spent)
        else:
            await self._cache.count_embeddings(inputs, "miss" if made else "error", spent)


def _check(answer: Passed, made: Sequence[Embedding], *, all_of_them: bool) -> None:
    """Raise `UpstreamFailed` when the answer to a part of the inputs cannot be put together with the others."""
    if answer.status == OK and not made and not all_of_them:
        raise UpstreamFailed(
            f"{SERVER} answered with something that is not as many embeddings as it was asked for. "
            "Check that it is OpenAI-compatible."
        )


def _together(
    inputs: Inputs, kept: list[Embedding | None], made: list[Embedding], answer: Passed, document: dict[str, Any]
) -> Answered:
    """What the server said, with what is kept in its place among it."""
    if len(made) == len(kept):
        return Answered(document, answer.body, "miss", headers=answer.headers)
    rest = iter(made)
    whole = [next(rest) if embedding is None else embedding for embedding in kept]
    return _answered(inputs, whole, document)._replace(found="miss")


def _answered(inputs: Inputs, embeddings: Sequence[Embedding | None], said: Mapping[str, Any]) -> Answered:
    data = [
        {"object": "embedding", "index": place, "embedding": embedding}
        for place, embedding in enumerate(embeddings)
    ]
    usage = {"usage": said["usage"]} if "usage" in said else {}
    document = {"object": "list", "data": data, "model": said.get("model") or inputs.asked.model, **usage}
    return Answered(document, to_json(document), "hit", headers=JSON)


def _document(answer: Passed) -> dict[str, Any]:
    try:
        document = from_json(answer.body) if answer.status == OK else None
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {}


def _embeddings(document: Mapping[str, Any], number: int) -> list[Embedding]:
    """The embeddings in an answer, in order; none when there are not as many as asked for."""
    data = document.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        return []
    found = {one.get("index"): one.get("embedding") for one in data}
    wanted = [found.get(place) for place in range(number)]
    return [one for one in wanted if one] if len(data) == number and all(map(_is_embedding, wanted)) else []


def _is_embedding(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value)
    try:
        return isinstance(value, list) and bool(value) and all(map(isfinite, value))
    except (TypeError, OverflowError):
        return False
