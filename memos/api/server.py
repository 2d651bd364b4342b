"""The facade as a process that listens."""

import socket
import sys
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

NOT_STARTED = 3
"""The exit code of a facade that could not begin to listen, as uvicorn's own command has it."""


class FacadeServer(uvicorn.Server):
    """Tells the application that it is to stop, since streams of events would not end by themselves."""

    def __init__(self, app: FastAPI, **options: Any) -> None:
        super().__init__(uvicorn.Config(app, **options))
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, have the streams of events end, and finish the other requests."""
        self._app.state.stopping.set()
        await super().shutdown(sockets)


def serve(app: FastAPI, **options: Any) -> None:
    """Run the facade until a signal stops it; `options` are those of `uvicorn.Config`."""
    server = FacadeServer(app, **options)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(NOT_STARTED)
