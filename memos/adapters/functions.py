"""Memory as functions that a model may call: their specs for its provider, and what answers its calls."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from memos.adapters.recollection import Recollection, SessionNotes
from memos.client import Client
from memos.errors import InvalidCommand, MemosError
from memos.events.commands import DEFAULT_AGENT
from memos.events.problems import invalid
from memos.records import SpecFormat, ToolDefinition, Visibility
from memos.specs import spec_of

Function = Callable[..., Awaitable[str]]


@dataclass(frozen=True, slots=True)
class MemoryFunction:
    """A function that a model may call: typed, asynchronous, and answering with text.

    `run` takes its arguments by name; frameworks that read signatures and docstrings take it as it is.
    """

    run: Function

    @property
    def name(self) -> str:
        """What a model calls it."""
        return self.run.__name__

    @property
    def description(self) -> str:
        """What it does, for a model to read."""
        return getdoc(self.run) or self.name

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of an object whose properties are its arguments."""
        return self._typed.json_schema()

    def spec(self, form: SpecFormat = "openai") -> dict[str, Any]:
        """It, in the form of a provider."""
        definition = ToolDefinition(
            tool_id=self.name, name=self.name, description=self.description, request_schema=self.parameters
        )
        return spec_of(definition, form)

    async def __call__(self, arguments: Mapping[str, Any] | str | None = None) -> str:
        """Call it with arguments as an object, or as the JSON that a model gives. Raises `InvalidCommand`."""
        given = _object(arguments or {}, self.name)
        try:
            answering = self._typed.validate_python(given)
        except ValidationError as error:
            raise invalid(f"The call of {self.name}", error) from error
        return await answering

    @property
    def _typed(self) -> TypeAdapter[Awaitable[str]]:
        """It, called with arguments that fit its types: pydantic reads its signature, which mypy does not know."""
        return TypeAdapter[Awaitable[str]](cast("type[Awaitable[str]]", self.run))


class MemoryFunctions:
    """The functions of one agent by their names, in order, and what answers the calls of a model."""

    def __init__(self, functions: Iterable[MemoryFunction]) -> None:
        self._functions = {one.name: one for one in functions}

    def __iter__(self) -> Iterator[MemoryFunction]:
        return iter(self._functions.values())

    def __getitem__(self, name: str) -> MemoryFunction:
        return self._functions[name]

    def specs(self, form: SpecFormat = "openai") -> list[dict[str, Any]]:
        """All of them in the form of a provider, as its `tools`."""
        return [one.spec(form) for one in self]

    async def call(self, name: str, arguments: Mapping[str, Any] | str | None = None) -> str:
        """What a call answers. What goes wrong is answered too: a model reads it, and calls otherwise."""
        if name not in self._functions:
            return f"There is no function {name!r}. Call one of these: {', '.join(self._functions)}."
        try:
            return await self._functions[name](arguments)
        except MemosError as error:
            return f"{name} failed: {error.detail}"


def memory_functions(
    client: Client,
    *,
    agent_id: str = DEFAULT_AGENT,
    session_id: str | None = None,
    visibility: Visibility = "private",
) -> MemoryFunctions:
    """What an agent's model may do with memory; with a session also what it keeps at hand there.

    What it remembers and learns is seen by its agent alone, or `shared` with all agents of the tenant.
    """
    memory = Recollection(client, agent_id, visibility, session_id)
    functions: list[Function] = [
        memory.remember,
        memory.recall,
        memory.context,
        memory.record_learning,
        memory.correct,
        memory.forget,
    ]
    if session_id is not None:
        notes = SessionNotes(client, agent_id, session_id)
        functions += [notes.working_set, notes.working_get]
    return MemoryFunctions(map(MemoryFunction, functions))


def _object(arguments: Mapping[str, Any] | str, name: str) -> Mapping[str, Any]:
    """Arguments as an object; JSON as a model gives it is read."""
    try:
        given = json.loads(arguments) if isinstance(arguments, str) else arguments
    except json.JSONDecodeError as error:
        raise InvalidCommand(f"The arguments of {name} are no JSON: {error}.") from error
    if not isinstance(given, Mapping):
        raise InvalidCommand(f"The arguments of {name} must be a JSON object.")
    return given
