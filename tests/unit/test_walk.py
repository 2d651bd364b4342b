"""What is found below a root, and what is passed over or skipped with a reason."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memos.ingestion.walk import Skipped, walk

DEPTH = sys.getrecursionlimit() + 50


def write(path: Path, source: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


def found(root: Path, **limits: int) -> list[str]:
    return [str(path.relative_to(root)) for path in walk(root, **limits) if isinstance(path, Path)]


def skipped(root: Path, **limits: int) -> list[Skipped]:
    return [path for path in walk(root, **limits) if isinstance(path, Skipped)]


def test_python_sources_come_in_the_order_of_their_paths_parts(tmp_path: Path) -> None:
    for name in ("b/z.py", "b.py", "a/b/c.pyw", "B.py", "a.py", "a/stub.pyi", "a/notes.txt", "b/script"):
        write(tmp_path / name)
    assert found(tmp_path) == ["B.py", "a/b/c.pyw", "a.py", "b/z.py", "b.py"]
    assert skipped(tmp_path) == []


@pytest.mark.parametrize(
    "foreign",
    [".git", ".hg", "__pycache__", "node_modules", ".tox", ".mypy_cache", "site-packages", "memos.egg-info"],
)
def test_directories_that_are_not_the_code_bases_own_are_passed_over(tmp_path: Path, foreign: str) -> None:
    write(tmp_path / foreign / "x.py")
    write(tmp_path / "pkg" / foreign / "deep" / "x.py")
    write(tmp_path / "pkg" / "own.py")
    assert list(walk(tmp_path)) == [tmp_path / "pkg" / "own.py"]


def test_an_environment_is_known_by_its_mark_and_not_by_its_name(tmp_path: Path) -> None:
    write(tmp_path / "runtime" / "pyvenv.cfg")
    write(tmp_path / "runtime" / "bin" / "activate_this.py")
    write(tmp_path / "venv" / "ours.py")
    assert found(tmp_path) == ["venv/ours.py"]


def test_a_build_directory_is_passed_over_unless_it_is_a_package(tmp_path: Path) -> None:
    write(tmp_path / "build" / "lib" / "x.py")
    write(tmp_path / "src" / "build" / "__init__.py")
    assert found(tmp_path) == ["src/build/__init__.py"]


@pytest.mark.parametrize("root", ["site-packages", "site-packages/fastapi", "build"])
def test_a_root_inside_a_foreign_directory_is_walked(tmp_path: Path, root: str) -> None:
    write(tmp_path / root / "routing.py")
    assert found(tmp_path / root) == ["routing.py"]


def test_a_root_that_is_an_environment_is_walked(tmp_path: Path) -> None:
    write(tmp_path / "pyvenv.cfg")
    write(tmp_path / "bin" / "activate_this.py")
    assert found(tmp_path) == ["bin/activate_this.py"]


def test_a_root_that_is_a_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    script = write(tmp_path / "script")
    assert list(walk(script)) == [script]


def test_a_root_that_is_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real" / "x.py")
    (tmp_path / "link").symlink_to("real")
    assert list(walk(tmp_path / "link")) == [tmp_path / "link" / "x.py"]


@pytest.mark.parametrize("root", ["missing", "nul\0byte"])
def test_a_root_that_cannot_be_read_is_skipped(tmp_path: Path, root: str) -> None:
    [only] = walk(tmp_path / root)
    assert isinstance(only, Skipped)
    assert only.path == tmp_path / root
    assert only.reason.startswith("cannot be read: ")


def test_a_symlink_loop_is_reported_once_and_skipped(tmp_path: Path) -> None:
    write(tmp_path / "pkg" / "x.py")
    (tmp_path / "pkg" / "loop").symlink_to("..")
    [loop] = skipped(tmp_path)
    assert loop.path == tmp_path / "pkg" / "loop"
    assert loop.reason.startswith("symbolic link to a directory above it")
    assert found(tmp_path) == ["pkg/x.py"]


def test_a_link_to_itself_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to("self")
    [loop] = skipped(tmp_path)
    assert loop.path == tmp_path / "self"


def test_a_link_inside_the_root_is_skipped_for_the_path_that_it_leads_to(tmp_path: Path) -> None:
    write(tmp_path / "real" / "x.py")
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "y.py").symlink_to("real/x.py")
    assert found(tmp_path) == ["real/x.py"]
    assert [skip.path.name for skip in skipped(tmp_path)] == ["alias", "y.py"]
    assert all("has its own path" in skip.reason for skip in skipped(tmp_path))


def test_links_out_of_the_root_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.py")
    root = tmp_path / "root"
    write(root / "x.py")
    (root / "directory").symlink_to(tmp_path / "outside")
    (root / "file.py").symlink_to(tmp_path / "outside" / "secret.py")
    assert found(root) == ["x.py"]
    assert [skip.path.name for skip in skipped(root)] == ["directory", "file.py"]
    assert all("out of the root" in skip.reason for skip in skipped(root))


def test_a_link_to_something_else_than_python_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "notes.txt")
    (tmp_path / "readme").symlink_to("notes.txt")
    assert list(walk(tmp_path)) == []


def test_a_dangling_link_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x.py").symlink_to("missing.py")
    [dangling] = skipped(tmp_path)
    assert dangling.reason == "cannot be read: No such file or directory"


def test_a_directory_named_like_a_module_is_walked(tmp_path: Path) -> None:
    write(tmp_path / "x.py" / "y.py")
    assert found(tmp_path) == ["x.py/y.py"]


def test_special_files_are_skipped_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket.py"))
        assert [(skip.path.name, skip.reason) for skip in walk(tmp_path) if isinstance(skip, Skipped)] == [
            ("pipe.py", "not a regular file"),
            ("socket.py", "not a regular file"),
        ]


def test_a_file_above_the_size_limit_is_skipped_and_one_at_it_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "large.py", "x" * 11)
    write(tmp_path / "small.py", "x" * 10)
    assert found(tmp_path, size_limit=10) == ["small.py"]
    [large] = skipped(tmp_path, size_limit=10)
    assert large.reason == "larger than the limit: 11 of 10 bytes"


def test_a_file_that_vanishes_during_the_walk_is_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.py")
    write(tmp_path / "b.py")
    walking = walk(tmp_path)
    assert next(walking) == tmp_path / "a.py"
    (tmp_path / "b.py").unlink()
    [gone] = walking
    assert isinstance(gone, Skipped)
    assert gone.reason == "cannot be read: No such file or directory"


def test_a_directory_that_cannot_be_listed_is_skipped_and_the_rest_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "locked" / "x.py")
    write(tmp_path / "open" / "y.py")
    scandir = os.scandir

    def refuse(path: Path) -> "os._ScandirIterator[str]":
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found(tmp_path) == ["open/y.py"]
    assert skipped(tmp_path) == [Skipped(tmp_path / "locked", "cannot be read: Permission denied")]


@pytest.fixture
def deep_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory deeper than Python may recurse, made and removed one level at a time."""
    (tmp_path / "not-empty").touch()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=descriptor)
        above, descriptor = descriptor, os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    os.close(descriptor)
    deepest = tmp_path / ("d/" * DEPTH)
    yield deepest
    os.removedirs(deepest)


def test_a_path_deeper_than_python_may_recurse_is_walked(tmp_path: Path, deep_directory: Path) -> None:
    source = deep_directory / "x.py"
    source.touch()
    walked = list(walk(tmp_path))
    source.unlink()
    assert walked == [source]


def test_what_is_skipped_says_where_and_why_in_text_that_can_be_printed() -> None:
    path = Path(os.fsdecode(b"caf\xe9.py"))
    assert str(Skipped(path, "does not parse", 3)) == "caf\\xe9.py:3: does not parse"
    assert str(Skipped(Path("x.py"), "too large")) == "x.py: too large"
