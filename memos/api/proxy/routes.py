"""OpenAI's routes, so that an agent gets the cache by changing its base URL to that of memOS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from memos.api.proxy.answer_cache import AnswerCache, tokens_of
from memos.api.proxy.asked import Asked, chat_in, inputs_in, read_asked
from memos.api.proxy.chat import CHAT, Completions, Passing
from memos.api.proxy.counts import Counts
from memos.api.proxy.described import request_of, responses_of
from memos.api.proxy.directives import Mode
from memos.api.proxy.embeddings import EMBEDDINGS, Embeddings
from memos.api.proxy.flights import Flights, Ticket, open_flights
from memos.api.proxy.following import Followed, Wanted
from memos.api.proxy.refusals import NO_RETRY, OpenAIRoute, refusal
from memos.api.proxy.room import Room
from memos.api.proxy.upstream import Upstream, open_upstream
from memos.client.bus import Bus
from memos.errors import InvalidCommand, Unavailable
from memos.records import Price
from memos.settings import Settings
from memos.telemetry import FacadeTelemetry

MODELS = "/models"


class Proxy:
    """Answers OpenAI's requests."""

    def __init__(
        self, bus: Bus, upstream: Upstream, flights: Flights, settings: Settings, telemetry: FacadeTelemetry
    ) -> None:
        cache = AnswerCache(bus, settings)
        self._upstream = upstream
        self._flights = flights
        self._mode: Mode = "semantic" if settings.cache_semantic else "exact"
        self._completions = Completions(upstream, cache, settings)
        self._embeddings = Embeddings(upstream, cache)
        self._passing = Passing(upstream)
        given = settings.llm_prices.items()
        prices = {model: Price(price.get("prompt"), price.get("completion")) for model, price in given}
        self._counts = Counts(telemetry, prices)

    async def chat(self, request: Request) -> Response:
        """The answer to a request for a completion."""
        asked = await read_asked(request, self._upstream, self._mode)
        if not (chat := chat_in(asked)):
            return self._passed_on(CHAT, asked)
        wanted = Wanted(asked.model, chat.streams, chat.counts, partial(tokens_of, chat))
        return self._followed(self._completions.ticket(chat), wanted)

    async def embeddings(self, request: Request) -> Response:
        """The answer to a request for embeddings."""
        asked = await read_asked(request, self._upstream, self._mode)
        if not (inputs := inputs_in(asked)):
            return self._passed_on(EMBEDDINGS, asked)
        return self._followed(self._embeddings.ticket(inputs), Wanted(asked.model))

    def models(self, request: Request, model: str | None = None) -> Response:
        """What the server says of its models, or of one."""
        path = MODELS if model is None else f"{MODELS}/{quote(model)}"
        if any(part in {"", ".", ".."} for part in path.split("/")[1:]):
            raise InvalidCommand(f"{model!r} is no model: it would lead to another route of the server.")
        ticket = self._passing.ticket(path, self._upstream.headers_for(request.headers))
        return self._followed(ticket, Wanted(None))

    def _passed_on(self, path: str, asked: Asked) -> Response:
        return self._followed(self._passing.ticket(path, asked.headers, asked), Wanted(asked.model))

    def _followed(self, ticket: Ticket, wanted: Wanted) -> Response:
        return Followed(self._flights, ticket, wanted, self._counts)


@asynccontextmanager
async def open_proxy(bus: Bus, settings: Settings, telemetry: FacadeTelemetry) -> AsyncIterator[Proxy | None]:
    """The proxy to the server of the settings, if they have one. Raises `ConfigurationError`."""
    if not settings.llm_url:
        yield None
        return
    room = Room(settings.llm_memory_bytes)
    async with open_upstream(settings.llm_url, settings) as upstream, open_flights(room) as flights:
        yield Proxy(bus, upstream, flights, settings, telemetry)


def proxy_router() -> APIRouter:
    """The routes of OpenAI that are served."""
    router = APIRouter(tags=["openai"], route_class=OpenAIRoute)
    add = partial(router.add_api_route, response_class=Response)
    asked = partial(add, methods=["POST"])
    asked(f"/v1{CHAT}", chat, openapi_extra=request_of("chat"), responses=responses_of("chat"))
    asked(
        f"/v1{EMBEDDINGS}",
        embeddings,
        openapi_extra=request_of("embeddings"),
        responses=responses_of("embeddings"),
    )
    add(f"/v1{MODELS}", models, methods=["GET"], responses=responses_of())
    add(f"/v1{MODELS}/{{model:path}}", model, methods=["GET"], responses=responses_of())
    return router


async def chat(request: Request) -> Response:
    """Answer as OpenAI's `POST /v1/chat/completions` does, streamed or not, out of the cache where that can be."""
    proxy: Proxy | None = request.app.state.proxy
    return await proxy.chat(request) if proxy else _no_server()


async def embeddings(request: Request) -> Response:
    """Answer as OpenAI's `POST /v1/embeddings` does; only inputs whose embeddings are not kept are passed on."""
    proxy: Proxy | None = request.app.state.proxy
    return await proxy.embeddings(request) if proxy else _no_server()


async def models(request: Request) -> Response:
    """Answer what the server behind answers to `GET /v1/models`."""
    proxy: Proxy | None = request.app.state.proxy
    return proxy.models(request) if proxy else _no_server()


async def model(request: Request, model: str) -> Response:
    """Answer what the server behind answers to `GET /v1/models/{model}`."""
    proxy: Proxy | None = request.app.state.proxy
    return proxy.models(request, model) if proxy else _no_server()


def _no_server() -> Response:
    message = "No server is set to pass requests on to. Set MEMOS_LLM_URL to an OpenAI-compatible one."
    return refusal(Unavailable.status, message, code=Unavailable.code, headers=NO_RETRY)
