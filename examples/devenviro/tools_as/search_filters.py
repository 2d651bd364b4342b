"""What a search asks for beside its words."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit

from devenviro.tools_as.search_records import Page, SearchRequest

DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}


def site_of(url: str) -> str:
    """The host of a URL, in small letters; nothing for what has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def wanted(pages: Iterable[Page], request: SearchRequest, now: datetime) -> Iterator[Page]:
    """Those of the pages that are of the sites and the time that are asked for, each once."""
    seen: set[str] = set()
    first, last = _span(request, now)
    for page in pages:
        if page.url not in seen and _of_sites(page.site, request) and _within(page.published, first, last):
            seen.add(page.url)
            yield page


def _of_sites(site: str, request: SearchRequest) -> bool:
    if any(_is_of(site, other) for other in request.exclude_sites):
        return False
    return not request.sites or any(_is_of(site, other) for other in request.sites)


def _is_of(site: str, other: str) -> bool:
    return site == other or site.endswith(f".{other}")


def _span(request: SearchRequest, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when until before when a page must have been published."""
    begins = [
        *([datetime.combine(request.published_after, time(), UTC)] if request.published_after else []),
        *([now - timedelta(days=DAYS[request.freshness])] if request.freshness in DAYS else []),
    ]
    ends = datetime.combine(request.published_before, time(), UTC) if request.published_before else None
    return max(begins, default=None), ends


def _within(published: datetime | None, first: datetime | None, last: datetime | None) -> bool:
    """Whether a page was published in time; where that matters and is not known, it was not."""
    if first is None and last is None:
        return True
    return published is not None and (first is None or published >= first) and (last is None or published < last)
