"""A server with OpenAI's route for chat completions, which answers after a while and counts how often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic_core import from_json, to_json

SLOW = "slow"
"""The model that takes its time."""


class Upstream:
    """Answers every request with the words of its last message."""

    def __init__(self, seconds: float) -> None:
        self.calls = 0
        self.url = ""
        self._seconds = seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection, one after the other, until it is closed."""
        try:
            while True:
                writer.write(await self._answer(await _body(reader)))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, body: bytes) -> bytes:
        self.calls += 1
        request = from_json(body)
        if request["model"] == SLOW:
            await asyncio.sleep(self._seconds)
        payload = to_json(_completion(request["model"], request["messages"][-1]["content"]))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
        return head.encode() + payload


@asynccontextmanager
async def running_upstream(seconds: float) -> AsyncIterator[Upstream]:
    """The server, on a free port, until the context is left; `SLOW` takes so many seconds."""
    upstream = Upstream(seconds)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=2048)
    async with server:
        upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield upstream


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    return await reader.readexactly(int(length))


def _completion(model: str, question: str) -> dict[str, object]:
    message = {"role": "assistant", "content": f"You asked: {question}. " + "This is what is known of it. " * 12}
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1767225600,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 90, "total_tokens": 210},
    }
