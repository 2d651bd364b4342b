"""`memos rebuild`: the projections made anew from the ledger, also with another embedding model."""

import time
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from memos.cli.output import AsJson, print_json, reported
from memos.devstack.locate import located
from memos.projection.rebuild import Stage
from memos.settings import Settings, load_settings

DOING = {"noting": "Noting", "writing": "Writing", "verifying": "Verifying", "switching": "Switching"}


def rebuild(*, as_json: AsJson = False) -> None:
    """Make the search index anew from the ledger with the model that the settings name, while memOS runs.

    It goes on where it was interrupted. Example: memos rebuild
    """
    import uvloop

    with reported(as_json=as_json):
        made = uvloop.run(_rebuild(located(load_settings()), quiet=as_json))
    if as_json:
        print_json(made)
    else:
        typer.echo(
            f"Generation {made['generation']} of {made['projection']} is current: {made['records']} records "
            f"with {made['model']} ({made['dimension']} dimensions), in {made['seconds']:g} s."
        )


class _Bars:
    """One bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def show(self, stage: Stage, done: int, total: int) -> None:
        """Move a stage's bar."""
        if stage not in self._bars:
            self._bars[stage] = self._progress.add_task(DOING[stage])
        self._progress.update(self._bars[stage], completed=done, total=total)


async def _rebuild(settings: Settings, *, quiet: bool) -> dict[str, Any]:
    from memos.runtime import rebuild_memories

    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        generation, verification = await rebuild_memories(settings, _Bars(progress).show)
    return {
        "projection": generation.projection,
        "generation": generation.number,
        "model": generation.model,
        "dimension": generation.dimension,
        "records": verification.records,
        "seconds": round(time.monotonic() - started, 1),
    }
