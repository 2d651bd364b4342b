"""An orchestrator takes tasks, gives each with its context to an agent, and sees that it ends."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated
from uuid import uuid4

import typer
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from devenviro.delegation import Briefer
from devenviro.mailbox import Mailbox, send, withdraw
from devenviro.messages import AgentCard, Delegation, Result, State, Task, check_name, results_of, tasks_of
from devenviro.results import Results
from devenviro.roster import Roster
from devenviro.running import run_until_stopped
from devenviro.tasks import Handed, OpenTask, Tasks
from devenviro.trace import Trace
from memos.cli.output import AsJson, address, print_json, reported
from memos.client import Client, connect
from memos.client.redis import open_redis
from memos.errors import Conflict, InvalidCommand, MemosError

LOOK = 0.25
"""Seconds between two looks at who is there."""

LONGEST_SHOWN = 100


@dataclass(frozen=True)
class OrchestratorSettings:
    """What an orchestrator is told: `name` is its own, and no other process's at the same time.

    A task is given up `deadline` seconds after it was taken on, or when `most_attempts` agents were gone before
    they had done it. An agent is gone `lease` seconds after its last sign of life. memOS is given `memos_seconds`
    for an answer; what it has for a task may be `context_tokens` long and has to be there in `context_ms`.
    """

    name: str = "orchestrator"
    deadline: float = 300.0
    most_attempts: int = 3
    lease: float = 6.0
    memos_seconds: float = 30.0
    context_tokens: int = 4000
    context_ms: int = 5000


class Orchestrator:
    """Every task that is run ends: as a success, a failure, in part, or timed out."""

    def __init__(self, settings: OrchestratorSettings, redis: Redis, client: Client, results: Results) -> None:
        self._settings = settings
        self._redis = redis
        self._trace = Trace(redis, settings.name)
        self._roster = Roster(redis, settings.lease)
        self._tasks = Tasks(client, settings.name)
        self._results = results
        self._promised: Counter[str] = Counter()
        self._briefer = Briefer(
            client, self._trace, max_tokens=settings.context_tokens, deadline_ms=settings.context_ms
        )

    async def run(self, task: Task) -> Result:
        """Have a task done and return how it ended; one that ended before is not done again.

        One that was taken on before is gone on with. Raises `Conflict` when it is run here at this time, or when
        another task has its id.
        """
        until = time.time() + self._settings.deadline
        with self._results.waiting_for(task.task_id) as result:
            while True:
                try:
                    return await self._run(task, result)
                except Conflict:
                    raise
                except (MemosError, RedisError, OSError) as error:
                    lasts = isinstance(error, MemosError) and not error.transient
                    if lasts or time.time() > until:
                        return _without_agent(task, "failure", f"memOS or its bus failed: {error}")
                await asyncio.sleep(LOOK)

    async def resume(self) -> list[Result]:
        """Go on with all tasks that have not ended."""
        return await asyncio.gather(*(self.run(one.task) for one in await self._tasks.unfinished()))

    async def _run(self, task: Task, result: asyncio.Future[Result]) -> Result:
        known = await self._tasks.find(task.task_id)
        if known and known.task.text != task.text:
            other = known.task.text[:LONGEST_SHOWN]
            raise Conflict(f"Task {task.task_id!r} is another one: {other!r}. Give this one an id of its own.")
        if known and known.ended:
            return known.ended
        opened = known or OpenTask(task=task, deadline_at=time.time() + self._settings.deadline)
        await self._tasks.keep(opened)
        await self._trace.tell("resumed" if known else "accepted", task.task_id, task=opened.task.text)
        ended = await self._in_time(opened, result)
        await self._tasks.keep(opened.model_copy(update={"ended": ended}))
        told = {"state": ended.state, "answer": ended.answer, "reason": ended.reason}
        await self._trace.tell("ended", task.task_id, **told)
        return ended

    async def _in_time(self, opened: OpenTask, result: asyncio.Future[Result]) -> Result:
        """The result of a task, or that there was none in time."""
        left = opened.deadline_at - time.time()
        try:
            async with asyncio.timeout(max(0.0, left)) as limit:
                return await self._carried_out(opened, result)
        except TimeoutError:
            if not limit.expired():
                raise
        known = await self._tasks.find(opened.task.task_id)
        handed = known.handed if known else None
        if handed is None:
            needed = ", ".join(opened.task.needs) or "nothing to do"
            return _without_agent(opened.task, "timed_out", f"There was no agent that has {needed}.")
        await self._take_back(handed)
        return _without_agent(opened.task, "timed_out", f"{handed.agent} had no result in time.", handed)

    async def _carried_out(self, opened: OpenTask, result: asyncio.Future[Result]) -> Result:
        """Give a task to agents, one after the other, until one has a result."""
        if kept := await self._tasks.result(opened.task.task_id):
            return kept
        handed = opened.handed or await self._handed(opened, 1, ())
        gone: list[str] = []
        while not await self._done_by(handed, opened.task, result):
            gone.append(handed.agent)
            await self._take_back(handed)
            if handed.attempt >= self._settings.most_attempts:
                why = f"Its agents were gone before they had done it: {', '.join(gone)}."
                return _without_agent(opened.task, "failure", why, handed)
            handed = await self._handed(opened, handed.attempt + 1, gone)
        return result.result()

    async def _handed(self, opened: OpenTask, attempt: int, gone: Collection[str]) -> Handed:
        """Give a task to an agent, once there is one that can do it, and remember so."""
        agent = await self._chosen(opened.task, gone)
        self._promised[agent.name] += 1
        try:
            handed = await self._delegate_task_to_agent(
                opened.task, agent, attempt=attempt, deadline_at=opened.deadline_at
            )
        finally:
            self._promised[agent.name] -= 1
        await self._tasks.keep(opened.model_copy(update={"handed": handed}))
        return handed

    async def _chosen(self, task: Task, gone: Collection[str]) -> AgentCard:
        while True:
            if agent := await self._roster.choose(task.needs, gone, self._promised):
                return agent
            await asyncio.sleep(LOOK)

    async def _delegate_task_to_agent(
        self, task: Task, agent: AgentCard, *, attempt: int, deadline_at: float
    ) -> Handed:
        """Put a task into an agent's stream, together with the context and the tools that memOS has for it."""
        briefing = await self._briefer.briefing(task, agent)
        delegation = Delegation(
            task=task,
            agent=agent.name,
            attempt=attempt,
            orchestrator=self._settings.name,
            reply_to=results_of(self._settings.name),
            deadline_at=deadline_at,
            briefing=briefing,
        )
        entry = await send(self._redis, tasks_of(agent.name), delegation.model_dump_json())
        lessons = [str(one) for one in briefing.lessons]
        await self._trace.tell("delegated", task.task_id, agent=agent.name, attempt=attempt, lessons=lessons)
        return Handed(agent=agent.name, attempt=attempt, entry=entry)

    async def _done_by(self, handed: Handed, task: Task, result: asyncio.Future[Result]) -> bool:
        """Wait for the result of a task; whether it came before its agent was gone."""
        there = True
        while there:
            there = await self._roster.is_there(handed.agent)
            await asyncio.wait([result], timeout=LOOK)
            if result.done():
                return True
        await self._trace.tell("died", task.task_id, agent=handed.agent)
        return False

    async def _take_back(self, handed: Handed) -> None:
        """Take a task out of the stream of an agent that is not waited for any more."""
        await withdraw(self._redis, tasks_of(handed.agent), handed.entry)


