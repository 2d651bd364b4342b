"""A conversation as the model reads it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devenviro.model_server.arguments import literal
from devenviro.model_server.lessons import Lesson, lessons_in
from devenviro.model_server.results import Call
from devenviro.model_server.wire import ChatRequest, Message

_LOOKING_BACK = re.compile(r"\b(?:look back|lessons?|learn(?:ed|t)?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Conversation:
    """What is to be done, what there is to know of it, what was called for it so far, and what was `said` at last.

    `question` is the message that asks what was learned, if that is what is asked.
    """

    task: str
    lessons: Sequence[Lesson]
    calls: Sequence[Call]
    said: str
    question: str | None

    @classmethod
    def of(cls, request: ChatRequest) -> "Conversation":
        """The conversation of a request: its task is the last thing that the user wants."""
        messages = request.messages
        asked = [place for place, message in enumerate(messages) if message.role == "user"]
        question = _question(request, [messages[place] for place in asked])
        if question is not None and len(asked) > 1:
            messages, asked = messages[: asked[-1]], asked[:-1]
        begun = asked[-1] if asked else 0
        told = (one for one in messages if one.role in {"system", "developer", "user"})
        return cls(
            task=messages[begun].text if asked else "",
            lessons=[lesson for message in told for lesson in lessons_in(message.text)],
            calls=_calls(messages[begun:]),
            said=next((one.text for one in reversed(messages[begun:]) if one.role == "assistant"), ""),
            question=question,
        )


def _question(request: ChatRequest, asked: Sequence[Message]) -> str | None:
    """The question of what was learned: a last message after others, or a schema of that name."""
    schema = request.response_format.json_schema
    if len(asked) > 1 and _LOOKING_BACK.search(asked[-1].text):
        return asked[-1].text
    return "" if schema and schema.name in {"lesson", "lessons"} else None


def _calls(messages: Sequence[Message]) -> list[Call]:
    """The calls that have been answered, in order."""
    answers = {one.tool_call_id: one.text for one in messages if one.role == "tool"}
    made = [call for message in messages for call in message.tool_calls or ()]
    return [
        Call(call.function.name, _object(call.function.arguments), answers[call.id])
        for call in made
        if call.id in answers
    ]


def _object(arguments: str) -> Mapping[str, Any]:
    given = literal(arguments)
    return given if isinstance(given, dict) else {}
