"""What to keep of a ranking: pure functions."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from memos.records import Memory

M = TypeVar("M", bound=Memory)

CHARACTERS_PER_TOKEN = 4


def tokens_of(text: str) -> int:
    """About how many tokens a model makes of a text: one per four characters, rounded up.

    The rule of thumb that OpenAI publishes for English; no tokenizer is right for every model.
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def within_budget(memories: Iterable[M], max_tokens: int | None) -> Iterator[M]:
    """The memories that fit into a budget of tokens, in order; one that does not fit is passed over."""
    left = max_tokens
    for memory in memories:
        if left is None:
            yield memory
        elif (tokens := tokens_of(memory.content)) <= left:
            left -= tokens
            yield memory
