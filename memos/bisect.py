"""Handling many items together without letting a bad one fail the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from memos.errors import MemosError

Item = TypeVar("Item")
Result = TypeVar("Result")


async def bisected(
    items: Sequence[Item], run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | MemosError]]]
) -> list[Result | MemosError]:
    """Run all items at once; when they are refused, run each half by itself, down to the one at fault.

    An error that says "not now" is not the fault of an item and is raised.
    """
    if not items:
        return []
    try:
        return list(await run(items))
    except MemosError as error:
        if error.transient:
            raise
        if len(items) == 1:
            return [error]
    half = len(items) // 2
    return [*await bisected(items[:half], run), *await bisected(items[half:], run)]


async def onwards(
    items: Sequence[Item | MemosError],
    run: Callable[[Sequence[Item]], Awaitable[Sequence[Result | MemosError]]],
) -> list[Result | MemosError]:
    """Run, bisected, the items that have not failed yet; the errors keep their places."""
    results = iter(await bisected([item for item in items if not isinstance(item, MemosError)], run))
    return [item if isinstance(item, MemosError) else next(results) for item in items]
