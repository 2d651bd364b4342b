"""The OpenAI-compatible server behind the proxy."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import httpx
from pydantic_core import to_json

import memos
from memos.completions.streams import DONE, Event, EventReader
from memos.errors import ConfigurationError, UpstreamFailed
from memos.settings import Settings

log = logging.getLogger(__name__)

SERVER = "The server behind MEMOS_LLM_URL"
"""What clients are told of it; where it is, is for the log."""

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 3.0
"""Seconds that a connection is kept for the next request: less than servers do, which end it without asking."""

DRAIN_SECONDS = 0.5
"""Seconds for a stream to end after its end mark, so that its connection can be used again."""

Pairs = tuple[tuple[str, str], ...]
Load = Callable[[int], None]
"""Makes room for a piece of an answer, of so many bytes, or raises."""

KEYS = ("authorization", "api-key")
SENT = (*KEYS, "openai-organization", "openai-project", "openai-beta")
"""Headers of a request that are passed on. Requests in which one differs do not share an answer under way."""

SOUND = range(200, 600)
REDIRECTS = range(300, 400)
"""Statuses that can be passed on, and those among them that cannot either: they would lead clients elsewhere."""

RETURNED = frozenset({"content-type", "retry-after", "retry-after-ms", "x-should-retry", "x-request-id"})
RETURNED_BEGINNINGS = ("x-ratelimit-", "openai-")
"""Headers of an answer that are passed on, and what the names of further ones begin with."""


class Upstream:
    """Asks the server. Methods raise `UpstreamFailed` when it is away, silent for too long, or says too much."""

    def __init__(self, http: httpx.AsyncClient, url: str, settings: Settings) -> None:
        self._http = http
        self.url = url.rstrip("/")
        self._key = settings.llm_api_key
        self._per_key = settings.cache_per_key
        self._most = settings.llm_answer_bytes

    def headers_for(self, headers: Mapping[str, str]) -> Pairs:
        """What of a client's headers is passed on: its own key only where the settings have none."""
        sent = {name: headers[name] for name in SENT if name in headers}
        if self._key:
            sent["authorization"] = f"Bearer {self._key}".encode().decode("latin-1")
        return tuple(sent.items())

    def identity(self, headers: Mapping[str, str]) -> str:
        """The server as the cache knows it: a client's headers that are passed on may have it answer otherwise."""
        heeded = [(name, headers[name]) for name in SENT if name in headers]
        told = [(name, value) for name, value in heeded if self._per_key or name not in KEYS]
        return f"{self.url}#{hashlib.sha256(to_json(told)).hexdigest()}" if told else self.url

    @asynccontextmanager
    async def asked(self, path: str, headers: Pairs, body: bytes | None = None) -> AsyncIterator[httpx.Response]:
        """The answer to a request, of which nothing but the head has been read. Without a `body` it is a GET."""
        method = "GET" if body is None else "POST"
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        sent += [] if body is None else [(b"content-type", b"application/json")]
        try:
            async with self._http.stream(method, f"{self.url}{path}", content=body, headers=sent) as response:
                _check_head(response)
                yield response
        except httpx.TimeoutException as error:
            log.warning("%s was silent for too long: %s", self.url, type(error).__name__)
            raise UpstreamFailed(
                f"{SERVER} was silent for too long ({type(error).__name__}). See that it works, or raise "
                "MEMOS_LLM_TIMEOUT."
            ) from error
        except httpx.HTTPError as error:
            log.warning("%s did not answer as it should: %s", self.url, str(error) or type(error).__name__)
            raise UpstreamFailed(
                f"{SERVER} did not answer as it should: {str(error) or type(error).__name__}. See that it runs."
            ) from error

    async def read(self, response: httpx.Response, load: Load) -> bytes:
        """The body of an answer, whole."""
        pieces, size = [], 0
        async for piece in response.aiter_bytes():
            size += len(piece)
            self._check(size)
            load(len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    async def events(self, response: httpx.Response, load: Load) -> AsyncIterator[list[Event]]:
        """The events of a streamed answer as they come, up to the end mark if there is one."""
        reader, size = EventReader(), 0
        stream = response.aiter_bytes()
        async for piece in stream:
            size += len(piece)
            self._check(size)
            load(len(piece))
            if events := reader.feed(piece):
                yield events
                if any(event.data == DONE for event in events):
                    await self._drain(stream)
                    return
        if events := reader.end():
            yield events

    def _check(self, size: int) -> None:
        if size > self._most:
            raise UpstreamFailed(
                f"The answer of the server is larger than MEMOS_LLM_ANSWER_BYTES, {self._most} bytes. "
                "Ask for less, or raise the setting."
            )

    async def _drain(self, stream: AsyncIterator[bytes]) -> None:
        """Read what comes behind the end mark, which is nothing from any sound server."""
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in stream:
                    return


@asynccontextmanager
async def open_upstream(url: str, settings: Settings) -> AsyncIterator[Upstream]:
    """The server at an address. Raises `ConfigurationError` for one that is none."""
    if not _is_address(url):
        raise ConfigurationError("MEMOS_LLM_URL is no address. Give http://… up to the version, as http://…/v1.")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would note each call of the server
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(settings.llm_timeout, connect=CONNECT_SECONDS, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=IDLE_SECONDS),
        headers={"user-agent": f"memos/{memos.__version__}", "accept-encoding": "identity"},
        trust_env=False,
        follow_redirects=False,
    )
    async with client as http:
        yield Upstream(http, url, settings)


def _check_head(response: httpx.Response) -> None:
    """Raise `UpstreamFailed` for an answer that cannot be passed on."""
    if response.status_code not in SOUND:
        raise UpstreamFailed(f"{SERVER} answered with status {response.status_code}, which is none of HTTP's.")
    if response.status_code in REDIRECTS:
        raise UpstreamFailed(
            f"{SERVER} answered with a redirect ({response.status_code}), and redirects are not followed. "
            "Set MEMOS_LLM_URL to where it leads."
        )
    if (encoding := response.headers.get("content-encoding", "identity").lower()) != "identity":
        raise UpstreamFailed(f"{SERVER} encodes its answers ({encoding[:64]}), though it was asked not to.")


def _is_address(url: str) -> bool:
    try:
        return httpx.URL(url).scheme in {"http", "https"} and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False


def returned(response: httpx.Response) -> Pairs:
    """The headers of an answer that are passed on."""
    pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw)
    return tuple(pair for pair in pairs if pair[0] in RETURNED or pair[0].startswith(RETURNED_BEGINNINGS))
