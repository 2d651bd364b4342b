"""The To-Do List over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from devenviro.tools_as.problems import Conflict, NotFound, NotValid, responses
from devenviro.tools_as.todo_records import DeletedTodo, NewTodo, Todo, TodoChanges, TodoFilter, Todos
from devenviro.tools_as.todos import TodoList

CAPABILITY = "todo_list"
CREATED = 201

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, include_in_schema=False)]
"""It is no argument of the tool: who sends a call, perhaps twice, knows it, and not who decides on the call."""

TodoId = Annotated[UUID, Path(description="The id of the task, as adding or listing it gives it.")]


def for_tasks(*tasks: str) -> dict[str, Any]:
    """What an operation says beside OpenAPI: what it requires of an agent, and tasks that it is for."""
    return {"x-required-capabilities": [CAPABILITY], "x-memos-examples": list(tasks)}


def todo_routes(todos: TodoList) -> APIRouter:
    """The operations on a list."""
    routes = APIRouter(prefix="/todos", tags=["todo-list"])
    add_collection(routes, todos)
    add_items(routes, todos)
    add_endings(routes, todos)
    return routes


def add_collection(routes: APIRouter, todos: TodoList) -> None:
    """Add what is about the list."""

    @routes.post(
        "",
        operation_id="todo_add",
        summary="To-Do List: add a task",
        status_code=CREATED,
        responses=responses(Conflict, NotValid),
        openapi_extra=for_tasks(
            "Remind me to call the plumber tomorrow at nine",
            "Add milk and bread to my shopping list",
            "Put 'renew the passport' on my to-do list with high priority",
            "I have to send the report to Mira by Friday",
        ),
    )
    def add(new: NewTodo, response: Response, key: Key = None) -> Todo:
        """Put a task on the to-do list, with notes, a priority, a due date and labels if need be.

        For reminders, errands, follow-ups and anything else that has to be done later.
        """
        added = todos.add(new, key)
        if added.before:
            response.headers["Idempotent-Replayed"] = "true"
        return added.todo

    @routes.get(
        "",
        operation_id="todo_list",
        summary="To-Do List: show tasks",
        responses=responses(NotValid),
        openapi_extra=for_tasks(
            "What do I have to do today?",
            "Show my overdue tasks",
            "Which urgent tasks are still open?",
            "List everything labelled errands",
            "What did I get done last week?",
        ),
    )
    def show(wanted: Annotated[TodoFilter, Query()]) -> Todos:
        """Show the tasks on the to-do list that meet all conditions, with their ids, those that are due first.

        Without conditions all open tasks are shown.
        """
        return todos.page(wanted)


def add_items(routes: APIRouter, todos: TodoList) -> None:
    """Add what is about one task that goes on."""

    @routes.get(
        "/{todo_id}",
        operation_id="todo_get",
        summary="To-Do List: look at a task",
        responses=responses(NotFound, NotValid),
        openapi_extra=for_tasks("When is the tax return due?", "Show me the notes of that task"),
    )
    def get(todo_id: TodoId) -> Todo:
        """Show one task of the to-do list with its notes, priority, due date and labels."""
        return todos.get(todo_id)

    @routes.patch(
        "/{todo_id}",
        operation_id="todo_update",
        summary="To-Do List: change a task",
        responses=responses(NotFound, NotValid),
        openapi_extra=for_tasks(
            "Postpone the dentist appointment to Monday",
            "Make the report urgent",
            "Label the plumber task with home",
            "I am not done with the tax return after all",
        ),
    )
    def update(todo_id: TodoId, changes: TodoChanges) -> Todo:
        """Change a task of the to-do list: reword or reschedule it, give it other notes or labels, or reopen it.

        What is not given stays as it is; null removes a due date.
        """
        return todos.change(todo_id, changes)


def add_endings(routes: APIRouter, todos: TodoList) -> None:
    """Add what ends a task."""

    @routes.delete(
        "/{todo_id}",
        operation_id="todo_delete",
        summary="To-Do List: delete a task",
        responses=responses(NotFound, NotValid),
        openapi_extra=for_tasks("Forget about the gym membership", "Remove that duplicate task from my list"),
    )
    def delete(todo_id: TodoId) -> DeletedTodo:
        """Take a task off the to-do list for good, whether it is done or not.

        To keep it among what was done, complete it instead.
        """
        return todos.delete(todo_id)

    @routes.post(
        "/{todo_id}/complete",
        operation_id="todo_complete",
        summary="To-Do List: complete a task",
        responses=responses(NotFound, NotValid),
        openapi_extra=for_tasks(
            "I have called the plumber, tick it off",
            "Mark the grocery shopping as done",
            "The report is sent",
        ),
    )
    def complete(todo_id: TodoId) -> Todo:
        """Mark a task of the to-do list as done. One that is done already stays as it is."""
        return todos.complete(todo_id)
