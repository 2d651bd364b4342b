"""The contracts as documents."""

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html

from memos.api.requests import json_response
from memos.events.asyncapi import asyncapi


def documents_router() -> APIRouter:
    """Routes of the AsyncAPI document and of the page that shows the OpenAPI document."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/asyncapi", bus_contract, methods=["GET"])
    router.add_api_route("/docs", page, methods=["GET"])
    return router


async def bus_contract() -> Response:
    """The bus as an AsyncAPI 3.0 document."""
    return json_response(asyncapi())


async def page() -> Response:
    """The REST routes to read and try."""
    return get_swagger_ui_html(openapi_url="/openapi.json", title="memOS.as")
