"""The Edge process: Qdrant's engine for all workers, behind one socket."""

import asyncio
import os
import sys
from pathlib import Path

from memos.devstack.binaries import package
from memos.devstack.folder import Home
from memos.devstack.processes import Child, Processes, Program


async def start_edge(home: Home, engines: Processes) -> Child:
    """Start it and wait until it serves. Raises `ConfigurationError`, or `Unavailable` for a full disk."""
    package("qdrant_edge")
    options = ["--socket", os.fspath(home.socket("edge")), "--data", os.fspath(home.data("edge"))]
    command = [sys.executable, "-P", "-m", "memos.stores.edge_server", *options]
    program = Program("edge", command, home.log("edge"))
    return await engines.start(program, ready=lambda: _listens(home.socket("edge")))


async def _listens(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(os.fspath(socket))
    except OSError:
        return False
    writer.close()
    return True
