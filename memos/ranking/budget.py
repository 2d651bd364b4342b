"""What to keep of a ranking: pure functions."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4


def tokens_of(text: str) -> int:
    """About how many tokens a model makes of a text: one per four characters, rounded up.

    The rule of thumb that OpenAI publishes for English; no tokenizer is right for every model.
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def within_budget(ranked: Iterable[T], max_tokens: int | None, text_of: Callable[[T], str]) -> Iterator[T]:
    """What of the ranked fits into a budget of tokens, in order; what does not fit is passed over."""
    left = max_tokens
    for one in ranked:
        if left is None:
            yield one
        elif (tokens := tokens_of(text_of(one))) <= left:
            left -= tokens
            yield one
