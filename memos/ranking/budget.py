"""What of a ranking fits into a number of tokens."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4


def tokens_of(text: str) -> int:
    """About how many tokens a model makes of a text: one per four characters, rounded up.

    The rule of thumb that OpenAI publishes for English; no tokenizer is right for every model.
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)


class Budget:
    """Tokens that may still be spent; without a limit, as many as are wanted."""

    def __init__(self, max_tokens: int | None) -> None:
        self._left = max_tokens

    def fitting(self, ranked: Iterable[T], text_of: Callable[[T], str]) -> Iterator[T]:
        """What of the ranked fits, in order, and is spent for; what does not fit is passed over."""
        return (one for one in ranked if self._spent(text_of(one)))

    def filled(self, sides: Sequence[Sequence[T]], text_of: Callable[[T], str]) -> list[list[T]]:
        """Of each side what fits, the sides in turn; each ends before the first that does not fit."""
        kept: list[list[T]] = [[] for _ in sides]
        for place in range(max(map(len, sides), default=0)):
            for side, taken in zip(sides, kept, strict=True):
                if len(taken) == place < len(side) and self._spent(text_of(side[place])):
                    taken.append(side[place])
        return kept

    def _spent(self, text: str) -> bool:
        if self._left is None:
            return True
        tokens = tokens_of(text)
        fits = tokens <= self._left
        self._left -= tokens if fits else 0
        return fits
