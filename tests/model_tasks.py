"""Tasks that the deterministic model of the examples does, with tools that are given as functions."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI

LESSONS = "## Lessons of earlier tasks"
LOOK_BACK = (
    "The task is over. What did you learn? Answer with one JSON object: "
    '{"outcome": "success", "lessons": ["..."], "helped": [1], "misled": []}'
)

Function = Callable[..., Any]


def spec(name: str, description: str, *required: str, **properties: Any) -> dict[str, Any]:
    """A tool as it is offered; arguments are texts unless told otherwise."""
    parameters = {
        "type": "object",
        "properties": {**{one: {"type": "string"} for one in required}, **properties},
        "required": [*required],
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def system(*lessons: str) -> str:
    """A prompt with lessons as memOS renders them."""
    if not lessons:
        return "You are an agent."
    entries = [f"{number}. {lesson}" for number, lesson in enumerate(lessons, 1)]
    return "\n".join(["You are an agent.", "", LESSONS, *entries, "", "## Memories", "9. use nothing"])


def prompt(task: str, *lessons: str) -> list[Any]:
    """The beginning of a conversation."""
    return [{"role": "system", "content": system(*lessons)}, {"role": "user", "content": task}]


@dataclass
class Solved:
    """What came of a task: the calls in order, what was said in the end, and the conversation."""

    messages: list[Any]
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    answer: str = ""

    @property
    def names(self) -> list[str]:
        """The tools that were called."""
        return [name for name, _ in self.calls]


async def solve(
    openai: AsyncOpenAI, specs: Sequence[Any], functions: Mapping[str, Function], task: str, *lessons: str
) -> Solved:
    """Have the model do a task; a function that raises `ValueError` answers what that says."""
    solved = Solved(prompt(task, *lessons))
    while True:
        completion = await openai.chat.completions.create(model="any", messages=solved.messages, tools=specs)
        message = completion.choices[0].message
        solved.messages.append(message.model_dump(exclude_none=True))
        if not message.tool_calls:
            solved.answer = message.content or ""
            return solved
        for call in message.tool_calls:
            assert call.type == "function"
            arguments = json.loads(call.function.arguments)
            solved.calls.append((call.function.name, arguments))
            try:
                content = json.dumps(functions[call.function.name](**arguments))
            except ValueError as error:
                content = str(error)
            solved.messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


async def looked_back(openai: AsyncOpenAI, messages: Sequence[Any]) -> Any:
    """What the model says that it learned of a conversation."""
    asked = [*messages, {"role": "user", "content": LOOK_BACK}]
    completion = await openai.chat.completions.create(model="any", messages=asked)
    return json.loads(completion.choices[0].message.content or "")
