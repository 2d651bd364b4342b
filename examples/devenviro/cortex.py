"""A Cortex takes the tasks of an agent, does each with a model and tools, and learns of it."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

import httpx
import typer
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from devenviro.calls import Calls
from devenviro.journal import Journal, Superseded
from devenviro.lessons import Learner
from devenviro.mailbox import Letter, Mailbox, send
from devenviro.messages import AgentCard, Delegation, Result, tasks_of
from devenviro.model import Model, open_model
from devenviro.roster import Roster
from devenviro.running import run_until_stopped
from devenviro.texts import legible
from devenviro.trace import Trace
from devenviro.work import Done, Ending, Job, Kit, Work, kit_for
from memos.cli.output import address, reported
from memos.client import Client, connect
from memos.client.redis import open_redis
from memos.errors import MemosError

log = logging.getLogger(__name__)

SOURCE = "devenviro.cortex"
"""The sender of every Cortex: a learning's id is the same whoever records it."""

LONGEST_REASON = 1000
PAUSE = 0.5
"""Seconds to wait after the bus did not answer."""


@dataclass(frozen=True)
class CortexSettings:
    """What a Cortex is told: `lease` is after how many seconds without a sign of life it counts as gone.

    memOS is given `memos_seconds` for an answer; a task for which it was away is tried `most_deliveries` times.
    """

    agent: str
    instance: str
    capabilities: Sequence[str]
    loadout: str
    lease: float = 6.0
    memos_seconds: float = 30.0
    tool_seconds: float = 20.0
    most_steps: int = 12
    most_deliveries: int = 5


