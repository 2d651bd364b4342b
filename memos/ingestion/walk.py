"""Finding the Python sources of a code base, without ever leaving it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".py", ".pyw")
SIZE_LIMIT = 2 * 1024 * 1024
"""Bytes; the largest module of the standard library has a third of it."""

FOREIGN_NAMES = frozenset(
    {
        *(".git", ".hg", ".svn", ".bzr", "_darcs", "CVS"),
        *("__pycache__", ".cache", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
        *(".eggs", ".nox", ".tox", "__pypackages__", "dist-packages", "node_modules", "site-packages"),
        *(".idea", ".ipynb_checkpoints", ".vscode"),
    }
)
"""Directories whose files were made by a tool or belong to another code base."""

FOREIGN_SUFFIXES = (".dist-info", ".egg-info")
BUILD_NAMES = frozenset({"build", "dist"})
ENVIRONMENT_MARKS = frozenset({"conda-meta", "pyvenv.cfg"})

Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or directory that was not taken, why, and the line at fault where there is one."""

    path: Path
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        where = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return f"{printable_path(where)}: {self.reason}"


def walk(root: Path, *, size_limit: int = SIZE_LIMIT) -> Iterator[Path | Skipped]:
    """Yield the Python sources (`.py`, `.pyw`) below `root`, in the order of their paths' parts.

    A `root` that is a file is yielded whatever its name. Stubs (`.pyi`) repeat the names of their
    modules and are left out. Directories of version control, caches, builds and environments are
    passed over in silence, but `root` itself may be or lie in one. Symbolic links below `root` are
    not followed: what they lead to has its own path inside or is not part of the code base. They,
    files above `size_limit` bytes, special files and whatever the system refuses to show are yielded
    as `Skipped`. Nothing is raised.
    """
    walked: set[Identity] = set()
    pending = [root]
    while pending:
        path = pending.pop()
        try:
            below, found = _visit(path, root, walked, size_limit)
        except (OSError, ValueError) as error:
            below, found = [], [Skipped(path, refusal(error))]
        pending.extend(below)
        yield from found


def refusal(error: OSError | ValueError) -> str:
    """Say why the system did not let a path be read."""
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def printable_path(path: str) -> str:
    r"""Write the bytes of a path that are not UTF-8 as `\xff`, so that it can be printed and sent."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _visit(
    path: Path, root: Path, walked: set[Identity], size_limit: int
) -> tuple[list[Path], list[Path | Skipped]]:
    """Return what is to be visited below `path`, in reverse, and what there is to say about itself."""
    status = path.stat(follow_symlinks=path is root)
    if stat.S_ISLNK(status.st_mode):
        return [], _link(path, root)
    if not stat.S_ISDIR(status.st_mode):
        return [], [_file(path, status, size_limit)]
    identity = status.st_dev, status.st_ino
    if identity in walked:
        return [], [Skipped(path, "the same directory as one walked before, by a mount or junction")]
    walked.add(identity)
    return _below(path, is_root=path is root), []


def _below(directory: Path, *, is_root: bool) -> list[Path]:
    with os.scandir(directory) as listing:
        entries = list(listing)
    if not is_root and _is_foreign(directory, {entry.name for entry in entries}):
        return []
    names = sorted((entry.name for entry in entries if _is_wanted(entry)), reverse=True)
    return [directory / name for name in names]


def _is_foreign(directory: Path, names: set[str]) -> bool:
    """Tell environments, and build directories, which are none when they are packages."""
    is_build = directory.name in BUILD_NAMES and "__init__.py" not in names
    return is_build or not names.isdisjoint(ENVIRONMENT_MARKS)


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    if entry.is_symlink() or entry.is_dir(follow_symlinks=False):
        return entry.name not in FOREIGN_NAMES and not entry.name.endswith(FOREIGN_SUFFIXES)
    return entry.name.endswith(SUFFIXES)


def _link(path: Path, root: Path) -> list[Path | Skipped]:
    """Say where a link leads, unless that is a file that is no Python source."""
    leads_to_directory = stat.S_ISDIR(path.stat().st_mode)
    if not (leads_to_directory or path.name.endswith(SUFFIXES)):
        return []
    target = path.resolve()
    if path.parent.resolve().is_relative_to(target):
        return [Skipped(path, f"symbolic link to a directory above it, {printable_path(str(target))}")]
    if target.is_relative_to(root.resolve()):
        return [Skipped(path, f"symbolic link to {printable_path(str(target))}, which has its own path")]
    return [Skipped(path, f"symbolic link out of the root, to {printable_path(str(target))}")]


def _file(path: Path, status: os.stat_result, size_limit: int) -> Path | Skipped:
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, "not a regular file")
    if status.st_size > size_limit:
        return Skipped(path, f"larger than the limit: {status.st_size} of {size_limit} bytes")
    return path
