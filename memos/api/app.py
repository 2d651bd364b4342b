"""The facade: REST calls as requests on the bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import memos
from memos.api.deletions import deletions_router
from memos.api.documents import documents_router
from memos.api.events import events_router
from memos.api.health import health_router
from memos.api.limits import BodyLimit
from memos.api.memory import memory_router
from memos.api.metrics import RequestCount, metrics_router
from memos.api.problems import Unforeseen, answer_with_problems
from memos.client.bus import open_bus
from memos.client.redis import open_redis
from memos.settings import Settings
from memos.telemetry import FacadeTelemetry

SOURCE = "memos.api"
MOST_BODY_BYTES = 32 * 1024 * 1024

DESCRIPTION = """
The memory of a society of agents. Every call is a command on the bus; the same commands can be sent
there directly (see `/asyncapi`). Errors are `application/problem+json` (RFC 9457).
"""


def create_app(settings: Settings, redis_url: str) -> FastAPI:
    """The ASGI application; its bus is open while it runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_redis(redis_url, retries=0) as redis,
            open_bus(redis_url, SOURCE, settings.queue_limit, settings.queue_bytes) as bus,
        ):
            app.state.redis = redis
            app.state.bus = bus
            app.state.timeout = settings.request_timeout
            app.state.stopping = asyncio.Event()
            yield

    app = FastAPI(
        title="memOS.as",
        version=memos.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.telemetry = FacadeTelemetry()
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.add_middleware(Unforeseen)
    app.add_middleware(RequestCount, telemetry=app.state.telemetry)
    answer_with_problems(app)
    app.include_router(deletions_router())
    app.include_router(deletions_router(), prefix="/v1", include_in_schema=False)
    app.include_router(memory_router())
    app.include_router(memory_router(), prefix="/v1", include_in_schema=False)
    app.include_router(events_router())
    app.include_router(events_router(), prefix="/v1", include_in_schema=False)
    app.include_router(health_router())
    app.include_router(metrics_router())
    app.include_router(documents_router())
    return app
