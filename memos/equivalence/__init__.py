"""Whether two questions ask the same, or two lessons say the same: pure functions over texts and cosines."""

from memos.equivalence.guards import refusal
from memos.equivalence.lessons import Advice, Comparison, advice_of, compare, mentions, plain
from memos.equivalence.likeness import likeness
from memos.equivalence.question import LONGEST, Question, question_of
from memos.equivalence.weights import SAME, WORTH_A_LOOK

__all__ = [
    "LONGEST",
    "SAME",
    "WORTH_A_LOOK",
    "Advice",
    "Comparison",
    "Question",
    "advice_of",
    "compare",
    "likeness",
    "mentions",
    "plain",
    "question_of",
    "refusal",
]
