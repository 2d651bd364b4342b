"""Logs of child processes: kept small, and read for what a process said last."""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

LARGEST = 10 * 2**20
"""Bytes from which on a log is put aside; one former log is kept."""

LOOK_EVERY = 30.0
"""Seconds between two looks at how large the logs of running processes are."""

_TAIL = 8192
_COMPLAINT = re.compile(r"FATAL|PANIC|[Ee]rror|ERROR|No space left|cannot|Can't")


def rotated(log: Path) -> int:
    """Put the log of a process that has ended aside when it is large; where the next run's lines begin."""
    size = log.stat().st_size if log.exists() else 0
    if size <= LARGEST:
        return size
    log.replace(_former(log))
    return 0


async def keep_small(logs: Callable[[], Iterable[Path]]) -> None:
    """Put large logs of running processes aside, for ever."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        for log in logs():
            await asyncio.to_thread(emptied, log)


def emptied(log: Path) -> None:
    """Copy a log aside and empty it when it is large, as copytruncate of logrotate(8) does.

    Processes append to it, so they go on at its start; what they write between the two steps is lost. A
    disk too full for the copy gets its room back.
    """
    if not log.exists() or log.stat().st_size <= LARGEST:
        return
    try:
        shutil.copyfile(log, _former(log))
    except OSError:
        _former(log).unlink(missing_ok=True)
    log.write_bytes(b"")


def lines(log: Path, since: int) -> list[str]:
    """The last lines that are not empty, from the byte `since` on, or from the start if it was emptied."""
    if not log.exists():
        return []
    with log.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(since if since <= size else 0, size - _TAIL))
        found = opened.read().decode(errors="replace").splitlines()
    return [line.strip() for line in found if line.strip()]


def complaint(found: Iterable[str]) -> str | None:
    """The last line that tells of an error."""
    return next((line for line in reversed(list(found)) if _COMPLAINT.search(line)), None)


def _former(log: Path) -> Path:
    return log.with_suffix(".log.1")
