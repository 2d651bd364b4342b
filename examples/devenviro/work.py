"""The work on one task: a model is asked, tools are called, and every step is kept before the next one."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devenviro.calls import Called, Calls
from devenviro.journal import Journal
from devenviro.messages import Delegation, State
from devenviro.model import Model, ModelAnswer
from devenviro.model_answers import ModelFailed
from devenviro.trace import Trace
from memos.client import Client
from memos.records import Record

MOST_CALLS = 8
"""Calls of tools in one answer of a model that are made."""

OF_LOADOUT = "## Chosen by your loadout"
"""The heading of the memories of a loadout. They have numbers of their own, and are there for every task."""

NOT_MADE = Called(tool_id=None, ok=False, content=f"Not called: only {MOST_CALLS} calls are made at once.")


class Kit(Record):
    """What an agent sets out with: the beginning of the conversation, tools, and how the model is asked.

    `tools` are specs, `tool_ids` the ids of the tools by the names that the model calls; `begun` is in seconds
    since the epoch.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    tool_ids: dict[str, str]
    request: dict[str, Any]
    begun: float


class Ending(Record):
    """How the work came to its end; `asked` says whether the model can be asked what it learned."""

    state: State
    answer: str = ""
    reason: str | None = None
    asked: bool = True


@dataclass
class Done:
    """What was done so far: the conversation, the model's answers, the calls, and how it ended, if it did."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    answers: list[ModelAnswer] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    ending: Ending | None = None

    @property
    def tokens(self) -> int:
        """Tokens that the model took."""
        return sum(answer.tokens for answer in self.answers)


@dataclass(frozen=True)
class Job:
    """A task that is worked on: what was given, what the agent has for it, and what it did."""

    given: Delegation
    journal: Journal
    kit: Kit
    done: Done

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.given.task.task_id

    @property
    def work_id(self) -> str:
        """What the work on it is called, among that for all orchestrators."""
        return self.given.work_id


class Work:
    """Does tasks with a model and tools, in at most `most_steps` answers of the model each."""

    def __init__(self, model: Model, calls: Calls, trace: Trace, most_steps: int) -> None:
        self._model = model
        self._calls = calls
        self._trace = trace
        self._most_steps = most_steps

    async def ended(self, job: Job) -> Ending:
        """Work until the task ends, in one way or another. Raises `Superseded`, and what memOS raises."""
        left = job.given.deadline_at - time.time()
        try:
            async with asyncio.timeout(max(0.0, left)) as limit:
                return await self._worked(job)
        except TimeoutError:
            if not limit.expired():
                raise
            return Ending(state="timed_out", reason="There was no time left.", asked=False)
        except ModelFailed as failure:
            return Ending(state="failure", reason=str(failure), asked=False)

    async def _worked(self, job: Job) -> Ending:
        for step in range(1, self._most_steps + 1):
            answer = await self._step(f"step/{step:03}", job)
            if not answer.calls:
                return _said(answer)
        state: State = "partial" if any(one.ok for one in job.done.called) else "failure"
        return Ending(state=state, reason=f"It was not done in {self._most_steps} steps.")

    async def _step(self, step: str, job: Job) -> ModelAnswer:
        """Have the model say what to do, and do it. What is kept was done before, and is not done again."""

        async def ask() -> Mapping[str, Any]:
            answered = await self._model.answer(job.done.messages, job.kit.request, job.kit.tools)
            said = answered.text or f"call {' and '.join(call['function']['name'] for call in answered.calls)}"
            await self._trace.tell("model", job.task_id, seconds=answered.seconds, said=said)
            return answered.model_dump(mode="json")

        answer = ModelAnswer.model_validate(await job.journal.once(step, ask))
        job.done.answers.append(answer)
        job.done.messages.append(answer.message)
        for number, call in enumerate(answer.calls):
            called = await self._call(f"{step}/{number}", call, job) if number < MOST_CALLS else NOT_MADE
            job.done.called.append(called)
            job.done.messages.append({"role": "tool", "tool_call_id": call["id"], "content": called.content})
        return answer

    async def _call(self, place: str, call: Mapping[str, Any], job: Job) -> Called:
        async def make() -> Mapping[str, Any]:
            called = await self._calls.make(
                call, job.kit.tool_ids, key=f"{job.work_id}/{place}", task_id=job.task_id, agent_id=job.given.agent
            )
            return called.model_dump(mode="json")

        return Called.model_validate(await job.journal.once(place, make))


async def kit_for(client: Client, model: Model, loadout: str, given: Delegation) -> Kit:
    """What a loadout and the briefing give an agent for a task. Raises what `loadouts.equip` does."""
    equipment = await client.loadouts.equip(loadout, task=given.task.text, agent_id=given.agent, format="openai")
    own = {tool.tool_id: (tool.call_name, tool.spec) for tool in equipment.tools}
    offered = {tool.tool_id: (tool.call_name, tool.spec) for tool in given.briefing.tools} | own
    chosen = equipment.context and f"{OF_LOADOUT}\n{equipment.context}"
    parts = (equipment.system_prompt, chosen, given.briefing.block)
    system = "\n\n".join(part for part in parts if part)
    return Kit(
        messages=[{"role": "system", "content": system}, {"role": "user", "content": given.task.text}],
        tools=[spec for _, spec in offered.values()],
        tool_ids={name: tool_id for tool_id, (name, _) in offered.items()},
        request=model.request(equipment.model),
        begun=time.time(),
    )


def _said(answer: ModelAnswer) -> Ending:
    if not answer.text.strip():
        return Ending(state="failure", reason="The model neither said anything nor called a tool.", asked=False)
    return Ending(state="success", answer=answer.text)
