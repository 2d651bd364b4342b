"""The routes that say how memOS is; no tenant's data is in them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from pydantic_core import to_json

from memos.api.requests import Asked, json_response, problems
from memos.client.bus import Bus
from memos.client.client import Client
from memos.client.probe import probe
from memos.events.health import CheckBulkHealth, CheckHealth, HealthReport, Readiness
from memos.events.streams import Lane

PATIENCE = 6.0


def health_router() -> APIRouter:
    """Routes under `/health`."""
    router = APIRouter(tags=["health"])
    add = router.add_api_route
    add("/health/live", live, methods=["GET"])
    add("/health/ready", ready, methods=["GET"], response_model=Readiness, responses={503: {"model": Readiness}})
    add(
        "/health/ready/{lane}",
        lane_ready,
        methods=["GET"],
        response_model=HealthReport,
        responses=problems(),
    )
    return router


async def live() -> dict[str, str]:
    """Whether the facade runs."""
    return {"status": "live"}


async def ready(request: Request) -> Response:
    """Whether the bus answers, and both lanes have workers whose engines do: 200, else 503."""
    bus: Bus = request.app.state.bus
    lanes, probed = await asyncio.gather(Client(bus, timeout=PATIENCE).health(), probe(request.app.state.redis))
    readiness = lanes.model_copy(update={"engines": {"redis": probed.health}, "queues": probed.queues})
    status = 200 if readiness.status == "ready" else 503
    return Response(to_json(readiness), status, media_type="application/json")


async def lane_ready(lane: Annotated[Lane, PathParameter()], exchange: Asked) -> Response:
    """The report of a worker of one lane."""
    return json_response(await exchange.ask(CheckHealth() if lane == "interactive" else CheckBulkHealth()))
