"""The Edge process: Qdrant's engine for all workers, behind one socket."""

import asyncio
import os
import sys
from pathlib import Path

from memos.devstack.binaries import package
from memos.devstack.folder import Home
from memos.devstack.processes import Processes, Program


async def start_edge(home: Home, engines: Processes) -> None:
    """Start it and wait until it serves. Raises `ConfigurationError`."""
    package("qdrant_edge")
    options = ["--socket", os.fspath(home.socket("edge")), "--data", os.fspath(home.data("edge"))]
    command = [sys.executable, "-P", "-m", "memos.stores.edge_server", *options]
    await engines.start(Program("edge", command, home.log("edge")), ready=lambda: _listens(home.socket("edge")))


async def _listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(os.fspath(socket))
    except OSError:
        return False
    writer.close()
    return True
