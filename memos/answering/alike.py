"""Which of the questions that come near another ask the same."""

from collections.abc import Sequence
from typing import NamedTuple

from memos.answering.context import Near
from memos.equivalence import likeness, question_of, refusal


class Alike(NamedTuple):
    """A question that asks the same as another, and how like it is."""

    near: Near
    likeness: float


class Compared(NamedTuple):
    """The questions that ask the same, most alike first, and why the nearest of the others does not."""

    alike: Sequence[Alike]
    refused: str | None


def compared(text: str, near: Sequence[Near], least: float) -> Compared:
    """Compare a question with those that come near it, nearest first; alike are those of at least `least`."""
    asked = question_of(text)
    alike: list[Alike] = []
    refused = None
    for one in near:
        cached = question_of(one.question)
        how = likeness(asked, cached, one.cosine)
        why = refusal(asked, cached) or (f"likeness: {how:.3f} is less than {least:.3f}" if how < least else None)
        if why is None:
            alike.append(Alike(one, how))
        refused = refused or why
    return Compared(sorted(alike, key=lambda one: -one.likeness), refused)
