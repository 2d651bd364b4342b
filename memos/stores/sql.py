"""SQL kept in `.sql` files: statements named by a `-- name:` line."""

import re
from collections.abc import Mapping
from importlib.resources import files

NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_queries(file: str) -> Mapping[str, str]:
    """The statements of `queries/<file>`, by name."""
    text = (files("memos.stores") / "queries" / file).read_text(encoding="utf-8")
    _, *parts = NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
