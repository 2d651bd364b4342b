"""The generations of a projection, in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg

from memos.errors import ConfigurationError, Conflict, Unavailable
from memos.records import FORMAT, Generation, RecordKey
from memos.stores import locks
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.sql import load_queries

FIRST_KEY = RecordKey("", UUID(int=0))
"""The key that comes before that of every record."""

MOST_AT_ONCE = 1000
LONGEST_WAIT = 60.0
"""Seconds that transactions which were under way may take to end."""


class PostgresGenerations:
    """Fulfils the port `Generations` for one projection."""

    def __init__(self, pool: Pool, projection: str) -> None:
        self._pool = pool
        self._projection = projection
        self._sql = load_queries("generations.sql")

    async def current(self) -> Generation | None:
        """The generation that queries are answered from; none before the first."""
        with translated():
            row = await self._pool.fetchrow(self._sql["current_generation"], self._projection)
        return Generation(**row) if row else None

    async def known(self) -> list[Generation]:
        """Every generation that there is or was, oldest first."""
        with translated():
            rows = await self._pool.fetch(self._sql["generations"], self._projection)
        return [Generation(**row) for row in rows]

    async def first(self, embedder: str, model: str, dimension: int) -> Generation:
        """The current generation; of this model when it is the first of all.

        Raises `ConfigurationError` when there are generations, but none of them is current.
        """
        with translated():
            await self._pool.execute(
                self._sql["first_generation"], self._projection, embedder, model, dimension, FORMAT
            )
        current = await self.current()
        if current is None:
            raise ConfigurationError(
                f"No generation of {self._projection} is current. Mark one in the ledger's table `generations`."
            )
        return current

    async def begin(self, embedder: str, model: str, dimension: int) -> Generation:
        """A new generation beside the current one; what is stored or changed from now on is noted for it too.

        Waits for the transactions that did not see it yet. Raises `Unavailable` when they do not end.
        """
        with translated():
            row = await self._pool.fetchrow(
                self._sql["begin_generation"], self._projection, embedder, model, dimension, FORMAT
            )
        assert row is not None  # an insert without a condition returns its row  # noqa: S101
        await self.settle()
        return Generation(**row)

    async def settle(self) -> None:
        """Wait for the transactions that may not have seen the newest generation. Raises `Unavailable`."""
        with translated():
            rows = await self._pool.fetch(self._sql["transactions_under_way"])
        earlier = [row["virtualtransaction"] for row in rows]
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                while await self._under_way(earlier):  # noqa: ASYNC110 - others end in other processes
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise Unavailable(
                f"A transaction of the ledger (PostgreSQL) has been under way for {LONGEST_WAIT:.0f} seconds. "
                "See which worker hangs, and try again."
            ) from error

    async def switch(self, generation: Generation) -> None:
        """Make a generation the current one and retire the former. Raises `Conflict` unless it is being built."""

        async def work(connection: Connection) -> None:
            await connection.execute(self._sql["retire_current"], self._projection)
            if not await connection.fetchval(self._sql["make_current"], self._projection, generation.number):
                raise Conflict(
                    f"Generation {generation.number} of {self._projection} is no longer being built: another "
                    "rebuild has used or dropped it. Run the rebuild again."
                )

        await transacted(self._pool, work)

    async def retired_for(self, seconds: float) -> list[Generation]:
        """The generations that retired at least so long ago and are not dropped yet."""
        with translated():
            rows = await self._pool.fetch(self._sql["retired_generations"], self._projection, seconds)
        return [Generation(**row) for row in rows]

    async def lately_dropped(self, seconds: float) -> list[Generation]:
        """The generations that were dropped no more than so long ago."""
        with translated():
            rows = await self._pool.fetch(self._sql["lately_dropped_generations"], self._projection, seconds)
        return [Generation(**row) for row in rows]

    async def strike(self, generation: Generation) -> None:
        """Forget what was noted for a generation that the engine has dropped, and mark it as dropped."""
        last: RecordKey | None = FIRST_KEY
        while last:
            last = await self._strike_some(generation, last)
        with translated():
            await self._pool.execute(self._sql["mark_dropped"], self._projection, generation.number)

    async def tidy(self) -> None:
        """Forget what was still noted for dropped generations by transactions that were under way."""
        with translated():
            await self._pool.execute(self._sql["tidy"], self._projection)

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator[None]:
        """The right to rebuild the projection, which one process has at a time. Raises `Conflict`."""
        key = locks.rebuilding(self._projection)
        with translated():
            connection = await self._pool.acquire()
        try:
            with translated():
                if not await connection.fetchval(self._sql["try_lock"], key):
                    raise Conflict(
                        f"Another process is rebuilding {self._projection}. Wait for it, or end it and try again."
                    )
            yield
        finally:
            await self._release(connection, key)

    async def _release(self, connection: Connection, key: int) -> None:
        """Give up the lock, which ended with its connection if that is lost."""
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            await connection.execute(self._sql["unlock"], key)
        await self._pool.release(connection)

    async def _under_way(self, transactions: list[str]) -> bool:
        if not transactions:
            return False
        with translated():
            left: bool = await self._pool.fetchval(self._sql["transactions_left"], transactions)
        return left

    async def _strike_some(self, generation: Generation, after: RecordKey) -> RecordKey | None:
        with translated():
            row = await self._pool.fetchrow(
                self._sql["strike_some"],
                self._projection,
                generation.number,
                after.memory_id,
                after.tenant,
                MOST_AT_ONCE,
            )
        return RecordKey(*row) if row else None
