"""Requests to models and their answers, and a tenant's cache of them over the bus."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from memos.client.bus import Bus
from memos.events.answers import LookUpAnswer, ReadCache, ReleaseAnswer, StoreAnswer
from memos.events.commands import Command

SECONDS = 20.0


def request(question: str = "What is the capital of France?", **fields: Any) -> dict[str, Any]:
    """A request for a chat completion."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    return {"model": "small", "messages": messages, **fields}


def answer(text: str | None = "Paris", **fields: Any) -> dict[str, Any]:
    """The answer of a model."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "small-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23},
        **fields,
    }


class Tenant:
    """The commands of a tenant that nobody else knows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"tenant-{uuid4().hex[:8]}"

    async def send(self, command: Command, command_id: str | None = None) -> Any:
        """The reply to a command."""
        return await self._bus.send(command, command_id or str(uuid4()), SECONDS, self.name)

    async def look_up(self, asked: dict[str, Any], command_id: str | None = None, **fields: Any) -> Any:
        """What is found of an answer."""
        return await self.send(LookUpAnswer(request=asked, **fields), command_id)

    async def store(self, asked: dict[str, Any], given: dict[str, Any] | None = None, **fields: Any) -> Any:
        """Keep an answer."""
        return await self.send(StoreAnswer(request=asked, answer=given or answer(), **fields))

    async def release(self, asked: dict[str, Any], **fields: Any) -> Any:
        """Say that there will be no answer."""
        return await self.send(ReleaseAnswer(request=asked, **fields))

    async def status(self, asked: dict[str, Any], **fields: Any) -> str:
        """Whether there is an answer."""
        return str((await self.look_up(asked, **fields))["status"])

    async def statuses(self, *asked: dict[str, Any], **fields: Any) -> Sequence[str]:
        """Whether there is an answer to each."""
        return [await self.status(one, **fields) for one in asked]

    async def entries(self) -> int:
        """How many answers are kept."""
        return int((await self.send(ReadCache()))["entries"])
