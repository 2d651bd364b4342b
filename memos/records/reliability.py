"""How far tools can be relied on, by what agents report of them."""

from collections.abc import Sequence
from datetime import datetime

from memos.records.tools import Report, ToolStatistics

PRIOR_SUCCESSES, PRIOR_FAILURES = 4.0, 1.0
"""The Beta distribution of a tool's success rate before anyone has reported of it."""

MOST_CALLS = 10
"""The calls of one agent that count, however many it reports."""


def statistics_of(reports: Sequence[Report]) -> ToolStatistics:
    """What agents report of one tool, none of them counting for more than `MOST_CALLS` calls."""
    successes, failures = PRIOR_SUCCESSES, PRIOR_FAILURES
    for report in reports:
        calls = report.successes + report.failures
        scale = min(1.0, MOST_CALLS / calls) if calls else 0.0
        successes += scale * report.successes
        failures += scale * report.failures
    latencies = [report.latency_ms / report.latencies for report in reports if report.latencies]
    failed = max((one for one in reports if one.last_error_at), key=_last_error_at, default=None)
    return ToolStatistics(
        outcomes=sum(report.successes + report.failures for report in reports),
        successes=sum(report.successes for report in reports),
        success_rate=round(successes / (successes + failures), 4),
        latency_ms=round(sum(latencies) / len(latencies), 3) if latencies else None,
        last_error=failed.last_error if failed else None,
        last_outcome_at=max((report.last_outcome_at for report in reports), default=None),
    )


def _last_error_at(report: Report) -> datetime:
    return report.last_error_at or report.last_outcome_at
