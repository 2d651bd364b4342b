"""The arguments of a call, taken from the words of the task."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from devenviro.model_server.results import Call, value_in
from devenviro.model_server.tools import Tool
from devenviro.model_server.words import quoted

SUBJECTS = frozenset({"contains", "keyword", "keywords", "q", "query", "search", "text", "title"})
"""Arguments that are the thing in quotes also when a tool can be called without them."""

QUESTIONS = frozenset({"q", "query", "question", "search"})
"""Arguments that are a whole phrase."""

REFERENCES = ("id", "key", "uri", "url")
"""How arguments end that are taken from earlier answers, and not from the words of the task."""

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-])")
_POLITE = re.compile(r"\bplease\b", re.IGNORECASE)
_SEARCH = r"search(?:\s+(?:(?:on|in|through)\s+)?(?:the\s+)?(?:web|internet)\b)?(?:\s+for)?"
_LEADING = re.compile(
    rf"^.*?\b(?:remind me to|find out|look up|{_SEARCH}|find|about|named|called|add|note)\b[\s:,]*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r'(?:,\s+and|,?\s+(?:and\s+)?then)\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', re.IGNORECASE)
_IT = re.compile(r"\b(?:it|that|this|them)\b")
_TRAILING = re.compile(r"\s*\b(?:to|on|in|onto) (?:my|the) [\w -]*?list\b.*$", re.IGNORECASE)
_PATTERNS = {"uuid": _UUID, "date-time": _MOMENT, "date": _DATE}


class Filled(NamedTuple):
    """The arguments of a call; `guessed` are those for which the task says nothing that fits."""

    arguments: dict[str, Any]
    guessed: Sequence[str]


def filled(tool: Tool, task: str, calls: Sequence[Call], told: Mapping[str, Any]) -> Filled:
    """What a tool is called with for a task: as `told`, by what earlier calls have answered, or by its words.

    What is not required is left out, unless the task names it.
    """
    arguments: dict[str, Any] = {}
    guessed = []
    for name, schema in tool.properties.items():
        value = told.get(name)
        if value is None:
            value = _named(name, schema, task)
        if value is None and name in tool.required:
            value, sure = _required(name, schema, task, calls)
            guessed += [] if sure else [name]
        if value is None and name in SUBJECTS and schema.get("type") == "string":
            value = next(iter(quoted(task)), None)
        if value is not None:
            arguments[name] = value
    return Filled(arguments, guessed)


def parts_of(task: str) -> list[str]:
    """What is to be done one after the other; `it` in a part is what the part before is about."""
    parts: list[str] = []
    for part in filter(None, map(str.strip, _BETWEEN.split(task))):
        about = phrase_of(parts[-1]).replace('"', "").replace("\\", r"\\") if parts else ""
        parts.append(_IT.sub(f'"{about}"', part, count=1) if about else part)
    return parts or [task]


def phrase_of(task: str) -> str:
    """What comes after words such as `find out`, without the list that it is to be put on; else all of it."""
    wanted = _POLITE.sub("", task).strip(" .,!?")
    return _TRAILING.sub("", _LEADING.sub("", wanted)).strip(" .,!?") or wanted


def question_of(task: str) -> str:
    """The phrase of a task; of one that begins with the only thing in quotes, that thing."""
    phrase = phrase_of(task)
    things = quoted(phrase)
    return things[0] if len(things) == 1 and phrase[1:].startswith(things[0]) else phrase


def subject_of(task: str) -> str:
    """What a task is about: what is in quotes, or else its phrase."""
    return next(iter(quoted(task)), None) or phrase_of(task)


def literal(text: str) -> Any:
    """A value as it is written: JSON, or else a plain word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _named(name: str, schema: Mapping[str, Any], task: str) -> Any:
    """What the task says next to the name of an argument: `high priority`, `limit 5`, `label "home"`."""
    spoken = re.escape(name.replace("_", " ")).replace(r"\ ", r"[ _]")
    for value in schema.get("enum", ()):
        if re.search(
            rf"\b(?:{re.escape(str(value))} {spoken}|{spoken}:? {re.escape(str(value))})\b", task, re.IGNORECASE
        ):
            return value
    kind = schema.get("type")
    if kind in {"integer", "number"} and (number := re.search(rf"\b{spoken}:? (\d+)\b", task, re.IGNORECASE)):
        return int(number[1])
    if kind == "string" and (thing := re.search(rf'\b{spoken}:? "([^"]+)"', task, re.IGNORECASE)):
        return thing[1]
    pattern = _PATTERNS.get(str(schema.get("format")))
    if pattern and (moment := re.search(rf"\b{spoken}\b[^.]*?({pattern.pattern})", task, re.IGNORECASE)):
        return moment[1]
    return None


def _required(name: str, schema: Mapping[str, Any], task: str, calls: Sequence[Call]) -> tuple[Any, bool]:
    """A value for an argument that is needed, and whether there is reason to think that it fits."""
    answered = "format" in schema or schema.get("type") != "string" or name.endswith(REFERENCES)
    if answered and (found := value_in(calls, name, task)) is not None:
        return found, True
    if pattern := _PATTERNS.get(str(schema.get("format"))):
        match = pattern.search(task)
        return (match[0], True) if match else (subject_of(task), False)
    if "enum" in schema:
        return schema["enum"][0], False
    return _of_type(name, schema, task)


def _of_type(name: str, schema: Mapping[str, Any], task: str) -> tuple[Any, bool]:
    kind = schema.get("type")
    if kind in {"integer", "number"}:
        number = _NUMBER.search(task)
        return (literal(number[0]), True) if number else (schema.get("default", schema.get("minimum", 1)), False)
    if kind == "boolean":
        return schema.get("default", True), False
    if kind == "array":
        return quoted(task) or [subject_of(task)], True
    if kind == "object":
        return {}, False
    return (question_of(task) if name in QUESTIONS else subject_of(task)), True
