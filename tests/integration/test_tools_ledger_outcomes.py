"""What agents report of tools, in a real ledger: counted once, told as facts, shown as statistics."""

from dataclasses import replace
from typing import Any

import pytest
from builders import count, origin
from tool_drafts import outcome, record, register, tool

from memos.errors import Conflict, NotFound, Unavailable
from memos.events.tools import ToolOutcomeRecorded
from memos.records import Evidence, OutcomeKept, Report, ToolKey, content_hash
from memos.stores.postgres import Pool
from memos.stores.tools import PostgresTools

pytest_plugins = ["tool_fixtures"]

TASK = "find the opening hours of a shop"


async def evidence_in(tools: PostgresTools) -> list[Evidence]:
    return sorted((await tools.changes("default", 0)).evidence)


async def reports_in(tools: PostgresTools) -> list[Report]:
    return sorted((await tools.changes("default", 0)).reports)


async def test_outcomes_are_counted_by_tool_agent_and_task_within_and_across_batches(
    tools: PostgresTools,
) -> None:
    await register(tools, tool(), tool("todo"))
    failed: dict[str, Any] = {"success": False, "error": "closed"}

    await record(tools, outcome(task=TASK), outcome(task=TASK, **failed), outcome(task=TASK, agent_id="ada"))
    await record(tools, outcome(task=TASK), outcome(task="other", **failed), outcome("todo", TASK), outcome())

    hashed, other = content_hash(TASK), content_hash("other")
    assert await evidence_in(tools) == sorted(
        [
            Evidence("web.search", "cortex", hashed, successes=2, failures=1),
            Evidence("web.search", "cortex", other, successes=0, failures=1),
            Evidence("web.search", "ada", hashed, successes=1, failures=0),
            Evidence("todo", "cortex", hashed, successes=1, failures=0),
        ]
    )
    counts = {(one.tool_id, one.agent_id): (one.successes, one.failures) for one in await reports_in(tools)}
    assert counts == {("web.search", "cortex"): (3, 2), ("web.search", "ada"): (1, 0), ("todo", "cortex"): (1, 0)}


async def test_latencies_plausibility_and_the_last_error_add_up(tools: PostgresTools) -> None:
    await register(tools, tool())
    closed = outcome(task="b", plausible=False, success=False, error="closed")
    away = outcome(success=False, error="away")

    await record(tools, outcome(task="a", latency_ms=10, plausible=True), closed)
    await record(tools, outcome(task="c", latency_ms=0.5), away, outcome(success=False))
    await record(tools, outcome())

    [report] = await reports_in(tools)
    assert (report.successes, report.failures) == (3, 3)
    assert (report.judged, report.plausible) == (2, 1)
    assert (report.latencies, report.latency_ms) == (2, 10.5)
    assert report.last_error == "away"
    assert report.last_error_at
    assert report.last_error_at < report.last_outcome_at


async def test_a_tool_is_shown_with_its_statistics(tools: PostgresTools) -> None:
    await register(tools, tool(), tool("todo"))
    await record(tools, *(outcome(agent_id="liar", success=False, error="no") for _ in range(100)))
    await record(tools, *(outcome(agent_id=f"a{number}", latency_ms=20) for number in range(5)))

    statistics = (await tools.get("default", "web.search")).statistics

    assert (statistics.outcomes, statistics.successes) == (105, 5)
    assert statistics.success_rate == pytest.approx((4 + 5) / (5 + 10 + 5))
    assert (statistics.latency_ms, statistics.last_error) == (20, "no")
    assert (await tools.get("default", "todo")).statistics.outcomes == 0


