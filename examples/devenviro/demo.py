"""The whole loop on an embedded memOS: a task is done and learned of, and the next one like it goes better."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis

from devenviro.demo_report import Shown, Verdict, print_verdict, verdict
from devenviro.demo_stack import CAPABILITIES, LEASE, DemoModel, demo_stack
from devenviro.messages import Result, Task
from devenviro.orchestrator import OrchestratorSettings, open_orchestrator
from devenviro.running import run_until_stopped
from devenviro.trace import follow
from memos.cli.output import AsJson, print_json, reported
from memos.client.redis import open_redis
from memos.waiting import ended

FIRST = 'Search the web for "descale a kettle", and mark "clean the kettle" as done on my to-do list.'
SECOND = 'Search the web for "repot a houseplant", and mark "water the plants" as done on my to-do list.'
UNTIL_SHOWN = 10.0
"""Seconds that the last event of a task may take to be shown."""


def main(
    first: Annotated[str, typer.Option(help="The task to learn of.")] = FIRST,
    second: Annotated[str, typer.Option(help="A task like it.")] = SECOND,
    *,
    model_url: Annotated[
        str | None, typer.Option(envvar="OPENAI_BASE_URL", help="A model to use instead of the one made for this.")
    ] = None,
    model: Annotated[str | None, typer.Option(envvar="OPENAI_MODEL", help="Its name.")] = None,
    deadline: Annotated[float, typer.Option(min=1, help="Seconds that each task may take.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Run two similar tasks through the whole loop and show that the second one goes better.

    The exit code is 0 if it had a lesson of the first one in its context and took fewer calls of tools.

    Example: python -m devenviro.demo --json
    """
    shown = Shown(time.time(), quiet=as_json)
    with reported(as_json=as_json), _folder() as folder:
        chosen = DemoModel(model_url, model)
        found = run_until_stopped(_run(Path(folder), shown, chosen, (first, second), deadline))
    if found is None:
        raise typer.Exit(130)
    if as_json:
        print_json({"passed": found.passed, **found.model_dump(mode="json"), "events": shown.events})
    else:
        print_verdict(found)
    raise typer.Exit(0 if found.passed else 1)


async def _run(folder: Path, shown: Shown, model: DemoModel, texts: tuple[str, str], deadline: float) -> Verdict:
    if not shown.quiet:
        print("memOS, tools.as, a model and a Cortex are started…", flush=True)
    settings = OrchestratorSettings(deadline=deadline, lease=LEASE)
    async with (
        demo_stack(folder, model) as stack,
        open_redis(stack.redis_url) as redis,
        open_orchestrator(settings, stack.redis_url) as orchestrator,
    ):
        showing = asyncio.create_task(_show(redis, shown))
        results: list[Result] = []
        try:
            for number, text in enumerate(texts, start=1):
                task = Task(task_id=f"task-{number}", text=text, needs=CAPABILITIES)
                results.append(await orchestrator.run(task))
                async with asyncio.timeout(UNTIL_SHOWN):
                    await shown.told(task.task_id, "ended")
        finally:
            await ended([showing], 0)
    return verdict(shown, *results)


def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted in the end, as far as no program that is ending still writes to it."""
    return tempfile.TemporaryDirectory(prefix="devenviro-", ignore_cleanup_errors=True)


async def _show(redis: Redis, shown: Shown) -> None:
    async for event in follow(redis):
        shown.show(event)


if __name__ == "__main__":
    typer.run(main)
