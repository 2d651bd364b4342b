"""Programs that are started again, against programs that end in every way."""

import asyncio
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from running import until

from memos.devstack import logs, restarts
from memos.devstack.processes import Child, Processes, Program
from memos.devstack.restarts import Supervised
from memos.devstack.stack import Stack, open_stack
from memos.errors import ConfigurationError, Unavailable

Open = Callable[[str], Supervised]


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Open]:
    """Makes programs of shell scripts, which find their folder as $0."""
    with (tmp_path / "lock").open("w") as held:
        async with Processes(held.fileno()) as processes:

            def program(script: str) -> Supervised:
                command = ["/bin/sh", "-c", script, os.fspath(tmp_path)]
                return Supervised(partial(processes.start, Program("program", command, tmp_path / "program.log")))

            yield program


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a thousandth."""
    monkeypatch.setattr(restarts, "FIRST_PAUSE", 0.0001)
    monkeypatch.setattr(restarts, "LONGEST_PAUSE", 0.01)


@asynccontextmanager
async def kept(supervised: Supervised) -> AsyncIterator[list[str]]:
    """Keep a program up; the lines that are told."""
    told: list[str] = []
    await supervised.open()
    keeping = asyncio.create_task(supervised.keep(told.append))
    try:
        yield told
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def test_what_ends_soon_is_started_again_with_growing_pauses_and_given_up_after_the_fifth_time(
    programs: Open, tmp_path: Path
) -> None:
    told: list[str] = []
    failing = programs("echo Error: no luck; exit 3")
    await failing.open()
    with pytest.raises(ConfigurationError) as given_up:
        await failing.keep(told.append)
    end = f"program ended with exit code 3: Error: no luck (log: {tmp_path}/program.log); "
    assert told == [f"{end}starting it again{pause}" for pause in ("", " in 0.1 s", " in 0.2 s", " in 0.4 s")]
    assert given_up.value.detail == f"{end}it was started 5 times in a row and did not stay up"


NINTH_TIME = 'echo >> "$0/starts"; [ $(wc -l < "$0/starts") -ge 9 ] && exec sleep 1000; '


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("end", ["exit 75", "kill -KILL $$", "kill -TERM $$"])
async def test_what_waits_for_another_or_was_killed_is_never_given_up(programs: Open, end: str) -> None:
    waiting = programs(NINTH_TIME + end)
    async with kept(waiting) as told:

        async def ninth() -> bool:
            return len(told) == 8

        await until(ninth)
    assert told[-1].endswith("; starting it again in 0.0064 s")


@pytest.mark.usefixtures("patient")
async def test_a_full_disk_does_not_count_as_a_program_that_cannot_be_started(programs: Open) -> None:
    program, full = programs("exec sleep 1000"), asyncio.Event()

    async def start() -> Child:
        if full.is_set():
            raise Unavailable("The disk is full: free some space.")
        await program.open()
        return program.child

    async with kept(Supervised(start)) as told:
        killed = program.child
        full.set()
        killed.send(signal.SIGKILL)

        async def tried() -> bool:
            return len(told) > 8

        await until(tried)
        full.clear()

        async def runs() -> bool:
            return program.child is not killed

        await until(runs)
    assert told[-1].startswith("The disk is full: free some space.; starting it again")


async def test_what_has_run_well_is_started_again_at_once(programs: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "SOON", 0.0)
    async with kept(programs("exit 1")) as told:

        async def often() -> bool:
            return len(told) > restarts.MOST_STARTS

        await until(often)
    assert all(line.endswith("; starting it again") for line in told)


@asynccontextmanager
async def stack_kept(home: Path) -> AsyncIterator[tuple[Stack, list[str]]]:
    """Embedded engines that are kept up."""
    told: list[str] = []
    async with open_stack(home) as stack:
        keeping = [asyncio.create_task(engine.keep(told.append)) for engine in stack.engines.values()]
        try:
            yield stack, told
        finally:
            for one in keeping:
                one.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)


async def test_every_engine_is_back_with_its_data_after_kill_nine(tmp_path: Path) -> None:
    async with stack_kept(tmp_path / "home") as (stack, told):
        killed = {name: engine.child.pid for name, engine in stack.engines.items()}
        ledger = await asyncpg.connect(stack.addresses.postgres_dsn)
        await ledger.execute("create table kept as select 42 as number")
        async with Redis.from_url(stack.addresses.redis_url) as redis:
            await redis.set("kept", "yes")
            for pid in killed.values():
                os.kill(pid, signal.SIGKILL)

            async def all_new() -> bool:
                return all(stack.engines[name].child.pid != pid for name, pid in killed.items())

            await until(all_new)
            assert await redis.get("kept") == b"yes"
        ledger.terminate()
        ledger = await asyncpg.connect(stack.addresses.postgres_dsn)
        assert await ledger.fetchval("select number from kept") == 42
        await ledger.close()
        _, writer = await asyncio.open_unix_connection(stack.addresses.edge_socket)
        writer.close()
        assert sorted(line.partition(" ")[0] for line in told) == sorted(killed)
        assert all(re.search(r"was killed by SIGKILL: .*; starting it again$", line) for line in told)


def state_of(process: int) -> str | None:
    """The state of a process as in proc(5), or nothing when it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2]
    except FileNotFoundError:
        return None


async def test_a_backend_that_still_computes_does_not_keep_a_killed_postgres_from_starting(tmp_path: Path) -> None:
    async with stack_kept(tmp_path / "home") as (stack, _):
        postgres = stack.engines["postgres"]
        busy = await asyncpg.connect(stack.addresses.postgres_dsn)
        backend = busy.get_server_pid()
        computing = asyncio.create_task(busy.execute("select count(*) from generate_series(1, 1e12::numeric)"))

        async def computes() -> bool:
            return state_of(backend) == "R"

        await until(computes)
        killed = postgres.child.pid
        os.kill(killed, signal.SIGKILL)

        async def new() -> bool:
            return postgres.child.pid != killed

        await until(new)
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
            await computing
        assert state_of(backend) in {None, "Z"}
        again = await asyncpg.connect(stack.addresses.postgres_dsn)
        assert await again.fetchval("select 1") == 1
        await again.close()


async def test_a_log_that_grows_while_its_program_runs_is_put_aside(
    programs: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LARGEST", 100)
    monkeypatch.setattr(logs, "LOOK_EVERY", 0.01)
    go = shlex.quote(os.fspath(tmp_path / "go"))
    program = programs(f"head -c 200 /dev/zero; until [ -e {go} ]; do sleep 0.01; done; echo Error: later; exit 1")
    log = tmp_path / "program.log"
    await program.open()
    keeping = asyncio.create_task(logs.keep_small(lambda: [log]))

    async def put_aside() -> bool:
        return (tmp_path / "program.log.1").exists() and log.stat().st_size == 0

    await until(put_aside)
    (tmp_path / "go").touch()
    assert await program.child.wait() == 1
    assert program.child.last_words() == "Error: later"
    assert (tmp_path / "program.log.1").read_bytes() == bytes(200)
    keeping.cancel()
