import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from memos.devstack import launch
from memos.devstack.processes import Processes, Program
from memos.devstack.stack import Addresses, embedded_stack, open_stack, running_stack
from memos.errors import ConfigurationError

AS_ROOT = os.geteuid() == 0

PARENT = """
import asyncio, sys
from pathlib import Path
from memos.devstack.stack import embedded_stack

async def main():
    async with embedded_stack(Path(sys.argv[1]), edge=False):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""

REFUSED = """
import asyncio, os, sys
from pathlib import Path
from memos.devstack import folder
from memos.devstack.stack import embedded_stack
from memos.errors import MemosError

async def main():
    async with embedded_stack(Path(sys.argv[1]), edge=False):
        return "started as user " + str(os.geteuid())

folder.LEAST_FREE = int(sys.argv[2])
try:
    print(asyncio.run(main()))
except MemosError as error:
    print("refused:", error)
"""


DEAF = """
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("up", flush=True)
signal.pause()
"""


NO_NAMESPACES_LEFT = """
import ctypes, os, sys

entered, enter = os.pipe()
if os.fork() == 0:
    os.read(entered, 1)
    for kind in ("uid", "gid"):
        with open(f"/proc/{os.getppid()}/{kind}_map", "w") as users:
            users.write("0 0 65536")
    os._exit(0)
assert ctypes.CDLL(None).unshare(0x10000000) == 0
os.write(enter, b".")
assert os.wait()[1] == 0
with open("/proc/sys/user/max_user_namespaces", "w") as limit:
    limit.write("0")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder that every user can enter and whose path leaves room for sockets."""
    path = Path(tempfile.mkdtemp(prefix="memos-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited are other processes
            await asyncio.sleep(0.01)


@asynccontextmanager
async def ledger(addresses: Addresses) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.postgres_dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def valkey(addresses: Addresses) -> AsyncIterator[Redis]:
    async with Redis.from_url(addresses.redis_url, decode_responses=True) as client:
        yield client


@asynccontextmanager
async def stores(home: Path) -> AsyncIterator[tuple[asyncpg.Connection, Redis]]:
    """A stack on a folder, and a client of each of its engines."""
    stack = embedded_stack(home, edge=False)
    async with stack as addresses, ledger(addresses) as connection, valkey(addresses) as client:
        yield connection, client


def stat_of(pid: int) -> list[str]:
    """State, parent, process group … of a process as in proc(5), or nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_running(pid: int) -> bool:
    return stat_of(pid)[:1] not in ([], ["Z"])


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> set[int]:
    every = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    children = {each for each in every if stat_of(each)[1:2] == [str(pid)]}
    return children.union(*(descendants(child) for child in children))


