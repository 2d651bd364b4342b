"""Reading what a tool answers by HTTP: no more than is wanted, however it is packed, in whatever charset."""

import codecs
import zlib
from collections.abc import AsyncIterator

import httpx

from memos.errors import ToolFailed

MOST_ANSWER_BYTES = 10_000_000
GZIP = 16 + zlib.MAX_WBITS
"""What tells zlib to expect the header and the checksum of gzip."""

NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""What Python decodes as text, slowly or not at all, and no server means."""


async def body_of(tool_id: str, response: httpx.Response) -> bytes:
    """The body of an answer, unpacked as it comes.

    Raises `ToolFailed` for more than 10 MB, packed or not, and for what is packed otherwise than once by gzip.
    """
    raw = bytearray()
    async for part in _unpacked(tool_id, response):
        raw += part
        if len(raw) > MOST_ANSWER_BYTES:
            raise ToolFailed(
                f"{tool_id} answers with more than {MOST_ANSWER_BYTES:,} bytes, which are not read. Ask for less.",
                answered=response.status_code,
            )
    return bytes(raw)


def text_of(raw: bytes, charset: str | None) -> str:
    """A body as text in the charset that it is said to be in, or else in UTF-8; what is wrong in it is replaced."""
    try:
        known = codecs.lookup(charset or "utf-8").name
        text = raw.decode("utf-8" if known in NO_CHARSETS else known, errors="replace")
    except (LookupError, ValueError):
        text = raw.decode(errors="replace")
    return text.removeprefix("\ufeff")


async def _unpacked(tool_id: str, response: httpx.Response) -> AsyncIterator[bytes]:
    said = response.headers.get("content-encoding", "").lower().split(",")
    codings = [coding for coding in map(str.strip, said) if coding not in {"", "identity"}]
    if response.is_stream_consumed:
        # So are answers of transports without a network, which httpx has unpacked.
        yield response.content
    elif not codings:
        async for part in response.aiter_raw():
            yield part
    elif codings in (["gzip"], ["x-gzip"]):
        async for part in _unzipped(tool_id, response):
            yield part
    else:
        packed = f"{tool_id} packs its answer by {', '.join(codings)[:100]}, and was asked for gzip or nothing."
        raise ToolFailed(packed, answered=response.status_code)


async def _unzipped(tool_id: str, response: httpx.Response) -> AsyncIterator[bytes]:
    """What is in a body packed by gzip, a piece at a time, each of no more than is read in all."""
    unpacking, begun = zlib.decompressobj(GZIP), False
    try:
        async for packed in response.aiter_raw():
            rest, begun = packed, True
            while rest and not unpacking.eof:
                yield unpacking.decompress(rest, MOST_ANSWER_BYTES + 1)
                rest = unpacking.unconsumed_tail
            if unpacking.eof:
                return
    except zlib.error as error:
        raise _torn(tool_id, response) from error
    if begun:
        raise _torn(tool_id, response)


def _torn(tool_id: str, response: httpx.Response) -> ToolFailed:
    return ToolFailed(f"{tool_id} answers with gzip that cannot be unpacked.", answered=response.status_code)
