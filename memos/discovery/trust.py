"""How far agents are believed: neither one that lies nor one that reports much can bury or lift a tool."""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

LEAST_PLAUSIBLE = 3
PLAUSIBLE_SHARE = 0.05
"""A report is plausible whose tool is among the best 5 % for its task by its own words, and 3 in any case."""

HONEST = 0.5
"""The share of plausible reports from which on an agent is fully believed; honest agents have 0.8 to 0.9."""

STEPS = 16
"""In how many steps belief is told apart, so that a further report rarely changes it."""

USUAL = 0.85
"""The share of honest reports that are plausible, as far as others' reports of the tool do not tell better."""

USUAL_REPORTS = 4
"""How many reports of others that is worth."""

HEADSTART = 2.0
"""What an agent among many may report of a tool, in tasks, before the others' reports bound it.

It is what the tool's own description is worth.
"""

FEW = 16.0
"""By how much more the headstart is of an agent with one other; with two others by half of that, and so on."""


def plausible_rank(tools: int) -> int:
    """How far down in the ranking of so many tools a plausible one is."""
    return max(LEAST_PLAUSIBLE, int(PLAUSIBLE_SHARE * tools))


class Judged(NamedTuple):
    """How many reports were judged, and how many of those were plausible."""

    reports: int = 0
    plausible: int = 0

    def plus(self, other: "Judged") -> "Judged":
        """These and others."""
        return Judged(self.reports + other.reports, self.plausible + other.plausible)

    def minus(self, other: "Judged") -> "Judged":
        """These without others."""
        return Judged(self.reports - other.reports, self.plausible - other.plausible)


def belief(judged: Judged) -> float:
    """How much an agent's reports count, from 0 to 1, by how many of all of them were plausible."""
    share = (judged.plausible + 1) / (judged.reports + 1) / HONEST
    return round(min(1.0, share) ** 2 * STEPS) / STEPS


def belief_of_tool(own: Judged, others: Judged) -> float:
    """How much an agent's reports of one tool count, by how plausible they are beside those of others.

    A tool that describes itself badly is implausible whoever reports of it; one that only a single agent finds good
    for what it does not say is not.
    """
    usual = (others.plausible + USUAL * USUAL_REPORTS) / (others.reports + USUAL_REPORTS)
    share = (own.plausible + 1) / (own.reports + 1) / (HONEST * usual)
    return min(1.0, share) ** 2


def headstart(others: int) -> float:
    """What an agent with so many others may report of a tool before it is bounded; one alone never is.

    It is the same from one power of two to the next, so that a further agent rarely changes it.
    """
    return HEADSTART * (1 + FEW / 2 ** (others.bit_length() - 1)) if others else inf


def bounded(reported: Mapping[str, float], headstart: float) -> Mapping[str, float]:
    """By which factor each agent's reports of one tool count, given how much each reports of it.

    An agent's are bounded by a headstart and what the others report.
    """
    total = sum(reported.values())
    return {
        agent: min(1.0, (headstart + total - amount) / amount) if amount else 1.0
        for agent, amount in reported.items()
    }
