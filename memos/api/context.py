"""The route of a task's context."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from memos.api.learning_examples import CONTEXTS
from memos.api.requests import Asked, problems
from memos.events.context import RequestContext, TaskContext


def context_router() -> APIRouter:
    """The route `/context`."""
    router = APIRouter(tags=["context"])
    router.add_api_route("/context", gather, methods=["POST"], response_model=TaskContext, responses=problems())
    return router


async def gather(body: Annotated[RequestContext, Body(openapi_examples=CONTEXTS)], exchange: Asked) -> Response:
    """Gather what there is for a task: lessons, memories, tools, and working memory.

    What is late at `deadline_ms`, or away, is named in `missing`, and the rest comes. A `Request-Timeout` that ends
    before that is extended.
    """
    return await exchange.at_least(body.patience).answer(body)
