"""What the model learned: which tools did the task, and which failed and how, as words and as JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from devenviro.model_server.answers import COULD_NOT
from devenviro.model_server.conversation import Conversation
from devenviro.model_server.lessons import Lesson, mentions_in
from devenviro.model_server.results import Call
from devenviro.model_server.tools import Toolbox
from devenviro.model_server.wire import ResponseFormat
from devenviro.model_server.words import GAP, kind_of

LONGEST_WHY = 200
WORDS_OF_LESSONS = frozenset({"content", "lesson", "text"})

_PARTICULAR = re.compile(
    r"'[^']*'|\"[^\"]*\"|`[^`]*`|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE
)
_NAME = re.compile(r"\b[A-Za-z]\w*_\w+\b(?!=)")
Outcome = Literal["success", "partial", "failure"]


class Learned(NamedTuple):
    """How a task ended, what is to be learned of it, whether that is new, and the numbers of lessons by effect."""

    outcome: Outcome
    lesson: str
    new: bool
    helped: Sequence[int]
    misled: Sequence[int]


def learned_of(conversation: Conversation) -> Learned:
    """What a conversation teaches; what tools were offered need not be known."""
    calls, failed = conversation.calls, {call.tool for call in conversation.calls if not call.ok}
    learned_from = {call.tool for call in calls if not call.ok and not call.passing}
    advised = _advised(conversation)
    done = went_well(conversation)
    helped = [
        lesson for lesson, tools in advised.items() if done and not failed and tools == {one.tool for one in calls}
    ]
    stuck = conversation.said.startswith(COULD_NOT) or not any(call.ok for call in calls)
    return Learned(
        outcome="success" if done else "failure" if stuck else "partial",
        lesson=helped[0].text if helped else lesson_of(conversation.task, calls, done=done),
        new=not helped and bool(learned_from) and not any(call.passing for call in calls),
        helped=[lesson.number for lesson in helped],
        misled=[lesson.number for lesson, tools in advised.items() if tools & learned_from],
    )


def went_well(conversation: Conversation) -> bool:
    """Whether the task was done: the last call went well, and the model did not say otherwise."""
    calls = conversation.calls
    return bool(calls) and calls[-1].ok and not conversation.said.startswith(COULD_NOT)


def _advised(conversation: Conversation) -> dict[Lesson, set[str]]:
    """The tools that lessons for tasks like this one speak for, by the lessons of which some were called."""
    names = [call.tool for call in conversation.calls]
    named = [name for lesson in conversation.lessons for name in _NAME.findall(lesson.text)]
    tools = Toolbox.named_only([*names, *named])
    alike = [lesson for lesson in conversation.lessons if lesson.alike(conversation.task, tools) > 0]
    advised = {lesson: {one.tool.name for one in mentions_in(lesson.text, tools) if one.good} for lesson in alike}
    return {lesson: mentioned for lesson, mentioned in advised.items() if mentioned.intersection(names)}


def lesson_of(task: str, calls: Sequence[Call], *, done: bool) -> str:
    """A lesson in words that the policy understands: what did the task, in order, and what failed and why.

    Of a tool that was out of reach it says nothing: that passes, and a lesson stays.
    """
    used = list(dict.fromkeys(call.tool for call in calls if call.ok)) if done else []
    said = f'For tasks like "{kind_of(task)}"'
    said += f" use {', then '.join(used)}." if used else " no tool that was called did it."
    failures: dict[str, Call] = {}
    for call in calls:
        if not call.ok and not call.passing:
            failures.setdefault(call.tool, call)
    for call in failures.values():
        first = " at first" if call.tool in used else ""
        said += f" {call.tool} failed{first}: {_general(call)}."
    return said


def told(learned: Learned, question: str, form: ResponseFormat) -> str:
    """What was learned, as it is asked for: JSON after a schema, an object of JSON, or words."""
    if form.json_schema is not None:
        return json.dumps(_fitting(form.json_schema.fields, learned), ensure_ascii=False)
    if form.type == "json_object" or "json" in question.casefold():
        return json.dumps(_object(learned), ensure_ascii=False)
    return learned.lesson


def _object(learned: Learned) -> dict[str, Any]:
    return {
        "outcome": learned.outcome,
        "lessons": [learned.lesson] if learned.new else [],
        "helped": list(learned.helped),
        "misled": list(learned.misled),
    }


def _fitting(schema: Mapping[str, Any], learned: Learned) -> dict[str, Any]:
    """The properties of a schema for which there is something to say; the lesson is that also if it is not new."""
    known = {**_object(learned), **dict.fromkeys(WORDS_OF_LESSONS, learned.lesson)}
    names = schema.get("properties", {"lesson": {}})
    found = {name: known[name] for name in names if name in known}
    if "lessons" in found and _of_objects(names["lessons"]):
        found["lessons"] = [_fitting(names["lessons"]["items"], learned) for _ in found["lessons"]]
    return found


def _of_objects(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("items", {}).get("type") == "object")


def _general(call: Call) -> str:
    """Why a call failed, without what is particular to it, and without the name of its tool."""
    why = _PARTICULAR.sub(GAP, call.why).replace(call.tool, "it").rstrip(".")
    return why if len(why) <= LONGEST_WHY else f"{why[:LONGEST_WHY]}…"