async def test_a_task_is_kept_with_its_vector_but_is_in_no_fact(pool: Pool, tools: PostgresTools) -> None:
    await register(tools, tool())
    hashed = content_hash(TASK)

    await record(tools, outcome(task=TASK, success=False, error="closed", latency_ms=3))

    assert (await tools.texts("words", "default", [hashed]))[hashed].text == TASK
    row = await pool.fetchrow("select record_id, version, data from facts order by sequence desc limit 1")
    assert row is not None
    told = ToolOutcomeRecorded.model_validate(row["data"])
    assert told == ToolOutcomeRecorded(
        tool_id="web.search", version=1, agent_id="cortex", success=False, latency_ms=3, error="closed"
    )
    assert (row["record_id"], row["version"]) == (ToolKey("default", "web.search").record_id, 1)


async def test_an_outcome_of_an_unknown_tool_is_refused_alone_and_its_command_can_be_sent_again(
    pool: Pool, tools: PostgresTools
) -> None:
    await register(tools, tool())
    unknown = outcome("todo", TASK)

    results = await tools.record([outcome(), unknown, unknown, outcome()])

    assert [type(one) for one in results] == [OutcomeKept, NotFound, NotFound, OutcomeKept]
    assert str(results[1]) == "No tool 'todo' is registered. Check the tool_id, or register the tool first."
    assert await count(pool, "tool_evidence") == 0
    assert await count(pool, "facts") == 3
    await register(tools, tool("todo"))
    assert await tools.record([unknown]) == [OutcomeKept("todo")]


async def test_a_batch_of_refused_outcomes_alone_changes_nothing(pool: Pool, tools: PostgresTools) -> None:
    [refused] = await tools.record([outcome("todo", TASK)])

    assert isinstance(refused, NotFound)
    assert await tools.changes("default", 0) == await tools.changes("default", 1)
    assert (await count(pool, "commands"), await count(pool, "tool_texts")) == (0, 0)


async def test_a_deregistered_tool_takes_no_more_outcomes(tools: PostgresTools) -> None:
    await register(tools, tool())
    await tools.deregister(origin(), b"", "web.search")

    assert isinstance((await tools.record([outcome()]))[0], NotFound)


async def test_a_repeated_outcome_counts_once(tools: PostgresTools) -> None:
    await register(tools, tool())
    sent = outcome(task=TASK)
    assert sent.task is not None
    unembedded = replace(sent, task=replace(sent.task, vector=()))

    assert await tools.record([sent, sent]) == [OutcomeKept("web.search"), OutcomeKept("web.search")]
    assert await tools.record([unembedded]) == [OutcomeKept("web.search")]

    assert [one.successes for one in await evidence_in(tools)] == [1]


async def test_an_outcome_with_the_id_of_another_command_is_a_conflict(tools: PostgresTools) -> None:
    await register(tools, tool())
    sent = outcome()
    await tools.record([sent])

    refused, kept = await tools.record([outcome(success=False, of=sent.origin), outcome()])

    assert isinstance(refused, Conflict)
    assert isinstance(kept, OutcomeKept)
    assert [one.failures for one in await reports_in(tools)] == [0]


async def test_a_task_without_a_vector_whose_command_is_unknown_is_never_kept(
    pool: Pool, tools: PostgresTools
) -> None:
    await register(tools, tool())
    sent = outcome(task=TASK)
    assert sent.task is not None

    with pytest.raises(Unavailable, match="Send the command again"):
        await tools.record([replace(sent, task=replace(sent.task, vector=()))])

    assert await count(pool, "tool_reports") == 0


@pytest.mark.parametrize("fields", [{"of": origin(tenant="other")}, {"agent_id": "ada"}])
async def test_commands_of_other_tenants_and_agents_are_told_apart(
    tools: PostgresTools, fields: dict[str, Any]
) -> None:
    await register(tools, tool())
    await register(tools, tool(), tenant="other")
    await record(tools, outcome(task=TASK, success=False))

    await record(tools, outcome(task=TASK, **fields))

    mine = next(one for one in await reports_in(tools) if one.agent_id == "cortex")
    assert (mine.successes, mine.failures) == (0, 1)
