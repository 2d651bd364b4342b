"""The facade: REST calls as requests on the bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import memos
from memos.api.context import context_router
from memos.api.deletions import deletions_router
from memos.api.documents import documents_router
from memos.api.events import events_router
from memos.api.health import health_router
from memos.api.learning import learning_router
from memos.api.limits import BodyLimit
from memos.api.llm import llm_router
from memos.api.loadouts import loadouts_router
from memos.api.memory import memory_router
from memos.api.metrics import RequestCount, metrics_router
from memos.api.problems import Unforeseen, answer_with_problems
from memos.api.proxy.routes import open_proxy, proxy_router
from memos.api.proxy.unserved import unserved_router
from memos.api.tools import tools_router
from memos.api.working import working_router
from memos.client.bus import open_bus
from memos.client.redis import open_redis
from memos.settings import Settings
from memos.telemetry import FacadeTelemetry

SOURCE = "memos.api"
MOST_BODY_BYTES = 32 * 1024 * 1024

VERSIONED = (
    deletions_router,
    memory_router,
    context_router,
    learning_router,
    tools_router,
    loadouts_router,
    working_router,
    llm_router,
    events_router,
)
"""Routes that are served below `/v1` too."""

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
            open_proxy(bus, settings, app.state.telemetry) as proxy,
        ):
            app.state.redis = redis
            app.state.bus = bus
            app.state.proxy = proxy
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
        separate_input_output_schemas=False,
    )
    app.state.telemetry = FacadeTelemetry()
    app.add_middleware(BodyLimit, most=MOST_BODY_BYTES)
    app.add_middleware(Unforeseen)
    app.add_middleware(RequestCount, telemetry=app.state.telemetry)
    answer_with_problems(app)
    _serve(app)
    return app


def _serve(app: FastAPI) -> None:
    """Add every route. They are tried in their order: the proxy's are asked most, and in haste."""
    app.include_router(proxy_router())
    for router in VERSIONED:
        app.include_router(router())
        app.include_router(router(), prefix="/v1", include_in_schema=False)
    for router in (health_router, metrics_router, documents_router, unserved_router):
        app.include_router(router())
