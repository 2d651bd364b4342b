"""What FastStream sees of an entry."""

import json

import pytest
from faststream.redis.parser import BinaryMessageFormatV1

from memos.broker.message_format import CloudEventFormat

DOCUMENT = json.dumps({"id": "é", "data": "text"}, ensure_ascii=False)


async def written(kind: type[CloudEventFormat] | type[BinaryMessageFormatV1], message: object) -> bytes:
    return await kind.encode(message=message, reply_to=None, headers={"a": "b"}, correlation_id="7")


async def test_a_document_travels_as_it_is() -> None:
    assert await written(CloudEventFormat, DOCUMENT) == DOCUMENT.encode()


async def test_the_envelope_of_faststreams_own_publish_is_taken_off() -> None:
    assert CloudEventFormat.parse(await written(BinaryMessageFormatV1, DOCUMENT)) == (DOCUMENT.encode(), {})


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", DOCUMENT.encode(), b'{"data": "a top-level text", "headers": {}}', b"\x89BIN\r\n", b"\xff" * 20],
)
def test_everything_else_is_left_as_it_is(data: bytes) -> None:
    assert CloudEventFormat.parse(data) == (data, {})


@pytest.mark.parametrize("length", range(8, 40))
async def test_an_envelope_that_is_cut_off_breaks_nothing(length: int) -> None:
    whole = await written(BinaryMessageFormatV1, DOCUMENT)
    document, headers = CloudEventFormat.parse(whole[:length])
    assert isinstance(document, bytes)
    assert headers == {}
