"""What a model calls tools and their arguments: providers take letters, digits, `_` and `-`, 64 of them at most."""

import hashlib
import re
from collections.abc import Iterable
from typing import TypeVar

from memos.errors import Conflict, NotFound
from memos.records import ToolDefinition

T = TypeVar("T", bound=ToolDefinition)

LONGEST_NAME = 64
DIGITS = 8
MARKED = re.compile(rf".*_[0-9a-f]{{{DIGITS}}}")
CALLABLE = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")
ARGUMENT = re.compile(rf"[A-Za-z0-9_.-]{{1,{LONGEST_NAME}}}")


def call_name(tool_id: str) -> str:
    """The name by which a model of any provider calls a tool.

    It is the id where that will do; else the id with `_` for other characters, cut, and eight hexadecimal digits
    of its SHA-256. An id that looks like a name so made will not do, so that nobody takes the name of another's.
    """
    kept = CALLABLE.fullmatch(tool_id) and not MARKED.fullmatch(tool_id)
    return tool_id if kept else _made(tool_id, r"[^A-Za-z0-9_-]")


def argument_name(argument: str) -> str:
    """The name by which a model of any provider gives an argument, made in the same way; dots may be in it."""
    return argument if ARGUMENT.fullmatch(argument) else _made(argument, r"[^A-Za-z0-9_.-]")


def tool_called(name: str, tools: Iterable[T]) -> T:
    """The one of the tools that a model means by a name.

    Raises `NotFound` with the names there are, and `Conflict` when two tools have it: then none is called.
    """
    named: dict[str, dict[str, T]] = {}
    for tool in tools:
        named.setdefault(call_name(tool.tool_id), {})[tool.tool_id] = tool
    if name not in named:
        there = ", ".join(sorted(named)) or "none"
        raise NotFound(f"None of the tools is called {name!r}. The names that a model may call are: {there}.")
    (first, *others) = named[name].values()
    if others:
        ids = ", ".join(sorted(named[name]))
        raise Conflict(f"The name {name!r} is that of several tools: {ids}. Give the model only one of them.")
    return first


def _made(text: str, others: str) -> str:
    digits = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGITS]
    return f"{re.sub(others, '_', text)[: LONGEST_NAME - DIGITS - 1]}_{digits}"
