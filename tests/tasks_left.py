"""The tasks that a test's own work has in its event loop: those of fixtures of the whole run come and go."""

import asyncio
from pathlib import Path
from typing import Any

import memos.handlers
import memos.waiting

OWN = (
    *(str(Path(folder)) for folder in memos.handlers.__path__),
    str(Path(memos.waiting.__file__)),
    str(Path(__file__).parent),
)
"""Where the code is whose tasks count: handlers, what waits for them, and tests."""


def own_tasks() -> set[asyncio.Task[Any]]:
    """The tasks of now whose coroutine is of a handler, of what waits for one, or of a test."""
    return {task for task in asyncio.all_tasks() if _file_of(task).startswith(OWN)}


def _file_of(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return code.co_filename if code else ""
