"""The connection to PostgreSQL: a pool, its codecs, and its errors as those of memOS."""

from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

import asyncpg
import asyncpg.pool
from pydantic_core import from_json, to_json

from memos.errors import ConfigurationError, InvalidCommand, Unavailable
from memos.records import Vector

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

T = TypeVar("T")

MOST_ATTEMPTS = 5

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)

REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 8) -> AsyncIterator[Pool]:
    """A pool of connections that speak JSON. Raises `ConfigurationError` when there is no such ledger."""
    with reached():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            init=_speak_json,
            reset=_leave,
            server_settings={"enable_seqscan": "off"},  # every statement finds its rows by key
            command_timeout=60,
            timeout=10,
        )
    try:
        yield pool
    finally:
        await pool.close()


@contextmanager
def reached() -> Iterator[None]:
    """Raise `ConfigurationError` in place of every error that says the ledger cannot be connected to."""
    try:
        yield
    except (*AWAY, asyncpg.PostgresError, ValueError) as error:
        raise ConfigurationError(
            f"The ledger (PostgreSQL) cannot be reached: {type(error).__name__}: {error}. "
            "Start the server, or correct MEMOS_POSTGRES_DSN."
        ) from error


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_json, decoder=from_json, format="text"
    )


async def _leave(connection: Any) -> None:
    """Return a connection as it is: nothing here changes a session, and a reset is a round trip."""


def _encode_json(value: Any) -> str:
    return to_json(value).decode()


async def transacted(pool: Pool, work: Callable[[Connection], Awaitable[T]]) -> T:
    """The result of work in one transaction, which is run again when a deadlock was broken by ending it.

    Raises `Unavailable`, `InvalidCommand`.
    """
    with translated():
        for _ in range(MOST_ATTEMPTS - 1):
            with suppress(asyncpg.DeadlockDetectedError):
                return await _transacted_once(pool, work)
        return await _transacted_once(pool, work)


async def _transacted_once(pool: Pool, work: Callable[[Connection], Awaitable[T]]) -> T:
    async with pool.acquire() as connection, connection.transaction():
        return await work(connection)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `Unavailable` when the ledger cannot work now, `InvalidCommand` for what it cannot hold."""
    try:
        yield
    except AWAY as error:
        raise Unavailable(
            f"The ledger (PostgreSQL) cannot do this now: {type(error).__name__}: {error}. "
            "Try again with the same id, and see that the server runs and has room."
        ) from error
    except REFUSED as error:
        raise InvalidCommand(
            f"The ledger (PostgreSQL) cannot hold this: {error.args[0]}. Send it anew without what is refused."
        ) from error


def pack(vector: Vector) -> bytes:
    """A vector as the ledger keeps it: float32, little-endian."""
    return array("f", vector).tobytes()


def unpack(stored: bytes) -> Vector:
    """The vector that `pack` wrote."""
    return array("f", stored)
