"""How much each thing counts, in one place.

Fitted by logistic regression on the development slice of Quora's question pairs: those that no guard keeps apart
and whose embeddings (all-MiniLM-L6-v2) have a cosine of at least `WORTH_A_LOOK`. Fitted on one half, they find on
the other what they find on both (benchmarks/results/semantic_cache.md). Another embedding model spreads its cosines
otherwise: with one, measure again and set another threshold.
"""

from collections.abc import Mapping

WORTH_A_LOOK = 0.8
"""The cosine below which two questions are never alike: of those below, six in seven do not ask the same."""

BIAS = -1.6

WEIGHTS: Mapping[str, float] = {
    "closeness": 1.78,
    "exchanged": 0.4,
    "kind": -0.38,
    "letters": -2.29,
}
"""What is weighed, in units of log odds.

- `closeness`: minus the logarithm of the distance of the embeddings.
- `exchanged`: how much the words say that each question has in place of the other's. At the same cosine, it is
  for them: what the embedder finds alike in spite of other words, it found by meaning.
- `kind`: whether they begin otherwise, as `what` and `how` do.
- `letters`: the share of groups of three letters that are in both. At the same cosine, it is against them: texts
  alike in letters but not in meaning differ in the one word that matters.
"""

SAME = 0.875
"""The likeness from which two questions may share an answer: 1 % of the pairs labelled as different have more."""
