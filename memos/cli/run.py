"""The commands that run memOS, or a part of it."""

import asyncio
from typing import Annotated

import typer

from memos.cli.output import AsJson, begin_logging, print_json, reported
from memos.devstack.locate import located, required
from memos.events.streams import Lane
from memos.settings import load_settings


def up() -> None:
    """Run all of memOS, until Ctrl-C.

    That is the engines, both workers and the REST facade.

    Example: MEMOS_HOME=/data/memos memos up
    """
    from memos.cli.up import up as run_up

    with reported(as_json=False):
        run_up(load_settings())


def worker(
    lane: Annotated[Lane, typer.Option(help="Which lane's commands to handle.")] = "interactive",
) -> None:
    """Run a worker of one lane until it is told to stop.

    The exit code is 75 when it could not begin since an engine does not answer, which may pass.

    Example: memos worker --lane bulk
    """
    import uvloop

    from memos.runtime import run_worker, stop_on_signals

    with reported(as_json=False, put_off=True):
        settings = located(load_settings())
        begin_logging(settings)

        async def run() -> None:
            await run_worker(settings, lane, stop_on_signals())

        uvloop.run(run())


def api() -> None:
    """Run the REST facade until it is told to stop.

    Example: MEMOS_API_PORT=9000 memos api
    """
    from memos.api.app import create_app
    from memos.api.server import serve

    with reported(as_json=False):
        settings = located(load_settings())
        begin_logging(settings)
        app = create_app(settings, required(settings, "redis_url"))
        serve(
            app,
            host=settings.api_host,
            port=settings.api_port,
            access_log=False,
            log_config=None,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )


def migrate(*, as_json: AsJson = False) -> None:
    """Bring the ledger's schema up to this version.

    Example: MEMOS_POSTGRES_DSN=postgresql://localhost/memos memos migrate
    """
    from memos.stores.migrate import migrate as apply

    with reported(as_json=as_json):
        applied = asyncio.run(apply(required(located(load_settings()), "postgres_dsn")))
    if as_json:
        print_json({"applied": applied})
    else:
        typer.echo(f"Applied {', '.join(applied)}." if applied else "The schema is up to date.")
