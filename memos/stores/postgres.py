"""The connection to PostgreSQL: a pool, its codecs, and its errors as those of memOS."""

from array import array
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import asyncpg
import asyncpg.pool
from pydantic_core import from_json, to_json

from memos.errors import Unavailable
from memos.records import Vector

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 8) -> AsyncIterator[Pool]:
    """A pool of connections that speak JSON. Raises `Unavailable` when the server does not answer."""
    with translated():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            init=_speak_json,
            server_settings={"enable_seqscan": "off"},  # every statement finds its rows by key
            command_timeout=60,
            timeout=10,
        )
    try:
        yield pool
    finally:
        await pool.close()


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=from_json, format="text"
    )


def _encode_json(value: Any) -> str:
    return to_json(value).decode()


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Unavailable` in place of every error that says the ledger cannot work now."""
    try:
        yield
    except AWAY as error:
        raise Unavailable(
            f"The ledger (PostgreSQL) cannot do this now: {type(error).__name__}: {error}. "
            "Try again with the same id, and see that the server runs and has room."
        ) from error


def pack(vector: Vector) -> bytes:
    """A vector as the ledger keeps it: float32, little-endian."""
    return array("f", vector).tobytes()


def unpack(stored: bytes) -> Vector:
    """The vector that `pack` wrote."""
    return array("f", stored).tolist()
