"""The handler that reads what calls of language models cost, and what the cache saved."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from memos.errors import Fault, InvalidCommand, TooLarge
from memos.events.usage import MOST_DAYS, By, ReadUsage, UsageRead, UsageRow, UsageTotals
from memos.ports import Usage
from memos.records import DayUsage, Origin, Price, price_of

DAYS = 7
"""How many days are read unless the first is given."""

MOST_ROWS = 10_000

MILLION = 1_000_000

UNKNOWN = Price(None, None)

COUNTS = ("hits", "semantic_hits", "misses", "errors")
TOKENS = ("prompt_tokens", "completion_tokens", "saved_prompt_tokens", "saved_completion_tokens")
SECONDS = ("upstream_seconds", "saved_seconds")


async def read_usage(command: ReadUsage, *, origin: Origin, usage: Usage, prices: Mapping[str, Price]) -> UsageRead:
    """Add up what was used, by what was asked. Raises `InvalidCommand` for too many days, `TooLarge` for rows."""
    since, until = _days(command)
    selected = {"model": command.model, "agent_id": command.agent_id, "kind": command.kind}
    counted = await usage.read(origin.tenant, since, until, **selected)  # type: ignore[arg-type]
    results = _rows(counted, command.by, prices)
    return UsageRead(since=since, until=until, totals=UsageTotals(**_sums(counted, prices)), results=results)


def _days(command: ReadUsage) -> tuple[date, date]:
    """The first and the last day that are asked about."""
    until = command.until or max(datetime.now(UTC).date(), command.since or date.min)
    since = command.since or date.fromordinal(max(until.toordinal() - DAYS + 1, 1))
    if (until - since).days >= MOST_DAYS:
        message = f"must be at most {MOST_DAYS} days, of which {until} is the last"
        raise InvalidCommand(f"The days are too many: since {message}.", faults=[Fault("since", message)])
    return since, until


def _rows(counted: Iterable[DayUsage], by: Sequence[By], prices: Mapping[str, Price]) -> list[UsageRow]:
    """The sums of what has the same names, in the order of these."""
    groups: dict[tuple[Any, ...], list[DayUsage]] = {}
    for one in counted:
        groups.setdefault(tuple(getattr(one, name) for name in by), []).append(one)
    if len(groups) > MOST_ROWS:
        raise TooLarge(
            f"The account has {len(groups)} rows by {', '.join(by)}, and at most {MOST_ROWS} are read at once. "
            "Ask about fewer days, about one model or agent, or by less."
        )
    return [
        UsageRow(**dict(zip(by, names, strict=True)), **_sums(groups[names], prices)) for names in sorted(groups)
    ]


def _sums(counted: Sequence[DayUsage], prices: Mapping[str, Price]) -> dict[str, Any]:
    """The fields of the totals of what was counted."""
    sums: Counter[str] = Counter()
    for one in counted:
        sums.update(one.counts)
    requests = sum(sums[name] for name in COUNTS)
    return {
        **{name: round(sums[name]) for name in (*COUNTS, *TOKENS)},
        **{name: round(sums[name], 6) for name in SECONDS},
        "requests": round(requests),
        "hit_rate": round((sums["hits"] + sums["semantic_hits"]) / requests, 6) if requests else 0.0,
        "mean_upstream_seconds": round(sums["upstream_seconds"] / sums["calls"], 6) if sums["calls"] else None,
        "cost": _money(counted, prices, ""),
        "saved": _money(counted, prices, "saved_"),
    }


def _money(counted: Iterable[DayUsage], prices: Mapping[str, Price], prefix: str) -> float | None:
    """What tokens cost, in the currency of the price table; none when it lacks one of these."""
    spent = 0.0
    for one in counted:
        price = price_of(one.model, prices) or UNKNOWN
        for name, each in zip(("prompt_tokens", "completion_tokens"), price, strict=True):
            tokens = one.counts.get(f"{prefix}{name}", 0)
            if tokens and each is None:
                return None
            spent += tokens * (each or 0) / MILLION
    return round(spent, 9)
