"""Disks that fill up under PostgreSQL and Valkey: errors that say so, and nothing lost once there is room."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from outages import Site, Stored, assert_nothing_is_lost, site_at, site_on
from redis.asyncio import Redis
from running import until

from memos.client import Client, connect
from memos.devstack.processes import Program
from memos.devstack.stack import open_stack, running_stack
from memos.errors import DeadlineExceeded, Unavailable

DISK = 176 * 2**20
"""Bytes; an empty ledger takes about 70 MB, and keeps up to 80 MB of write-ahead log."""

SMALL_DISK = 4 * 2**20

KEPT_UP = """
import asyncio, sys
from pathlib import Path
from memos.devstack.processes import together
from memos.devstack.stack import open_stack

async def main():
    async with open_stack(Path(sys.argv[1])) as stack:
        print("ready", flush=True)
        await together(engine.keep(lambda line: print(line, flush=True)) for engine in stack.engines.values())

asyncio.run(main())
"""

WITH_A_SMALL_DISK = """
mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" && cp -a "$3/." "$2" && shift 3 && exec "$@"
"""


def namespaces_allowed() -> bool:
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not namespaces_allowed(), reason="user and mount namespaces, which a small disk takes, are not allowed here"
)


class Disk:
    """The small disk of an engine, as the process that mounted it sees it, and the engine's log."""

    def __init__(self, parent: int, home: Path, engine: str) -> None:
        self._ballast = Path(f"/proc/{parent}/root{home}/{engine}/ballast")
        self.log = home / "logs" / f"{engine}.log"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (2**20, 2**12):
                while self._takes(ballast.fileno(), size):
                    pass

    def _takes(self, file: int, size: int) -> bool:
        try:
            return os.write(file, bytes(size)) == size
        except OSError:
            return False

    def make_room(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink()


@pytest.fixture(scope="module")
async def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder on which engines ran once."""
    home = tmp_path_factory.mktemp("initialised")
    async with open_stack(home):
        return home


@asynccontextmanager
async def engines_with_a_small_disk(
    home: Path, initialised: Path, engine: str, size: int
) -> AsyncIterator[tuple[Disk, list[str]]]:
    """Engines that are kept up, one of them with its data on a disk of its own; and what is told of them."""
    shutil.copytree(initialised, home)
    program = Program("stack", [sys.executable, "-P", "-c", KEPT_UP, os.fspath(home)], home / "stack.log")
    disk = (str(size), os.fspath(home / engine), os.fspath(initialised / engine))
    wrapped = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", WITH_A_SMALL_DISK, "sh", *disk)
    process = await asyncio.create_subprocess_exec(*wrapped, *program.launched(), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told: list[str] = []
    try:
        assert await process.stdout.readline() == b"ready\n"
        reading = asyncio.create_task(lines_of(process.stdout, told))
        yield Disk(process.pid, home, engine), told
    finally:
        process.terminate()
        await process.wait()
        await reading


async def lines_of(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


def large() -> str:
    """A text of 12,000 characters that compresses badly."""
    return os.urandom(6_000).hex()


async def refusal(client: Client, content: str, stored: Stored) -> str:
    """What a store is refused with, whose content is then among those to be sent again."""
    with pytest.raises(Unavailable) as refused:
        await client.store(content, agent_id=stored.agent, command_id=content[:100])
    return refused.value.detail


async def fill_up(client: Client, stored: Stored) -> tuple[str, str]:
    """Store until it is refused; the content that was, and why."""
    content = large()
    while True:
        try:
            outcome = await client.store(content, agent_id=stored.agent, command_id=content[:100])
        except Unavailable as error:
            return content, error.detail
        except DeadlineExceeded:  # it was taken, but its answer could not be given: ask again
            continue
        stored.memories[content] = outcome.memory_id
        content = large()


async def stored_in_the_end(client: Client, content: str, stored: Stored) -> None:
    """Store by the same id until it is done."""

    async def done() -> bool:
        try:
            outcome = await client.store(content, agent_id=stored.agent, command_id=content[:100])
        except (Unavailable, DeadlineExceeded):
            return False
        stored.memories[content] = outcome.memory_id
        return True

    await until(done, 60)


@pytest.fixture
async def small_ledger(tmp_path: Path, initialised: Path) -> AsyncIterator[tuple[Site, Disk]]:
    """A memOS whose ledger has a small disk; a failed store is tried twice."""
    home = tmp_path / "home"
    async with engines_with_a_small_disk(home, initialised, "postgres", DISK) as (disk, _):
        addresses = running_stack(home)
        assert addresses is not None
        async with site_at(addresses, retry_attempts=2) as site:
            yield site, disk


async def switch_log(dsn: str) -> None:
    """Have the ledger begin another segment of its write-ahead log."""
    ledger = await asyncpg.connect(dsn)
    try:
        await ledger.execute("select pg_switch_wal()")
    finally:
        await ledger.close()


async def test_a_ledger_without_room_says_so_and_the_same_commands_succeed_once_there_is_some(
    small_ledger: tuple[Site, Disk],
) -> None:
    site, disk = small_ledger
    stored = Stored("full")
    async with connect(site.redis_url, source="disk", timeout=20, retries=0) as client:
        await stored_in_the_end(client, "before the disk was full", stored)
        disk.fill()
        content, why = await fill_up(client, stored)
        assert "The ledger (PostgreSQL) has no room: " in why
        assert "No space left on device" in why
        again = await refusal(client, content, stored)
        assert again == why
        found = await client.query("before the disk was full", agent_id="full", top_k=1)
        assert [each.content for each in found.memories.results] == ["before the disk was full"]
        disk.make_room()
        await stored_in_the_end(client, content, stored)
        await stored_in_the_end(client, "after there was room", stored)
    await assert_nothing_is_lost(site, stored)


async def test_a_ledger_that_cannot_write_its_log_comes_back_by_itself_once_there_is_room(
    small_ledger: tuple[Site, Disk],
) -> None:
    site, disk = small_ledger
    stored = Stored("log")
    async with connect(site.redis_url, source="disk", timeout=20, retries=0) as client:
        await stored_in_the_end(client, "before the disk was full", stored)
        disk.fill()

        async def broken() -> bool:
            try:
                await switch_log(site.addresses.postgres_dsn)
            except (asyncpg.PostgresError, OSError):
                return True
            return False

        await until(broken)
        await refusal(client, "while the disk was full", stored)
        assert re.search(r"PANIC: .*No space left on device", disk.log.read_text())
        disk.make_room()
        await stored_in_the_end(client, "while the disk was full", stored)
    await assert_nothing_is_lost(site, stored)


@pytest.fixture
async def small_bus(tmp_path: Path, initialised: Path) -> AsyncIterator[tuple[Site, Disk]]:
    """A memOS whose Valkey has a small disk."""
    home = tmp_path / "home"
    async with engines_with_a_small_disk(home, initialised, "valkey", SMALL_DISK) as (disk, _):
        addresses = running_stack(home)
        assert addresses is not None
        async with site_at(addresses) as site:
            yield site, disk


async def test_a_bus_that_cannot_write_to_its_disk_refuses_at_once_and_goes_on_once_it_can(
    small_bus: tuple[Site, Disk],
) -> None:
    site, disk = small_bus
    stored = Stored("bus")
    async with connect(site.redis_url, source="disk", timeout=3, retries=0) as client:
        await stored_in_the_end(client, "before the disk was full", stored)
        disk.fill()
        content, why = await fill_up(client, stored)
        assert re.search(r"The bus \(Redis\) did not take command .*MISCONF .*No space left on device", why)
        async with asyncio.timeout(15), connect(site.redis_url, source="disk", timeout=60, retries=0) as patient:
            with pytest.raises(Unavailable, match="MISCONF"):
                await patient.query("anything", agent_id=stored.agent)
        assert (await site.http.get("/health/ready")).status_code == httpx.codes.SERVICE_UNAVAILABLE
        disk.make_room()
        await stored_in_the_end(client, content, stored)
    await site.until_ready()
    await assert_nothing_is_lost(site, stored)


async def test_a_bus_that_may_use_no_more_memory_refuses_at_once_and_goes_on_once_it_may(tmp_path: Path) -> None:
    stored = Stored("memory")
    async with (
        site_on(tmp_path / "home") as site,
        connect(site.redis_url, source="memory", timeout=20, retries=0) as client,
        Redis.from_url(site.redis_url) as redis,
    ):
        await stored_in_the_end(client, "before the memory was full", stored)
        await redis.config_set("maxmemory", 1)
        async with asyncio.timeout(15):
            why = await refusal(client, "while the memory was full", stored)
            assert re.search(r"The bus \(Redis\) did not take command .*used memory > 'maxmemory'", why)
            with pytest.raises(Unavailable, match="maxmemory"):
                await client.query("anything", agent_id=stored.agent)
        answer = await site.http.post("/memory/store", json={"content": "x", "agent_id": "memory"})
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.SERVICE_UNAVAILABLE, "unavailable")
        await redis.config_set("maxmemory", 0)
        await stored_in_the_end(client, "while the memory was full", stored)
        await site.until_ready()
        await assert_nothing_is_lost(site, stored)
