"""Nothing is lost: a short run of the harness, and runs of workers that do lose, to see that it says so."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from faults.plan import KILLS, RESTARTS, STOPS, Plan, schedule
from faults.report import Report
from faults.run import run

pytestmark = pytest.mark.faults

SHORT = Plan(seed=2, stores=1500, kills=len(KILLS), producers=24, long_stops=False)
MUTATED = Plan(seed=3, stores=400, kills=14, producers=24, long_stops=False)


async def reported(plan: Plan, folder: Path) -> Report:
    """Run a plan; the table goes where a test that fails shows it."""
    report = await run(plan, folder, lambda text: None, minutes=2, settled_within=30)
    Console(width=110).print(report.table())
    return report


async def test_nothing_is_lost_duplicated_or_brought_back(tmp_path: Path) -> None:
    report = await reported(SHORT, tmp_path)

    assert report.passed
    assert report.stored + report.queued >= SHORT.stores
    assert report.kills == SHORT.kills
    assert set(report.faults) == {fault.name for fault in schedule(SHORT)}


async def test_workers_that_acknowledge_before_they_commit_are_found_out(tmp_path: Path) -> None:
    report = await reported(replace(MUTATED, mutation="ack-before-commit"), tmp_path)

    assert report.wrong["lost"] > 0
    assert not report.passed


async def test_workers_that_do_again_what_was_done_are_found_out(tmp_path: Path) -> None:
    report = await reported(replace(MUTATED, mutation="no-idempotency"), tmp_path)

    assert report.wrong["duplicated"] > 0
    assert not report.passed


def test_a_schedule_is_repeated_by_its_seed() -> None:
    assert schedule(Plan(seed=5)) == schedule(Plan(seed=5))
    assert schedule(Plan(seed=5)) != schedule(Plan(seed=6))


def test_every_kind_of_fault_falls_at_least_once_in_a_long_run() -> None:
    names = {fault.name for fault in schedule(Plan(flush=True))}

    kills, stops, restarts = (
        {f"{kind} {target}" for target in targets}
        for kind, targets in (("kill", KILLS), ("stop", STOPS), ("restart", RESTARTS))
    )
    assert names == kills | stops | restarts | {"disconnect valkey", "flush valkey"}
