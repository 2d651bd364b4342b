"""SQLite, and the statements that are kept in files of SQL."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

BUSY_SECONDS = 10.0
"""How long a connection waits for others that write."""


def queries(name: str) -> Mapping[str, str]:
    """The statements of a file, by the names that stand in a comment before each."""
    text = files("devenviro.tools_as").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
    _, *parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return MappingProxyType(dict(zip(parts[::2], parts[1::2], strict=True)))


def connect(database: Path | str, *, across_threads: bool = False) -> sqlite3.Connection:
    """A connection that knows `folded`, by which texts are compared whatever their case."""
    connection = sqlite3.connect(
        database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not across_threads
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("folded", 1, str.casefold, deterministic=True)
    return connection


@contextmanager
def writing(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose changes are made together, or not at all."""
    with closing(connect(database)) as connection:
        connection.execute("begin immediate")
        with connection:
            yield connection
