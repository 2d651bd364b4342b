"""The embedded Valkey: an append-only file, a socket of its own, and nothing evicted."""

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

from memos.devstack.binaries import valkey_server
from memos.devstack.folder import Home
from memos.devstack.processes import Child, Processes, Program


def valkey_url(home: Home) -> str:
    """Its address for redis-py."""
    return f"unix://{quote(os.fspath(home.socket('valkey')))}"


async def start_valkey(home: Home, engines: Processes, *, port: int) -> Child:
    """Start it and wait until its data is loaded; `port` is on 127.0.0.1, 0 for none.

    Raises `ConfigurationError`, or `Unavailable` for a full disk.
    """
    options = {
        "dir": os.fspath(home.data("valkey")),
        "unixsocket": os.fspath(home.socket("valkey")),
        "unixsocketperm": "700",
        "port": str(port),
        "bind": "127.0.0.1",
        "protected-mode": "yes",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    flags = [word for option, value in options.items() for word in (f"--{option}", value)]
    program = Program(
        name="valkey",
        command=[os.fspath(valkey_server()), *flags],
        log=home.log("valkey"),
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
    )
    return await engines.start(program, ready=lambda: _answers_ping(home.socket("valkey")))


async def _answers_ping(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(os.fspath(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()
