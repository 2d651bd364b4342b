"""The pool of connections to a PostgreSQL that hangs, crashes and comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from builders import draft
from outages import family
from running import until

from memos.devstack.restarts import Supervised
from memos.devstack.stack import open_stack
from memos.errors import ConfigurationError, MemosError, Unavailable
from memos.records import Draft, Stored
from memos.settings import Settings
from memos.stores.facts import PostgresFacts
from memos.stores.generations import PostgresGenerations
from memos.stores.memories import PostgresMemories
from memos.stores.migrate import migrate
from memos.stores.postgres import AWAY, Connection, Pool, open_pool, transacted, translated
from memos.stores.sql import load_queries
from memos.stores.storing import Storing

SOON = 1.0
"""Seconds that statements may take here; with what giving up takes, everything ends within three."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Supervised, str]]:
    """A PostgreSQL of this module's own, and its DSN."""
    async with open_stack(tmp_path_factory.mktemp("ledger"), redis_url="redis://nobody", edge=False) as stack:
        yield stack.engines["postgres"], stack.addresses.postgres_dsn


@pytest.fixture
async def pool(server: tuple[Supervised, str]) -> AsyncIterator[Pool]:
    """Connections, two of them open."""
    async with open_pool(server[1], answer_within=SOON) as connections:
        await asyncio.gather(*(connections.execute("select pg_sleep(0.01)") for _ in range(2)))
        yield connections


def send(postgres: Supervised, number: signal.Signals) -> None:
    for process in family(postgres.child.pid):
        os.kill(process, number)


async def answer(pool: Pool) -> int:
    with translated():
        number: int = await pool.fetchval("select 42")
    return number


async def write(connection: Connection) -> str:
    return await connection.execute("select pg_sleep(0)")


async def test_a_hung_ledger_fails_reads_and_transactions_soon_and_works_when_it_goes_on(
    server: tuple[Supervised, str], pool: Pool
) -> None:
    postgres, _ = server
    send(postgres, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):
            for _ in range(2):
                with pytest.raises(Unavailable, match="it did not answer in time"):
                    await answer(pool)
            with pytest.raises(Unavailable):
                await transacted(pool, write)
    finally:
        send(postgres, signal.SIGCONT)
    assert await answer(pool) == 42


async def test_a_question_that_is_given_up_does_not_wait_for_a_hung_ledger(
    server: tuple[Supervised, str],
) -> None:
    postgres, dsn = server
    async with open_pool(dsn) as pool:
        send(postgres, signal.SIGSTOP)
        try:
            async with asyncio.timeout(8):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(answer(pool), 0.1)
        finally:
            send(postgres, signal.SIGCONT)
        assert await answer(pool) == 42


async def test_a_pool_on_a_hung_ledger_is_closed_soon_and_without_an_error(server: tuple[Supervised, str]) -> None:
    postgres, dsn = server
    try:
        async with asyncio.timeout(8):
            async with open_pool(dsn):
                send(postgres, signal.SIGSTOP)
    finally:
        send(postgres, signal.SIGCONT)


async def test_after_a_restart_the_connections_are_made_anew(server: tuple[Supervised, str], pool: Pool) -> None:
    postgres, _ = server
    postgres.child.send(signal.SIGKILL)
    await postgres.child.wait()
    await postgres.open()
    for _ in range(3):
        assert await answer(pool) == 42


