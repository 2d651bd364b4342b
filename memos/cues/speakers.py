"""By whom a memory is told."""

import re
from collections.abc import Mapping
from typing import Any

FIELDS = ("speaker", "author", "role", "name", "user", "from")
"""The fields of metadata in which programs say who spoke."""

LONGEST_NAME = 64

_PREFIX = re.compile(r"\s*([^\W\d_][\w .'\u2019-]{0,40}?):\s")


def speakers(content: str, metadata: Mapping[str, Any]) -> list[str]:
    """The names in the metadata of a memory and, of a content such as `Caroline: Hi!`, the one before the colon."""
    told = [value for name in FIELDS if isinstance(value := metadata.get(name), str)]
    prefix = _PREFIX.match(content)
    names = [*told, prefix[1]] if prefix else told
    return list(dict.fromkeys(name for name in names if 0 < len(name) <= LONGEST_NAME))
