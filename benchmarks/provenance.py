"""On what a benchmark ran: the code, the machine, the day and the settings."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MEASURED = ("memos", "migrations", "benchmarks", "pyproject.toml", ":(exclude)benchmarks/results")
EMBEDDED = dict.fromkeys(("MEMOS_REDIS_URL", "MEMOS_POSTGRES_DSN", "MEMOS_QDRANT_URL", "MEMOS_EDGE_SOCKET"), "")
"""Settings under which `memos up` starts engines of its own, whatever the environment names."""

PRIVATE = ("_KEY", "_URL", "_DSN", "_SOCKET", "_HOME")


@dataclass(frozen=True)
class Provenance:
    """What a figure holds for; `dirty` when the code differed from the commit."""

    commit: str
    dirty: bool
    day: str
    cpu: str
    cores: int
    load: float
    python: str
    system: str
    settings: Mapping[str, str]


def provenance() -> Provenance:
    """What the benchmark that is about to start runs on; `load` is what the machine does without it."""
    return Provenance(
        commit=_git("rev-parse", "--short=12", "HEAD") or "unknown",
        dirty=bool(_git("--no-optional-locks", "status", "--porcelain", "--", *MEASURED)),
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        load=round(os.getloadavg()[0], 1),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        settings=_settings(),
    )


def sentence(ran: Provenance) -> str:
    """The same, to be read."""
    dirty = " with changes that are not committed" if ran.dirty else ""
    settings = ", ".join(f"{name}={value}" for name, value in ran.settings.items())
    return (
        f"Commit {ran.commit}{dirty}, {ran.day}. {ran.cores} cores of {ran.cpu} (load before the run {ran.load}), "
        f"{ran.system}, Python {ran.python}; embedded engines, {settings or 'default settings'}."
    )


def _git(*words: str) -> str:
    program = shutil.which("git")
    if program is None:
        return ""
    done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "an unknown processor"


def _settings() -> dict[str, str]:
    """The settings of the environment, but for addresses and keys."""
    given = {name: value for name, value in sorted(os.environ.items()) if name.startswith("MEMOS_")}
    return {name: value for name, value in given.items() if not name.endswith(PRIVATE)}
