"""What stands for a task and an agent in the texts of a loadout."""

import re
from typing import Any, TypeVar

from pydantic import ValidationError

from memos.errors import Fault, InvalidCommand
from memos.events.commands import Command
from memos.events.equipment import Assignment
from memos.events.problems import faults_of, summary_of

C = TypeVar("C", bound=Command)

PLACEHOLDER = re.compile(r"\{(task|agent)\}")


def filled(text: str, assignment: Assignment) -> str:
    """A text with the task and the agent in their places; what they say themselves is not looked into."""
    values = {"task": assignment.task, "agent": assignment.agent_id}
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def filled_in(value: Any, assignment: Assignment) -> Any:
    """A JSON value with the task and the agent in their places in all of its texts, but not in its names."""
    if isinstance(value, str):
        return filled(value, assignment)
    if isinstance(value, list):
        return [filled_in(item, assignment) for item in value]
    if isinstance(value, dict):
        return {name: filled_in(item, assignment) for name, item in value.items()}
    return value


def asked(kind: type[C], chosen_by: str, /, **fields: Any) -> C:
    """The command by which a choice is looked for. Raises `InvalidCommand` when its query, once filled, is none."""
    try:
        return kind(**fields)
    except ValidationError as error:
        told = summary_of(faults_of(error))
        raise InvalidCommand(
            f"{chosen_by} of the loadout cannot be looked for with this task: {told}. Shorten the task.",
            faults=[Fault("task", f"{chosen_by}: {told}")],
        ) from error
