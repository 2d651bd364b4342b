"""A search among the tools of a tenant: by a task, by capabilities and tags, or both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memos.discovery.catalog import Catalog, Entry, reliability
from memos.discovery.matrix import Floats
from memos.discovery.needs import covering, needs_of, texts_of, with_needs
from memos.discovery.ranking import Query, Relevance, relevance
from memos.discovery.reasons import reasons_of
from memos.discovery.weights import TERMS
from memos.ranking import Factor, Factors
from memos.records import Match

DIGITS = 6
"""Decimal places of a score."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: tools for a task, with any or all of some capabilities and all of some tags.

    Where an agent's capabilities are given, tools that require more are left out.
    """

    task: Query | None = None
    clauses: Sequence[Query] = ()
    capabilities: frozenset[str] = frozenset()
    match: Match = "any"
    tags: frozenset[str] = frozenset()
    agent_capabilities: frozenset[str] | None = None
    top_k: int = 5

    @property
    def is_choosy(self) -> bool:
        """Whether it admits some tools only."""
        return bool(self.capabilities or self.tags) or self.agent_capabilities is not None

    def admits(self, entry: Entry) -> bool:
        """Whether a tool is among those looked for."""
        required = entry.capabilities
        if self.agent_capabilities is not None and not required <= self.agent_capabilities:
            return False
        if not self.tags <= entry.tags:
            return False
        if not self.capabilities:
            return True
        return self.capabilities <= required if self.match == "all" else bool(self.capabilities & required)


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that was found: what its score is made up of, and what speaks for the tool, most first."""

    entry: Entry
    factors: Factors
    reasons: Sequence[str] = ()
    need: str | None = None

    @property
    def score(self) -> float:
        """The sum of what its factors add."""
        return round(sum(factor.contribution for factor in self.factors.values()), DIGITS)


def search(catalog: Catalog, sought: Sought) -> list[Found]:
    """The tools looked for, best first; equals in the order of their ids."""
    if sought.task:
        return _for_task(catalog, sought, sought.task)
    return _by_capability(sought, [entry for entry in catalog.entries.values() if sought.admits(entry)])


def _for_task(catalog: Catalog, sought: Sought, task: Query) -> list[Found]:
    if not catalog.entries:
        return []
    found = relevance(catalog, task, sought.clauses)
    scores = found.score + catalog.gains.rows
    if sought.is_choosy:
        admitted = np.fromiter((sought.admits(entry) for entry in catalog.by_row), bool, len(scores))
        scores = np.where(admitted, scores, -np.inf)
    needs = needs_of(catalog, sought.clauses, found.parts, scores)
    lifted, texts = with_needs(scores, needs), texts_of(needs)
    ranked = _best(catalog, lifted, sought.top_k + len(needs))
    return [
        _found(catalog.by_row[row], found, sought, lifted[row] - scores[row], texts.get(row))
        for row in covering(ranked, needs, sought.top_k)
    ]


def _best(catalog: Catalog, scores: Floats, most: int) -> list[int]:
    """The rows with the best scores, in order; equals in the order of their tools' ids."""
    least = np.partition(scores, -most)[-most] if most < len(scores) else -np.inf
    rows = np.flatnonzero((scores >= least) & np.isfinite(scores)).tolist()
    return sorted(rows, key=lambda row: (-scores[row], catalog.by_row[row].tool.tool_id))


def _found(entry: Entry, relevant: Relevance, sought: Sought, gain: float, need: str | None) -> Found:
    row = entry.row
    own, taught, terms = (float(numbers[row]) for numbers in (relevant.own, relevant.taught, relevant.terms))
    factors = {
        "meaning": Factor(own, own / 2),
        "taught": Factor(taught, taught / 2),
        "terms": Factor(terms, TERMS * terms),
        "solved": Factor(relevant.likeness.counts.get(entry.tool.tool_id, 0), float(relevant.learned[row])),
        "reliability": Factor(entry.statistics.success_rate, reliability(entry.statistics)),
        "need": Factor(float(need is not None), float(gain)),
    }
    return Found(entry, factors, reasons_of(entry, relevant, sought.task, sought.capabilities, need), need)


def _by_capability(sought: Sought, admitted: Sequence[Entry]) -> list[Found]:
    """Tools by how many of the capabilities they have, then by how reliable they are."""
    found = [
        Found(
            entry,
            _capability_factors(entry, sought.capabilities),
            reasons_of(entry, None, None, sought.capabilities, None),
        )
        for entry in admitted
    ]
    return sorted(found, key=lambda one: (-one.score, one.entry.tool.tool_id))[: sought.top_k]


def _capability_factors(entry: Entry, capabilities: frozenset[str]) -> Factors:
    share = len(capabilities & entry.capabilities) / len(capabilities) if capabilities else 0.0
    rate = entry.statistics.success_rate
    return {"capabilities": Factor(share, share), "reliability": Factor(rate, reliability(entry.statistics))}
