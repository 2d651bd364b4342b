"""An OpenAI-compatible server that repeats what it is told, or misbehaves as a test wants it to."""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from http_servers import serving
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Body = dict[str, Any]
Answer = Callable[[Body], Any]
"""What is answered to a body: a response, or a coroutine of one."""

HEAD = {"id": "chatcmpl-test", "created": 1_700_000_000, "model": "parrot"}
EVENTS = "text/event-stream"
DONE = b"data: [DONE]\n\n"


def asking(text: str, **more: Any) -> Body:
    """A request for a completion."""
    return {"model": "parrot", "messages": [{"role": "user", "content": text}], **more}


def usage_of(body: Body) -> dict[str, int]:
    """A token for each character."""
    prompt, completion = len(body["messages"][-1]["content"]), len(said(body))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def said(body: Body) -> str:
    """What the server says to a request."""
    return f"You said: {body['messages'][-1]['content']}"


def completion(body: Body, **message: Any) -> Body:
    """A whole answer, with as many choices as were asked for."""
    given = {"role": "assistant", "content": said(body), "refusal": None, **message}
    reason = "tool_calls" if "tool_calls" in message else "stop"
    one = {"message": given, "logprobs": None, "finish_reason": reason}
    choices = [{"index": index, **one} for index in range(body.get("n") or 1)]
    return {**HEAD, "object": "chat.completion", "choices": choices, "usage": usage_of(body)}


def event(document: Any) -> bytes:
    return b"data: %s\n\n" % json.dumps(document, ensure_ascii=False).encode()


def chunk(finish_reason: str | None = None, index: int = 0, **delta: Any) -> bytes:
    """A chunk of a streamed answer, as an event."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return event({**HEAD, "object": "chat.completion.chunk", "choices": [choice]})


def chunks(body: Body) -> list[bytes]:
    """The whole of a streamed answer, word by word, with a chunk of usage where it is asked for."""
    indices = range(body.get("n") or 1)
    made = [chunk(index=index, role="assistant", content="", refusal=None) for index in indices]
    made += [chunk(index=index, content=word) for word in _words(said(body)) for index in indices]
    made += [chunk("stop", index) for index in indices]
    if (body.get("stream_options") or {}).get("include_usage"):
        made.append(event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": usage_of(body)}))
    return [*made, DONE]


def as_json(content: Any, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(content), status, named, "application/json")


def parrot(body: Body) -> Response:
    """What a sound server answers."""
    if body.get("stream"):
        return StreamingResponse(_each(chunks(body)), media_type=EVENTS)
    return as_json(completion(body), x_request_id="req-1", x_ratelimit_remaining_requests="9")


def streams(*pieces: bytes, cut: bool = False, pausing: tuple[int, asyncio.Event] | None = None) -> Answer:
    """A server that streams these bytes, and then ends the stream or breaks the connection.

    With `pausing` it waits for an event before it goes on after so many of them.
    """
    return lambda _: Cut(pieces) if cut else StreamingResponse(_each(pieces, pausing), media_type=EVENTS)


def answers(content: Any, status: int = 200, **headers: str) -> Answer:
    """A server that always answers the same JSON."""
    return lambda _: as_json(content, status, **headers)


def calls_tools(body: Body) -> Response:
    """A server that calls two tools at once."""
    calls: list[dict[str, Any]] = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"city": "Zürich"}'}}
        for name in ("weather", "time")
    ]
    if not body.get("stream"):
        return as_json(completion(body, content=None, tool_calls=calls))
    made = [chunk(role="assistant", content=None)]
    for index, call in enumerate(calls):
        made.append(
            chunk(tool_calls=[{"index": index, **call, "function": {"name": call["id"][5:], "arguments": ""}}])
        )
        made += [
            chunk(tool_calls=[{"index": index, "function": {"arguments": part}}])
            for part in ('{"city": ', '"Zürich"}')
        ]
    return StreamingResponse(_each([*made, chunk("tool_calls"), DONE]), media_type=EVENTS)


class Cut(Response):
    """A stream whose connection is broken before its end."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", EVENTS.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})


class Upstream:
    """A server on a port of its own; notes what it was asked, and answers as `answer` says.

    Every answer waits for `gate`. `gone` counts those who did not wait for it.
    """

    def __init__(self) -> None:
        self.url = ""
        self.gone = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was asked, and be a sound server."""
        self.asked: list[Body] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = parrot
        self.gate = asyncio.Event()
        self.gate.set()

    def asked_for(self, text: str) -> list[Body]:
        """The requests with a message or an input that has a text in it."""
        return [body for body in self.asked if text in json.dumps(body, ensure_ascii=False)]

    async def chat(self, request: Request) -> Response:
        body = await self._noted(request)
        await self._opened(request)
        answer = self.answer(body)
        response: Response = await answer if asyncio.iscoroutine(answer) else answer
        return response

    async def embeddings(self, request: Request) -> Response:
        """Embeddings that say how long each input is, and which letter it begins with."""
        body = await self._noted(request)
        await self._opened(request)
        if self.answer is not parrot:
            return self.answer(body)  # type: ignore[no-any-return]
        given = body["input"]
        inputs = [given] if isinstance(given, str) or isinstance(given[0], int) else given
        data = [
            {"object": "embedding", "index": index, "embedding": _embedding(one, body.get("encoding_format"))}
            for index, one in enumerate(inputs)
        ]
        total = sum(map(len, inputs))
        usage = {"prompt_tokens": total, "total_tokens": total}
        return as_json({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def models(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        one = {"id": "parrot", "object": "model", "created": 1, "owned_by": "tests"}
        return as_json({"object": "list", "data": [one]})

    async def model(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        return as_json({"id": request.path_params["model"], "object": "model", "created": 1, "owned_by": "tests"})

    async def _noted(self, request: Request) -> Body:
        self.bodies.append(await request.body())
        body: Body = json.loads(self.bodies[-1])
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        return body

    async def _opened(self, request: Request) -> None:
        """Wait for the gate, unless the client goes before."""
        opening, going = asyncio.create_task(self.gate.wait()), asyncio.create_task(_gone(request))
        done, left = await asyncio.wait({opening, going}, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if going in done:
            self.gone += 1
            raise ClientDisconnect


@asynccontextmanager
async def upstream_server() -> AsyncIterator[Upstream]:
    """A server that runs meanwhile."""
    server = Upstream()
    routes = [
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/v1/embeddings", server.embeddings, methods=["POST"]),
        Route("/v1/models", server.models),
        Route("/v1/models/{model:path}", server.model),
    ]
    async with serving(Starlette(routes=routes)) as url:
        server.url = f"{url}/v1"
        yield server


async def _each(pieces: Sequence[bytes], pausing: tuple[int, asyncio.Event] | None = None) -> AsyncIterator[bytes]:
    for place, piece in enumerate(pieces):
        if pausing and place == pausing[0]:
            await pausing[1].wait()
        yield piece


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _words(text: str) -> list[str]:
    return [f"{word} " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]


def _embedding(one: str | list[int], encoding: str | None) -> list[float] | str:
    numbers = [float(len(one)), float(ord(one[0]) if isinstance(one, str) else one[0]), 0.5]
    return base64.b64encode(struct.pack("<3f", *numbers)).decode() if encoding == "base64" else numbers
