"""Tools that were imported are called: what the endpoint is given is what was meant."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Cookie, FastAPI, Form, Header, Query, Request
from http_servers import serving
from pydantic import BaseModel

from memos.client.calling import Purpose, call
from memos.errors import InvalidCommand, ToolFailed
from memos.events.tools import RegisterTool
from memos.toolkits.documents import read_document
from memos.toolkits.openapi import tools_of

NOBODY = Purpose(None, "tester", None)


class Bed(BaseModel):
    plants: list[str]
    id: int = 0
    note: str | None = None


@pytest.fixture(scope="module")
async def tools() -> AsyncIterator[dict[str, RegisterTool]]:
    """The tools of a garden, by the names of their operations."""
    app = FastAPI(title="Garden", generate_unique_id_function=lambda route: route.name)

    @app.post("/beds/{id}/{side}")
    def plant(
        *,
        id: int,  # noqa: A002
        side: str,
        bed: Bed,
        days: Annotated[list[int], Query()],
        x_mood: Annotated[str, Header()],
        who: Annotated[str, Cookie()],
        dry: bool = False,
    ) -> dict[str, Any]:
        return {"id": id, "side": side, "bed": bed, "days": days, "mood": x_mood, "who": who, "dry": dry}

    @app.put("/tags")
    def tag(tags: list[str]) -> list[str]:
        return tags

    @app.post("/notes")
    def note(text: Annotated[str, Form()], stars: Annotated[int, Form()] = 1) -> dict[str, Any]:
        return {"text": text, "stars": stars}

    @app.get(
        "/search",
        openapi_extra={
            "parameters": [
                {"name": "kinds", "in": "query", "explode": False, "schema": {"type": "array"}},
                {"name": "size", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                {"name": "where", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}},
            ]
        },
    )
    def search(request: Request) -> dict[str, str]:
        return dict(request.query_params)

    @app.delete("/beds/{id}")
    def forget(id: int) -> bool:  # noqa: A002
        return "no boolean"  # type: ignore[return-value]

    async with serving(app) as url:
        document = await read_document(f"{url}/openapi.json")
        imported = tools_of(document.content, url=document.url)
        assert (imported.faults, imported.notes) == ([], [])
        yield {tool.tool_id.removeprefix("garden__"): tool for tool in imported.tools}


async def test_arguments_reach_their_places(tools: dict[str, RegisterTool]) -> None:
    outside = {"id_path": 7, "side": "left & right", "days": [1, 5], "x-mood": "sunny", "who": "Ines", "dry": True}
    bed = {"plants": ["rose", "mint"], "id": 3, "note": None}

    answer = await call(tools["plant"], {**outside, **bed}, NOBODY)

    own = {"id": 7, "side": "left & right", "days": [1, 5], "mood": "sunny", "who": "Ines", "dry": True}
    assert answer.content == {**own, "bed": bed}


async def test_a_body_that_is_a_list_and_one_that_is_a_form_are_sent_as_such(
    tools: dict[str, RegisterTool],
) -> None:
    tags = await call(tools["tag"], {"body": ["a", "b"]}, NOBODY)
    note = await call(tools["note"], {"text": "a=b&c ä", "stars": 5}, NOBODY)

    assert tags.content == ["a", "b"]
    assert note.content == {"text": "a=b&c ä", "stars": 5}


async def test_lists_and_objects_are_written_as_the_document_wants_them(tools: dict[str, RegisterTool]) -> None:
    arguments = {"kinds": ["rose", "mint"], "size": {"min": 1, "max": 9}, "where": {"sun": True}}

    answer = await call(tools["search"], arguments, NOBODY)

    assert answer.content == {"kinds": "rose,mint", "size[min]": "1", "size[max]": "9", "where": '{"sun":true}'}


async def test_what_does_not_fit_is_refused_before_it_is_sent(tools: dict[str, RegisterTool]) -> None:
    with pytest.raises(InvalidCommand, match=r"arguments\.days"):
        await call(tools["plant"], {"id_path": 7, "side": "l", "x-mood": "", "who": "", "plants": []}, NOBODY)
    with pytest.raises(InvalidCommand, match="stray"):
        await call(tools["search"], {"stray": 1}, NOBODY)


async def test_an_answer_of_an_error_fails_the_call(tools: dict[str, RegisterTool]) -> None:
    with pytest.raises(ToolFailed):
        await call(tools["forget"], {"id": 1}, NOBODY)
