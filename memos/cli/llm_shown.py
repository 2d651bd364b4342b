"""The LLM cache and the account of calls as the command line shows them."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from memos.events.answers import CacheRead
from memos.events.usage import UsageRead, UsageRow, UsageTotals

NAMES: Mapping[str, str] = {"day": "Day", "model": "Model", "agent_id": "Agent", "kind": "Kind"}
COLUMNS = ("Requests", "Hits", "Errors", "Seconds\na call", "Tokens", "Tokens\nsaved", "Cost", "Cost\nsaved")
NARROWEST = 10
"""Characters of a name in one line, where a terminal is narrow."""

UNITS = (("kB", 1000), ("MB", 1000**2), ("GB", 1000**3))


def show_usage(console: Console, read: UsageRead) -> None:
    """Print the account: a row for each that was told apart, and all of it together."""
    if not read.results:
        console.print(f"No calls were counted from {read.since} to {read.until}.")
        return
    names = [name for name in NAMES if getattr(read.results[0], name) is not None]
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True, header_style="bold")
    for name in names:
        table.add_column(NAMES[name], overflow="fold", min_width=NARROWEST)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for row in read.results:
        table.add_row(*(str(getattr(row, name)) for name in names), *_cells(row))
    if len(read.results) > 1:
        table.add_row("Together", *[""] * (len(names) - 1), *_cells(read.totals), style="bold")
    console.print(table)
    if read.totals.cost is None:
        console.print("No price is known of every model: set MEMOS_LLM_PRICES to see money.", style="dim")


def show_cache(console: Console, read: CacheRead) -> None:
    """Print what the cache holds, and its bounds."""
    console.print(f"{read.entries} answers in {_size(read.bytes)} of at most {_size(read.most_bytes)}.")
    console.print(f"Questions that semantic hits are looked for among: {read.questions}.")
    console.print(
        f"An answer is kept for {read.ttl} s and is at most {_size(read.answer_bytes)} large. "
        f"Answers that went for want of room, by {read.eviction.upper()}: {read.evicted}."
    )


def _cells(row: UsageRow | UsageTotals) -> tuple[str, ...]:
    tokens = row.prompt_tokens + row.completion_tokens
    saved = row.saved_prompt_tokens + row.saved_completion_tokens
    mean = row.mean_upstream_seconds
    return (
        str(row.requests),
        f"{row.hit_rate:.0%}",
        str(row.errors),
        "" if mean is None else f"{mean:.2f}",
        str(tokens),
        str(saved),
        *("" if money is None else f"{money:.4f}" for money in (row.cost, row.saved)),
    )


def _size(count: int) -> str:
    """Bytes in the largest unit of which there is one."""
    unit, size = max((one for one in UNITS if count >= one[1]), key=lambda one: one[1], default=("bytes", 1))
    return f"{count / size:.3g} {unit}"
