"""A code base read as a whole: walked, parsed and cut into passages."""

import os
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memos.ingestion import Passage, Skipped, read
from memos.ingestion.parse import parse


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package with a broken module, a binary one, a loop and a script beside them."""
    package = tmp_path / "shop"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text('"""Sells things."""\n')
    (package / "models" / "__init__.py").touch()
    (package / "models" / "order.py").write_text(
        'class Order:\n    """What was bought."""\n    def total(self):\n        """Sum of the prices."""\n'
    )
    (package / "models" / "broken.py").write_text("def f(:\n")
    (package / "binary.py").write_bytes(b"\x7fELF\0")
    (package / "models" / "loop").symlink_to(package)
    return package


def passages(found: Iterator[Passage | Skipped]) -> list[Passage]:
    return [item for item in found if isinstance(item, Passage)]


def test_a_code_base_becomes_passages_in_the_order_of_its_files(shop: Path) -> None:
    assert [(p.uri, p.symbol, p.line, p.sequence) for p in passages(read(shop))] == [
        ("shop/__init__.py", "shop", 1, 0),
        ("shop/models/order.py", "shop.models.order.Order", 1, 0),
        ("shop/models/order.py", "shop.models.order.Order.total", 3, 1),
    ]


def test_what_is_skipped_is_reported_in_its_place_and_stops_nothing(shop: Path) -> None:
    found = list(read(shop))
    assert [item.uri if isinstance(item, Passage) else item.path.name for item in found] == [
        "shop/__init__.py",
        "binary.py",
        "broken.py",
        "loop",
        "shop/models/order.py",
        "shop/models/order.py",
    ]


def test_reading_twice_gives_the_same(shop: Path) -> None:
    assert list(read(shop)) == list(read(shop))


def test_files_are_read_as_their_passages_are_asked_for(shop: Path) -> None:
    reading = read(shop)
    next(reading)
    (shop / "models" / "order.py").write_text("'Changed meanwhile.'")
    assert [p.content for p in passages(reading)] == ["module shop.models.order\nChanged meanwhile."]


def test_a_single_file_has_the_uri_that_it_has_as_part_of_its_directory(shop: Path) -> None:
    root = shop / "models"
    assert passages(read(root / "order.py")) == passages(read(root))


@pytest.mark.parametrize(("name", "prefix"), [("store@2.1", "store@2.1/"), ("", "")])
def test_the_roots_name_can_be_chosen(shop: Path, name: str, prefix: str) -> None:
    assert passages(read(shop, name=name))[0].uri == f"{prefix}__init__.py"


def test_a_relative_root_has_the_name_of_its_directory(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    assert passages(read(Path()))[0].uri == "shop/__init__.py"


def test_a_file_name_that_is_not_utf_8_is_written_with_escapes(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).write_text("'Doc.'")
    [passage] = passages(read(tmp_path, name="x"))
    assert (passage.uri, passage.symbol) == ("x/caf\\xe9.py", "caf\ufffd")


def test_limits_reach_the_walk_and_the_passages(shop: Path) -> None:
    found = list(read(shop, size_limit=30, content_limit=40))
    assert [item.uri for item in found if isinstance(item, Passage)] == ["shop/__init__.py"]
    (shop / "long.py").write_text("'''" + "word " * 30 + "'''")
    assert all(len(passage.content) <= 40 for passage in passages(read(shop, content_limit=40)))


def test_a_missing_root_is_skipped(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == [
        Skipped(tmp_path / "none", "cannot be read: No such file or directory")
    ]


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let threads take turns after every few instructions, so that what can interleave does."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_threads_that_parse_at_once_leave_the_filters_of_warnings_alone(tmp_path: Path) -> None:
    source = tmp_path / "m.py"
    source.write_text("".join(f"x{n} = '\\d'\n" for n in range(20)))
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(parse, [source] * 1000))
    assert list(warnings.filters) == before
