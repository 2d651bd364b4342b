"""The SDK without `await`: the same methods with the same arguments, which return when they are done.

A client has an event loop in a thread of its own, so it works in any program, also in one whose own loop runs, and
several threads may use it at once. What is interrupted, by Ctrl-C for instance, is cancelled. `follow`, and
whatever begins with `every`, are generators. `memos/client/sync.pyi` has the types.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from memos.client import client
from memos.client.connect import DEFAULT_URL
from memos.client.connect import connect as connect_async
from memos.client.faces import Face, face_of, parts_of
from memos.client.retrying import RETRIES
from memos.client.threaded import opened

Client = face_of(client.Client)


@contextmanager
def connect(
    url: str = DEFAULT_URL, *, source: str = "memos.client", timeout: float = 30.0, retries: int = RETRIES
) -> Iterator[Any]:
    """A client as that of `memos.client.connect`, whose methods return when they are done."""
    with opened(connect_async(url, source=source, timeout=timeout, retries=retries)) as (thread, behind):
        yield Client(behind, thread)


def __getattr__(name: str) -> type[Face]:
    """The class of a part of a client, such as `Tools`, by its name."""
    try:
        return parts_of(Client)[name]
    except KeyError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from error
