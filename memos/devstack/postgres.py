"""The embedded PostgreSQL: initialised once, durable, on a socket only, for the one user `memos`."""

import asyncio
import os
import shutil
import signal
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from memos.devstack.binaries import postgres_program
from memos.devstack.folder import RELEASED_WITHIN, Home
from memos.devstack.processes import Child, Processes, Program
from memos.errors import ConfigurationError, Unavailable

_ENV: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "cluster_name": "memos",
}

_VERSION_3_0 = 196608
_PAUSE = 0.02


def postgres_dsn(home: Home) -> str:
    """Its address for asyncpg and libpq."""
    return f"postgresql://memos@/memos?host={quote(os.fspath(home.socket('postgres').parent), safe='/')}"


async def start_postgres(home: Home, engines: Processes) -> Child:
    """Start it, initialised before if it is new, and wait until it accepts queries.

    Raises `ConfigurationError`, or `Unavailable` for a full disk.
    """
    data = home.path / "postgres"
    if not data.exists():
        await _initialise(home, engines, data)
    _remove_stale_pid(data)
    await _orphans_ended(data)
    settings = {**_SETTINGS, "unix_socket_directories": _quoted(home.socket("postgres").parent)}
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    program = Program(
        name="postgres",
        command=[os.fspath(postgres_program("postgres")), "-D", os.fspath(data), *flags],
        log=home.log("postgres"),
        stop=signal.SIGINT,
        env=_ENV,
        not_root_in=(data, home.socket("postgres").parent),
    )
    return await engines.start(program, ready=lambda: _accepts_queries(home.socket("postgres")))


async def _initialise(home: Home, engines: Processes, data: Path) -> None:
    """Make the cluster and its database aside and rename it into place: broken off, it is begun anew."""
    new = data.with_name("postgres.new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    initdb = [os.fspath(postgres_program("initdb")), "-D", os.fspath(new), "--username=memos", "--auth=trust"]
    initdb += ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--no-instructions"]
    single = [os.fspath(postgres_program("postgres")), "--single", "-D", os.fspath(new)]
    single += ["-c", "exit_on_error=on", "-c", "log_checkpoints=off", "postgres"]
    log = home.log("initdb")
    await engines.run(Program("initdb", initdb, log, env=_ENV, not_root_in=(new,)))
    await engines.run(Program("initdb", single, log, env=_ENV, not_root_in=(new,)), text=b"CREATE DATABASE memos\n")
    new.rename(data)
    _sync(data.parent)


def _sync(folder: Path) -> None:
    """Make a rename in a folder survive a loss of power (fsync(2))."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove_stale_pid(data: Path) -> None:
    """Remove what a killed server left, since its process id may belong to another program by now.

    The home's lock says that none of ours runs; a server that was started there by hand is left alone.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    process = pid_file.read_text(encoding="utf-8").partition("\n")[0]
    if process and _works_in(process, data):
        raise ConfigurationError(f"A PostgreSQL server, process {process}, already runs in {data}: stop it first")
    pid_file.unlink()


async def _orphans_ended(data: Path) -> None:
    """End the backends of a server that was killed, as its immediate shutdown would, and wait until all have.

    They notice its death by themselves, but not while they compute. Raises `Unavailable`.
    """
    server = postgres_program("postgres")
    try:
        async with asyncio.timeout(RELEASED_WITHIN):
            while orphans := [each for each in _processes() if _works_in(each, data) and _runs(each, server)]:
                for each in orphans:
                    with suppress(ProcessLookupError):
                        os.kill(int(each), signal.SIGQUIT)
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        raise Unavailable(f"Processes of a killed PostgreSQL server still run in {data}: end them first") from None


def _processes() -> Iterator[str]:
    return (entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _runs(process: str, program: Path) -> bool:
    try:
        return Path("/proc", process, "exe").samefile(program)
    except OSError:
        return False


def _works_in(process: str, folder: Path) -> bool:
    """Whether a process has this working directory, as a PostgreSQL server has its data folder."""
    try:
        return Path("/proc", process, "cwd").samefile(folder)
    except OSError:
        return False


async def _accepts_queries(socket: Path) -> bool:
    """Open a session as the protocol's start-up message does; 'R' answers that it is authenticated."""
    parameters = b"user\0memos\0database\0memos\0\0"
    try:
        reader, writer = await asyncio.open_unix_connection(os.fspath(socket))
    except OSError:
        return False
    try:
        writer.write(struct.pack("!ii", 8 + len(parameters), _VERSION_3_0) + parameters)
        return await reader.read(1) == b"R"
    except OSError:
        return False
    finally:
        writer.close()


def _quoted(folder: Path) -> str:
    """One element of a list of folders, in which commas and quotes have a meaning."""
    return '"' + os.fspath(folder).replace('"', '""') + '"'
