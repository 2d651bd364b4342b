"""What all commands share: their options, their errors, and the address of a running memOS."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic_core import to_json

from memos.devstack.locate import located, required
from memos.errors import MemosError
from memos.events.problems import problem_of
from memos.settings import Settings, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Url = Annotated[
    str | None,
    typer.Option(help="redis://…, unix://… or http://… of a memOS; by default the one that runs in MEMOS_HOME."),
]


@contextmanager
def reported(*, as_json: bool, put_off: bool = False) -> Iterator[None]:
    """End the process with status 1 and one clear line, or a problem document, for an error of memOS.

    With `put_off` the status is EX_TEMPFAIL (sysexits.h) for an error that may pass, so that whoever supervises
    the process tries again.
    """
    try:
        yield
    except MemosError as error:
        if as_json:
            typer.echo(to_json(problem_of(error), exclude_none=True))
        else:
            typer.echo(f"memos: {error.detail}", err=True)
        raise typer.Exit(os.EX_TEMPFAIL if put_off and error.transient else 1) from error


def print_json(data: Any) -> None:
    """Print data as indented JSON."""
    typer.echo(to_json(data, indent=2))


def address(url: str | None) -> str:
    """Where to find memOS. Raises `ConfigurationError` when none runs and no URL is given."""
    return url or required(located(load_settings()), "redis_url")


def begin_logging(settings: Settings) -> None:
    """Log to standard error, one line an event."""
    logging.basicConfig(
        level=settings.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
