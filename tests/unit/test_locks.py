"""The keys of the ledger's advisory locks."""

import re
from pathlib import Path

from memos.projection.points import memories_collection
from memos.stores import locks

STORES = Path(locks.__file__).parent


def test_no_key_is_that_of_two_locks() -> None:
    named = [value for name, value in vars(locks).items() if name.isupper()]
    keys = [*named, *(locks.rebuilding(name) for name in (memories_collection("m", 1).name, "tools", "cache"))]

    assert len(named) >= 2
    assert len(set(keys)) == len(keys)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_every_lock_is_taken_by_a_key_that_is_named_in_one_place() -> None:
    sources = [path for kind in ("*.py", "*.sql") for path in STORES.rglob(kind)]
    taken = [each for path in sources for each in re.findall(r"advisory_\w*lock\(([^)]*)", path.read_text())]

    assert len(taken) >= 4
    assert {key.partition("::")[0] for key in taken} == {"$1"}
