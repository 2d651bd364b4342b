"""What of all that was found comes first: pure functions over candidates and memories."""

from memos.ranking.budget import Budget, tokens_of
from memos.ranking.factors import READ_OF_CONTENT, QueryContext, bonuses, standing
from memos.ranking.fusion import Factor, Factors, Fused, Relevance, fused, own_relevance
from memos.ranking.measured import idf_of, measured, nominated
from memos.ranking.variety import diverse, without_repeats
from memos.ranking.weights import DEFINITIONS, REACH, weights_of

__all__ = [
    "DEFINITIONS",
    "REACH",
    "READ_OF_CONTENT",
    "Budget",
    "Factor",
    "Factors",
    "Fused",
    "QueryContext",
    "Relevance",
    "bonuses",
    "diverse",
    "fused",
    "idf_of",
    "measured",
    "nominated",
    "own_relevance",
    "standing",
    "tokens_of",
    "weights_of",
    "without_repeats",
]
