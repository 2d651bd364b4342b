"""The embedded servers as one: started together on a home folder, found by other commands, stopped together."""

import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from memos.devstack.binaries import check_platform
from memos.devstack.edge import start_edge
from memos.devstack.folder import Home, held_home, is_held, unusable
from memos.devstack.postgres import postgres_dsn as embedded_dsn
from memos.devstack.postgres import start_postgres
from memos.devstack.processes import Processes, together
from memos.devstack.restarts import Supervised
from memos.devstack.valkey import start_valkey, valkey_url

_ANNOUNCEMENT = "stack.json"


@dataclass(frozen=True)
class Addresses:
    """Where the engines listen; nobody does at `edge_socket` when a Qdrant server is used instead."""

    redis_url: str
    postgres_dsn: str
    edge_socket: Path


@dataclass(frozen=True)
class Stack:
    """A home folder that is held, the engines that run on it by their names, and their addresses."""

    home: Home
    addresses: Addresses
    engines: Mapping[str, Supervised]


@asynccontextmanager
async def embedded_stack(home: Path, *, valkey_port: int = 0, edge: bool = True) -> AsyncIterator[Addresses]:
    """Run all embedded engines on a folder while the context is open; see `open_stack`."""
    async with open_stack(home, valkey_port=valkey_port, edge=edge) as stack:
        yield stack.addresses


@asynccontextmanager
async def open_stack(
    home: Path,
    *,
    valkey_port: int = 0,
    redis_url: str | None = None,
    postgres_dsn: str | None = None,
    edge: bool = True,
) -> AsyncIterator[Stack]:
    """Run the engines that no address is given for on a folder while the context is open.

    They start at the same time and stop at the same time, within `processes.STOP_WITHIN` seconds, and end
    with this process even when it is killed; enter it in a thread that lives as long, best the main one.
    They are not started again by themselves: that is `Supervised.keep`. Raises `ConfigurationError` when the
    folder cannot be used, or an engine is missing or does not start, and `Unavailable` when its disk is full.
    """
    async with held_home(home) as held, Processes(held.held) as processes:
        addresses = Addresses(
            redis_url or valkey_url(held), postgres_dsn or embedded_dsn(held), held.socket("edge")
        )
        engines: dict[str, Supervised] = {}
        if redis_url is None:
            engines["valkey"] = Supervised(lambda: start_valkey(held, processes, port=valkey_port))
        if postgres_dsn is None:
            engines["postgres"] = Supervised(lambda: start_postgres(held, processes))
        if edge:
            engines["edge"] = Supervised(lambda: start_edge(held, processes))
        await _open(engines, held.path)
        with _announced(held, addresses):
            yield Stack(held, addresses, engines)


def running_stack(home: Path) -> Addresses | None:
    """The addresses of the stack that runs on a folder, or `None` when none does."""
    if not is_held(home):
        return None
    try:
        announced = json.loads((home / _ANNOUNCEMENT).read_text(encoding="utf-8"))
        os.kill(announced["pid"], 0)
    except (OSError, ValueError):
        return None
    return Addresses(announced["redis_url"], announced["postgres_dsn"], Path(announced["edge_socket"]))


async def _open(engines: Mapping[str, Supervised], home: Path) -> None:
    """Start at the same time; the first failure, as an operator should read it."""
    if engines:
        check_platform()
    try:
        await together(engine.open() for engine in engines.values())
    except OSError as error:
        raise unusable(home, error) from error


@contextmanager
def _announced(home: Home, addresses: Addresses) -> Iterator[None]:
    """Let other commands find the stack, by a file that is there in full or not at all."""
    announcement = home.path / _ANNOUNCEMENT
    draft = announcement.with_suffix(".new")
    known = {**asdict(addresses), "edge_socket": os.fspath(addresses.edge_socket), "pid": os.getpid()}
    draft.write_text(json.dumps(known), encoding="utf-8")
    draft.replace(announcement)
    try:
        yield
    finally:
        announcement.unlink(missing_ok=True)
