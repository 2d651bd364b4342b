"""A folder of documents that is searched where there is no web."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from devenviro.tools_as.problems import NotFound
from devenviro.tools_as.search_filters import site_of, wanted
from devenviro.tools_as.search_records import Page, SearchRequest
from devenviro.tools_as.sqlite import connect, queries

ENGINE = "documents"
KINDS = frozenset({".md", ".txt"})
ADDRESS = "documents"
"""Where they are read, below the address of tools.as."""

_HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"\A\s*#\s+(.+)\n")
_ASKED = re.compile(r'"([^"]*)"|(\w+)')

_SILENT = """
    a about an and are as at be by can could do does for from had has have how i if in is it its me my of on or our
    should so that the their them there these this to was we were what when where which who why will with would you
    your
"""
SILENT = frozenset(_SILENT.split())
"""Words that say nothing of what is looked for."""


class Documents:
    """An index of the documents that a folder has when this is made; begins with no web, and needs none."""

    def __init__(self, folder: Path) -> None:
        """Read and index all documents. Raises `FileNotFoundError` when there is no such folder."""
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder {folder}. Give one with documents in Markdown.")
        self._folder = folder.resolve()
        self._queries = queries("pages")
        self._lock = Lock()
        self._index = connect(":memory:", across_threads=True)
        self._index.execute(self._queries["create_pages"])
        self._index.executemany(self._queries["add_page"], _documents_of(self._folder))

    async def pages(self, request: SearchRequest, address: str) -> list[Page]:
        """The documents that say a word of the query, best first by BM25; all of it in quotes is one word."""
        found = await asyncio.to_thread(self._found, request.query)
        language = (request.language or "").partition("-")[0]
        pages = (_page(row, address) for row in found if not language or row["language"] == language)
        return list(wanted(pages, request, datetime.now(UTC)))[: request.limit]

    def text(self, path: str) -> str:
        """A document as it is. Raises `NotFound`."""
        file = (self._folder / path).resolve()
        if not (file.is_relative_to(self._folder) and file.suffix in KINDS and file.is_file()):
            raise NotFound(f"There is no document {path!r}. Search for what there is.")
        return file.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Let go of the index."""
        with self._lock:
            self._index.close()

    def _found(self, query: str) -> list[sqlite3.Row]:
        asked = match_of(query)
        if not asked:
            return []
        with self._lock:
            return self._index.execute(self._queries["search"], {"query": asked}).fetchall()


def match_of(query: str) -> str:
    """What FTS5 is asked for a query: any of its phrases and words, but for those that say nothing."""
    parts = [" ".join(re.findall(r"\w+", phrase)) or word for phrase, word in _ASKED.findall(query)]
    telling = [part for part in parts if part and part.casefold() not in SILENT]
    return " OR ".join(f'"{part}"' for part in dict.fromkeys(telling or filter(None, parts)))


def _documents_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Every document of a folder and those below it, in the order of their paths."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in KINDS and file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            yield {"path": file.relative_to(folder).as_posix(), **_read(text, file.stem)}


def _read(text: str, name: str) -> dict[str, Any]:
    """The title and the text of a document, and what lines of `name: value` before them say of it."""
    header = _HEADER.match(text)
    said = dict(_pair(line) for line in header[1].splitlines() if ":" in line) if header else {}
    body = text[header.end() :] if header else text
    title = _TITLE.match(body)
    return {
        "title": title[1].strip() if title else name.replace("-", " ").replace("_", " "),
        "body": (body[title.end() :] if title else body).strip(),
        "language": said.get("language", "en"),
        "published": _moment(said.get("published", "")),
    }


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _moment(text: str) -> str | None:
    """When a document was published, in UTC where it does not say; nothing for what is no date."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _page(row: sqlite3.Row, address: str) -> Page:
    url = f"{address.rstrip('/')}/{ADDRESS}/{quote(row['path'])}"
    return Page.model_validate(
        {
            "title": row["title"],
            "url": url,
            "snippet": " ".join(row["snippet"].split()),
            "engine": ENGINE,
            "site": site_of(url),
            "language": row["language"],
            "published": row["published"],
        }
    )
