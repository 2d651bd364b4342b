"""What comes of a task when it is over: the model looks back, and memOS learns, once."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from devenviro.calls import uses
from devenviro.messages import Delegation, State
from devenviro.model import Model
from devenviro.model_answers import ModelFailed
from devenviro.reflection import NOTHING, QUESTION, Reflection, read_reflection
from devenviro.trace import Trace
from devenviro.work import Ending, Job
from memos.client import Client
from memos.events.learning import LearningRecorded, LessonLearned


class Learned(NamedTuple):
    """How a task ended as the model sees it, the memories of what was learned, and what all of it took."""

    ending: Ending
    lessons: Sequence[UUID]
    model_calls: int
    tokens: int


class Learner:
    """Asks the model what it learned, and records it under an id that is made of the task's."""

    def __init__(self, client: Client, model: Model, trace: Trace) -> None:
        self._client = client
        self._model = model
        self._trace = trace

    async def learned(self, job: Job, ending: Ending) -> Learned:
        """Look back and record, or record again what was found when this task was looked back on before."""

        async def look_back() -> Mapping[str, Any]:
            reflection = await self._reflection(job) if ending.asked else NOTHING
            return {"learning": _learning(job, ending, reflection), "model_calls": len(job.done.answers)}

        kept = await job.journal.once("learning", look_back)
        told = kept["learning"]
        job.done.ending = judged = _judged(ending, told["outcome"])
        recorded = await self._client.learning.record(**told, command_id=f"learn/{job.work_id}")
        await self._tell(job, told["lessons"], recorded)
        lessons = [one.memory_id for one in recorded.lessons if isinstance(one, LessonLearned)]
        return Learned(judged, lessons, kept["model_calls"], told["tokens"])

    async def _reflection(self, job: Job) -> Reflection:
        """What the model says when it looks back; one that cannot be asked has learned nothing."""
        question = {"role": "user", "content": QUESTION}
        try:
            answer = await self._model.answer([*job.done.messages, question], job.kit.request)
        except ModelFailed as failure:
            await self._trace.tell("not_reflected", job.task_id, reason=str(failure))
            return NOTHING
        job.done.answers.append(answer)
        found = read_reflection(answer.text)
        told = {"lessons": len(found.lessons), "helped": _listed(found.helped), "misled": _listed(found.misled)}
        await self._trace.tell("reflected", job.task_id, outcome=found.outcome or "unknown", **told)
        return found

    async def _tell(self, job: Job, lessons: Sequence[str], recorded: LearningRecorded) -> None:
        for lesson, one in zip(lessons, recorded.lessons, strict=True):
            if isinstance(one, LessonLearned):
                details = {"memory_id": str(one.memory_id), "status": one.status, "times": one.times}
                await self._trace.tell("learned", job.task_id, lesson=lesson, **details)
        learning_id = str(recorded.learning_id)
        await self._trace.tell("recorded", job.task_id, learning_id=learning_id, message=recorded.message)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(f"[{number}]" for number in sorted(numbers)) or "none"


def _judged(ending: Ending, outcome: State) -> Ending:
    """A success that the model itself does not call one is none."""
    if ending.state != "success" or outcome == "success":
        return ending
    return Ending(state=outcome, answer=ending.answer, reason=f"The model judges it a {outcome}.")


def _learning(job: Job, ending: Ending, reflection: Reflection) -> dict[str, Any]:
    """The learning as it is recorded, however often: under one id the same must be said."""
    outcome = "failure" if ending.state == "timed_out" else ending.state
    if outcome == "success" and reflection.outcome is not None:
        outcome = reflection.outcome
    return {
        "task": job.given.task.text,
        "outcome": outcome,
        "agent_id": job.given.agent,
        "task_id": job.task_id,
        "lessons": list(reflection.lessons),
        "memories": _memories_used(job.given, reflection),
        "tools": [use.model_dump(mode="json", exclude_none=True) for use in uses(job.done.called)],
        "tokens": job.done.tokens,
        "seconds": round(time.time() - job.kit.begun, 3),
    }


def _memories_used(given: Delegation, reflection: Reflection) -> list[dict[str, Any]]:
    """What the model said of what it was given, by the numbers that this has in the prompt."""
    lessons, memories = (dict(enumerate(ids, start=1)) for ids in (given.briefing.lessons, given.briefing.memories))
    judged = {
        **{memories[number]: True for number in sorted(reflection.memories & memories.keys())},
        **{lessons[number]: False for number in sorted(reflection.misled & lessons.keys())},
        **{lessons[number]: True for number in sorted(reflection.helped & lessons.keys())},
    }
    return [{"memory_id": str(memory_id), "helped": helped} for memory_id, helped in judged.items()]
