"""The connection to PostgreSQL: a pool, its codecs, and its errors as those of memOS."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
import asyncpg.pool
from pydantic_core import from_json, to_json

from memos.errors import ConfigurationError, InvalidCommand, Unavailable
from memos.records import Vector

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

if TYPE_CHECKING:
    _AnyPool = asyncpg.Pool[asyncpg.Record]
else:
    _AnyPool = asyncpg.Pool

T = TypeVar("T")

MOST_ATTEMPTS = 5

ANSWER_WITHIN = 10.0
"""Seconds that a statement, and the wait for a connection, may take; a server that hangs fails them then."""

IDLE_WITHIN = 4.0
"""Seconds that a transaction may pause. A worker that sleeps in one loses it, and its locks, before its lease."""

GIVE_UP_WITHIN = 0.5
"""Seconds that a server may take to cancel a statement, or to say goodbye, before the connection is cut."""

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a connection whose server is just saying that it crashed
    OSError,
    TimeoutError,
)

REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


class BoundedPool(_AnyPool):
    """A pool that waits for no connection without end, neither to get one nor to be rid of one."""

    def acquire(self, *, timeout: float | None = None) -> Any:
        """A connection, to be awaited or entered; `TimeoutError` when none is free in time."""
        return super().acquire(timeout=timeout or ANSWER_WITHIN)

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        """Take a connection back; one on which a statement cannot be cancelled is cut, and made anew later."""
        with suppress(TimeoutError):
            await super().release(connection, timeout=timeout or GIVE_UP_WITHIN)

    async def close(self) -> None:
        """Close every connection, in order if the server goes along."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_WITHIN):
                await super().close()


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int = 8, answer_within: float = ANSWER_WITHIN, idle_within: float = IDLE_WITHIN
) -> AsyncIterator[Pool]:
    """A pool of connections that speak JSON; a statement, and a new connection, may take `answer_within` seconds.

    The server ends a transaction that pauses for `idle_within` seconds. Raises `Unavailable` when the ledger does
    not answer, `ConfigurationError` when there is none of that name.
    """
    pool = BoundedPool(
        dsn,
        init_size=1,
        min_size=0,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300,
        init=_speak_json,
        reset=_leave,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        server_settings={
            "enable_seqscan": "off",  # every statement finds its rows by key
            "idle_in_transaction_session_timeout": f"{idle_within * 1000:.0f}ms",
        },
        command_timeout=answer_within,
        timeout=answer_within,
    )
    with reached():
        await pool
    try:
        yield pool
    finally:
        await pool.close()


@contextmanager
def reached() -> Iterator[None]:
    """Raise `Unavailable` when the ledger does not answer, `ConfigurationError` when it lets nobody in."""
    try:
        yield
    except AWAY as error:
        raise Unavailable(
            f"The ledger (PostgreSQL) cannot be reached: {reason(error)}. "
            "Start the server, or correct MEMOS_POSTGRES_DSN."
        ) from error
    except (asyncpg.PostgresError, ValueError) as error:
        raise ConfigurationError(
            f"The ledger (PostgreSQL) cannot be used: {reason(error)}. Correct MEMOS_POSTGRES_DSN, or the server."
        ) from error


async def _speak_json(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_encode_json, decoder=from_json, format="text"
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
    except asyncpg.DiskFullError as error:
        raise Unavailable(
            f"The ledger (PostgreSQL) has no room: {error}. Free some space on its disk, and "
            "send the command again with the same id."
        ) from error
    except AWAY as error:
        raise Unavailable(
            f"The ledger (PostgreSQL) cannot do this now: {reason(error)}. "
            "Try again with the same id, and see that the server runs and has room."
        ) from error
    except REFUSED as error:
        raise InvalidCommand(
            f"The ledger (PostgreSQL) cannot hold this: {error.args[0]}. Send it anew without what is refused."
        ) from error


def reason(error: Exception) -> str:
    """What an error says; one of a wait says nothing by itself."""
    return f"{type(error).__name__}: {error}" if str(error) else "it did not answer in time"


def pack(vector: Vector) -> bytes:
    """A vector as the ledger keeps it: float32, little-endian."""
    return array("f", vector).tobytes()


def unpack(stored: bytes) -> Vector:
    """The vector that `pack` wrote."""
    return array("f", stored)
