"""From the source files of a Python code base to passages of its documentation, fit for semantic search."""

import os
from collections.abc import Iterator
from pathlib import Path

from memos.ingestion import parse, walk
from memos.ingestion.chunk import CONTENT_LIMIT, Passage, passages
from memos.ingestion.parse import Definition, Kind
from memos.ingestion.walk import SIZE_LIMIT, Skipped

__all__ = ["CONTENT_LIMIT", "SIZE_LIMIT", "Definition", "Kind", "Passage", "Skipped", "passages", "read"]


def read(
    root: Path,
    *,
    name: str | None = None,
    content_limit: int = CONTENT_LIMIT,
    size_limit: int = SIZE_LIMIT,
) -> Iterator[Passage | Skipped]:
    """Yield the passages of every module, class and function with a docstring below `root`.

    Files come in the order of their paths and are read one at a time, as the caller asks for more. What
    is not taken is yielded as `Skipped` in its place; nothing is raised. `name` stands for `root` in the
    passages' `uri`; by default it is the name of the directory, of which a `root` that is a file is part.
    """
    for found in walk.walk(root, size_limit=size_limit):
        if isinstance(found, Skipped):
            yield found
        elif isinstance(definitions := parse.parse(found), Skipped):
            yield definitions
        else:
            yield from passages(definitions, _uri(found, root, name), content_limit=content_limit)


def _uri(path: Path, root: Path, name: str | None) -> str:
    base = root.parent if path == root else root
    prefix = Path(os.path.abspath(base)).name if name is None else name  # noqa: PTH100 - `.` has no name
    return walk.printable_path("/".join(filter(None, (prefix, path.relative_to(base).as_posix()))))
