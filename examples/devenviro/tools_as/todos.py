"""The To-Do List in SQLite."""

import json
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from devenviro.tools_as.problems import Conflict, NotFound, NotValid
from devenviro.tools_as.sqlite import connect, queries, writing
from devenviro.tools_as.todo_records import DeletedTodo, NewTodo, Status, Todo, TodoChanges, TodoFilter, Todos

KEYS_LAST = timedelta(days=7)
"""How long an addition is known by its key."""


class Added(NamedTuple):
    """A task as it was put on the list; `before` says that this was done by an earlier request of the same key."""

    todo: Todo
    before: bool


class TodoList:
    """Tasks of all owners; its methods may be called from any thread, and take a moment."""

    def __init__(self, database: Path) -> None:
        """Open the list, or begin one."""
        self._database = database
        self._queries = queries("todos")
        database.parent.mkdir(parents=True, exist_ok=True)
        with closing(connect(database)) as connection:
            connection.execute("pragma journal_mode = wal")
        with writing(database) as connection:
            for name in ("create_todos", "create_todos_by_owner", "create_additions"):
                connection.execute(self._queries[name])

    def add(self, new: NewTodo, key: str | None = None) -> Added:
        """Put a task on the list, once for each key. Raises `Conflict` for a key that another task was added by."""
        request = new.model_dump_json()
        with writing(self._database) as connection:
            known = self._added_before(connection, new.owner, key, request)
            if known is not None:
                return Added(known, before=True)
            fields = {**new.model_dump(), "labels": json.dumps(new.labels)}
            row = self._one(connection, "add", **fields, todo_id=str(uuid4()), now=_now())
            todo = _todo(row)
            if key is not None:
                self._note(connection, key, request, todo)
            return Added(todo, before=False)

    def get(self, todo_id: UUID) -> Todo:
        """A task. Raises `NotFound`."""
        with closing(connect(self._database)) as connection:
            return _todo(self._one(connection, "get", todo_id=str(todo_id)))

    def change(self, todo_id: UUID, changes: TodoChanges) -> Todo:
        """Make a task different. Raises `NotFound`."""
        with writing(self._database) as connection:
            known = self._one(connection, "get", todo_id=str(todo_id))
            changed = changes.changed
            if "labels" in changed:
                changed["labels"] = json.dumps(changed["labels"])
            return _todo(self._one(connection, "update", **{**known, **changed, "now": _now()}))

    def complete(self, todo_id: UUID) -> Todo:
        """Mark a task as done; one that is stays as it is. Raises `NotFound`."""
        done: Status = "done"
        known = self.get(todo_id)
        return known if known.status == done else self.change(todo_id, TodoChanges(status=done))

    def delete(self, todo_id: UUID) -> DeletedTodo:
        """Take a task off the list. Raises `NotFound`."""
        with writing(self._database) as connection:
            self._one(connection, "delete", todo_id=str(todo_id))
        return DeletedTodo(todo_id=todo_id)

    def page(self, wanted: TodoFilter) -> Todos:
        """Tasks that meet all conditions, those that are due first. Raises `NotValid` for a cursor of no page."""
        fields = wanted.model_dump(exclude={"cursor"})
        fields |= {"priority": json.dumps(wanted.priority), "label": json.dumps(wanted.label)}
        after_due, after_sequence = _read_cursor(wanted.cursor)
        with closing(connect(self._database)) as connection:
            rows = connection.execute(
                self._queries["page"], {**fields, "after_due": after_due, "after_sequence": after_sequence}
            ).fetchall()
        shown = rows[: wanted.limit]
        following = _cursor(shown[-1]) if len(rows) > len(shown) else None
        return Todos(count=len(shown), results=[_todo(row) for row in shown], next=following)

    def _one(self, connection: sqlite3.Connection, query: str, **fields: Any) -> Mapping[str, Any]:
        """The row of a statement that is about one task. Raises `NotFound`."""
        rows = connection.execute(self._queries[query], fields).fetchall()
        if not rows:
            raise NotFound(f"There is no task {fields['todo_id']}. List the tasks to see what there is.")
        return dict(rows[0])

    def _added_before(
        self, connection: sqlite3.Connection, owner: str, key: str | None, request: str
    ) -> Todo | None:
        if key is None:
            return None
        connection.execute(self._queries["forget_additions"], {"before": _now(KEYS_LAST)})
        row = connection.execute(self._queries["addition"], {"owner": owner, "key": key}).fetchone()
        if row is None:
            return None
        if row["request"] != request:
            raise Conflict(f"Another task was added by the key {key!r}. Give each task a key of its own.")
        return Todo.model_validate_json(row["answer"])

    def _note(self, connection: sqlite3.Connection, key: str, request: str, todo: Todo) -> None:
        noted = {"owner": todo.owner, "key": key, "request": request}
        said = {"answer": todo.model_dump_json(), "added_at": _now()}
        connection.execute(self._queries["note_addition"], {**noted, **said})


def _todo(row: Mapping[str, Any]) -> Todo:
    return Todo.model_validate({**row, "labels": json.loads(row["labels"])})


def _now(ago: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) - ago).isoformat(timespec="microseconds")


def _cursor(row: sqlite3.Row) -> str:
    return urlsafe_b64encode(f"{row['sequence']} {row['due'] or '~'}".encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[str, int]:
    """After which due date and number a page begins."""
    if cursor is None:
        return "", 0
    try:
        sequence, due = urlsafe_b64decode(cursor).decode().split(" ", 1)
        return due, int(sequence)
    except ValueError as error:
        raise NotValid(f"cursor: {cursor!r} is none. Give the `next` of the page before.") from error