def python(program: str, *words: str, before: tuple[str, ...] = ()) -> str:
    """What a program of its own process prints."""
    command = [*before, sys.executable, "-c", program, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


@asynccontextmanager
async def parent_process(home: Path, *, ready: bool = True) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs the stack on a folder; in the end it is killed, and all that it started."""
    started: set[int] = set()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, os.fspath(home), stdout=asyncio.subprocess.PIPE
    )
    try:
        if ready:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            started = descendants(process.pid)
        yield process
    finally:
        kill(*started, *([process.pid] if process.returncode is None else []))
        await process.communicate()


async def test_data_is_there_again_after_a_stop_and_a_start(tmp_path: Path) -> None:
    async with stores(tmp_path / "home") as (connection, client):
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        await client.set("kept", "yes")
    async with stores(tmp_path / "home") as (connection, client):
        assert await connection.fetchval("SELECT number FROM kept") == 42
        assert await client.get("kept") == "yes"


async def test_nothing_runs_and_no_socket_is_left_after_the_stop(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    async with embedded_stack(tmp_path / "home", edge=False):
        started = descendants(os.getpid()) - before
        assert len(started) >= 2
    assert not [pid for pid in started if is_running(pid)]
    assert not (tmp_path / "home" / "run").exists()
    assert (tmp_path / "home" / "lock").read_text() == ""


async def test_the_engines_are_set_to_lose_nothing_and_to_listen_on_sockets_only(tmp_path: Path) -> None:
    async with stores(tmp_path / "home") as (connection, client):
        names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "server_encoding")
        settings = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
        assert settings == ["on", "on", "on", "", "UTF8"]
        assert await connection.fetchval("SELECT lower('ÄПΩ')") == "äпω"
        config = await client.config_get("*")
    known = {name: config[name] for name in ("appendonly", "appendfsync", "maxmemory-policy", "port", "bind")}
    assert known == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "port": "0",
        "bind": "127.0.0.1",
    }


async def test_valkey_listens_on_a_local_port_when_one_is_given(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stack = embedded_stack(tmp_path / "home", edge=False, valkey_port=port)
    async with stack, Redis(host="127.0.0.1", port=port) as client:
        assert await client.ping()


async def test_a_busy_valkey_port_stops_the_start_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"^valkey ended with exit code 1: .*{port}.*valkey\.log\)$"):
            async with embedded_stack(tmp_path / "home", edge=False, valkey_port=port):
                pass


async def test_after_kill_nine_of_the_parent_no_engine_is_left_and_every_committed_row_is_there(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    async with parent_process(home) as parent:
        addresses = running_stack(home)
        assert addresses is not None
        async with ledger(addresses) as connection, valkey(addresses) as client:
            await connection.execute("CREATE TABLE kept (number int)")
            for number in range(100):
                await connection.execute("INSERT INTO kept VALUES ($1)", number)
                await client.rpush("kept", number)
        engines = descendants(parent.pid)
        assert len(engines) >= 2
        parent.kill()
        await parent.wait()
        await until(lambda: not any(map(is_running, engines)))
    async with stores(home) as (connection, client):
        rows = await connection.fetch("SELECT number FROM kept ORDER BY number")
        assert [row["number"] for row in rows] == list(range(100))
        assert await client.lrange("kept", 0, -1) == [str(number) for number in range(100)]


async def test_a_start_right_after_kill_nine_waits_for_what_was_left_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with parent_process(home) as parent:
        engines = descendants(parent.pid)
        parent.kill()
        await parent.wait()
        async with embedded_stack(home, edge=False):
            assert not [pid for pid in engines if is_running(pid)]


async def test_rows_survive_when_parent_and_engines_are_all_killed_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with parent_process(home) as parent:
        addresses = running_stack(home)
        assert addresses is not None
        async with ledger(addresses) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        kill(*descendants(parent.pid), parent.pid)
    assert (home / "postgres" / "postmaster.pid").exists()
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    async with embedded_stack(home, edge=False) as addresses, ledger(addresses) as connection:
        assert await connection.fetchval("SELECT number FROM kept") == 42


async def test_an_initialisation_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with parent_process(home, ready=False) as parent:
        await until((home / "postgres.new" / "PG_VERSION").exists)
        kill(*descendants(parent.pid), parent.pid)
    assert not (home / "postgres").exists()
    async with embedded_stack(home, edge=False) as addresses, ledger(addresses) as connection:
        assert await connection.fetchval("SELECT current_database()") == "memos"
    assert not (home / "postgres.new").exists()


async def test_a_second_start_on_the_same_folder_names_the_process_that_holds_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with parent_process(home) as parent:
        with pytest.raises(ConfigurationError, match=rf"^{home} is in use by process {parent.pid}: .*$"):
            async with embedded_stack(home, edge=False):
                pass


async def test_a_running_stack_is_found_by_its_folder_and_not_when_it_has_stopped(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert running_stack(home) is None
    async with embedded_stack(home, edge=False) as addresses:
        assert running_stack(home) == addresses
    assert running_stack(home) is None


async def test_a_stack_whose_parent_was_killed_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with parent_process(home) as parent:
        parent.kill()
        await parent.wait()
        assert (home / "stack.json").exists()
        assert running_stack(home) is None


async def test_a_file_that_another_process_announced_is_not_believed_while_nothing_is_held(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "stack.json").write_text(
        json.dumps({"redis_url": "r", "postgres_dsn": "p", "edge_socket": "e", "pid": os.getpid()})
    )
    assert running_stack(tmp_path) is None


async def test_ctrl_c_in_the_terminal_reaches_the_parent_only(tmp_path: Path) -> None:
    async with open_stack(tmp_path / "home", edge=False) as stack:
        groups = {stat_of(engine.child.pid)[2] for engine in stack.engines.values()}
    assert len(groups) == 2
    assert str(os.getpgrp()) not in groups


async def test_the_edge_process_listens_when_the_stack_is_up(tmp_path: Path) -> None:
    async with embedded_stack(tmp_path / "home") as addresses:
        _, writer = await asyncio.open_unix_connection(addresses.edge_socket)
        writer.close()
    assert not addresses.edge_socket.exists()


@pytest.mark.parametrize("name", ["with a space", "ünïcode", "a,comma", 'a"quote', "a'tick", "100%25", "n" * 150])
async def test_a_home_folder_may_have_any_name(tmp_path: Path, initialised: Path, name: str) -> None:
    home = tmp_path / name
    shutil.copytree(initialised, home)
    async with stores(home) as (connection, client):
        assert await connection.fetchval("SELECT 1") == 1
        assert await client.ping()


@pytest.fixture(scope="module")
async def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("initialised")
    async with embedded_stack(home, edge=False):
        return home


async def test_what_else_is_in_the_folder_for_sockets_stays(tmp_path: Path, initialised: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(initialised, home)
    (home / "run").mkdir(mode=0o755)
    (home / "run" / "other.sock").touch()
    async with embedded_stack(home, edge=False):
        pass
    assert [path.name for path in (home / "run").iterdir()] == ["other.sock"]


async def test_sockets_are_not_put_where_somebody_else_could_have_laid_a_trap(
    tmp_path: Path, short_path: Path, initialised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "with,comma"
    shutil.copytree(initialised, home)
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(short_path))
    async with embedded_stack(home, edge=False) as addresses:
        sockets = addresses.edge_socket.parent
        assert sockets.parent == short_path
    assert not sockets.exists()
    sockets.symlink_to(short_path / "trap", target_is_directory=True)
    (short_path / "trap").mkdir()
    with pytest.raises(ConfigurationError, match=rf"^{sockets} is not a folder of this user alone: "):
        async with embedded_stack(home, edge=False):
            pass


async def test_a_server_that_was_started_by_hand_on_the_same_data_is_left_alone(
    tmp_path: Path, initialised: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(initialised, home)
    program = "import signal; signal.pause()"
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=home / "postgres")
    (home / "postgres" / "postmaster.pid").write_text(f"{server.pid}\n")
    try:
        with pytest.raises(ConfigurationError, match=rf"^A PostgreSQL server, process {server.pid}, already runs"):
            async with embedded_stack(home, edge=False):
                pass
    finally:
        server.kill()
        await server.wait()
    assert (home / "postgres" / "postmaster.pid").exists()


async def test_a_home_below_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"^.*/file/home cannot be written \(Not a directory\): .*$"):
        async with embedded_stack(tmp_path / "file" / "home", edge=False):
            pass


async def test_an_engine_that_does_not_start_is_named_with_its_exit_code_its_last_words_and_its_log(
    tmp_path: Path, initialised: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(initialised, home)
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    before = descendants(os.getpid())
    with pytest.raises(
        ConfigurationError,
        match=r"^postgres ended with exit code 1: .*incompatible with server.* \(log: .*/logs/postgres\.log\)$",
    ):
        async with embedded_stack(home, edge=False):
            pass
    assert not descendants(os.getpid()) - before


async def test_a_missing_wheel_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r'pip install "memos-as\[embedded\]"$'):
        async with embedded_stack(tmp_path / "home", edge=False):
            pass


async def test_another_architecture_than_the_wheels_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ConfigurationError, match=r"no valkey-server for Linux on riscv64: .*MEMOS_REDIS_URL$"):
        async with embedded_stack(tmp_path / "home", edge=False):
            pass


async def test_a_program_that_cannot_be_run_here_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "engine").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "engine").chmod(0o700)
    with (tmp_path / "lock").open("w") as held:
        async with Processes(held.fileno()) as engines:
            with pytest.raises(ConfigurationError, match=r"exit code 126: cannot run .*engine.*Exec format error"):
                await engines.run(Program("engine", [os.fspath(tmp_path / "engine")], tmp_path / "engine.log"))


async def test_a_program_that_does_not_heed_its_signal_is_killed(tmp_path: Path) -> None:
    program = Program("deaf", [sys.executable, "-c", DEAF], tmp_path / "deaf.log", stop_within=0.1)

    async def is_up() -> bool:
        return "up" in program.log.read_text()

    with (tmp_path / "lock").open("w") as held:
        async with Processes(held.fileno()) as engines:
            child = await engines.start(program, ready=is_up)
    assert await child.wait() == -signal.SIGKILL


def namespaces_allowed(*kinds: str) -> bool:
    command = ["unshare", *kinds, "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not namespaces_allowed("--user", "--map-root-user", "--mount"),
    reason="user and mount namespaces are not allowed here",
)


def mounted(path: Path, options: str) -> tuple[str, ...]:
    """The words before a command that run it with a small disk of its own at a path."""
    path.mkdir()
    mount = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, os.fspath(path))


@needs_namespaces
def test_a_read_only_disk_is_refused_in_one_line(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    said = python(REFUSED, os.fspath(disk / "home"), "0", before=mounted(disk, "ro"))
    assert said == (
        f"refused: {disk}/home cannot be written (Read-only file system): set MEMOS_HOME to a folder that can"
    )


@needs_namespaces
def test_a_disk_with_too_little_room_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    said = python(REFUSED, os.fspath(disk / "home"), str(2**28), before=mounted(disk, "size=64m"))
    assert re.fullmatch(rf"refused: The disk of {disk}/home is full: 6\d MB are free, 256 MB are needed; .*", said)


@needs_namespaces
@pytest.mark.parametrize("size", ["64k", "20m"])
def test_a_disk_that_fills_up_during_the_start_is_called_full(tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    said = python(REFUSED, os.fspath(disk / "home"), "0", before=mounted(disk, f"size={size}"))
    assert said.startswith(f"refused: The disk of {disk}/home is full: free some space. ")
    assert "\n" not in said


def nobody(folder: Path) -> tuple[str, ...]:
    """The words before a command that run it without any of root's rights, when the tests run as root."""
    if not AS_ROOT:
        return ()
    options = (f"--parent={os.getpid()}", "--signal=15", f"--not-root-in={folder}", "--")
    return (sys.executable, launch.__file__, *options)


@needs_namespaces
def test_the_stack_starts_for_a_user_without_rights(short_path: Path) -> None:
    said = python(REFUSED, os.fspath(short_path / "home"), "0", before=nobody(short_path))
    assert said == f"started as user {launch.NOBODY if AS_ROOT else os.geteuid()}"


@needs_namespaces
def test_a_folder_of_somebody_else_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    said = python(REFUSED, os.fspath(tmp_path / "closed" / "home"), "0", before=nobody(tmp_path))
    assert said == (
        f"refused: {tmp_path}/closed/home cannot be written (Permission denied): "
        "set MEMOS_HOME to a folder that can"
    )


def without_user_namespaces() -> tuple[str, ...]:
    """The words before a command that run it as root where the kernel refuses to make user namespaces."""
    return (sys.executable, "-c", NO_NAMESPACES_LEFT)


needs_root = pytest.mark.skipif(
    not AS_ROOT or not namespaces_allowed("--user"), reason="only root has to become somebody else"
)


@needs_root
async def test_where_user_namespaces_are_refused_root_runs_postgres_as_another_user(short_path: Path) -> None:
    home = short_path / "home"
    said = python(REFUSED, os.fspath(home), "0", before=without_user_namespaces())
    assert said == "started as user 0"
    assert (home / "postgres" / "PG_VERSION").stat().st_uid == launch.NOBODY
    async with embedded_stack(home, edge=False) as addresses, ledger(addresses) as connection:
        assert await connection.fetchval("SELECT current_database()") == "memos"
    assert (home / "postgres" / "PG_VERSION").stat().st_uid == 0


@needs_root
def test_a_folder_that_the_other_user_cannot_enter_is_refused_with_the_way_out(short_path: Path) -> None:
    closed = short_path / "closed"
    closed.mkdir(mode=0o700)
    said = python(REFUSED, os.fspath(closed / "home"), "0", before=without_user_namespaces())
    assert re.fullmatch(
        r"refused: initdb ended with exit code 126: .*cannot enter .*set MEMOS_HOME to a folder.*", said
    )
