"""What calls cost and hits saved: sums, rates and money."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from memos.errors import InvalidCommand, TooLarge
from memos.events.usage import MOST_DAYS, ReadUsage, UsageRead
from memos.handlers.answers.usage import MOST_ROWS, read_usage
from memos.records import DayUsage, Origin, Price, price_of

ORIGIN = Origin("acme", "tests", "1")
PRICES = {"large": Price(3.0, 15.0), "small": Price(0.5, 1.0), "embedder": Price(0.02, None)}
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


class Account:
    """An account of calls that remembers what it was asked for."""

    def __init__(self, *counted: DayUsage) -> None:
        self._counted = counted
        self.asked: list[Any] = []

    async def count(self, tenant: str, calls: Sequence[object]) -> None:
        raise AssertionError("reading counts nothing")

    async def read(self, tenant: str, since: date, until: date, **selected: Any) -> list[DayUsage]:
        self.asked.append((tenant, since, until, selected))
        return list(self._counted)


async def read(*counted: DayUsage, prices: dict[str, Price] | None = None, **command: Any) -> UsageRead:
    """What is read of an account."""
    priced = PRICES if prices is None else prices
    return await read_usage(ReadUsage(**command), origin=ORIGIN, usage=Account(*counted), prices=priced)


def used(day: date = MONDAY, model: str = "small", agent: str = "ada", **counts: float) -> DayUsage:
    return DayUsage(day, model, agent, "chat", counts)


async def test_counts_are_added_up_over_what_is_not_told_apart() -> None:
    found = await read(
        used(agent="ada", hits=1, misses=1, prompt_tokens=10, upstream_seconds=0.25),
        used(agent="bob", semantic_hits=1, errors=1, prompt_tokens=5, upstream_seconds=0.5),
        used(TUESDAY, hits=2, saved_completion_tokens=7, saved_seconds=0.75),
        by=["day"],
    )

    assert [(row.day, row.model, row.agent_id, row.kind) for row in found.results] == [
        (MONDAY, None, None, None),
        (TUESDAY, None, None, None),
    ]
    monday, tuesday = found.results
    assert (monday.requests, monday.hits, monday.semantic_hits, monday.misses, monday.errors) == (4, 1, 1, 1, 1)
    assert (monday.prompt_tokens, monday.hit_rate, monday.upstream_seconds) == (15, 0.5, 0.75)
    assert (tuesday.saved_completion_tokens, tuesday.saved_seconds, tuesday.hit_rate) == (7, 0.75, 1.0)
    assert (found.totals.requests, found.totals.hits, found.totals.hit_rate) == (6, 3, 0.666667)


async def test_rows_are_in_the_order_of_what_they_are_told_apart_by() -> None:
    counted = [used(day, model, hits=1) for day in (MONDAY, TUESDAY) for model in ("small", "large")]

    found = await read(*counted, by=["model", "day"])

    assert [(row.model, row.day) for row in found.results] == [
        ("large", MONDAY),
        ("large", TUESDAY),
        ("small", MONDAY),
        ("small", TUESDAY),
    ]


async def test_by_default_every_name_is_told_apart() -> None:
    [row] = (await read(used(misses=1))).results

    assert (row.day, row.model, row.agent_id, row.kind) == (MONDAY, "small", "ada", "chat")


async def test_seconds_a_call_are_those_of_calls_that_were_made() -> None:
    called = await read(used(hits=5, misses=3, errors=4, calls=4, upstream_seconds=8.0))
    saved = await read(used(hits=5, saved_seconds=9.0))

    assert (called.totals.mean_upstream_seconds, saved.totals.mean_upstream_seconds) == (2.0, None)


async def test_an_account_of_nothing_has_no_rows_and_no_rate() -> None:
    found = await read()

    assert found.results == []
    assert (found.totals.requests, found.totals.hit_rate, found.totals.cost) == (0, 0.0, 0.0)


async def test_money_is_tokens_at_the_price_of_their_model() -> None:
    found = await read(
        used(model="small", prompt_tokens=2_000_000, completion_tokens=1_000_000, saved_prompt_tokens=100),
        used(model="large", prompt_tokens=1_000_000, completion_tokens=200_000, saved_completion_tokens=10),
        by=["model"],
    )

    assert [(row.model, row.cost, row.saved) for row in found.results] == [
        ("large", 6.0, 0.00015),
        ("small", 2.0, 0.00005),
    ]
    assert (found.totals.cost, found.totals.saved) == (8.0, 0.0002)


async def test_money_is_absent_wherever_a_price_is_missing() -> None:
    found = await read(used(prompt_tokens=8), used(model="own", saved_prompt_tokens=8), by=["model"])

    assert [(row.model, row.cost, row.saved) for row in found.results] == [("own", 0.0, None), ("small", 4e-6, 0.0)]
    assert (found.totals.cost, found.totals.saved) == (4e-6, None)


async def test_half_a_price_is_enough_for_the_tokens_that_it_is_of() -> None:
    read_only = used(model="embedder", prompt_tokens=1_000_000, saved_prompt_tokens=500_000)
    written = used(model="embedder", prompt_tokens=8, completion_tokens=1)
    reading, writing = await read(read_only), await read(read_only, written)

    assert (reading.totals.cost, reading.totals.saved) == (0.02, 0.01)
    assert (writing.totals.cost, writing.totals.saved) == (None, 0.01)


@pytest.mark.parametrize(
    ("model", "priced"),
    [
        ("gpt", 1.0),
        ("gpt-mini", 2.0),
        ("gpt-mini-2026-01-01", 2.0),
        ("gpt-max", 1.0),
        ("gptx", None),
        ("x-gpt", None),
        ("gp", None),
    ],
)
def test_a_price_is_that_of_the_longest_name_that_a_model_begins_with(model: str, priced: float | None) -> None:
    prices = {"gpt": Price(1.0, 1.0), "gpt-mini": Price(2.0, 2.0)}

    found = price_of(model, prices)

    assert (found.prompt if found else None) == priced


async def test_without_days_the_last_seven_are_read() -> None:
    today = datetime.now(UTC).date()
    account = Account()

    found = await read_usage(ReadUsage(model="small"), origin=ORIGIN, usage=account, prices={})

    [(tenant, since, until, selected)] = account.asked
    assert (until - since, tenant) == (timedelta(days=6), "acme")
    assert until in {today, datetime.now(UTC).date()}
    assert selected == {"model": "small", "agent_id": None, "kind": None}
    assert (found.since, found.until) == (since, until)


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"until": date(2026, 1, 7)}, (date(2026, 1, 1), date(2026, 1, 7))),
        ({"until": date(1, 1, 2)}, (date(1, 1, 1), date(1, 1, 2))),
        ({"since": date(9999, 12, 31)}, (date(9999, 12, 31), date(9999, 12, 31))),
        ({"since": MONDAY, "until": MONDAY}, (MONDAY, MONDAY)),
    ],
)
async def test_days_that_are_not_named_follow_from_those_that_are(
    asked: dict[str, Any], days: tuple[date, date]
) -> None:
    found = await read(**asked)

    assert (found.since, found.until) == days


async def test_more_days_than_a_year_are_refused_also_where_only_the_first_is_named() -> None:
    with pytest.raises(InvalidCommand, match="at most 366 days") as refused:
        await read(since=datetime.now(UTC).date() - timedelta(days=MOST_DAYS + 1))

    assert [fault.field for fault in refused.value.faults] == ["since"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": TUESDAY, "until": MONDAY},
        {"since": MONDAY - timedelta(days=MOST_DAYS), "until": MONDAY},
        {"by": []},
        {"by": ["hour"]},
        {"kind": "speech"},
    ],
)
def test_what_cannot_be_asked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReadUsage(**wrong)


async def test_more_rows_than_a_reply_should_have_are_refused() -> None:
    counted = [used(agent=str(number), hits=1) for number in range(MOST_ROWS + 1)]

    with pytest.raises(TooLarge, match="10001 rows"):
        await read(*counted, by=["agent_id"])
    assert (await read(*counted, by=["day"])).totals.hits == MOST_ROWS + 1
