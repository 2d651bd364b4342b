"""Documents in JSON or YAML: read from files, from standard input, and from the web."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from memos.errors import InvalidCommand, TooLarge, Unavailable
from memos.toolkits import yaml_documents
from memos.toolkits.yaml_documents import LIMITS

MOST_BYTES = 32 * 1024 * 1024
PATIENCE = 30.0


class SourceDocument(NamedTuple):
    """What a document says, what it is called in messages, and the URL it came from, if from one."""

    content: Any
    name: str
    url: str | None = None


async def read_document(where: str, *, timeout: float = PATIENCE) -> SourceDocument:
    """The document of a path or a URL, or on standard input for `-`; `timeout` is in seconds.

    Raises `InvalidCommand` when there is none, or it is neither JSON nor YAML, `TooLarge` above 32 MiB, and
    `Unavailable` when a server does not give it.
    """
    if where.startswith(("http://", "https://")):
        raw, url = await _fetched(where, timeout)
        return SourceDocument(_parsed(raw, where), where, url)
    raw = await asyncio.to_thread(read_bytes, where, MOST_BYTES)
    return SourceDocument(_parsed(raw, where), "standard input" if where == "-" else where)


def read_bytes(where: str, most: int) -> bytes:
    """What is in a file, or on standard input for `-`.

    Raises `InvalidCommand` when it cannot be read, and `TooLarge` when it is larger than `most` bytes.
    """
    try:
        if where == "-":
            raw = sys.stdin.buffer.read(most + 1)
        else:
            with Path(where).open("rb") as file:
                raw = file.read(most + 1)
    except OSError as error:
        raise InvalidCommand(f"{where} cannot be read: {error.strerror}. See that the path is right.") from error
    _check_size(len(raw), where, most)
    return raw


async def _fetched(where: str, timeout: float) -> tuple[bytes, str]:
    """The body of a page, and the URL that answered after redirects, without credentials."""
    import httpx

    try:
        async with (
            asyncio.timeout(timeout),
            httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client,
            client.stream("GET", where) as response,
        ):
            response.raise_for_status()
            raw = bytearray()
            async for part in response.aiter_bytes():
                raw += part
                _check_size(len(raw), where, MOST_BYTES)
            return bytes(raw), str(response.url.copy_with(userinfo=b"", fragment=None))
    except httpx.HTTPStatusError as error:
        raise Unavailable(f"{where} answered {error.response.status_code}. See that the URL is right.") from error
    except TimeoutError as error:
        raise Unavailable(f"{where} did not answer within {timeout:g} s. Try again later.") from error
    except httpx.InvalidURL as error:
        raise InvalidCommand(f"{where} is no URL: {error}.") from error
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"{where} cannot be fetched: {reason}. See that the URL is right.") from error


def _check_size(size: int, where: str, most: int) -> None:
    if size > most:
        raise TooLarge(f"{where} is larger than {most // 1024**2} MiB. Take out of it what you need.")


def _parsed(raw: bytes, where: str) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        return _json(text) if text.lstrip()[:1] in {"{", "["} else yaml_documents.parsed(text)
    except ValueError as error:
        raise InvalidCommand(f"{where} is neither JSON nor YAML that can be read: {error}.") from error
    except RecursionError as error:
        raise InvalidCommand(f"{where} is nested too deeply.") from error


def _json(text: str) -> Any:
    said = json.loads(text)
    _check_nesting(said, LIMITS.depth)
    return said


def _check_nesting(value: Any, left: int) -> None:
    """Refuse what is nested more than `left` deep."""
    if left < 0:
        raise ValueError(f"it is nested more than {LIMITS.depth} deep")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_nesting(part, left - 1)
