"""What a task needs that asks for several things at once: a tool for each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from memos.discovery.catalog import Catalog
from memos.discovery.matrix import Floats
from memos.discovery.ranking import Query
from memos.discovery.weights import NEED, TERMS

WHOLE = 0.5
"""How much the whole task counts when the best tool for a part of it is looked for; the rest is the part's."""


class Need(NamedTuple):
    """A part of a task, and the row of the tool that is best for it."""

    text: str
    row: int


def needs_of(catalog: Catalog, clauses: Sequence[Query], parts: Floats, whole: Floats) -> list[Need]:
    """The best tool for each clause, where that is not the same for all.

    `parts` has a column for each clause: by how much a row means what that says; `whole` are the scores for the
    task. Rows with a score of minus infinity may not be used.
    """
    if not np.isfinite(whole).any():
        return []
    needs = [
        Need(clause.text, _best(catalog, clause, parts[:, column], whole)) for column, clause in enumerate(clauses)
    ]
    return needs if len({need.row for need in needs}) > 1 else []


def with_needs(scores: Floats, needs: Sequence[Need]) -> Floats:
    """Scores, with what the best tool for a part of the task gains."""
    lifted = scores.copy()
    for row in {need.row for need in needs}:
        lifted[row] += np.float32(NEED)
    return lifted


def covering(ranked: Sequence[int], needs: Sequence[Need], top_k: int) -> list[int]:
    """The best `top_k` rows in order, among them the best for each need, as far as there is room for those.

    What is best for a need may stand after all that were ranked.
    """
    wanted = {need.row for need in needs}
    ranked = [*ranked, *(need.row for need in needs if need.row not in ranked)]
    ranked = list(dict.fromkeys(ranked))
    kept = [row for row in ranked if row in wanted][:top_k]
    others = [row for row in ranked if row not in wanted][: top_k - len(kept)]
    chosen = {*kept, *others}
    return [row for row in ranked if row in chosen]


def texts_of(needs: Sequence[Need]) -> Mapping[int, str]:
    """The first need that each row is the best for."""
    return {need.row: need.text for need in reversed(needs)}


def _best(catalog: Catalog, clause: Query, meaning: Floats, whole: Floats) -> int:
    part = meaning + np.float32(TERMS) * catalog.terms.shares(clause.terms, len(catalog.own))
    return int(np.argmax((1 - WHOLE) * part + WHOLE * whole))
