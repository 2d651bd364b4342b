"""`memos rebuild`: the projections made anew from the ledger, also with another embedding model."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from memos.cli.output import AsJson, print_json, reported
from memos.cli.progress import Bars
from memos.devstack.locate import located
from memos.projection.rebuild import Stage
from memos.settings import Settings, load_settings

DOING: Mapping[Stage, str] = {
    "noting": "Noting",
    "writing": "Writing",
    "verifying": "Verifying",
    "reading": "Reading what tools are for",
    "switching": "Switching",
    "lingering": "Handing over (seconds)",
}


def rebuild(*, as_json: AsJson = False) -> None:
    """Make the search index anew from the ledger.

    It has the model that the settings name, and memOS runs meanwhile. It goes on where it was interrupted.

    Example: memos rebuild
    """
    with reported(as_json=as_json), _interruptible():
        import uvloop

        made = uvloop.run(_rebuild(located(load_settings()), quiet=as_json))
    if as_json:
        print_json(made)
    else:
        typer.echo(
            f"Generation {made['generation']} of {made['projection']} is current: {made['records']} records "
            f"with {made['model']} ({made['dimension']} dimensions), in {made['seconds']:g} s."
        )


@contextmanager
def _interruptible() -> Iterator[None]:
    """End as shells expect it of a program that was interrupted, with a line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        typer.echo("Interrupted; run `memos rebuild` again and it goes on.", err=True)
        raise typer.Exit(128 + signal.SIGINT) from error


async def _rebuild(settings: Settings, *, quiet: bool) -> dict[str, Any]:
    from memos.runtime import rebuild_memories

    started = time.monotonic()
    with Bars(quiet=quiet) as bars:

        def told(stage: Stage, done: int, total: int) -> None:
            bars.show(DOING[stage], done, total)

        generation, verification = await rebuild_memories(settings, told)
    return {
        "projection": generation.projection,
        "generation": generation.number,
        "model": generation.model,
        "dimension": generation.dimension,
        "records": verification.records,
        "seconds": round(time.monotonic() - started, 1),
    }
