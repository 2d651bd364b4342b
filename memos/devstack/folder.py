"""The home folder: where the embedded engines keep data, sockets and logs, for one process at a time."""

import asyncio
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from memos.errors import ConfigurationError

LEAST_FREE = 256 * 2**20
"""Bytes that must be free before anything is started; a new home takes about 70 MB of them."""

RELEASED_WITHIN = 30.0
"""Seconds to wait for what a killed parent left behind to end."""

_SOCKETS = {"valkey": "valkey.sock", "edge": "edge.sock", "postgres": "postgres/.s.PGSQL.5432"}


@dataclass(frozen=True)
class Home:
    """A home folder that is held: its path, the folder of the sockets, and the descriptor of its lock."""

    path: Path
    sockets: Path
    held: int

    def data(self, name: str) -> Path:
        """An engine's own folder, made when missing."""
        return _made(self.path / name, 0o700)

    def socket(self, name: str) -> Path:
        """The socket that an engine listens on."""
        return self.sockets / _SOCKETS[name]

    def log(self, name: str) -> Path:
        """The file that a process's output goes to."""
        return _made(self.path / "logs", 0o700) / f"{name}.log"


@asynccontextmanager
async def held_home(path: Path) -> AsyncIterator[Home]:
    """Make the folder if needed and hold its lock (flock(2)) until the context is left.

    Children inherit the lock's descriptor, so that after a parent was killed the next start waits for the
    last of them. Raises `ConfigurationError` when the folder cannot be written, its disk is full,
    or another process holds it.
    """
    path, lock = _opened(path)
    try:
        await _acquire(lock, path)
        try:
            home = _prepared(path, lock)
            try:
                yield home
            finally:
                _remove_sockets(home.sockets)
                _remove_folders(home.sockets)
        finally:
            os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def is_held(path: Path) -> bool:
    """Whether some process, or a child that it left behind, holds the folder."""
    try:
        lock = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def unusable(path: Path, error: OSError) -> ConfigurationError:
    """The error for a folder that cannot be written, and why."""
    return ConfigurationError(f"{path} cannot be written ({error.strerror}): set MEMOS_HOME to a folder that can")


def _opened(path: Path) -> tuple[Path, int]:
    """Make the folder if needed; its real path and the descriptor of its lock file."""
    try:
        real = _made(path.absolute(), _mode()).resolve()
        return real, os.open(real / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(path, error) from error


async def _acquire(lock: int, path: Path) -> None:
    """Take the lock; wait for a while when its holder has ended but not all of the holder's children."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RELEASED_WITHIN
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        holder = os.pread(lock, 32, 0).decode().strip()
        if holder and _alive(int(holder)):
            raise ConfigurationError(
                f"{path} is in use by process {holder}: stop it, or set MEMOS_HOME to another folder"
            )
        if loop.time() > deadline:
            raise ConfigurationError(
                f"{path} is still in use by what process {holder or 'unknown'} left behind: "
                f"end the processes that hold {path / 'lock'} open"
            )
        await asyncio.sleep(0.02)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _prepared(path: Path, lock: int) -> Home:
    """Check the disk and make a folder for the sockets."""
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE:
        raise ConfigurationError(
            f"The disk of {path} is full: {free >> 20} MB are free, {LEAST_FREE >> 20} MB are needed; "
            "free some space, or set MEMOS_HOME to a folder on another disk"
        )
    try:
        return Home(path, _socket_folder(path), lock)
    except OSError as error:
        raise unusable(path, error) from error


def _socket_folder(home: Path) -> Path:
    """The folder `run` in the home folder, or where that cannot hold sockets, one for it in a temporary folder."""
    name = f"memos-{os.geteuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    candidates = (home / "run", Path(tempfile.gettempdir(), name), Path("/tmp", name))  # noqa: S108 - checked
    for folder in candidates:
        _check_own(_made(folder, _mode()))
        _made(folder / "postgres", 0o700)
        _remove_sockets(folder)
        if _holds_sockets(folder):
            return folder
        _remove_folders(folder)
    raise ConfigurationError(f"No folder for sockets: the paths {', '.join(map(str, candidates))} cannot hold any")


def _check_own(folder: Path) -> None:
    """Refuse a folder that somebody else made in a shared place."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ConfigurationError(
            f"{folder} is not a folder of this user alone: remove it, or set another MEMOS_HOME"
        )


def _remove_sockets(folder: Path) -> None:
    """Remove what engines leave behind, by name: the folder may be one that holds other things too."""
    for name in (*_SOCKETS.values(), f"{_SOCKETS['postgres']}.lock"):
        (folder / name).unlink(missing_ok=True)


def _remove_folders(folder: Path) -> None:
    """Remove what `_socket_folder` made, unless other things are in it."""
    with suppress(OSError):
        (folder / "postgres").rmdir()
        folder.rmdir()


def _holds_sockets(folder: Path) -> bool:
    """Whether a socket of our longest name can be made there and be named in a DSN.

    The path may be longer than the 107 bytes of unix(7), the disk of a kind without sockets; a comma
    separates hosts in a DSN.
    """
    path = folder / _SOCKETS["postgres"]
    if "," in os.fspath(path):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(os.fspath(path))
        except OSError:
            return False
    path.unlink()
    return True


def _mode() -> int:
    """Closed to others; for root open to be passed through, since Postgres may have to run as another user."""
    return 0o711 if os.geteuid() == 0 else 0o700


def _made(folder: Path, mode: int) -> Path:
    folder.mkdir(mode=mode, parents=True, exist_ok=True)
    return folder
