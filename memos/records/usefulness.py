"""How useful memories are, by what agents report of them: bounded for each agent, and fading.

Every number of an agent's reports fades by the same half-life, so they keep their proportions until the next one.
"""

from collections.abc import Sequence
from math import copysign, exp2
from typing import NamedTuple

HALF_LIFE_DAYS = 90.0
"""Days after which a report counts for half."""

MOST_REPORTS = 2.0
"""What all reports of one agent of one memory count for together, in fresh reports, however many it sends."""

PRIOR = 2.0
"""How many reports are needed for a memory to be half as useful as they say."""


class UseReports(NamedTuple):
    """How much a memory helped an agent, and how much it hindered, in reports of now."""

    helped: float = 0.0
    hindered: float = 0.0

    @property
    def amount(self) -> float:
        """What they count for, whatever they say."""
        return self.helped + self.hindered

    @property
    def net(self) -> float:
        """How much more it helped than it hindered."""
        return self.helped - self.hindered

    def faded(self, days: float) -> "UseReports":
        """The same, so many days later."""
        left = fading(days)
        return UseReports(self.helped * left, self.hindered * left)

    def plus(self, weight: float) -> "UseReports":
        """These and one more, which displaces the old; `weight` is how much the memory helped, from -1 to 1."""
        helped, hindered = self.helped + max(weight, 0.0), self.hindered + max(-weight, 0.0)
        scale = min(1.0, MOST_REPORTS / (helped + hindered)) if weight else 1.0
        return UseReports(helped * scale, hindered * scale)


class Usefulness(NamedTuple):
    """From -1, it hinders, to 1, it helps; `evidence` is for how many reports of now that is believed."""

    value: float = 0.0
    evidence: float = 0.0

    def faded(self, days: float) -> float:
        """What is left of the value so many days later: what it were if it was put together only then."""
        left = fading(days)
        return self.value * left * (self.evidence + PRIOR) / (self.evidence * left + PRIOR)


def fading(days: float) -> float:
    """What part of a report counts so many days later: 1 at once, one half after the half-life."""
    return exp2(-max(days, 0.0) / HALF_LIFE_DAYS)


def usefulness_of(reports: Sequence[UseReports]) -> Usefulness:
    """What the agents that report of a memory say together, given the reports of each as of one moment.

    One agent alone is believed by half at most. Whoever says the opposite of the others counts the less, the more
    they are and the more they agree, so that one that lies moves little among many. A further report that it helped
    never makes a memory less useful.
    """
    net, amount, others = sum(one.net for one in reports), sum(abs(one.net) for one in reports), len(reports) - 1
    counted = helped = 0.0
    for one in reports:
        own = abs(one.net)
        agreed = (net - one.net) / max(amount - own, own) * others / (others + 1) if own and others else 0.0
        believed = 1 - max(0.0, -agreed * copysign(1, one.net))
        counted += believed * own
        helped += believed * one.net
    return Usefulness(helped / (counted + PRIOR), counted)
