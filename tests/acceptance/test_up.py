import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from memos.devstack.stack import running_stack


@dataclass(frozen=True)
class Memos:
    """The `memos` command on a home folder and a port of its own."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def command(self, *words: str, **settings: str) -> asyncio.subprocess.Process:
        """Start a command in a process group of its own, as a shell does."""
        known = {"MEMOS_HOME": os.fspath(self.home), "MEMOS_API_PORT": str(self.port)}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "memos", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **known, **settings},
            process_group=0,
        )

    @asynccontextmanager
    async def up(self, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """`memos up`, from its first line of output on; killed in the end if it was not ended before."""
        process = await self.command("up", **settings)
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 90)
            ready = f"memOS is ready at {self.url} (reference: {self.url}/docs).\n"
            assert line == ready.encode(), await ended(process)
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def run(self, *words: str, **settings: str) -> tuple[int, str, str]:
        """Exit code, output and errors of a command that ends by itself."""
        return await ended(await self.command(*words, **settings))


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    output, errors = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.fixture
def memos(tmp_path: Path) -> Memos:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Memos(tmp_path / "home", free.getsockname()[1])


def names_of_those_that_hold(home: Path) -> list[str]:
    """The command lines of all processes that have the home's lock open: `memos up` and its children."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if any(file.resolve() == home / "lock" for file in (process / "fd").iterdir()):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def child(home: Path, words: str) -> int:
    """The process id of the one child of `memos up` on that home with these words in its command line."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (process / "environ").read_bytes().decode(errors="replace")
            if words in line and f"MEMOS_HOME={home}" in environment:
                found.append(int(process.name))
    (one,) = found
    return one


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited are other processes
            await asyncio.sleep(0.02)


async def test_one_command_starts_all_and_ctrl_c_stops_all(memos: Memos) -> None:
    async with memos.up() as up:
        async with httpx.AsyncClient(base_url=memos.url) as client:
            assert (await client.get("/health/ready")).status_code == 200
        assert len(names_of_those_that_hold(memos.home)) > 6
        os.killpg(up.pid, signal.SIGINT)
        code, output, errors = await ended(up)
    assert (code, errors) == (0, "")
    assert f"redis-cli -s {memos.home}/run/valkey.sock" in output
    assert names_of_those_that_hold(memos.home) == []
    assert running_stack(memos.home) is None


async def test_a_memory_outlives_kill_nine_of_everything_and_is_found_after_the_next_start(memos: Memos) -> None:
    memory = {"content": "The kettle in the lab trips the fuse.", "agent_id": "tester"}
    async with memos.up() as up:
        async with httpx.AsyncClient(base_url=memos.url, timeout=30) as client:
            stored = (await client.post("/memory/store", json=memory)).json()
        assert stored["status"] == "stored"
        up.kill()
        await up.wait()
        await until(lambda: names_of_those_that_hold(memos.home) == [])
    async with memos.up():
        async with httpx.AsyncClient(base_url=memos.url, timeout=30) as client:
            question = {"query": "why does the fuse trip?", "agent_id": "tester"}
            found = (await client.post("/memory/query", json=question)).json()
        assert [each["memory_id"] for each in found["memories"]["results"]] == [stored["memory_id"]]
        code, output, _ = await memos.run("query", "kettle", "--agent", "tester")
        assert code == 0
        assert memory["content"] in output


async def test_when_a_process_dies_its_end_is_told_in_one_line_and_all_stops(memos: Memos) -> None:
    async with memos.up() as up:
        os.kill(child(memos.home, "worker --lane bulk"), signal.SIGKILL)
        code, _, errors = await ended(up)
    assert code == 1
    assert re.fullmatch(r"memos: worker-bulk was killed by SIGKILL: .* \(log: .*/logs/worker-bulk\.log\)\n", errors)
    assert names_of_those_that_hold(memos.home) == []


async def test_a_second_start_on_the_same_folder_is_refused_in_one_line(memos: Memos) -> None:
    async with memos.up() as up:
        other = Memos(memos.home, memos.port + 1 if memos.port < 65535 else memos.port - 1)
        code, output, errors = await other.run("up")
        assert (code, output) == (1, "")
        assert re.fullmatch(rf"memos: {memos.home} is in use by process {up.pid}: .*\n", errors)


async def test_a_busy_port_is_refused_in_one_line_before_anything_starts(memos: Memos) -> None:
    with socket.create_server(("127.0.0.1", memos.port)):
        code, output, errors = await memos.run("up")
    assert (code, output) == (1, "")
    assert re.fullmatch(rf"memos: The API cannot listen on 127.0.0.1 port {memos.port} \(.*in use\): .*\n", errors)
    assert not memos.home.exists()


async def test_a_signal_during_the_start_stops_what_has_started(memos: Memos) -> None:
    up = await memos.command("up")
    await until(lambda: len(names_of_those_that_hold(memos.home)) > 1)
    up.terminate()
    assert await ended(up) == (0, "", "")
    assert names_of_those_that_hold(memos.home) == []


async def test_valkey_is_reached_on_a_port_when_the_settings_give_one(memos: Memos) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with memos.up(MEMOS_VALKEY_PORT=str(port)), Redis(host="127.0.0.1", port=port) as client:
        assert await client.ping()
