"""Finding tools: by a task, by capabilities, and what of a definition counts."""

from typing import Any

import pytest
from toolbox import Toolbox, failed, solved, tool

pytest_plugins = ["toolbox_fixtures"]


async def test_a_tool_is_found_by_what_it_says_it_is_for(toolbox: Toolbox) -> None:
    await toolbox.register(tool("weather", "Forecast of rain and wind"), tool("stocks", "Prices of shares"))
    found = await toolbox.discover("Will there be rain and wind tomorrow?")
    assert [one.tool_id for one in found] == ["weather", "stocks"]
    assert found[0].score > found[1].score
    assert "shares words with the task: rain, wind" in found[0].reasons


async def test_parameters_tags_and_examples_count_as_words_of_a_tool(toolbox: Toolbox) -> None:
    schema = {"type": "object", "properties": {"iban": {"type": "string", "description": "the account"}}}
    await toolbox.register(
        tool("plain", "Does one thing"),
        tool("parameters", "Does one thing", request_schema=schema),
        tool("tags", "Does one thing", tags=["payroll"]),
        tool("examples", "Does one thing", examples=["translate a letter"]),
    )
    assert (await toolbox.found("iban"))[0] == "parameters"
    assert (await toolbox.found("payroll"))[0] == "tags"
    assert (await toolbox.found("translate a letter"))[0] == "examples"


async def test_an_example_is_told_apart_from_a_task_that_was_solved(toolbox: Toolbox) -> None:
    await toolbox.register(tool("letters", "Does one thing", examples=["translate a letter"]))
    [before] = await toolbox.discover("translate a letter")
    assert "says that it is for tasks like this one" in before.reasons
    assert not [reason for reason in before.reasons if "solved" in reason]
    await toolbox.report(solved("letters", "translate a letter"))
    [after] = await toolbox.discover("translate a letter")
    assert "has solved 1 task like this one" in after.reasons
    assert after.score > before.score


async def test_what_was_registered_a_moment_ago_is_found_and_what_was_removed_is_not(toolbox: Toolbox) -> None:
    await toolbox.register(tool("weather", "Forecast of rain"))
    assert await toolbox.found("rain") == ["weather"]
    await toolbox.register(tool("weather", "Prices of shares"), tool("umbrella", "Sells protection from rain"))
    assert await toolbox.found("rain", top_k=1) == ["umbrella"]
    await toolbox.deregister("umbrella")
    assert await toolbox.found("rain") == ["weather"]


async def test_another_worker_finds_what_this_one_registered(toolbox: Toolbox) -> None:
    other = Toolbox(toolbox.pool)
    await toolbox.register(tool("weather", "Forecast of rain"))
    assert await other.found("rain") == ["weather"]
    await toolbox.report(solved("weather", "is it wet outside"))
    assert (await other.discover("is it wet outside"))[0].statistics.successes == 1


async def test_an_agent_is_shown_no_tool_that_requires_more_than_it_has(toolbox: Toolbox) -> None:
    await toolbox.register(
        tool("open", "Reads mail"),
        tool("strict", "Reads mail", required_capabilities=["mail", "admin"]),
        tool("mail", "Reads mail", required_capabilities=["mail"]),
    )
    assert set(await toolbox.found("reads mail")) == {"open", "strict", "mail"}
    assert set(await toolbox.found("reads mail", agent_capabilities=["mail", "other"])) == {"open", "mail"}
    assert await toolbox.found("reads mail", agent_capabilities=[]) == ["open"]


async def test_capabilities_are_searched_by_any_or_all_of_them(toolbox: Toolbox) -> None:
    await toolbox.register(
        tool("a", required_capabilities=["mail"]),
        tool("b", required_capabilities=["mail", "admin"]),
        tool("c", required_capabilities=["web"]),
    )
    assert await toolbox.found(capabilities=["admin", "mail"]) == ["b", "a"]
    assert await toolbox.found(capabilities=["admin", "mail"], match="all") == ["b"]
    [best, *_] = await toolbox.discover(capabilities=["mail", "admin"])
    assert best.reasons == ["has the capabilities asked for: admin, mail"]


async def test_a_search_by_tags_alone_lists_reliable_tools_first(toolbox: Toolbox) -> None:
    await toolbox.register(tool("a", tags=["web"]), tool("b", tags=["web"]), tool("c"))
    await toolbox.report(failed("a", None), solved("b", "anything at all"))
    assert await toolbox.found(tags=["web"]) == ["b", "a"]


async def test_a_task_with_several_needs_gets_a_tool_for_each(toolbox: Toolbox) -> None:
    await toolbox.register(
        tool("flights", "Book a flight to a city"),
        tool("flights_two", "Book a flight to another city"),
        tool("flights_three", "Book a cheap flight to a city"),
        tool("weather", "Check the weather forecast"),
    )
    found = await toolbox.discover("Book a flight to a city and check the weather forecast there", top_k=2)
    assert {one.tool_id for one in found} == {"flights", "weather"}
    assert {one.need for one in found} == {"Book a flight to a city", "check the weather forecast there"}


async def test_an_explanation_adds_up_to_the_score(toolbox: Toolbox) -> None:
    await toolbox.register(tool("weather", "Forecast of rain"), tool("stocks", "Prices of shares"))
    await toolbox.report(solved("weather", "rain tomorrow"), failed("stocks", "rain tomorrow"))
    for one in await toolbox.discover("rain tomorrow and shares today", explain=True):
        assert one.explanation is not None
        factors: Any = one.explanation["factors"]
        parts = [factor["contribution"] for factor in factors.values()]
        assert sum(parts) == pytest.approx(one.score, abs=1e-5)


async def test_tenants_neither_see_nor_teach_each_other(toolbox: Toolbox) -> None:
    for tenant in ("red", "blue"):
        await toolbox.register(tool("weather", "Forecast of rain"), tool("stocks", "Prices"), tenant=tenant)
    await toolbox.register(tool("secret", "Forecast of rain"), tenant="red")
    await toolbox.report(solved("stocks", "quite another thing"), tenant="red")
    assert "secret" not in await toolbox.found("rain", tenant="blue")
    assert (await toolbox.found("quite another thing", tenant="red"))[0] == "stocks"
    [known] = [one for one in await toolbox.discover("thing", tenant="blue") if one.tool_id == "stocks"]
    assert known.statistics.outcomes == 0
    assert await toolbox.found("rain", tenant="green") == []


async def test_catalogs_that_take_too_much_memory_are_let_go_and_made_anew(toolbox: Toolbox) -> None:
    small = Toolbox(toolbox.pool, most_bytes=1)
    for tenant in ("red", "blue"):
        await small.register(tool(f"{tenant}_weather", "Forecast of rain"), tenant=tenant)
    for tenant in ("red", "blue", "red"):
        assert await small.found("rain", tenant=tenant) == [f"{tenant}_weather"]
    assert small.catalogs.tenants == ["red"]