def _without_agent(task: Task, state: State, reason: str, handed: Handed | None = None) -> Result:
    """The result of a task that no agent gave one for."""
    agent, attempt = (handed.agent, handed.attempt) if handed else ("", 0)
    return Result(task_id=task.task_id, attempt=attempt, agent=agent, state=state, reason=reason)


@asynccontextmanager
async def open_orchestrator(settings: OrchestratorSettings, redis_url: str) -> AsyncIterator[Orchestrator]:
    """An orchestrator on the bus at an address, which collects results meanwhile.

    Raises `ConfigurationError` for a name that cannot be one, and what `connect` does.
    """
    check_name(settings.name)
    async with (
        open_redis(redis_url) as redis,
        connect(redis_url, source=f"devenviro.{settings.name}", timeout=settings.memos_seconds) as client,
    ):
        consumer = f"{settings.name}:{token_hex(3)}"
        mailbox = Mailbox(redis, results_of(settings.name), consumer, settings.lease)
        results = Results(mailbox, Tasks(client, settings.name))
        async with results.collected():
            yield Orchestrator(settings, redis, client, results)


def main(
    tasks: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...", help="What is to be done.")] = None,
    *,
    name: Annotated[str, typer.Option(help="Its own name; under it, it knows its tasks again.")] = "orchestrator",
    task_id: Annotated[
        str | None, typer.Option(help="The task's id, if there is one: given again, it is not done again.")
    ] = None,
    need: Annotated[list[str] | None, typer.Option(help="What an agent must be able to do; repeat it.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with tasks that have not ended, too.")] = False,
    deadline: Annotated[float, typer.Option(min=0.1, help="Seconds that each task may take.")] = 300.0,
    attempts: Annotated[int, typer.Option(min=1, help="How many agents may die on a task.")] = 3,
    lease: Annotated[float, typer.Option(min=0.3, help="Seconds until a silent agent counts as gone.")] = 6.0,
    redis_url: Annotated[
        str | None, typer.Option(envvar="MEMOS_REDIS_URL", help="The bus; by default that of memos up.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have tasks done by agents, all at the same time, and print how each ended.

    The exit code is 0 if all were a success.

    Example: python -m devenviro.orchestrator "When does the ferry leave? Put it on my list." --need web_search
    """
    if not as_json:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    settings = OrchestratorSettings(name, deadline, attempts, lease)
    one_id = task_id if len(tasks or ()) == 1 else None

    async def run() -> list[Result]:
        given = [_task(text, one_id, need or ()) for text in tasks or ()]
        async with open_orchestrator(settings, address(redis_url)) as orchestrator:
            resumed = await orchestrator.resume() if resume else []
            return [*resumed, *await asyncio.gather(*map(orchestrator.run, given))]

    with reported(as_json=as_json):
        results = run_until_stopped(run())
    _print(results or [], as_json=as_json)
    raise typer.Exit(0 if results is not None and all(one.state == "success" for one in results) else 1)


def _task(text: str, task_id: str | None, needs: Sequence[str]) -> Task:
    """A task as it was given on the command line. Raises `InvalidCommand`."""
    try:
        return Task(task_id=str(uuid4()) if task_id is None else task_id, text=text, needs=tuple(needs))
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InvalidCommand(f"This is no task: its {wrong['loc'][0]} is wrong. {wrong['msg']}.") from error


def _print(results: Sequence[Result], *, as_json: bool) -> None:
    if as_json:
        print_json(results)
        return
    for one in results:
        print(f"{one.task_id}: {one.state}. {one.answer or one.reason}")


if __name__ == "__main__":
    typer.run(main)
