"""What the model says when it is at the end of a task."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devenviro.model_server.conversation import Conversation
from devenviro.model_server.policy import Finish
from devenviro.model_server.results import Call

COULD_NOT = "I could not do this."
MOST_SHOWN = 3
LONGEST_SHOWN = 400
TITLES = ("title", "name", "summary", "todo_id", "id")
TEXTS = ("snippet", "content", "description", "text", "notes")
DETAILS = ("status", "due", "url")


def answer_of(conversation: Conversation, finish: Finish) -> str:
    """What the user is told at the end."""
    if finish.done:
        return "\n".join(_told(call) for call in _own(finish.results))
    if not conversation.calls:
        return f"{COULD_NOT} No tool fits it: {conversation.task.strip()}"
    failed = next((call for call in reversed(conversation.calls) if not call.ok), conversation.calls[-1])
    return f"{COULD_NOT} {failed.tool}: {failed.why or 'nothing was found that fits.'}"


def _own(results: Sequence[Call]) -> list[Call]:
    """The results that are not of what the last one is of."""
    *titles, last = [{_title(item) for item in call.items} for call in results]
    earlier = [call for call, told in zip(results[:-1], titles, strict=True) if not told & last]
    return [*earlier, results[-1]]


def _told(call: Call) -> str:
    """What a call came to."""
    if call.empty:
        return f"There is nothing, says {call.tool}."
    shown = "\n".join(f"- {line}" for line in _lines(call))
    return f"Done, by {call.tool}:\n{shown}" if shown else f"Done, by {call.tool}: {call.text[:LONGEST_SHOWN]}"


def _title(item: Mapping[str, Any]) -> str:
    return next((str(item[name]) for name in TITLES if item.get(name)), "")


def _lines(call: Call) -> Iterator[str]:
    for item in call.items[:MOST_SHOWN]:
        text = next((str(item[name])[:LONGEST_SHOWN] for name in TEXTS if item.get(name)), "")
        details = ", ".join(f"{name}: {item[name]}" for name in DETAILS if item.get(name))
        said = ": ".join(filter(None, (_title(item), text)))
        yield f"{said} ({details})" if details else said or json.dumps(dict(item))[:LONGEST_SHOWN]
