"""An OpenAI-compatible server with a chat model that answers as a test says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from http_servers import serving

Answer = Callable[[dict[str, Any]], Any]


class ChatServer:
    """A server on a port of its own; keeps what it was asked, and answers as `answer` says.

    An answer is a text that the model says, a response as it is, or a coroutine that ends with one of them.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: Answer = recounted
        self.url = ""

    async def complete(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers["authorization"])
        answer = self.answer(body)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, Response) else completion({"role": "assistant", "content": answer})


def completion(message: object) -> Response:
    """What a server answers when its model says something."""
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return as_json({"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})


def as_json(content: object, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(content), status, headers, media_type="application/json")


def refused(status: int, why: str = "no", **headers: str) -> Response:
    """An error as such servers answer it."""
    return as_json({"error": {"message": why}}, status, **headers)


def asked_of(body: dict[str, Any]) -> str:
    """The text that the model is to work on."""
    text: str = body["messages"][-1]["content"]
    return text


def recounted(body: dict[str, Any]) -> str:
    """A summary that keeps every line of the former one and of the messages, so that nothing can be missing."""
    former, messages = asked_of(body).removeprefix("Summary so far:\n").split("\n\nMessages that come next:\n", 1)
    told = [line for line in messages.splitlines() if line and not line.startswith("[")]
    kept = [] if former == "(none)" else [former]
    return json.dumps({"summary": "; ".join([*kept, *told])})


@asynccontextmanager
async def chat_server() -> AsyncIterator[ChatServer]:
    """A server that runs meanwhile."""
    server, app = ChatServer(), FastAPI()
    app.post("/v1/chat/completions")(server.complete)
    async with serving(app) as url:
        server.url = f"{url}/v1"
        yield server
