"""`client.context`, over the bus and over HTTP: the same gatherings, the same refusals."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from memos.client import Client
from memos.errors import InvalidCommand
from memos.events.context import TaskContext
from memos.events.learning import LessonLearned

pytest_plugins = ["bus_fixtures"]

TASK = "Book a table for six at the Lantern."
TOOL: Mapping[str, Any] = {"name": "Telephone", "description": "calls people", "endpoint_url": "http://tools.test"}


@pytest.fixture
async def name(client: Client) -> str:
    """A name that nobody else uses, of a tool and of a loadout that chooses it."""
    name = f"k{uuid4().hex}"
    await client.tools.register({"tool_id": name, **TOOL})
    loadout = {"name": name, "persona": "You are {agent}.", "tools": [{"id": name}], "model": {"name": "m"}}
    await client.loadouts.save(loadout)
    return name


@pytest.fixture
async def lesson(client: Client, agent: str) -> str:
    """The id of a lesson that the agent has learned, beside a memory, a message and a value of session `s`."""
    told: dict[str, Any] = {"outcome": "success", "agent_id": agent, "visibility": "private"}
    recorded = await client.learning.record(TASK, lessons=["Call after three."], **told)
    await client.store("The Lantern has a quiet room.", agent_id=agent)
    await client.working.say("s", "Something quiet, please.", agent_id=agent)
    await client.working.set("s", "guests", 6, agent_id=agent)
    [learned] = recorded.lessons
    assert isinstance(learned, LessonLearned)
    return str(learned.memory_id)


async def test_all_that_there_is_for_a_task_comes_in_one_reply(
    client: Client, agent: str, lesson: str, name: str
) -> None:
    found = await client.context(
        TASK, agent_id=agent, session_id="s", loadout=name, tools=0, filter={"agent_id": agent}, format="mcp"
    )

    assert [(str(one.memory_id), one.content, one.task, one.times) for one in found.lessons] == [
        (lesson, "Call after three.", TASK, 1)
    ]
    assert [one.content for one in found.memories] == ["The Lantern has a quiet room."]
    assert found.working is not None
    assert [one.content for one in found.working.messages] == ["Something quiet, please."]
    assert [(one.key, one.value) for one in found.working.values] == [("guests", 6)]
    assert [(one.tool_id, one.chosen_by, one.spec["name"]) for one in found.tools] == [(name, "tools.0", name)]
    assert (found.system_prompt, found.model and found.model.name) == (f"You are {agent}.", "m")
    for text in ("Call after three.", "The Lantern has a quiet room.", "Something quiet, please.", "guests = 6"):
        assert text in found.context
    assert (found.missing, found.omitted) == ([], {})
    parts = found.tokens.model_dump(exclude={"total", "budget"})
    assert found.tokens.total == sum(parts.values())


async def test_both_ways_have_the_same_answer(clients: Mapping[str, Client], agent: str) -> None:
    await clients["http"].store("The Lantern has a quiet room.", agent_id=agent)

    answers = [
        await client.context(TASK, agent_id=agent, filter={"agent_id": agent}, tools=0, max_tokens=500)
        for client in clients.values()
    ]

    assert [one.content for one in answers[0].memories] == ["The Lantern has a quiet room."]
    assert _timeless(answers[0]) == _timeless(answers[1])


async def test_what_does_not_fit_is_counted_and_what_there_is_not_is_named(
    client: Client, agent: str, lesson: str
) -> None:
    found = await client.context(
        TASK,
        agent_id=agent,
        loadout=f"none-{uuid4().hex}",
        tools=0,
        filter={"agent_id": agent},
        max_tokens=1,
    )

    assert (found.context, found.lessons, found.memories, found.tokens.total) == ("", [], [], 0)
    assert found.omitted == {"lessons": 1, "memories": 1}
    assert [(one.section, one.reason) for one in found.missing] == [("loadout", "not_found")]


async def test_a_context_changes_nothing(client: Client, agent: str, lesson: str, name: str) -> None:
    before = await client.get(lesson, agent_id=agent)

    await client.context(TASK, agent_id=agent, session_id="other", loadout=name)

    assert await client.get(lesson, agent_id=agent) == before
    assert [one.session_id for one in (await client.working.sessions(agent_id=agent)).results] == ["s"]


async def test_another_agent_gets_nothing_of_what_is_private(client: Client, lesson: str, agent: str) -> None:
    found = await client.context(TASK, agent_id=f"not-{agent}", session_id="s", filter={"agent_id": agent}, tools=0)

    assert (found.lessons, found.memories, found.context) == ([], [], "")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"lessons": 101}, "lessons"),
        ({"memories": -1}, "memories"),
        ({"deadline_ms": 0}, "deadline_ms"),
        ({"format": "gemini"}, "format"),
        ({"filter": {"kind": {"like": "x"}}}, "filter"),
        ({"session_id": "a\nb"}, "session_id"),
        ({"loadout": "A B"}, "loadout"),
        ({"tenant": "other"}, "tenant"),
        ({"lessons": 0, "memories": 0, "tools": 0}, ""),
    ],
    ids=lambda options: str(options)[:40],
)
async def test_what_does_not_fit_is_refused_before_it_is_sent(
    client: Client, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await client.context(TASK, **options)

    assert any(fault.field.startswith(field) for fault in refused.value.faults)


def _timeless(found: TaskContext) -> dict[str, Any]:
    """A context without how long it took, and without scores, which are less the older a memory is."""
    parts = {section: {"__all__": {"score", "usefulness"}} for section in ("lessons", "memories", "tools")}
    return found.model_dump(exclude={"took_ms": True, "section_ms": True, **parts})
