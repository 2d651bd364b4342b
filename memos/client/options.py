"""What may be asked of a query beside its text."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from memos.records import Preferences


class QueryOptions(TypedDict, total=False):
    """The fields of `QueryMemory`, which says what they mean, that a query is rarely given."""

    max_tokens: int | None
    around: int
    as_of: datetime | str | None
    include_superseded: bool
    diversity: float
    preferences: Preferences | Mapping[str, float]
    rerank: bool
    include_tools: bool
    explain: bool
