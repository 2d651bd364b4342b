"""The demo of the examples, as somebody runs it who has a copy of the project."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES
from running import until

SECONDS = 120
INTERRUPTED = 130


@dataclass(frozen=True)
class Demo:
    """The demo, whose folder is made in one of its own."""

    folder: Path

    @asynccontextmanager
    async def started(self, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The demo in a process group of its own, killed if it was not ended before."""
        told = {"TMPDIR": os.fspath(self.folder), "PYTHONPATH": os.fspath(EXAMPLES)}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "devenviro.demo", *words),
            env={**inherited, **told},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            process_group=0,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        """Exit code, output and errors, once it has ended by itself."""
        async with self.started(*words) as process:
            output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
        return process.returncode, output.decode(), errors.decode()

    async def nothing_is_left(self) -> None:
        """Return when no process has a file of the demo's open any more."""

        async def nothing() -> bool:
            return not processes_with_files_in(self.folder)

        await until(nothing)


@pytest.fixture
def demo() -> Iterator[Demo]:
    """A demo with a short path, since those of sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        yield Demo(Path(folder))


def processes_with_files_in(folder: Path) -> list[str]:
    """The command lines of all processes that have a file in a folder open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(file.readlink().is_relative_to(folder) for file in (process / "fd").iterdir()):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def steps(report: dict[str, Any], task_id: str) -> list[str]:
    """What happened to a task, in order, with the tool where one was called."""
    events = [event for event in report["events"] if event["task_id"] == task_id]
    return [" ".join(filter(None, (event["what"], event["details"].get("tool")))) for event in events]


async def test_the_second_task_is_done_with_the_lesson_of_the_first_and_fewer_calls_of_tools(demo: Demo) -> None:
    code, output, errors = await demo.run("--json")
    assert (code, errors) == (0, "")
    report = json.loads(output)
    first, second = report["results"]
    assert (first["state"], second["state"], report["passed"], report["faults"]) == ("success", "success", True, [])
    assert (first["tool_calls"], second["tool_calls"]) == (4, 3)
    assert report["shared"] == first["lessons"]
    assert "todo_list, then tools_as__todo_complete" in report["lessons"][0]
    looked_up, completed = "tool tools_as__todo_list", "tool tools_as__todo_complete"
    assert [step for step in steps(report, "task-1") if step.startswith("tool") or step == "learned"] == [
        "tool tools_as__web_search",
        "tool_failed tools_as__todo_complete",
        looked_up,
        completed,
        "learned",
    ]
    assert [step for step in steps(report, "task-2") if not step.startswith("model")] == [
        *("accepted", "asked", "reminded", "delegated", "began", "tool tools_as__web_search", looked_up, completed),
        *("reflected", "recorded", "result", "ended"),
    ]
    await demo.nothing_is_left()


async def test_a_model_that_does_not_work_ends_the_demo_with_an_error_that_says_so(demo: Demo) -> None:
    code, output, errors = await demo.run("--model=fails")
    assert (code, errors) == (1, "")
    assert "Memory did not help: The first task ended as failure: The model could not be asked" in output
    assert "Memory did not help: Nothing was learned of the first task." in output
    await demo.nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_everything_ends_with_the_demo(demo: Demo, number: signal.Signals) -> None:
    async with demo.started("--model=hangs") as process:
        assert process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while b"began, equipped by the loadout cortex" not in await process.stdout.readline():
                assert process.returncode is None
        assert len(processes_with_files_in(demo.folder)) > 8
        os.killpg(process.pid, number)
        assert await asyncio.wait_for(process.wait(), 30) == (INTERRUPTED if number == signal.SIGINT else -number)
        await demo.nothing_is_left()
