"""The language model that a Cortex asks, by OpenAI's API."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, OpenAIError

from devenviro.model_answers import LONGEST_REASON, ModelFailed, read_answer
from devenviro.texts import legible
from memos.events.loadouts import ModelChoice
from memos.records import Record

RETRIES = 2
NO_KEY = "none"
"""What is sent to servers that want no key, such as LM Studio."""

ANY_MODEL = "local-model"
"""The name that servers with a single model take for it."""


class ModelAnswer(Record):
    """What a model answered: a message as the next request repeats it, and what it took."""

    message: dict[str, Any]
    tokens: int
    seconds: float

    @property
    def text(self) -> str:
        """What it says."""
        return self.message.get("content") or ""

    @property
    def calls(self) -> Sequence[dict[str, Any]]:
        """The calls of tools that it wants, in order."""
        return self.message.get("tool_calls") or []


class Model:
    """A model of an OpenAI-compatible server; every question is given up after `patience` seconds."""

    def __init__(self, client: AsyncOpenAI, name: str | None, patience: float) -> None:
        self._client = client
        self._name = name
        self._patience = patience

    def request(self, choice: ModelChoice | None) -> dict[str, Any]:
        """The fields of requests that a loadout chooses; the name that this model was given goes before."""
        if choice is None:
            return {"model": self._name or ANY_MODEL, "temperature": 0}
        told = {"temperature": choice.temperature, "max_tokens": choice.max_output_tokens, **choice.options}
        given = {name: value for name, value in told.items() if value is not None}
        return {**given, "model": self._name or choice.name}

    async def answer(
        self, messages: Sequence[Any], request: Mapping[str, Any], tools: Sequence[Any] = ()
    ) -> ModelAnswer:
        """The model's next message; `request` are the other fields. Raises `ModelFailed`."""
        begun = time.perf_counter()
        fields: dict[str, Any] = {**request, **({"tools": tools} if tools else {})}
        try:
            async with asyncio.timeout(self._patience):
                asking = self._client.chat.completions.with_raw_response
                response = await asking.create(messages=[*messages], **fields)
        except TimeoutError as error:
            raise ModelFailed(f"The model did not answer within {self._patience:g} s.") from error
        except OpenAIError as error:
            said = legible(" ".join(str(error).split()))[:LONGEST_REASON]
            raise ModelFailed(f"The model could not be asked: {type(error).__name__}: {said}") from error
        message, tokens = read_answer(response.content)
        return ModelAnswer(message=message, tokens=tokens, seconds=time.perf_counter() - begun)


@asynccontextmanager
async def open_model(url: str, key: str | None, name: str | None, patience: float) -> AsyncIterator[Model]:
    """A model at the address of an API up to its version: `http://localhost:1234/v1`."""
    async with AsyncOpenAI(base_url=url, api_key=key or NO_KEY, timeout=patience, max_retries=RETRIES) as client:
        yield Model(client, name, patience)
