"""The routes of the LLM cache, and of the account of calls."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from memos.api.llm_examples import COUNTS, EMBEDDINGS, FORGETTING, INPUTS, LOOKUPS, RELEASES, RENEWALS, STORES
from memos.api.requests import Asked, problems
from memos.client.sending import build
from memos.events.answers import (
    MOST_FORGOTTEN,
    MOST_SOURCES,
    AnswerKey,
    AnswerLookedUp,
    AnswerReleased,
    AnswersForgotten,
    AnswerStored,
    CacheRead,
    ForgetAnswers,
    LeaseRenewed,
    LookUpAnswer,
    ReadCache,
    ReleaseAnswer,
    RenewLease,
    SourceText,
    StoreAnswer,
)
from memos.events.embeddings import (
    CountEmbeddings,
    EmbeddingsCounted,
    EmbeddingsLookedUp,
    EmbeddingsStored,
    LookUpEmbeddings,
    StoreEmbeddings,
)
from memos.events.texts import Identifier
from memos.events.usage import ReadUsage, UsageRead

Keys = Annotated[
    list[AnswerKey] | None, Query(alias="key", max_length=MOST_FORGOTTEN, description="Answers under these keys.")
]
Sources = Annotated[
    list[SourceText] | None,
    Query(
        alias="source",
        max_length=MOST_SOURCES,
        description="Answers made from any of these, such as `memory:<id>` or `tool:<id>`.",
    ),
]
Model = Annotated[Identifier | None, Query(description="Answers of this model.")]
Everything = Annotated[bool, Query(description="All answers.")]


def llm_router() -> APIRouter:
    """Routes under `/llm`."""
    router = APIRouter(tags=["llm"])
    _add_answers(router.add_api_route)
    _add_embeddings(partial(router.add_api_route, methods=["POST"]))
    router.add_api_route("/llm/usage", usage, methods=["GET"], response_model=UsageRead, responses=problems(413))
    return router


def _add_answers(add: Callable[..., None]) -> None:
    path, post = "/llm/cache", partial(add, methods=["POST"])
    post(path, store, response_model=AnswerStored, responses=problems())
    add(path, read, methods=["GET"], response_model=CacheRead, responses=problems())
    add(path, forget, methods=["DELETE"], response_model=AnswersForgotten, responses=problems())
    post(f"{path}/lookup", look_up, response_model=AnswerLookedUp, responses=problems())
    post(f"{path}/renew", renew, response_model=LeaseRenewed, responses=problems())
    post(f"{path}/release", release, response_model=AnswerReleased, responses=problems())
    post(f"{path}/forget", forget_many, response_model=AnswersForgotten, responses=problems())


def _add_embeddings(post: Callable[..., None]) -> None:
    path = "/llm/cache/embeddings"
    post(path, store_embeddings, response_model=EmbeddingsStored, responses=problems())
    post(f"{path}/lookup", look_up_embeddings, response_model=EmbeddingsLookedUp, responses=problems())
    post(f"{path}/count", count_embeddings, response_model=EmbeddingsCounted, responses=problems())


async def look_up(body: Annotated[LookUpAnswer, Body(openapi_examples=LOOKUPS)], exchange: Asked) -> Response:
    """Look for the answer of a language model to a request; with a lease, one asker alone makes what is missing."""
    return await exchange.answer(body)


async def store(body: Annotated[StoreAnswer, Body(openapi_examples=STORES)], exchange: Asked) -> Response:
    """Keep the answer to a request, and count the call."""
    return await exchange.answer(body)


async def renew(body: Annotated[RenewLease, Body(openapi_examples=RENEWALS)], exchange: Asked) -> Response:
    """Keep a lease while the answer is being made."""
    return await exchange.answer(body)


async def release(body: Annotated[ReleaseAnswer, Body(openapi_examples=RELEASES)], exchange: Asked) -> Response:
    """Give a lease back without an answer."""
    return await exchange.answer(body)


async def read(exchange: Asked) -> Response:
    """Read how much the cache holds."""
    return await exchange.answer(ReadCache())


async def forget(
    exchange: Asked, keys: Keys = None, sources: Sources = None, model: Model = None, everything: Everything = False
) -> Response:
    """Forget cached answers: by keys, by what they were made from, by their model, or all; say one of these."""
    named = {"keys": keys, "sources": sources, "model": model, "everything": everything}
    return await exchange.answer(build(ForgetAnswers, **named))


async def forget_many(
    body: Annotated[ForgetAnswers, Body(openapi_examples=FORGETTING)], exchange: Asked
) -> Response:
    """Forget cached answers, as `DELETE /llm/cache` does, where an address has no room to say which."""
    return await exchange.answer(body)


async def look_up_embeddings(
    body: Annotated[LookUpEmbeddings, Body(openapi_examples=INPUTS)], exchange: Asked
) -> Response:
    """Look for the embeddings of inputs, one by one."""
    return await exchange.answer(body)


async def store_embeddings(
    body: Annotated[StoreEmbeddings, Body(openapi_examples=EMBEDDINGS)], exchange: Asked
) -> Response:
    """Keep the embeddings of inputs, and count the call."""
    return await exchange.answer(body)


async def count_embeddings(
    body: Annotated[CountEmbeddings, Body(openapi_examples=COUNTS)], exchange: Asked
) -> Response:
    """Count a call for embeddings of which none are kept."""
    return await exchange.answer(body)


async def usage(selection: Annotated[ReadUsage, Query()], exchange: Asked) -> Response:
    """Read what calls of language models cost and what the cache saved: by day, model, agent and kind of call."""
    return await exchange.answer(selection)
