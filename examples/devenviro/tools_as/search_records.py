"""Searches, and what they find: the same whatever is searched."""

from datetime import date
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Freshness = Literal["any", "day", "week", "month", "year"]
Site = Annotated[str, StringConstraints(min_length=3, max_length=253, to_lower=True)]


class SearchRequest(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, StringConstraints(min_length=1, max_length=400)] = Field(
        description="What to look for: a question in plain words, or keywords; quotes ask for an exact phrase.",
        examples=["who discovered the structure of benzene", '"structured concurrency" python'],
    )
    limit: int = Field(default=10, ge=1, le=50, description="How many results to return.")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] | None = Field(
        default=None, description="Only pages in this language (BCP 47).", examples=["en", "de-CH"]
    )
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None,
        description="The country for which results are ranked (ISO 3166-1 alpha-2).",
        examples=["CH"],
    )
    freshness: Freshness = Field(
        default="any", description="Only pages that were published within the last day, week, month or year."
    )
    published_after: date | None = Field(
        default=None, description="Only pages that were published on this day or later."
    )
    published_before: date | None = Field(
        default=None, description="Only pages that were published before this day."
    )
    safe_search: Literal["strict", "moderate", "off"] = Field(
        default="moderate", description="How strictly offensive pages are left out."
    )
    sites: list[Site] = Field(
        default=[], max_length=20, description="Only pages of these sites, with their subdomains."
    )
    exclude_sites: list[Site] = Field(default=[], max_length=20, description="No pages of these sites.")


class Page(BaseModel):
    """A page that was found; `engine` is what found it."""

    title: str
    url: str
    snippet: str = Field(description="The part of the page that is about the query.")
    engine: str = Field(description="What found it: a search engine, or `documents`.", examples=["documents"])
    site: str = Field(examples=["en.wikipedia.org"])
    language: str | None = Field(examples=["en", "de-CH"])
    published: AwareDatetime | None = Field(description="When the page was published; null if that is not known.")


class SearchResult(Page):
    """A page at its place among those that were found."""

    rank: int = Field(ge=1)


class SearchResults(BaseModel):
    """What was found, best first."""

    query: str = Field(description="What was looked for.")
    count: int = Field(ge=0, description="How many results there are.")
    results: list[SearchResult]
    took_ms: float = Field(ge=0, description="How long the search took, in milliseconds.")


class Search(Protocol):
    """Something that can be searched."""

    async def pages(self, request: SearchRequest, address: str) -> list[Page]:
        """The pages for a request, best first, each once; `address` is where tools.as itself was asked."""
        ...
