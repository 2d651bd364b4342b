"""What a run found, as figures, as a table and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from faults.findings import Findings
from faults.journal import Journal
from faults.plan import Plan
from faults.recovery import Meanwhile, Measured

LONGEST_RECOVERY = 10.0
"""Seconds within which another worker has done what a killed one had begun, while all else runs."""

WRONG = (
    "lost",
    "not searchable",
    "duplicated",
    "resurrected",
    "unasked",
    "facts wrong",
    "differences",
    "dead letters",
)


@dataclass(frozen=True)
class Report:
    """All figures of a run; times are in seconds."""

    plan: Plan
    seconds: float
    commands: int
    stored: int
    queued: int
    updated: int
    deleted: int
    faults: Mapping[str, int]
    retries: Mapping[str, int]
    starts: Mapping[str, int]
    recoveries: Sequence[Measured]
    wrong: Mapping[str, int]
    unsettled: Mapping[str, int]
    unanswered: int
    surprises: Sequence[str]
    examples: Mapping[str, Sequence[str]]

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(number for name, number in self.faults.items() if name.startswith("kill "))

    @property
    def redelivered(self) -> int:
        """How many entries killed workers had begun."""
        return sum(one.entries for one in self.recoveries)

    @property
    def longest_recoveries(self) -> Mapping[Meanwhile, float]:
        """The longest time from the kill of a worker until what it had begun was done, by what else was wrong."""
        longest: dict[Meanwhile, float] = {}
        for one in self.recoveries:
            longest[one.meanwhile] = max(longest.get(one.meanwhile, 0.0), round(one.seconds, 2))
        return longest

    @property
    def passed(self) -> bool:
        """Whether all that was promised was kept."""
        wrong = any(self.wrong.values()) or any(self.unsettled.values()) or self.unanswered or self.surprises
        return not wrong and self.longest_recoveries.get("all else well", 0.0) <= LONGEST_RECOVERY

    def as_json(self) -> dict[str, Any]:
        """Every figure by its name."""
        derived = {
            "kills": self.kills,
            "redelivered": self.redelivered,
            "stores_per_second": round((self.stored + self.queued) / self.seconds, 1),
            "longest_recoveries": self.longest_recoveries,
            "passed": self.passed,
        }
        return {**asdict(self), **derived}

    def table(self) -> Table:
        """The figures for a person."""
        table = Table(title=f"memOS under faults, seed {self.plan.seed}", show_header=False)
        for name, value in self._rows():
            table.add_row(name, value)
        return table

    def _rows(self) -> Iterator[tuple[str, str]]:
        per_second = (self.stored + self.queued) / self.seconds
        yield "commands", f"{self.commands:,}"
        yield "acknowledged stores", f"{self.stored:,} stored, {self.queued:,} queued only"
        yield "acknowledged changes", f"{self.updated:,} updated, {self.deleted:,} deleted"
        yield "time and throughput", f"{self.seconds:.0f} s, {per_second:,.0f} stores/s"
        yield "kills (SIGKILL)", f"{self.kills}: {_counts(self.faults, 'kill ')}"
        for kind in ("stop", "restart", "disconnect", "flush"):
            if counts := _counts(self.faults, f"{kind} "):
                yield f"{kind}s", counts
        yield "retries by clients", f"{sum(self.retries.values()):,}: {_counts(self.retries)}"
        yield "entries redelivered", f"{self.redelivered:,} begun by {len(self.recoveries)} killed workers"
        for meanwhile, seconds in sorted(self.longest_recoveries.items()):
            count = sum(one.meanwhile == meanwhile for one in self.recoveries)
            yield f"longest time to recover, {meanwhile}", f"{seconds:.1f} s of {count}"
        for name in WRONG:
            yield name, f"{self.wrong.get(name, 0):,}"
        yield "left unsettled", _counts(self.unsettled) or "0"
        yield "never answered", f"{self.unanswered:,}"
        yield "answers out of place", f"{len(self.surprises):,}"
        for kind, examples in self.examples.items():
            yield f"  {kind}, for example", "\n".join(examples)
        if self.surprises:
            yield "  answers, for example", "\n".join(self.surprises[:5])
        yield "verdict", "nothing was lost, duplicated or brought back" if self.passed else "FAILED"


def report_of(plan: Plan, journal: Journal, **more: Any) -> Report:
    """The report of a run from its journal and what was measured besides."""
    findings: Findings = more.pop("findings")
    tally = journal.tally
    return Report(
        plan=plan,
        commands=tally.commands,
        stored=tally.acknowledged,
        queued=tally.queued,
        updated=tally.updates,
        deleted=tally.deletions,
        faults=dict(sorted(tally.faults.items())),
        retries=dict(tally.retries.most_common()),
        wrong={name: findings.counts[name] for name in WRONG},
        surprises=list(journal.surprises),
        examples=dict(findings.examples),
        **more,
    )


def _counts(counts: Mapping[str, int], prefix: str = "") -> str:
    named = {name.removeprefix(prefix): number for name, number in counts.items() if name.startswith(prefix)}
    return ", ".join(f"{name} {number}" for name, number in named.items() if number)