class Cortex:
    """One process of an agent."""

    def __init__(
        self, settings: CortexSettings, redis: Redis, client: Client, model: Model, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._redis = redis
        self._client = client
        self._model = model
        self._trace = Trace(redis, settings.agent)
        calls = Calls(client, http, self._trace, settings.tool_seconds)
        self._work = Work(model, calls, self._trace, settings.most_steps)
        self._learner = Learner(client, model, self._trace)
        self._mailbox = Mailbox(redis, tasks_of(settings.agent), settings.instance, settings.lease)

    async def run(self) -> None:
        """Take tasks and do them, one after the other, until cancelled; a bus that is away is waited for."""
        told = self._settings
        card = AgentCard(name=told.agent, instance=told.instance, capabilities=tuple(told.capabilities))
        await self._mailbox.open()
        async with Roster(self._redis, told.lease).present(card):
            log.info("%s waits for tasks, as %s", told.agent, told.instance)
            while True:
                try:
                    if letter := await self._mailbox.next():
                        async with self._mailbox.keeping(letter):
                            await self._serve(letter)
                except (RedisError, OSError) as error:
                    log.warning("The bus does not answer: %s", error)
                    await asyncio.sleep(PAUSE)

    async def _serve(self, letter: Letter) -> None:
        """Do a task and send its result; only then it is finished."""
        try:
            given = Delegation.model_validate_json(letter.message)
        except ValidationError as error:
            log.warning("Entry %s is no task: %s", letter.entry, error)
            await self._mailbox.bury(letter, "no task")
            return
        try:
            result = await self._result(given, letter)
        except Superseded as error:
            await self._trace.tell("superseded", given.task.task_id, reason=str(error))
        else:
            if result is None:
                return
            await send(self._redis, given.reply_to, result.model_dump_json())
            took = {"model_calls": result.model_calls, "tool_calls": result.tool_calls, "seconds": result.seconds}
            await self._trace.tell("result", given.task.task_id, state=result.state, **took)
        await self._mailbox.finish(letter)

    async def _result(self, given: Delegation, letter: Letter) -> Result | None:
        """The result, whatever goes wrong; none if the task has to be tried again later. Raises `Superseded`."""
        begun, done = time.time(), Done()
        try:
            return await self._done(given, done)
        except MemosError as error:
            if error.transient and letter.deliveries < self._settings.most_deliveries:
                await self._trace.tell("put_off", given.task.task_id, reason=error.detail)
                return None
            reason = error.detail
        except (Superseded, RedisError, OSError):
            raise
        except Exception as error:
            log.exception("Task %s failed in a way that was not foreseen", given.task.task_id)
            reason = f"It failed in a way that was not foreseen: {type(error).__name__}: {error}"
        return await self._broken_off(given, done, legible(reason)[:LONGEST_REASON], time.time() - begun)

    async def _broken_off(self, given: Delegation, done: Done, reason: str, seconds: float) -> Result:
        """The result of what could not be gone on with: what ended before has its own, and is not learned of."""
        if done.ending is not None:
            await self._trace.tell("not_learned", given.task.task_id, reason=reason)
        ending, note = (done.ending, reason) if done.ending else (Ending(state="failure", reason=reason), None)
        spent = {"model_calls": len(done.answers), "tool_calls": len(done.called), "tokens": done.tokens}
        return _result(given, ending, note=note, **spent, seconds=round(seconds, 3))

    async def _done(self, given: Delegation, done: Done) -> Result:
        """The task's result, from what was done before on. Raises `Superseded` and what memOS raises."""
        told, task_id = self._settings, given.task.task_id
        journal = await Journal.taken(self._client, given.work_id, attempt=given.attempt, instance=told.instance)
        if "result" in journal:
            kept = Result.model_validate(journal["result"])
            return kept.model_copy(update={"attempt": given.attempt, "agent": given.agent})
        if journal.steps:
            await self._trace.tell("continued", task_id, steps=journal.steps)
        job = await self._job(given, journal, done)
        done.ending = await self._work.ended(job)
        learned = await self._learner.learned(job, done.ending)
        result = _result(
            given,
            learned.ending,
            lessons=list(learned.lessons),
            model_calls=learned.model_calls,
            tool_calls=len(job.done.called),
            tokens=learned.tokens,
            seconds=round(time.time() - job.kit.begun, 3),
        )

        async def made() -> object:
            return result.model_dump(mode="json")

        await journal.once("result", made)
        return result

    async def _job(self, given: Delegation, journal: Journal, done: Done) -> Job:
        async def equip() -> object:
            kit = await kit_for(self._client, self._model, self._settings.loadout, given)
            told = {"loadout": self._settings.loadout, "tools": len(kit.tools)}
            await self._trace.tell("began", given.task.task_id, **told)
            return kit.model_dump(mode="json")

        kit = Kit.model_validate(await journal.once("kit", equip))
        done.messages += kit.messages
        return Job(given, journal, kit, done)


def _result(given: Delegation, ending: Ending, **fields: object) -> Result:
    of_task = {"task_id": given.task.task_id, "attempt": given.attempt, "agent": given.agent}
    return Result.model_validate({**of_task, **ending.model_dump(exclude={"asked"}), **fields})


@asynccontextmanager
async def open_cortex(settings: CortexSettings, redis_url: str, model: Model) -> AsyncIterator[Cortex]:
    """A Cortex on the bus at an address. Raises what `connect` does."""
    async with (
        open_redis(redis_url) as redis,
        connect(redis_url, source=SOURCE, timeout=settings.memos_seconds) as client,
        httpx.AsyncClient(timeout=None) as http,  # noqa: S113 - each call as a whole has a deadline
    ):
        yield Cortex(settings, redis, client, model, http)


def main(
    agent: Annotated[str, typer.Option(help="The agent that it is.")] = "cortex-1",
    *,
    loadout: Annotated[str, typer.Option(help="What equips it; see memos loadout list.")] = "cortex",
    capability: Annotated[list[str] | None, typer.Option(help="What it can; repeat for several.")] = None,
    redis_url: Annotated[
        str | None, typer.Option(envvar="MEMOS_REDIS_URL", help="The bus; by default that of memos up.")
    ] = None,
    model_url: Annotated[
        str, typer.Option(envvar="OPENAI_BASE_URL", help="An OpenAI-compatible server, up to its version.")
    ] = "http://127.0.0.1:1234/v1",
    model_key: Annotated[str | None, typer.Option(envvar="OPENAI_API_KEY", help="Its API key.")] = None,
    model: Annotated[
        str | None, typer.Option(envvar="OPENAI_MODEL", help="The model; by default the loadout says it.")
    ] = None,
    model_seconds: Annotated[float, typer.Option(min=0.1, help="How long an answer of it may take.")] = 120.0,
    tool_seconds: Annotated[float, typer.Option(min=0.1, help="How long a call of a tool may take.")] = 20.0,
    steps: Annotated[int, typer.Option(min=1, help="Most answers of the model for a task.")] = 12,
    lease: Annotated[float, typer.Option(min=0.3, help="Seconds without a sign until it counts as gone.")] = 6.0,
) -> None:
    """Take the tasks of an agent and do them, until Ctrl-C.

    Example: python -m devenviro.cortex --agent cortex-1 --capability web_search --capability todo_list
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    instance = f"{agent}@{socket.gethostname()}:{os.getpid()}:{token_hex(3)}"
    settings = CortexSettings(
        agent, instance, capability or [], loadout, lease=lease, tool_seconds=tool_seconds, most_steps=steps
    )

    async def run() -> None:
        async with (
            open_model(model_url, model_key, model, model_seconds) as chosen,
            open_cortex(settings, address(redis_url), chosen) as cortex,
        ):
            await cortex.run()

    with reported(as_json=False):
        run_until_stopped(run())


if __name__ == "__main__":
    typer.run(main)
