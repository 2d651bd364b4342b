"""The Web Search over HTTP."""

from time import perf_counter

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from devenviro.tools_as.documents import ADDRESS, Documents
from devenviro.tools_as.problems import NotValid, SearchAway, SearchLate, TooMany, responses
from devenviro.tools_as.search_records import Search, SearchRequest, SearchResult, SearchResults


def search_routes(search: Search) -> APIRouter:
    """The operation that searches."""
    routes = APIRouter(tags=["web-search"])

    @routes.post(
        "/search",
        operation_id="web_search",
        summary="Web Search",
        responses=responses(NotValid, TooMany, SearchAway, SearchLate),
        openapi_extra={
            "x-required-capabilities": ["web_search"],
            "x-memos-examples": [
                "Find recent news about fusion energy",
                "What is the weather in Lisbon this weekend?",
                "Look up the documentation of asyncio.TaskGroup",
                "Who won the women's marathon at the last Olympic Games?",
                "Search example.org for its privacy policy",
                "Compare prices of standing desks",
            ],
        },
    )
    async def web_search(asked: SearchRequest, request: Request) -> SearchResults:
        """Search the web for pages that answer a question or are about a topic, the most relevant first.

        Finds current information such as news, prices, weather, documentation, people and places; each result has
        its title, URL, a snippet of text and, if known, when it was published. Can be limited to a language, a time
        range and certain sites.
        """
        begun = perf_counter()
        pages = await search.pages(asked, str(request.base_url))
        results = [SearchResult(rank=rank, **page.model_dump()) for rank, page in enumerate(pages, 1)]
        took = round((perf_counter() - begun) * 1000, 3)
        return SearchResults(query=asked.query, count=len(results), results=results, took_ms=took)

    return routes


def document_routes(documents: Documents) -> APIRouter:
    """Where the documents are read that a search finds."""
    routes = APIRouter()

    @routes.get(f"/{ADDRESS}/{{path:path}}", include_in_schema=False)
    def read(path: str) -> PlainTextResponse:
        """A document in Markdown."""
        return PlainTextResponse(documents.text(path), media_type="text/markdown; charset=utf-8")

    return routes
