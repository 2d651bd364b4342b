"""What agents report of the tools of a tenant, and how far each is believed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from memos.discovery.trust import Judged, belief, belief_of_tool, bounded, headstart
from memos.records import Evidence, Report

MOST_OF_A_TOOL = 1000
"""Evidence of one tool that is kept in memory; more would hardly say more, and take long to weigh again."""


class Credit(NamedTuple):
    """How much is reported, and how much of that is believed."""

    amount: float = 0.0
    believed: float = 0.0

    def plus(self, other: "Credit", times: float = 1.0) -> "Credit":
        """This and another, so many times."""
        return Credit(self.amount + times * other.amount, self.believed + times * other.believed)


class Believed(NamedTuple):
    """What is reported of a tool to have solved each task, and to have failed at it, by the task's hash."""

    solved: Mapping[bytes, Credit]
    failed: Mapping[bytes, Credit]


class Reports:
    """Evidence and reports as the ledger has them; says which tools a change concerns.

    `amount` is how much evidence there is.
    """

    def __init__(self) -> None:
        self.amount = 0
        self._evidence: dict[str, dict[tuple[str, bytes], Evidence]] = defaultdict(dict)
        self._reports: dict[str, dict[str, Report]] = defaultdict(dict)
        self._judged: dict[str, Judged] = defaultdict(Judged)
        self._tools_of: dict[str, set[str]] = defaultdict(set)

    def of(self, tool_id: str) -> list[Report]:
        """What the agents report of a tool."""
        return list(self._reports.get(tool_id, {}).values())

    def learn(self, evidence: Iterable[Evidence]) -> set[str]:
        """Take up evidence, oldest first, in the place of what was there; return the tools that it concerns.

        Of each tool the newest is kept.
        """
        concerned = set()
        for one in evidence:
            of_tool = self._evidence[one.tool_id]
            self.amount -= len(of_tool)
            of_tool.pop((one.agent_id, one.task_hash), None)
            of_tool[one.agent_id, one.task_hash] = one
            if len(of_tool) > MOST_OF_A_TOOL:
                del of_tool[next(iter(of_tool))]
            self.amount += len(of_tool)
            concerned.add(one.tool_id)
        return concerned

    def hear(self, reports: Iterable[Report]) -> set[str]:
        """Take up reports in the place of what was there; return the tools that they concern."""
        concerned = set()
        for report in reports:
            before, headstart_before = self._belief(report.agent_id), self._headstart
            self._count(report, self._reports[report.tool_id].get(report.agent_id))
            self._reports[report.tool_id][report.agent_id] = report
            self._tools_of[report.agent_id].add(report.tool_id)
            concerned.add(report.tool_id)
            if self._headstart != headstart_before:
                concerned.update(self._reports)
            elif self._belief(report.agent_id) != before:
                concerned.update(self._tools_of[report.agent_id])
        return concerned

    def forget(self, tool_id: str) -> set[str]:
        """Drop all that is known of a tool; return the tools that this concerns."""
        self.amount -= len(self._evidence.pop(tool_id, ()))
        concerned, before = set[str](), self._headstart
        for agent_id, report in self._reports.pop(tool_id, {}).items():
            self._judged[agent_id] = self._judged[agent_id].minus(_judged(report))
            self._tools_of[agent_id].discard(tool_id)
            concerned |= self._tools_of[agent_id]
            if not self._tools_of[agent_id]:
                del self._tools_of[agent_id]
        return concerned if self._headstart == before else concerned | set(self._reports)

    def believed(self, tool_id: str) -> Believed:
        """What a tool solved and failed at by all that agents report of it, and how far they are believed."""
        evidence = self._evidence.get(tool_id, {}).values()
        solved = ((one, one.successes / (one.successes + one.failures)) for one in evidence)
        failed = ((one, one.failures / (one.successes + one.failures)) for one in evidence)
        return Believed(self._weighed(solved), self._weighed(failed))

    @property
    def _headstart(self) -> float:
        """What an agent may report of a tool before the others' reports bound it."""
        return headstart(max(0, len(self._tools_of) - 1))

    def _belief(self, agent_id: str) -> float:
        return belief(self._judged[agent_id])

    def _belief_of_tool(self, tool_id: str, agent_id: str) -> float:
        """How far an agent is believed of one tool; one that is alone is compared with nobody."""
        reports = self._reports.get(tool_id, {})
        if len(self._tools_of) <= 1 or agent_id not in reports:
            return self._belief(agent_id)
        others = [report for other, report in reports.items() if other != agent_id]
        judged = Judged(sum(one.judged for one in others), sum(one.plausible for one in others))
        return self._belief(agent_id) * belief_of_tool(_judged(reports[agent_id]), judged)

    def _count(self, report: Report, former: Report | None) -> None:
        judged = self._judged[report.agent_id].plus(_judged(report))
        self._judged[report.agent_id] = judged.minus(_judged(former)) if former else judged

    def _weighed(self, shares: Iterable[tuple[Evidence, float]]) -> Mapping[bytes, Credit]:
        """The sum of the agents' shares by task, within their bounds, and how much of that is believed."""
        told = [(one, share) for one, share in shares if share]
        reported: dict[str, float] = defaultdict(float)
        for one, share in told:
            reported[one.agent_id] += share
        beliefs = {agent_id: self._belief_of_tool(told[0][0].tool_id, agent_id) for agent_id in reported}
        counted = {agent_id: amount * beliefs[agent_id] for agent_id, amount in reported.items()}
        factors = bounded(counted, self._headstart)
        tasks: dict[bytes, Credit] = defaultdict(Credit)
        for one, share in told:
            amount = share * factors[one.agent_id]
            tasks[one.task_hash] = tasks[one.task_hash].plus(Credit(amount, amount * beliefs[one.agent_id]))
        return tasks


def _judged(report: Report) -> Judged:
    return Judged(report.judged, report.plausible)
