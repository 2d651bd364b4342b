"""Finding the answer to a question that asks the same as one answered before."""

from memos.answering.alike import Alike, Compared, compared
from memos.answering.context import Near
from memos.answering.questions import Questions

__all__ = ["Alike", "Compared", "Near", "Questions", "compared"]
