"""Tools as handlers register them, on a real ledger."""

from collections.abc import Sequence
from typing import Any

import pytest
from builders import Rooms, count, origin, vector_of
from tool_bodies import definition

from memos.errors import EmbeddingRefused, MemosError, Unavailable
from memos.events.problems import Problem
from memos.events.tools import ListTools, RegisterOutcome, RegisterOutcomes, RegisterTool, RegisterTools
from memos.handlers.tools.registry import list_tools, register_tool, register_tools
from memos.ports import Embedder
from memos.records import Origin, Vector
from memos.stores.tools import PostgresTools

pytest_plugins = ["rooms"]


class Picky:
    """Embeds words, but refuses texts with one of them, or all of them for now; notes how often it is asked."""

    model, dimension = "words", 64

    def __init__(self, *, refuses: str = "", away: bool = False) -> None:
        self._refuses, self._away = refuses, away
        self.calls = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.calls += 1
        if self._away:
            raise Unavailable("The embedder is away.")
        if self._refuses and any(self._refuses in text for text in texts):
            raise EmbeddingRefused("One of the texts cannot be embedded.")
        return [vector_of(text) for text in texts]


def ports(rooms: Rooms, embedder: Embedder | None = None) -> dict[str, Any]:
    """What the handlers that register tools take."""
    return {
        "memories": rooms.memories,
        "tools": PostgresTools(rooms.pool),
        "embedder": embedder or rooms.embedder,
        "answers": rooms.answers,
        "ready": lambda: None,
    }


async def registered(
    rooms: Rooms, *tools: dict[str, Any], origins: Sequence[Origin] | None = None, embedder: Embedder | None = None
) -> list[RegisterOutcome | MemosError]:
    """What becomes of tools that came together."""
    senders = origins or [origin() for _ in tools]
    commands = [RegisterTool(**tool) for tool in tools]
    return await register_tool(commands, origins=senders, **ports(rooms, embedder))


def outcomes(results: Sequence[RegisterOutcome | Problem | MemosError]) -> list[str]:
    """What became of each tool: a status, or the code of an error."""
    return [one.status if isinstance(one, RegisterOutcome) else one.code for one in results]


async def test_what_a_tool_says_it_is_for_and_its_examples_are_embedded_once_for_each_tenant(rooms: Rooms) -> None:
    told = "Weather forecast: Tells the weather in a city for the next days."
    await registered(rooms, definition("a", examples=["rain?"]), definition("b", examples=["sun?"]))
    assert rooms.embedder.asked == [told, "rain?", "sun?"]

    await registered(rooms, definition("a", examples=["rain?", "snow?"]), definition("c"))
    assert rooms.embedder.asked[3:] == ["snow?"]

    await registered(rooms, definition("a"), origins=[origin(tenant="other")])
    assert rooms.embedder.asked[4:] == [told]


async def test_a_repeated_command_is_not_embedded_and_needs_no_embedder(rooms: Rooms) -> None:
    sender = origin()
    first = await registered(rooms, definition("a"), origins=[sender])

    again = await registered(rooms, definition("a"), origins=[sender], embedder=Picky(away=True))
    other = await registered(rooms, definition("a", name="B"), origins=[sender], embedder=Picky(away=True))

    assert again == first
    assert outcomes(other) == ["conflict"]


async def test_while_the_embedder_is_away_nothing_is_registered_and_the_same_command_is_later(rooms: Rooms) -> None:
    sender = origin()
    with pytest.raises(Unavailable):
        await registered(rooms, definition("a"), origins=[sender], embedder=Picky(away=True))
    assert await count(rooms.pool, "registered_tools") == 0

    assert outcomes(await registered(rooms, definition("a"), origins=[sender])) == ["registered"]


@pytest.mark.parametrize(
    "said", [{"description": "A curse."}, {"name": "A curse."}, {"examples": ["rain?", "A curse."]}]
)
async def test_a_tool_with_a_text_that_cannot_be_embedded_is_refused_alone(
    rooms: Rooms, said: dict[str, Any]
) -> None:
    tools = [definition("a"), definition("b", **said), definition("c", examples=["sun?"])]

    results = await registered(rooms, *tools, embedder=Picky(refuses="curse"))

    assert outcomes(results) == ["registered", "embedding-refused", "registered"]
    rows = await rooms.pool.fetch("select tool_id from registered_tools order by 1")
    assert [row["tool_id"] for row in rows] == ["a", "c"]


async def test_tools_that_came_together_are_embedded_together(rooms: Rooms) -> None:
    embedder = Picky()
    await registered(rooms, *(definition(f"t{n}", description=f"number {n}") for n in range(50)), embedder=embedder)
    assert embedder.calls == 1


async def test_commands_of_one_tool_that_came_together_are_done_in_their_order(rooms: Rooms) -> None:
    results = await registered(rooms, definition("a"), definition("a", name="B"), definition("a", name="B"))

    assert [(one.status, one.version) for one in results if isinstance(one, RegisterOutcome)] == [
        ("registered", 1),
        ("updated", 2),
        ("unchanged", 2),
    ]


async def test_the_next_batch_may_begin_once_the_texts_are_embedded(rooms: Rooms) -> None:
    order: list[str] = []

    class Noted(PostgresTools):
        async def register(self, drafts: Sequence[Any]) -> Any:
            order.append("written")
            return await super().register(drafts)

    told = {**ports(rooms), "tools": Noted(rooms.pool), "ready": lambda: order.append("ready")}
    await register_tool([RegisterTool(**definition("a"))], origins=[origin()], **told)

    assert order == ["ready", "written"]


async def test_in_a_batch_one_bad_tool_fails_alone_and_the_batch_is_repeated_without_harm(rooms: Rooms) -> None:
    sender = origin()
    batch = RegisterTools(tools=[RegisterTool(**definition(name, name=name)) for name in ("a", "curse", "c")])
    told = ports(rooms, Picky(refuses="curse"))

    [first] = await register_tools([batch], origins=[sender], **told)
    [again] = await register_tools([batch], origins=[sender], **told)

    assert isinstance(first, RegisterOutcomes)
    assert outcomes(first.results) == ["registered", "embedding-refused", "registered"]
    assert first == again
    assert isinstance(first.results[1], Problem)
    assert first.results[1].command_id == f"{sender.command_id}/1"


async def test_a_batch_whose_id_was_used_for_another_is_a_conflict_and_leaves_its_neighbours(rooms: Rooms) -> None:
    sender = origin()
    one = RegisterTools(tools=[RegisterTool(**definition("a"))])
    more = RegisterTools(tools=[RegisterTool(**definition(name)) for name in ("a", "b")])

    first, second, third = await register_tools(
        [one, more, more], origins=[sender, sender, origin()], **ports(rooms)
    )

    assert isinstance(first, RegisterOutcomes)
    assert isinstance(second, MemosError)
    assert second.code == "conflict"
    assert isinstance(third, RegisterOutcomes)
    assert outcomes(third.results) == ["unchanged", "registered"]


async def test_the_last_page_names_no_next_one_even_when_it_is_full(rooms: Rooms) -> None:
    await registered(rooms, *(definition(name) for name in ("c", "a", "d", "b")))
    tools = PostgresTools(rooms.pool)

    pages = [await list_tools(ListTools(after=after, limit=2), origin=origin(), tools=tools) for after in ("", "b")]

    assert [[tool.tool_id for tool in page.results] for page in pages] == [["a", "b"], ["c", "d"]]
    assert [page.next for page in pages] == ["b", None]
