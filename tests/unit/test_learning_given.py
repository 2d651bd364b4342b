"""What agents may give to `client.learning.record`, and what becomes of it."""

from typing import Any
from uuid import UUID

import pytest

from memos.client.learning import Learnings
from memos.client.sending import R
from memos.errors import InvalidCommand
from memos.events.commands import Command
from memos.events.learning import Lesson, MemoryUse, ToolUse

ONE, OTHER = UUID(int=1), UUID(int=2)


class Outbox:
    """Keeps what is handed over."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def send(
        self, command: Command, reply: type[R], command_id: str | None = None, *, timeout: float | None = None
    ) -> R:
        raise NotImplementedError

    async def post(self, command: Command, command_id: str | None = None) -> str:
        self.commands.append(command)
        return command_id or ""


async def told(**given: Any) -> Any:
    """The command that is made of what is given."""
    outbox = Outbox()
    await Learnings(outbox).record_later("t", outcome="success", **given)
    [command] = outbox.commands
    return command


@pytest.mark.parametrize(
    "given",
    ["known", ["known"], ("known",), [{"content": "known"}], [Lesson(content="known")]],
    ids=["text", "list", "tuple", "mapping", "lesson"],
)
async def test_a_lesson_is_given_as_a_text_or_with_what_it_says_beside(given: Any) -> None:
    assert (await told(lessons=given)).lessons == [Lesson(content="known")]


@pytest.mark.parametrize(
    ("given", "helped"),
    [
        ([ONE, str(OTHER)], [None, None]),
        ([{"memory_id": ONE, "helped": True}, MemoryUse(memory_id=OTHER, helped=False)], [True, False]),
        ({ONE: True, str(OTHER): None}, [True, None]),
    ],
    ids=["ids", "uses", "by id"],
)
async def test_memories_are_given_by_ids_or_with_whether_they_helped(given: Any, helped: list[bool | None]) -> None:
    uses = (await told(memories=given)).memories

    assert [(use.memory_id, use.helped) for use in uses] == list(zip((ONE, OTHER), helped, strict=True))


@pytest.mark.parametrize(
    ("given", "helped"),
    [
        ("a", [None]),
        (["a", "b"], [None, None]),
        ([{"tool_id": "a", "helped": False, "error": "e"}, ToolUse(tool_id="b", reported=True)], [False, None]),
        ({"a": False, "b": True}, [False, True]),
    ],
    ids=["id", "ids", "uses", "by id"],
)
async def test_tools_are_given_by_ids_or_with_whether_they_helped(given: Any, helped: list[bool | None]) -> None:
    uses = (await told(tools=given)).tools

    assert [(use.tool_id, use.helped) for use in uses] == list(zip("ab", helped, strict=False))


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"memories": ["no id"]}, ["memories.0.memory_id"]),
        ({"memories": {ONE: "perhaps"}}, ["memories.0.helped"]),
        ({"tools": {"a": None, "": True}}, ["tools.1.tool_id"]),
        ({"lessons": ["good", " "]}, ["lessons.1.content"]),
        ({"seconds": -1, "cost": float("nan")}, ["cost", "seconds"]),
        ({"tenant": "other"}, ["tenant"]),
    ],
    ids=["memory", "helped", "tool", "lesson", "numbers", "tenant"],
)
async def test_what_does_not_fit_is_refused_by_its_field_before_it_is_sent(given: Any, fields: list[str]) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await told(**given)

    assert sorted(fault.field for fault in refused.value.faults) == fields
