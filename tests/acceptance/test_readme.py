"""What the README and the documentation tell a reader to type is typed here, and what they show is compared."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
PORT = "127.0.0.1:8090"
HOME = ".memos/"

STRICT = """
set -eu
curl() { command curl --fail-with-body "$@" && echo; }
redis-cli() { command redis-cli -e "$@"; }
"""
"""A failure of any command in a block fails the block."""


class Step(NamedTuple):
    """A block that a reader would type, and the lines that are shown for it."""

    page: str
    language: str
    text: str
    shown: list[str]


def steps() -> Iterator[Step]:
    """Every block of `bash` and `python`, with the block of `text` that follows it."""
    for page in PAGES:
        blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
        for (language, text), (after, shown) in pairwise([*blocks, ("", "")]):
            if language in {"bash", "python"}:
                lines = shown.splitlines() if after == "text" else []
                yield Step(str(page.relative_to(ROOT)), language, text, lines)


STEPS = list(steps())


@dataclass(frozen=True)
class Memos:
    """A memOS that runs for this module."""

    home: Path
    port: int

    def run(self, step: Step) -> str:
        """What a step prints on a machine where memOS runs at another port and in another folder."""
        text = step.text.replace(PORT, f"127.0.0.1:{self.port}").replace(HOME, f"{self.home}/")
        command = [sys.executable, "-c", text] if step.language == "python" else ["bash", "-c", STRICT + text]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PATH": path, "MEMOS_HOME": os.fspath(self.home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
async def memos(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Memos]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        running = Memos(tmp_path_factory.mktemp("documented") / "home", free.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "memos", "up"),
        env={**os.environ, "MEMOS_HOME": os.fspath(running.home), "MEMOS_API_PORT": str(running.port)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 90)
        assert line.startswith(b"memOS is ready")
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


def pattern(line: str) -> str:
    """A shown line as a regular expression; an ellipsis stands for anything, spaces for any white space."""
    parts = (re.escape(part) for part in line.split(ANYTHING))
    return re.sub(r"(\\ )+", r"\\s+", ".*?".join(parts))


def told(step: Step) -> str:
    return f"{step.page}, {step.text.splitlines()[0]}"


@pytest.mark.parametrize("step", STEPS, ids=told)
async def test_what_is_written_works(memos: Memos, step: Step) -> None:
    if "redis-cli" in step.text and not shutil.which("redis-cli"):
        pytest.skip("redis-cli is not installed")
    printed = await asyncio.to_thread(memos.run, step)
    assert re.search(".*?".join(map(pattern, step.shown)), printed, re.DOTALL), printed


def test_there_is_something_to_try_on_every_page_that_tells_how() -> None:
    tried = {step.page for step in STEPS}
    assert {"README.md", "docs/quickstart.md", "docs/how-to/repeat-a-command-safely.md"} <= tried
    assert sum(bool(step.shown) for step in STEPS) > len(STEPS) / 2
