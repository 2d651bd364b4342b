"""The web, searched through a SearXNG (https://docs.searxng.org/dev/search_api.html)."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import ValidationError

from devenviro.tools_as.problems import SearchAway, SearchLate, TooMany
from devenviro.tools_as.search_filters import site_of, wanted
from devenviro.tools_as.search_records import Page, SearchRequest

log = logging.getLogger(__name__)

MOST_PAGES = 5
"""How many pages of results are read for one request; each is a search of its own."""

SAFE = {"off": "0", "moderate": "1", "strict": "2"}
RETRY_AFTER_SECONDS = "10"


class SearXNG:
    """Asks the search engines that a SearXNG knows."""

    def __init__(self, url: str, http: httpx.AsyncClient, seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/search"
        self._http = http
        self._seconds = seconds

    async def pages(self, request: SearchRequest, address: str) -> list[Page]:
        """What is found, best first, as many pages as are asked for or there are.

        Raises `SearchLate` when that takes too long, `SearchAway` when SearXNG is out of reach or answers what is
        no search, and `TooMany` when it wants to be left alone.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._pages(request)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise SearchLate(
                f"The search engine did not answer within {self._seconds:g} s. Try again, or ask something simpler."
            ) from error
        except httpx.HTTPError as error:
            raise SearchAway(
                f"The search engine could not be asked: {type(error).__name__} {error}".rstrip(": ")
                + ". See that SEARXNG_URL is its address, and that it runs."
            ) from error

    async def _pages(self, request: SearchRequest) -> list[Page]:
        found: list[Page] = []
        for number in range(1, MOST_PAGES + 1):
            raw = await self._asked(request, number)
            together = list(wanted([*found, *pages_of(raw)], request, datetime.now(UTC)))
            enough = len(together) >= request.limit or len(together) == len(found)
            found = together
            if enough:
                break
        return found[: request.limit]

    async def _asked(self, request: SearchRequest, number: int) -> list[Any]:
        """The results on a page, as they come."""
        response = await self._http.get(self._url, params=parameters(request, number))
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            after = response.headers.get("Retry-After", RETRY_AFTER_SECONDS)
            raise TooMany(f"The search engine wants to be asked less often. Try again after {after} s.", after)
        if response.status_code == httpx.codes.FORBIDDEN:
            raise SearchAway("The search engine refuses. Have its settings name json among search.formats.")
        if not response.is_success:
            raise SearchAway(f"The search engine answered with status {response.status_code}. See its log.")
        return _results(response)


def parameters(request: SearchRequest, number: int) -> dict[str, str]:
    """What SearXNG is asked for a page of results; sites are named in the words that most engines know."""
    words = [request.query]
    if request.sites:
        words.append(" OR ".join(f"site:{site}" for site in request.sites))
    words += [f"-site:{site}" for site in request.exclude_sites]
    asked = {
        "q": " ".join(words),
        "format": "json",
        "pageno": str(number),
        "safesearch": SAFE[request.safe_search],
    }
    if language := _language(request):
        asked["language"] = language
    if request.freshness != "any":
        asked["time_range"] = request.freshness
    return asked


def pages_of(raw: Iterable[Any]) -> Iterator[Page]:
    """The results as pages; what is none is left out, and logged."""
    for one in raw:
        try:
            yield _page(one)
        except (ValidationError, AttributeError) as error:
            log.warning("A result of the search engine is left out: %s", error)


def _language(request: SearchRequest) -> str | None:
    if request.language and request.region and "-" not in request.language:
        return f"{request.language}-{request.region}"
    return request.language or (f"all-{request.region}" if request.region else None)


def _results(response: httpx.Response) -> list[Any]:
    try:
        results = response.json()["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise SearchAway("The search engine answered what is no search. See that SEARXNG_URL is right.") from error
    if not isinstance(results, list):
        raise SearchAway("The search engine answered what is no list of results. See that SEARXNG_URL is right.")
    return results


def _page(one: Mapping[str, Any]) -> Page:
    url = one.get("url")
    return Page.model_validate(
        {
            "title": one.get("title") or url,
            "url": url,
            "snippet": one.get("content") or "",
            "engine": one.get("engine") or "searxng",
            "site": site_of(str(url)),
            "language": None,
            "published": _published(one.get("publishedDate")),
        }
    )


def _published(value: Any) -> datetime | None:
    """When a page was published; SearXNG leaves out the time zone, which is then taken for UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
