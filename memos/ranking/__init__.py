"""What of all that was found comes first: pure functions over candidates and memories."""

from memos.ranking.budget import tokens_of, within_budget
from memos.ranking.factors import Asked, bonuses, standing
from memos.ranking.fusion import Factors, Fused, Relevance, fused, own_relevance
from memos.ranking.measured import measured, nominated, rarity_of
from memos.ranking.variety import diverse, without_repeats
from memos.ranking.weights import REACH, weights_of

__all__ = [
    "REACH",
    "Asked",
    "Factors",
    "Fused",
    "Relevance",
    "bonuses",
    "diverse",
    "fused",
    "measured",
    "nominated",
    "own_relevance",
    "rarity_of",
    "standing",
    "tokens_of",
    "weights_of",
    "within_budget",
    "without_repeats",
]
