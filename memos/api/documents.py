"""The contracts as documents."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from memos.api.reference import reference_page
from memos.api.requests import json_response
from memos.events.asyncapi import asyncapi

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page asks nothing of anybody."""


def documents_router() -> APIRouter:
    """Routes of the AsyncAPI document and of the page that shows the OpenAPI document."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/asyncapi", bus_contract, methods=["GET"])
    router.add_api_route("/docs", page, methods=["GET"])
    return router


async def bus_contract() -> Response:
    """The bus as an AsyncAPI 3.0 document."""
    return json_response(asyncapi())


async def page(request: Request) -> Response:
    """The REST routes to read; works without a way to the Internet."""
    server = str(request.base_url).rstrip("/")
    content = reference_page(request.app.openapi(), server)
    return HTMLResponse(content, headers={"Content-Security-Policy": POLICY})
