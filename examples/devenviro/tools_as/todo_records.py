"""What is to be done, as it is told and kept."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

Status = Literal["open", "done"]
Priority = Literal["low", "normal", "high", "urgent"]

Title = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Notes = Annotated[str, StringConstraints(max_length=10_000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Owner = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    Field(description="Whose to-do list is meant; everyone has one of their own, and one is shared."),
]
SHARED = "shared"


def _utc(moment: datetime) -> str:
    """A moment as a text of fixed length, so that texts are in the order of moments."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _different(labels: list[str]) -> list[str]:
    return list(dict.fromkeys(labels))


Moment = Annotated[AwareDatetime, PlainSerializer(_utc)]
Labels = Annotated[
    list[Label],
    AfterValidator(_different),
    Field(max_length=20, description="Words to find it by.", examples=[["home", "errands"]]),
]


class Told(BaseModel):
    """What is told of a task; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class NewTodo(Told):
    """A task for the list."""

    title: Title = Field(
        description="What is to be done, in a few words.", examples=["Call the plumber about the kitchen sink"]
    )
    notes: Notes = Field(default="", description="Whatever else there is to know of it.")
    priority: Priority = Field(default="normal", description="How much it matters that the task is done.")
    due: Moment | None = Field(
        default=None,
        description="When it has to be done, with its time zone; null for no particular time.",
        examples=["2026-03-02T09:00:00+01:00"],
    )
    labels: Labels = []
    owner: Owner = SHARED


class TodoChanges(Told):
    """What is to be different of a task; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    title: Title | None = Field(default=None, description="What is to be done, in a few words.")
    notes: Notes | None = Field(default=None, description="Whatever else there is to know of it.")
    status: Status | None = Field(default=None, description="Whether it is still to be done; `open` reopens it.")
    priority: Priority | None = Field(default=None, description="How much it matters that the task is done.")
    due: Moment | None = Field(default=None, description="When it has to be done; null for no particular time.")
    labels: Labels | None = Field(default=None, description="Words to find it by, in place of those it has.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one field must be given")
        return self

    @property
    def changed(self) -> dict[str, Any]:
        """The fields that are given; null is a value of `due` alone, and of others as good as nothing."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if name == "due" or value is not None}


class TodoFilter(Told):
    """Which tasks are meant, and how many of them are shown."""

    status: Literal["open", "done", "all"] = Field(
        default="open", description="Whether open tasks are meant, done ones, or all."
    )
    priority: list[Priority] = Field(default=[], description="Only tasks of these priorities.")
    label: list[Label] = Field(default=[], max_length=20, description="Only tasks that have all of these labels.")
    due_after: Moment | None = Field(default=None, description="Only tasks that are due at this moment or later.")
    due_before: Moment | None = Field(default=None, description="Only tasks that are due before this moment.")
    contains: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None, description="Only tasks with this text in their title or notes."
    )
    owner: Owner = SHARED
    limit: int = Field(default=50, ge=1, le=200, description="How many tasks to show.")
    cursor: str | None = Field(default=None, description="Where to go on: `next` of the page before.")


class Todo(BaseModel):
    """A task as it is on the list."""

    todo_id: UUID
    title: str
    notes: str
    status: Status
    priority: Priority
    due: Moment | None
    labels: list[str]
    owner: str
    created_at: Moment
    updated_at: Moment
    completed_at: Moment | None


class Todos(BaseModel):
    """A page of tasks."""

    count: int = Field(ge=0, description="How many tasks are on this page.")
    results: list[Todo]
    next: str | None = Field(description="The `cursor` of the next page, if there is one.")


class DeletedTodo(BaseModel):
    """That a task is no longer on the list."""

    todo_id: UUID
    deleted: Literal[True] = True
