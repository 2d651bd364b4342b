"""The Web Search of tools.as: of the documents that it has, and of the web through a SearXNG."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from starlette.responses import JSONResponse, PlainTextResponse
from tools_as import Upstream, page, problem, searxng, tools_as


@pytest.fixture
async def offline(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with tools_as(tmp_path) as client:
        yield client


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with searxng() as server:
        yield server


@pytest.fixture
async def online(tmp_path: Path, upstream: Upstream) -> AsyncIterator[httpx.AsyncClient]:
    async with tools_as(tmp_path, searxng_url=f"{upstream.url}/", search_seconds=10) as client:
        yield client


async def found(tools: httpx.AsyncClient, query: str, **asked: Any) -> list[dict[str, Any]]:
    response = await tools.post("/search", json={"query": query, **asked})
    assert response.status_code == 200, response.text
    said = response.json()
    results: list[dict[str, Any]] = said["results"]
    assert (said["query"], said["count"]) == (query, len(results))
    assert [one["rank"] for one in results] == [*range(1, len(results) + 1)]
    return results


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do I descale a kettle?", "How to descale a kettle"),
        ("red wine on the carpet", "How to remove a red wine stain"),
        ("documentation of asyncio.TaskGroup", "Structured concurrency in Python: asyncio.TaskGroup"),
        ("my tyre has a puncture", "How to mend a puncture in a bicycle tyre"),
        ("copy a sqlite database that is in use", "How to back up a SQLite database while it is in use"),
    ],
)
async def test_the_best_document_comes_first_and_can_be_read(
    offline: httpx.AsyncClient, question: str, title: str
) -> None:
    best = (await found(offline, question))[0]

    assert (best["title"], best["engine"], best["site"]) == (title, "documents", "127.0.0.1")
    assert best["snippet"]
    read = await offline.get(best["url"])
    assert read.text.startswith(f"# {title}\n")
    assert read.headers["content-type"] == "text/markdown; charset=utf-8"


@pytest.mark.parametrize("query", ["kettle*", "title:kettle", "-kettle", "NEAR(kettle)", 'a "kettle', "kettle AND"])
async def test_no_query_is_taken_for_syntax(offline: httpx.AsyncClient, query: str) -> None:
    assert "How to descale a kettle" in [one["title"] for one in await found(offline, query)]


@pytest.mark.parametrize("query", ['"', '""', "((", "?!", "*", "zymurgy"])
async def test_what_no_document_says_finds_nothing(offline: httpx.AsyncClient, query: str) -> None:
    assert await found(offline, query) == []


async def test_a_phrase_in_quotes_is_found_as_it_stands(offline: httpx.AsyncClient) -> None:
    assert [one["title"] for one in await found(offline, '"potting soil"')] == ["How to repot a houseplant"]
    assert await found(offline, '"soil potting"') == []


async def test_documents_say_their_language_and_when_they_were_published(tmp_path: Path) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    documents = tmp_path / "documents"
    (documents / "old").mkdir(parents=True)
    (documents / "new.md").write_text(f"---\nlanguage: de\npublished: {yesterday}\n---\n# Neu\n\nKatze")
    (documents / "old" / "long ago.txt").write_text("Katze und Hund")
    (documents / "picture.png").write_bytes(b"\x89Katze")
    async with tools_as(tmp_path, documents=documents) as tools:
        every = await found(tools, "Katze")
        assert {one["title"]: one["language"] for one in every} == {"Neu": "de", "long ago": "en"}
        assert [one["title"] for one in await found(tools, "Katze", language="de-CH")] == ["Neu"]
        assert [one["title"] for one in await found(tools, "Katze", freshness="week")] == ["Neu"]
        assert await found(tools, "Katze", published_before=yesterday) == []
        assert await found(tools, "Katze", exclude_sites=["127.0.0.1"]) == []
        assert len(await found(tools, "Katze", limit=1)) == 1
        assert (await tools.get("/documents/old/long%20ago.txt")).text == "Katze und Hund"
        assert problem(await tools.get("/documents/..%2Flists%2Ftodos.sqlite3"))[0] == 404
        assert problem(await tools.get("/documents/picture.png"))[0] == 404


async def test_searxng_is_asked_for_what_is_wanted(online: httpx.AsyncClient, upstream: Upstream) -> None:
    asked = {"language": "de", "region": "CH", "freshness": "month", "safe_search": "strict"}
    upstream.answer = lambda _: upstream.results(page(1, publishedDate=datetime.now(UTC).isoformat()), page(2))

    results = await found(
        online, "trains", sites=["Example.org"], exclude_sites=["ads.example.org"], limit=1, **asked
    )

    assert [(one["title"], one["url"], one["snippet"], one["engine"], one["site"]) for one in results] == [
        ("Page 1", "https://www.example.org/1", "Text 1", "mojeek", "www.example.org")
    ]
    assert upstream.asked[0] == {
        "q": "trains site:example.org -site:ads.example.org",
        "format": "json",
        "pageno": "1",
        "safesearch": "2",
        "language": "de-CH",
        "time_range": "month",
    }


async def test_pages_are_read_until_there_are_enough_or_no_more(
    online: httpx.AsyncClient, upstream: Upstream
) -> None:
    def twenty_in_all(request: Request) -> Response:
        first = 10 * (int(request.query_params["pageno"]) - 1)
        return upstream.results(*(page(number) for number in range(first, min(first + 10, 20))))

    upstream.answer = twenty_in_all
    assert len(await found(online, "trains", limit=12)) == 12
    assert len(upstream.asked) == 2
    assert len({one["url"] for one in await found(online, "trains", limit=50)}) == 20
    assert len(upstream.asked) == 5


async def test_results_of_both_have_the_same_fields(
    offline: httpx.AsyncClient, online: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.answer = lambda _: upstream.results(page(1), {"title": "no address"}, "nothing")

    [from_web], from_folder = await found(online, "kettle"), await found(offline, "kettle")

    assert from_web.keys() == from_folder[0].keys()


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (PlainTextResponse("<html>"), 502, "no search"),
        (JSONResponse({"results": "none"}), 502, "no list"),
        (JSONResponse({}, 403), 502, "search.formats"),
        (JSONResponse({}, 500), 502, "status 500"),
        (JSONResponse({}, 429, {"Retry-After": "7"}), 429, "after 7 s"),
    ],
)
async def test_a_searxng_that_does_not_answer_as_it_should_is_a_problem(
    online: httpx.AsyncClient, upstream: Upstream, answer: Response, status: int, said: str
) -> None:
    upstream.answer = lambda _: answer

    response = await online.post("/search", json={"query": "trains"})

    assert problem(response)[0] == status
    assert said in problem(response)[1]
    assert response.headers.get("Retry-After") == ("7" if status == 429 else None)


async def test_a_searxng_that_hangs_is_late_and_one_that_is_away_is_named(
    tmp_path: Path, upstream: Upstream
) -> None:
    going_on = asyncio.Event()

    async def hang() -> Response:
        await going_on.wait()
        return upstream.results()

    upstream.answer = lambda _: hang()
    async with tools_as(tmp_path, searxng_url=upstream.url, search_seconds=0.1) as tools:
        late = problem(await tools.post("/search", json={"query": "trains"}))
        going_on.set()
    async with tools_as(tmp_path, searxng_url="http://127.0.0.1:1") as tools:
        away = problem(await tools.post("/search", json={"query": "trains"}))

    assert (late[0], away[0]) == (504, 502)
    assert "within 0.1 s" in late[1]
    assert "SEARXNG_URL" in away[1]


async def test_a_folder_of_documents_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        async with tools_as(tmp_path, documents=tmp_path / "nowhere"):
            pass
