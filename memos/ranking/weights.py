"""How much each thing counts, in one place.

Chosen on the development slices of LoCoMo, MetaTool and CoSQA (benchmarks/README.md tells how); each is in the
middle of a range within which the results hardly differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """How the relevance of one kind of memory is made up; similarity of meaning counts once.

    `terms` is the weight of the share of the question's information that is found in the memory's own terms,
    `context` of the share found in it or its neighbours up to `len(neighbours)` places away. `neighbours` are the
    parts of the way, less than all of it in sum, by which a memory is lifted to its best neighbour, by distance.
    """

    terms: float
    context: float
    neighbours: Sequence[float]


PROSE = Weights(terms=1.5, context=1.0, neighbours=(0.5, 0.25))
"""Texts in natural language: turns of a conversation, notes, passages, descriptions.

On LoCoMo's turns, R@10 by meaning alone is 47.5, by terms alone 65.7; summed 69.8, with the neighbours' scores
78.3, with their terms as well 81.4. RRF has 65.8 at best, as ranks forget by how much.
"""

CODE = Weights(terms=0.35, context=0.0, neighbours=())
"""Definitions in source code, which share few words with what is asked, and have little to do with those beside.

On CoSQA's functions MRR is 49.8 by meaning alone, 50.0 with these weights, 43.3 with those of prose.
"""

DEFINITIONS = frozenset({"class", "function", "module"})
"""The kinds of memory that are definitions in source code."""

REACH = max(len(weights.neighbours) for weights in (PROSE, CODE))
"""How many places away a neighbour counts."""


def weights_of(kind: str) -> Weights:
    """The weights of a kind of memory."""
    return CODE if kind in DEFINITIONS else PROSE


CLAUSE = 0.4
"""The part of the meaning that is the best clause's, when a question has several; the rest is the whole's."""

SPEAKER = 0.08
"""What a memory gains whose speaker is named in the question.

More of it finds more of what is told over many sessions (LoCoMo's multi-hop questions: R@10 48.0 at 0.05, 49.5 at
0.08 and 0.09), and less where the question names the wrong one (its adversarial ones: 92.6, 91.8, 89.7).
"""

TIME = 0.1
"""What a memory gains that is of the time that the question names."""

STATEMENT = 0.1
"""What a memory loses that is all questions: it asks, but does not answer."""

SUBSTANCE = 0.02
"""What a memory gains each time that its length grows e-fold, up to `LONGEST` terms."""

LONGEST = 60
"""Terms after which more length is no more substance."""
