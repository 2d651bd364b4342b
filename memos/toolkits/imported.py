"""What an import makes of the tools of others, and what it leaves out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from pydantic import ValidationError

from memos.errors import Fault, InvalidCommand
from memos.events.problems import faults_of, summary_of
from memos.events.tools import RegisterTool
from memos.toolkits.repairs import repaired

RESPONSE = "response_schema"
SCHEMAS = ("request_schema", RESPONSE)


class Imported(NamedTuple):
    """Tools that can be registered, each checked.

    `faults` name what could not be made a tool, `notes` what was left out of one. `ids` are those of all that there
    is, also of what is not imported; all of them begin with `prefix` and `__`, and none has that after it.
    """

    prefix: str
    tools: Sequence[RegisterTool]
    faults: Sequence[Fault]
    notes: Sequence[Fault]
    ids: frozenset[str]


class Collected:
    """Collects tools, checking each."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._tools: list[RegisterTool] = []
        self._faults: list[Fault] = []
        self._notes: list[Fault] = []

    def add(self, where: str, fields: Mapping[str, Any]) -> None:
        """Add the tool that the fields of `RegisterTool` make, without what is faulty in its schemas."""
        schemas = {name: repaired(fields[name]) for name in SCHEMAS if name in fields}
        try:
            tool = RegisterTool(**{**fields, **{name: one.schema for name, one in schemas.items()}})
        except ValidationError as error:
            faults = faults_of(error)
            if all(fault.field.startswith(RESPONSE) for fault in faults):
                self._note_response(where, summary_of(faults, most=1))
                self.add(where, {name: value for name, value in fields.items() if name != RESPONSE})
            else:
                self._faults.append(Fault(where, f"makes no tool: {summary_of(faults, most=3)}"))
            return
        self._tools.append(tool)
        for name, one in schemas.items():
            for fault in one.left_out:
                what = ".".join(map(str, (name, *fault.path)))
                self._notes.append(Fault(where, f"imported without {what}: {fault.message}"))

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Keep the faults of what cannot be made a tool, each once, and go on."""
        try:
            yield
        except InvalidCommand as error:
            self._faults.extend(fault for fault in error.faults if fault not in self._faults)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note that a response schema cannot be taken, and go on without it."""
        try:
            yield
        except InvalidCommand as error:
            for fault in error.faults:
                self._note_response(fault.field, fault.message)

    def _note_response(self, where: str, reason: str) -> None:
        self._notes.append(Fault(where, f"imported without its response schema: {reason}"))

    def imported(self, ids: frozenset[str]) -> Imported:
        """All that was collected."""
        return Imported(self._prefix, self._tools, self._faults, self._notes, ids)
