"""What outcomes teach discovery, and what they cannot do to it."""

from typing import Any

import pytest
from toolbox import Toolbox, failed, solved, tool

from memos.discovery.weights import RELIABILITY
from memos.errors import Unavailable
from memos.stores.tools import PostgresTools

pytest_plugins = ["toolbox_fixtures"]

TASK = "how wet will it get"


async def scores(toolbox: Toolbox, task: str) -> dict[str, float]:
    """The score of each tool for a task."""
    return {one.tool_id: one.score for one in await toolbox.discover(task, top_k=100)}


async def two_tools(toolbox: Toolbox) -> None:
    await toolbox.register(tool("weather", "Forecast of rain"), tool("stocks", "Prices of shares, how they get"))


async def test_a_tool_that_solved_a_task_is_found_for_tasks_like_it(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    assert (await toolbox.found(TASK))[0] == "stocks"
    await toolbox.report(solved("weather", TASK, "ann"), solved("weather", TASK, "bob"))
    [best, *_] = await toolbox.discover("how wet will it get tomorrow")
    assert best.tool_id == "weather"
    assert "has solved 1 task like this one" in best.reasons


async def test_a_failure_teaches_less_than_a_success(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    before = {one.tool_id: one.score for one in await toolbox.discover(TASK)}
    await toolbox.report(failed("stocks", TASK, error="no such share"))
    after = {one.tool_id: one.score for one in await toolbox.discover(TASK)}
    lost = before["stocks"] - after["stocks"]
    await toolbox.report(solved("weather", TASK))
    gained = {one.tool_id: one.score for one in await toolbox.discover(TASK)}["weather"] - after["weather"]
    assert 0 < lost < gained


async def test_one_failure_does_not_sink_a_tool(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    await toolbox.report(failed("weather", "forecast of rain"))
    [best, *_] = await toolbox.discover("forecast of rain")
    assert best.tool_id == "weather"
    assert best.statistics.success_rate == 0.6667


async def test_what_is_said_twice_of_one_task_counts_once(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    await toolbox.report(solved("weather", TASK))
    once = await toolbox.discover(TASK)
    await toolbox.report(*[solved("weather", TASK) for _ in range(50)])
    often = await toolbox.discover(TASK)
    [first] = [one for one in once if one.tool_id == "weather"]
    [later] = [one for one in often if one.tool_id == "weather"]
    reliability = 0.05 * (later.statistics.success_rate - first.statistics.success_rate)
    assert abs(later.score - first.score - reliability) < 1e-5


async def test_an_agent_that_lies_is_not_believed(toolbox: Toolbox) -> None:
    topics = "tides moths bread chess opera tiles roses trains glass boats honey wool".split()  # noqa: SIM905
    await toolbox.register(*[tool(topic, f"All about {topic}") for topic in topics])
    await toolbox.report(*[solved(topic, f"a question on {topic}", "ann") for topic in topics])
    ways = ("again", "once more", "please", "today", "now")
    lies = [solved("tides", f"a question on {topic} {way}", "liar") for topic in topics[1:] for way in ways]
    before = {topic: await scores(toolbox, f"a question on {topic}") for topic in topics[1:]}
    await toolbox.report(*lies)
    for topic in topics[1:]:
        after = await scores(toolbox, f"a question on {topic}")
        assert after["tides"] - before[topic]["tides"] < RELIABILITY * 0.2
        assert max(after, key=lambda tool_id: after[tool_id]) == topic


async def test_an_agent_that_reports_failures_cannot_bury_a_tool_that_others_succeed_with(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    tasks = [f"forecast of rain in town {number}" for number in range(20)]
    await toolbox.report(*[solved("weather", task, f"agent{number % 4}") for number, task in enumerate(tasks)])
    await toolbox.report(*[failed("weather", task, "liar") for task in tasks])
    for task in tasks:
        assert (await toolbox.found(task))[0] == "weather"


async def test_deregistering_a_tool_forgets_what_it_solved(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    await toolbox.report(solved("weather", TASK, "ann"), solved("weather", TASK, "bob"))
    await toolbox.discover(TASK)
    await toolbox.deregister("weather")
    await toolbox.register(tool("weather", "Forecast of rain"))
    for worker in (toolbox, Toolbox(toolbox.pool)):
        found = await worker.discover(TASK)
        assert found[0].tool_id == "stocks"
        assert {one.statistics.outcomes for one in found} == {0}


async def test_an_update_keeps_what_was_learned(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    await toolbox.report(solved("weather", TASK, "ann"), solved("weather", TASK, "bob"))
    assert await toolbox.register(tool("weather", "Forecast of rain and snow")) == ["updated"]
    assert (await toolbox.found(TASK))[0] == "weather"
    assert (await Toolbox(toolbox.pool).found(TASK))[0] == "weather"


async def test_a_worker_that_followed_every_change_ranks_like_one_that_starts_now(toolbox: Toolbox) -> None:
    topics = [f"topic{number}" for number in range(8)]
    await toolbox.register(
        *[tool(topic, f"All about {topic}", examples=[f"tell me of {topic}"]) for topic in topics]
    )
    for turn in range(6):
        reports = [
            solved(topics[(turn * 3 + step) % 8], f"task {turn} of {step}", f"agent{step}") for step in range(4)
        ]
        await toolbox.report(*reports, failed(topics[turn], f"task {turn} of 0", "agent9"))
        await toolbox.discover("task")
        await toolbox.register(tool(topics[turn], f"All about {topics[turn]} in edition {turn}"))
    await toolbox.deregister(topics[7])
    for query in ("task 2 of 1", "edition of topic3", "tell me of topic6"):
        followed = [(one.tool_id, one.score) for one in await toolbox.discover(query, top_k=20)]
        started = [(one.tool_id, one.score) for one in await Toolbox(toolbox.pool).discover(query, top_k=20)]
        assert [name for name, _ in followed] == [name for name, _ in started]
        for (_, one), (_, other) in zip(followed, started, strict=True):
            assert abs(one - other) < 1e-4


async def test_tasks_of_a_tool_that_is_gone_take_no_room_from_those_of_others(toolbox: Toolbox) -> None:
    await two_tools(toolbox)
    await toolbox.register(tool("old", "Something else entirely"))
    await toolbox.report(*[solved("old", f"{TASK} again {number}", f"a{number % 3}") for number in range(450)])
    await toolbox.report(solved("weather", "how wet does it get over there", "ann"))
    await toolbox.discover(TASK)
    await toolbox.deregister("old")
    assert await scores(toolbox, TASK) == await scores(Toolbox(toolbox.pool), TASK)


async def test_a_liar_cannot_crowd_out_what_others_report(toolbox: Toolbox) -> None:
    topics = "tides moths bread chess opera tiles roses trains glass boats honey wool".split()  # noqa: SIM905
    await toolbox.register(*[tool(topic, f"All about {topic}") for topic in topics])
    await toolbox.report(*[solved("wool", f"how to stay warm in winter {name}", name) for name in ("ann", "bob")])
    before = await scores(toolbox, "how to stay warm in winter")
    lies = [solved("chess", f"how to stay warm in winter {number}", "liar") for number in range(450)]
    for start in range(0, len(lies), 150):
        await toolbox.report(*lies[start : start + 150])
    after = await scores(toolbox, "how to stay warm in winter")
    assert after["wool"] == pytest.approx(before["wool"], abs=0.02)
    assert max(after, key=lambda tool_id: after[tool_id]) == "wool"


async def test_a_catalog_that_could_not_be_read_whole_is_read_again(
    toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await toolbox.register(*[tool(f"weather{number}", "Forecast of rain") for number in range(80)])
    worker, read = Toolbox(toolbox.pool), PostgresTools.texts
    calls = 0

    async def failing(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("The ledger is away. Wait for it.")
        return await read(*args)

    monkeypatch.setattr(PostgresTools, "texts", failing)
    with pytest.raises(Unavailable):
        await worker.discover("rain")
    await toolbox.deregister("weather0")
    assert "weather0" not in await worker.found("rain", top_k=100)
    assert len(await worker.found("rain", top_k=100)) == 79
