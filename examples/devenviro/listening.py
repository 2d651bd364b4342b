"""Serving an application at an address of which whoever starts the program is told."""

import socket
import sys

import uvicorn
from fastapi import FastAPI


def listen(app: FastAPI, name: str, host: str, port: int) -> None:
    """Serve until a signal says stop; at port 0 the system chooses one.

    The first line of standard output says where, as `NAME listens at http://HOST:PORT`, once connections are taken.
    Ends the program with one line of error when the address cannot be had.
    """
    try:
        listening = _socket(host, port)
    except OSError as error:
        sys.exit(f"{name}: {host}:{port} cannot be listened at: {error.strerror}. Choose another by --port.")
    with listening:
        shown = f"[{host}]" if ":" in host else host
        print(f"{name} listens at http://{shown}:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listening])


def _socket(host: str, port: int) -> socket.socket:
    """A socket that listens; asyncio sends without delay only on those that name their protocol."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen()
    except OSError:
        opened.close()
        raise
    return opened