async def test_statements_under_way_when_a_backend_crashes_are_unavailable_and_none_is_unforeseen(
    server: tuple[Supervised, str], pool: Pool
) -> None:
    async def crash(connection: Connection) -> None:
        os.kill(connection.get_server_pid(), signal.SIGSEGV)
        await connection.execute("select pg_sleep(10)")

    async def busy(connection: Connection) -> None:
        while True:
            await connection.fetchval("select 1")

    outcomes = await asyncio.gather(
        *(transacted(pool, work) for work in (busy, busy, crash, busy, busy)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5

    async def back() -> bool:
        try:
            return await answer(pool) == 42
        except Unavailable:
            return False

    await until(back)


class AsleepOnce:
    """A worker that stops between the statements of its first transaction, with a session's row locked."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.asleep, self.awake = asyncio.Event(), asyncio.Event()

    async def __call__(self, connection: Connection) -> list[Stored | MemosError]:
        await connection.execute(DRAW, *(getattr(self.drafts[0], name) for name in ("agent_id", "session_id")))
        if not self.asleep.is_set():
            self.asleep.set()
            await self.awake.wait()
        return await Storing(connection, load_queries("memories.sql"), self.drafts).run()


DRAW = "insert into session_sequences values ('default', $1, $2, 100) on conflict do nothing"


async def test_a_worker_that_sleeps_within_a_transaction_loses_it_and_its_locks_and_can_repeat_it(
    postgres_dsn: str,
) -> None:
    mine, other = draft("mine", session_id="monday"), draft("another's", session_id="monday")
    async with open_pool(postgres_dsn, idle_within=0.5) as one, open_pool(postgres_dsn) as two:
        work = AsleepOnce([mine])
        sleeper = asyncio.create_task(transacted(one, work))
        await work.asleep.wait()
        async with asyncio.timeout(20):
            [stored] = await PostgresMemories(two).store([other])
        assert isinstance(stored, Stored)

        work.awake.set()
        with pytest.raises(Unavailable) as failed:
            await sleeper
        assert failed.value.transient
        [repeated] = await transacted(one, work)
        assert isinstance(repeated, Stored)
        rows = await two.fetch("select content, sequence from agent_memories order by sequence")
    assert [tuple(row) for row in rows] == [("another's", 0), ("mine", 1)]


async def test_transactions_of_a_pool_may_pause_for_less_than_a_lease(postgres_dsn: str) -> None:
    async with open_pool(postgres_dsn) as pool:
        pause = await pool.fetchval(
            "select setting::int from pg_settings where name = 'idle_in_transaction_session_timeout'"
        )
    assert 0 < pause / 1000 < Settings().lease_seconds


async def test_locks_that_are_held_for_long_outlast_the_pause_that_a_transaction_may_make(
    postgres_dsn: str,
) -> None:
    async with (
        open_pool(postgres_dsn, idle_within=0.05) as pool,
        PostgresGenerations(pool, "memories").rebuilding(),
        PostgresFacts(pool, postgres_dsn).placing() as it,
    ):
        assert await it.granted()
        await pool.execute("select pg_sleep(0.3)")
        held = await pool.fetchval(HELD)
        assert (held, await it.place(1)) == (2, 0)


HELD = """
select count(*) from pg_locks
where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())
"""


@pytest.mark.parametrize("kind", AWAY)
async def test_whatever_says_that_the_ledger_is_away_is_transient(kind: type[Exception]) -> None:
    with pytest.raises(Unavailable), translated():
        raise kind("away")


async def test_a_full_disk_of_the_ledger_is_called_so() -> None:
    with (
        pytest.raises(Unavailable, match=r"^The ledger \(PostgreSQL\) has no room: could not extend"),
        translated(),
    ):
        raise asyncpg.DiskFullError("could not extend file")


async def test_a_server_that_is_not_there_may_come_and_a_database_that_is_not_there_may_not(
    server: tuple[Supervised, str],
) -> None:
    with pytest.raises(Unavailable, match=r"^The ledger \(PostgreSQL\) cannot be reached: .*MEMOS_POSTGRES_DSN"):
        await migrate("postgresql://memos@/memos?host=/nowhere")
    with pytest.raises(
        ConfigurationError, match=r"^The ledger \(PostgreSQL\) cannot be used: .*nothing.*not exist"
    ):
        await migrate(server[1].replace("/memos?", "/nothing?"))
