"""The routes of OpenAI's API that are not served: its clients are told so in its own shape."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from memos.api.proxy.refusals import NO_RETRY, refusal
from memos.errors import UnknownRoute

UNSERVED = (
    "assistants",
    "audio",
    "batches",
    "chat",
    "completions",
    "conversations",
    "containers",
    "embeddings",
    "evals",
    "files",
    "fine_tuning",
    "images",
    "models",
    "moderations",
    "rerank",
    "realtime",
    "responses",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
)
"""What their paths begin with behind the version."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def unserved_router() -> APIRouter:
    """Routes for what none else is for: they are to be tried last."""
    router = APIRouter(include_in_schema=False)
    for name in UNSERVED:
        router.add_api_route(f"/v1/{name}", unserved, methods=METHODS, response_class=Response)
        router.add_api_route(f"/v1/{name}/{{rest:path}}", unserved, methods=METHODS, response_class=Response)
    return router


async def unserved(request: Request) -> Response:
    """Answer that there is no such route, and which there are."""
    message = (
        f"{request.method} {request.url.path} is not served. Of OpenAI's API memOS serves "
        "POST /v1/chat/completions, POST /v1/embeddings, GET /v1/models and GET /v1/models/{model}; "
        "send others to the server itself."
    )
    return refusal(UnknownRoute.status, message, code=UnknownRoute.code, headers=NO_RETRY)
