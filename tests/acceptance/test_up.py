import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from running import until as eventually

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


def children_of(parent: int, words: str) -> list[int]:
    """The process ids of a process's children with these words in their command line."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if words in line and f"\nPPid:\t{parent}\n" in (process / "status").read_text():
                found.append(int(process.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, seconds=30)


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


PARTS = {
    "valkey": "valkey-server",
    "postgres": "bin/postgres -D",
    "edge": "memos.stores.edge_server",
    "worker-interactive": "worker --lane interactive",
    "worker-bulk": "worker --lane bulk",
    "api": "memos api",
}
"""Every process of `memos up`, and words of its command line."""


async def test_whatever_is_killed_is_told_in_one_line_and_started_again_and_nothing_is_lost(memos: Memos) -> None:
    async with memos.up() as up, httpx.AsyncClient(base_url=memos.url, timeout=30) as client:
        assert up.stderr is not None
        for number, (name, words) in enumerate(PARTS.items()):
            killed = children_of(up.pid, words)[0]
            os.kill(killed, signal.SIGKILL)
            line = (await asyncio.wait_for(up.stderr.readline(), 30)).decode()
            told = rf"memos: {name} was killed by SIGKILL: .* \(log: .*/logs/{name}\.log\); starting it again\n"
            assert re.fullmatch(told, line)
            await until(lambda: children_of(up.pid, words) not in ([], [killed]))  # noqa: B023
            memory = {"content": f"Number {number}: the {name} was killed.", "agent_id": "tester"}
            assert await persistently(client, memory, f"killed-{name}") in {"stored", "accepted"}
        await until_ready(client)
        question = {"query": "what was killed?", "agent_id": "tester", "top_k": 20}

        async def all_found() -> bool:
            found = (await client.post("/memory/query", json=question)).json()["memories"]["results"]
            contents = [f"Number {number}: the {name} was killed." for number, name in enumerate(PARTS)]
            return sorted(each["content"] for each in found) == contents

        await eventually(all_found)
        os.killpg(up.pid, signal.SIGINT)
        assert (await ended(up))[::2] == (0, "")
    assert names_of_those_that_hold(memos.home) == []


async def persistently(client: httpx.AsyncClient, memory: dict[str, str], command_id: str) -> str:
    """Store by the same id until it is answered; what became of it."""
    status: list[str] = []

    async def stored() -> bool:
        with suppress(httpx.TransportError):
            answer = await client.post("/memory/store", json=memory, headers={"Idempotency-Key": command_id})
            status[:] = [answer.json()["status"]] if answer.is_success else []
        return bool(status)

    await eventually(stored)
    return status[0]


async def until_ready(client: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        return (await client.get("/health/ready")).status_code == httpx.codes.OK

    await eventually(ready, seconds=60)


async def test_readiness_says_that_a_lane_is_away_until_its_worker_is_back(memos: Memos) -> None:
    async with memos.up() as up, httpx.AsyncClient(base_url=memos.url, timeout=30) as client:
        worker = children_of(up.pid, PARTS["worker-bulk"])[0]
        os.kill(worker, signal.SIGSTOP)
        answer = await client.get("/health/ready")
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        lanes = answer.json()["lanes"]
        assert (lanes["interactive"]["status"], lanes["bulk"]["code"]) == ("ready", "deadline-exceeded")
        os.kill(worker, signal.SIGKILL)
        await until_ready(client)


async def test_what_cannot_be_started_any_more_stops_the_stack_with_one_line(memos: Memos) -> None:
    async with memos.up() as up:
        os.kill(children_of(up.pid, PARTS["api"])[0], signal.SIGKILL)
        with taken(memos.port):
            code, _, errors = await ended(up)
    assert code == 1
    *told, last = errors.splitlines()
    assert "memos: api was killed by SIGKILL" in told[0]
    assert all("; starting it again" in line for line in told)
    assert re.fullmatch(
        rf"memos: The API cannot listen on 127\.0\.0\.1 port {memos.port} .*; "
        r"it was started 5 times in a row and did not stay up",
        last,
    )
    assert names_of_those_that_hold(memos.home) == []


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Take a port as soon as it is free."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            with suppress(OSError):
                other.bind(("127.0.0.1", port))
                break
        other.listen()
        yield


async def test_a_signal_during_a_restart_stops_everything_at_once(memos: Memos) -> None:
    async with memos.up() as up:
        assert up.stderr is not None
        for words in PARTS.values():
            os.kill(children_of(up.pid, words)[0], signal.SIGKILL)
        await up.stderr.readline()
        up.terminate()
        assert await asyncio.wait_for(up.wait(), 15) == 0
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
