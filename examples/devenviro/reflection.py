"""What an agent asks its model when a task is over, and how the answer is read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from devenviro.texts import legible
from memos.events.learning import MOST_LESSONS

Said = Literal["success", "partial", "failure"]

LONGEST_LESSON = 2000
LONGEST_ANSWER = 32_000
"""Characters of an answer that are looked at; each `{` in them may have to be tried."""

QUESTION = """\
The task is over. Look back on it, and call no tool. Answer with one JSON object and nothing else:
{"outcome": "success", "lessons": ["..."], "helped": [1], "misled": [], "memories": [2]}
- "outcome": "success", "partial" or "failure", as you judge what you have done.
- "lessons": what would help whoever has a task like this next: which tool to call with which arguments, what
  did not work and why. Each is one or two sentences that are understood without this conversation. Say nothing that
  was remembered already; with nothing new the list is empty.
- "helped", "misled": the numbers of the entries below the heading "Lessons of earlier tasks" that helped, and of
  those that led astray. What made no difference is in neither.
- "memories": the numbers of the entries below the heading "Memories" that helped.
Entries below any other heading are not judged."""


class Reflection(NamedTuple):
    """What a model says of its work: how it ended, what it learned, and the numbers of what made a difference.

    `helped` and `misled` are numbers of lessons, `memories` of memories that helped, each as its section of the
    briefing has them from 1.
    """

    outcome: Said | None
    lessons: Sequence[str]
    helped: frozenset[int]
    misled: frozenset[int]
    memories: frozenset[int]


NOTHING = Reflection(None, (), frozenset(), frozenset(), frozenset())


def read_reflection(text: str) -> Reflection:
    """What of an answer can be used; a model may say anything, and something before and after the object."""
    said = _object_in(text[:LONGEST_ANSWER])
    if said is None:
        return NOTHING
    outcome = next((one for one in get_args(Said) if one == said.get("outcome")), None)
    texts = [legible(one).strip() for one in _several(said.get("lessons")) if isinstance(one, str)]
    lessons = dict.fromkeys(one[:LONGEST_LESSON].strip() for one in texts if one)
    helped = _numbers(said.get("helped"))
    misled = _numbers(said.get("misled")) - helped
    return Reflection(outcome, [*lessons][:MOST_LESSONS], helped, misled, _numbers(said.get("memories")))


def _object_in(text: str) -> Mapping[str, Any] | None:
    """The first JSON object in a text."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            found, _ = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            place = text.find("{", place + 1)
        else:
            return found if isinstance(found, dict) else None
    return None


def _numbers(given: Any) -> frozenset[int]:
    return frozenset(one for one in _several(given) if isinstance(one, int) and not isinstance(one, bool))


def _several(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list) else []
