import json
import re
import shlex
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from memos.api.app import create_app
from memos.api.examples import curl, example, named_examples
from memos.api.memory import StoreRequest
from memos.api.reference import reference_page, routes_of
from memos.events.memories import IngestBatch, MemoryChanges, QueryMemory, StoreMemories
from memos.settings import Settings

SERVER = "http://memos.test"


class Page(HTMLParser):
    """What a browser would make of a page: its ids, its links, what it would load, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.loads += [tag] if tag in {"script", "link", "img", "iframe"} or "src" in given else []

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings.model_construct(), "unix:///unused").openapi()


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> Page:
    return Page(reference_page(document, SERVER))


def test_every_route_and_every_schema_is_on_the_page_once(document: dict[str, Any], page: Page) -> None:
    routes = [route.anchor for route in routes_of(document)]
    schemas = [f"schema-{name}" for name in document["components"]["schemas"]]
    assert page.ids == routes + schemas
    assert all(route.path in page.text for route in routes_of(document))


def test_every_link_within_the_page_leads_somewhere(page: Page) -> None:
    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inside
    assert inside <= set(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json", "asyncapi"}


def test_the_page_loads_nothing_from_anywhere(document: dict[str, Any], page: Page) -> None:
    assert page.loads == []
    assert not re.search(r"@import|url\(", reference_page(document, SERVER))


def test_what_a_document_says_is_escaped() -> None:
    operation = {"operationId": "x", "description": "<script>alert(1)</script>", "responses": {}}
    hostile = {
        "info": {"title": "T", "version": "1", "description": "`<b>`"},
        "paths": {"/x": {"get": operation}},
    }
    shown = Page(reference_page(hostile, "http://<script>"))
    assert shown.loads == []
    assert "<script>alert(1)</script>" in shown.text


def test_limits_and_defaults_are_told_in_words(page: Page) -> None:
    assert "1 to 1000, default 5" in page.text
    assert "above 0" in page.text
    assert "private | shared" in page.text


@pytest.mark.parametrize("model", [StoreRequest, StoreMemories, IngestBatch, QueryMemory, MemoryChanges])
def test_the_example_of_every_body_is_a_valid_one(document: dict[str, Any], model: Any) -> None:
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    model.model_validate_json(json.dumps(example(schemas[model.__name__], schemas)))


def test_every_example_of_a_query_is_a_valid_one_and_on_the_page(document: dict[str, Any], page: Page) -> None:
    given = named_examples(document["paths"]["/memory/query"]["post"])
    asked = [QueryMemory.model_validate_json(json.dumps(body)).model_fields_set for _, body in given]
    assert set().union(*asked) >= {"filter", "around", "as_of", "max_tokens", "diversity", "preferences", "explain"}
    assert all(summary and summary in page.text for summary, _ in given)
    assert all(json.dumps(body) in page.text for _, body in given)


def test_an_example_survives_the_shell_in_which_it_is_pasted() -> None:
    body = {"content": {"application/json": {"schema": {"examples": [{"content": "it's"}]}}}}
    words = shlex.split(curl(SERVER, "post", "/memory/store", {"requestBody": body}, {}).replace("\\\n", ""))
    assert words[:4] == ["curl", "-X", "POST", f"{SERVER}/memory/store"]
    assert json.loads(words[-1]) == {"content": "it's"}


async def test_docs_answers_with_the_page_for_the_address_it_was_asked_at() -> None:
    app = create_app(Settings.model_construct(), "unix:///unused")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SERVER) as client:
        answer = await client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert f"curl -X POST {SERVER}/memory/store" in Page(answer.text).text
