"""The server by streamable HTTP: many clients at once."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings

from memos.errors import ConfigurationError

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - not listened on but compared with

MOST_SECONDS_IDLE = 1800.0
MOST_SESSIONS = 1000
STOP_WITHIN = 2
"""Seconds that a request may take to end once the server is to stop."""


class HttpServer(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Capture none."""
        return nullcontext()


def security(host: str, names: Sequence[str]) -> TransportSecuritySettings:
    """Which names requests may be for, against pages that have a name of their own lead to this machine.

    These are those of this machine itself, that which it listens on, and `names`, with any port or none. A page in
    a browser may ask only when it comes from one of them.
    """
    own = () if host in ANYWHERE else (f"[{host}]" if ":" in host else host,)
    known = dict.fromkeys((*LOOPBACK, *own, *names))
    hosts = [form for name in known for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{form}" for form in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens, on any free port for 0. Raises `ConfigurationError`."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen()
    except OSError as error:
        raise ConfigurationError(
            f"MCP clients cannot be listened for on {host} port {port} ({error.strerror}). End the program that "
            "uses it, or give another --port or --host."
        ) from error
    return opened


async def serve_http(server: Server[Any], listener: socket.socket, security: TransportSecuritySettings) -> None:
    """Serve at `/mcp` until cancelled; sessions that nobody uses for half an hour end."""
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=security,
        session_idle_timeout=MOST_SECONDS_IDLE,
        max_sessions=MOST_SESSIONS,
    )
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_WITHIN,
    )
    listening = HttpServer(config)
    serving = asyncio.create_task(listening.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        listening.handle_exit(signal.SIGTERM, None)  # which the streams of clients that listen heed, too
        await serving
        raise
