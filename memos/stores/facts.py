"""The ledger's facts in PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg

from memos.ports import FactPage
from memos.records import CommandKey, EndedSession, ExpiredValue, Fact, key_record_id, session_record_id
from memos.stores.claims import WORKING, claim
from memos.stores.locks import RELAYING
from memos.stores.noting import Noted, note
from memos.stores.postgres import Connection, Pool, transacted, translated
from memos.stores.sql import load_queries

MOST_LOOKED_AT = 10_000
PATIENCE = 10.0

RELAY_SESSION = {
    "application_name": "memos relay",
    "enable_seqscan": "off",
    "idle_session_timeout": "10s",  # a relay that sleeps loses the lock
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
}


class Told(NamedTuple):
    """A fact of working memory, and the id of the command by which it is claimed."""

    command_id: str
    fact: Noted


class PostgresPlacing:
    """Fulfils the port `Placing` by an advisory lock, which lives and dies with the connection that places."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    async def granted(self) -> bool:
        """Whether this connection has the lock. To be asked until it has: a lock taken twice is held twice."""
        with translated():
            has: bool = await self._connection.fetchval("select pg_try_advisory_lock($1)", RELAYING)
        return has

    async def place(self, limit: int) -> int:
        """Give positions to at most `limit` committed facts in one statement; return the newest position."""
        with translated():
            newest: int = await self._connection.fetchval(self._sql["place_facts"], limit)
        return newest

    async def newest(self) -> int:
        """The newest position, asked on the connection that has the lock."""
        with translated():
            newest: int = await self._connection.fetchval(self._sql["newest_position"])
        return newest


class PostgresFacts:
    """Fulfils the port `Facts`; `dsn` is where the relay opens a connection of its own."""

    def __init__(self, pool: Pool, dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn
        self._sql: Mapping[str, str] = {**load_queries("memories.sql"), **load_queries("facts.sql")}

    async def page(self, tenant: str, after: int, limit: int, types: Sequence[str]) -> FactPage:
        """At most `limit` of a tenant's facts, among the next 10,000 of all tenants."""
        newest = await self.newest()
        until = min(newest, after + MOST_LOOKED_AT)
        with translated():
            rows = await self._pool.fetch(self._sql["facts_of_tenant"], after, until, tenant, list(types), limit)
        position = rows[-1]["position"] if len(rows) == limit else max(after, until)
        return FactPage([_fact_of(row) for row in rows], position, newest)

    async def copies(self, after: int, limit: int) -> list[Fact]:
        """The next `limit` facts after a position, of all tenants."""
        with translated():
            rows = await self._pool.fetch(self._sql["facts_after"], after, limit)
        return [_fact_of(row) for row in rows]

    async def newest(self) -> int:
        """The newest position; 0 when there is none."""
        with translated():
            newest: int = await self._pool.fetchval(self._sql["newest_position"])
        return newest

    async def unplaced(self) -> int:
        """How many facts wait for their position."""
        with translated():
            count: int = await self._pool.fetchval(self._sql["count_unplaced"])
        return count

    async def add_expired(self, values: Sequence[ExpiredValue]) -> None:
        """Add a fact for each key that expired; a key that is set anew and expires again has another moment."""
        await self._add([_expired(value) for value in values])

    async def add_ended(self, ended: EndedSession) -> None:
        """Add the fact that a session ended."""
        await self._add([_ended(ended)])

    async def _add(self, told: Sequence[Told]) -> None:
        """Note those facts that nobody has claimed before, in one transaction."""
        by_key = {CommandKey(one.fact.tenant, WORKING, one.command_id): one.fact for one in told}

        async def work(connection: Connection) -> None:
            commands = [(key, fact.record_id.bytes, {"fact": fact.type}) for key, fact in by_key.items()]
            claimed = await claim(connection, self._sql, commands)
            await note(connection, self._sql, [fact for key, fact in by_key.items() if key in claimed])

        if by_key:
            await transacted(self._pool, work)

    @asynccontextmanager
    async def placing(self) -> AsyncIterator[PostgresPlacing]:
        """The right to place facts, once granted, for as long as this lasts."""
        with translated():
            connection = await asyncpg.connect(
                self._dsn, timeout=PATIENCE, command_timeout=PATIENCE, server_settings=RELAY_SESSION
            )
        try:
            yield PostgresPlacing(connection, self._sql)
        finally:
            connection.terminate()


def _expired(value: ExpiredValue) -> Told:
    key, record_id = value.session, key_record_id(value.session, value.epoch, value.key)
    data = {"agent_id": key.agent_id, "session_id": key.session_id, "key": value.key, "version": value.version}
    fact = Noted(key.tenant, "memos.working.expired.v1", record_id, value.version, data)
    return Told(f"expired:{record_id}:{value.version}:{value.expired_at.timestamp():.6f}", fact)


def _ended(ended: EndedSession) -> Told:
    session = ended.session
    record_id = session_record_id(session.key, session.epoch)
    data = {
        "agent_id": session.key.agent_id,
        "session_id": session.key.session_id,
        "reason": ended.reason,
        "messages": session.messages,
        "keys": session.keys,
        "version": 1,
    }
    return Told(f"ended:{record_id}", Noted(session.key.tenant, "memos.session.ended.v1", record_id, 1, data))


def _fact_of(row: asyncpg.Record) -> Fact:
    """The fact in a row of `facts`; trusted, so not validated again."""
    return Fact.model_construct(**dict(row))
