"""What happens to tasks, told as it happens on a capped stream that anyone may follow."""

import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from devenviro.messages import PREFIX
from memos.records import Record
from memos.waiting import heeding

log = logging.getLogger(__name__)

STREAM = f"{PREFIX}:trace"
FIELD = "event"
MOST_EVENTS = 10_000
BLOCK_MS = 1000


class Event(Record):
    """Something happened to a task: `at` is the time in seconds since the epoch."""

    at: float
    who: str
    what: str
    task_id: str
    details: dict[str, Any] = Field(default={})


class Trace:
    """Tells what somebody does. Nobody's work depends on it: what cannot be told is logged."""

    def __init__(self, redis: Redis, who: str) -> None:
        self._redis: Any = redis
        self._who = who

    async def tell(self, what: str, task_id: str, **details: Any) -> None:
        """Tell of something that happened just now."""
        event = Event(at=time.time(), who=self._who, what=what, task_id=task_id, details=details)
        log.info("%s", line_of(event))
        try:
            raw = event.model_dump_json()
            await heeding(self._redis.xadd(STREAM, {FIELD: raw}, maxlen=MOST_EVENTS, approximate=True))
        except (RedisError, OSError) as error:
            log.warning("An event could not be told: %s", error)


async def follow(redis: Redis, after: str = "0") -> AsyncIterator[Event]:
    """The events after an id of the stream, endlessly."""
    reading: Any = redis
    while True:
        found = await heeding(reading.xread({STREAM: after}, block=BLOCK_MS))
        for _, entries in found or ():
            for entry, fields in entries:
                after = entry.decode()
                yield Event.model_validate_json(fields[FIELD.encode()])


def line_of(event: Event) -> str:
    """An event as a line of text."""
    told = SENTENCES.get(event.what, event.what)
    return f"{event.who}: {told.format_map(_Shown(event.details))}"


SENTENCES = {
    "accepted": "took on: {task}",
    "resumed": "takes up again: {task}",
    "asked": "asked memOS: {lessons} lessons, {memories} memories, {tools} tools; {tokens} tokens, {took_ms} ms",
    "reminded": "reminded of: {lesson}",
    "missing": "memOS could not give {section}: {reason}",
    "delegated": "delegated to {agent}, attempt {attempt}",
    "died": "{agent} is gone; its task is given to another, or to it again",
    "began": "began, equipped by the loadout {loadout} with {tools} tools",
    "continued": "goes on after {steps} steps that were done",
    "model": "the model said in {seconds} s: {said}",
    "tool": "called {tool} {arguments} -> {result}",
    "tool_failed": "called {tool} {arguments} -> failed: {result}",
    "reflected": "the model looked back: {outcome}; lessons: {lessons}; helped: {helped}; misled: {misled}",
    "learned": "learned: {lesson} ({status}, {times} times)",
    "recorded": "recorded the learning {learning_id}: {message}",
    "superseded": "leaves the task to whoever took it over",
    "not_reflected": "the model could not look back: {reason}",
    "not_learned": "the task is over, and could not be learned of: {reason}",
    "put_off": "could not go on, and tries again: {reason}",
    "result": "result: {state}; {model_calls} model calls, {tool_calls} tool calls, {seconds} s",
    "ended": "ended: {state}. {answer}{reason}",
}
"""How each kind of event is told."""

LONGEST = 200


class _Shown(dict[str, Any]):
    """Details as they stand in a sentence: each in one line that is not too long."""

    def __missing__(self, name: str) -> str:
        return "?"

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if value is None:
            return ""
        if isinstance(value, float):
            return round(value, 2)
        text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
