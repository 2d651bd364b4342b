"""A language model behind any OpenAI-compatible server: LM Studio, OpenAI, vLLM, Ollama, …"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import openai

from memos.errors import CompletionRefused, Unavailable
from memos.schemas import faults_of_value

FAULTS_OF_A_TEXT = {400, 413, 422}
"""Statuses that speak of what was sent; all others speak of the server, the key or the model."""

LONGEST_REST = 60.0
"""Most seconds for which a server that is busy is left alone, however long it asks for."""

Form = Literal["json_schema", "json_object", "text"]

FORMS: Sequence[Form] = ("json_schema", "json_object", "text")
"""How an object is asked for. The first holds the model to the schema; some servers know only another one."""


class OpenAICompatibleModel:
    """Asks by `POST /chat/completions` for structured output, and checks it; nothing is tried twice here.

    A form of structured output that the server refused, while it took another, is not asked for again.
    """

    def __init__(self, client: openai.AsyncOpenAI, model: str, timeout: float) -> None:
        self._client = client
        self._model = model
        self._timeout = timeout
        self._forms = FORMS

    @property
    def name(self) -> str:
        """The model's name at the server."""
        return self._model

    async def structured(self, instructions: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What the model makes of a text, as an object that the schema allows.

        Raises `CompletionRefused` when the server refuses the text or answers with something else, and
        `Unavailable` when it does not answer in time, is busy or fails.
        """
        refused: openai.APIStatusError | None = None
        for place, form in enumerate(self._forms):
            try:
                answer = await self._ask(_request(form, instructions, text, schema))
            except openai.APIStatusError as error:
                refused = refused or error
                continue
            self._forms = self._forms[place:]
            return self._checked(answer, schema)
        raise CompletionRefused(
            f"The language model's server {self._client.base_url} refused the text: {refused}. Send a shorter one, "
            f"or see that {self._model} takes as much."
        ) from refused

    async def _ask(self, request: Mapping[str, Any]) -> Any:
        """The server's answer. Raises `openai.APIStatusError` only for what it says of the request."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._client.chat.completions.create(model=self._model, **request)
        except openai.APIStatusError as error:
            if error.status_code in FAULTS_OF_A_TEXT:
                raise
            raise self._away(error, rest_asked_for(error)) from error
        except (openai.APIConnectionError, TimeoutError) as error:
            raise self._away(error) from error
        except (openai.OpenAIError, TypeError, AttributeError, ValueError) as error:
            raise self._unusable(repr(error)) from error

    def _checked(self, answer: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        try:
            message = answer.choices[0].message
            said, refusal = message.content, getattr(message, "refusal", None)
        except (AttributeError, IndexError, TypeError) as error:
            raise self._unusable("it is no completion of a chat") from error
        if refusal or not isinstance(said, str) or not said.strip():
            raise self._unusable(f"the model refused: {refusal}" if refusal else "it is empty")
        made = _object_in(said)
        if made is None:
            raise self._unusable("it is no JSON object")
        if faults := faults_of_value(made, schema):
            raise self._unusable(f"it does not fit the schema: {faults[0].message}")
        return made

    def _away(self, error: Exception, retry_after: float = 0.0) -> Unavailable:
        why = str(error) or f"no answer within {self._timeout} s"
        return Unavailable(
            f"The language model's server {self._client.base_url} does not answer with {self._model} now: {why}. "
            "See that it runs, knows the key, and has the model loaded.",
            retry_after=retry_after,
        )

    def _unusable(self, why: str) -> CompletionRefused:
        return CompletionRefused(
            f"The answer of {self._model} at {self._client.base_url} cannot be used: {why}. See that the address "
            "is one of an OpenAI-compatible server, and that the model can write JSON."
        )


def rest_asked_for(error: openai.APIStatusError) -> float:
    """The seconds of the header `Retry-After`, where it gives a number; else 0."""
    try:
        return min(max(float(error.response.headers.get("retry-after", "0")), 0.0), LONGEST_REST)
    except ValueError:
        return 0.0


def _request(form: Form, instructions: str, text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if form == "json_schema":
        named = {"name": "answer", "strict": True, "schema": dict(schema)}
        return _chat(instructions, text) | {"response_format": {"type": form, "json_schema": named}}
    told = f"{instructions}\n\nAnswer with one JSON object that fits this JSON Schema:\n{json.dumps(schema)}"
    return _chat(told, text) | ({"response_format": {"type": form}} if form == "json_object" else {})


def _chat(instructions: str, text: str) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": instructions}, {"role": "user", "content": text}]}


def _object_in(said: str) -> dict[str, Any] | None:
    """The object that an answer is, or has in it after what the model thought, between fences for instance."""
    answer = said.rpartition("</think>")[2]
    try:
        made = json.loads(answer[answer.find("{") : answer.rfind("}") + 1])
    except (ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) else None


@asynccontextmanager
async def open_language_model(
    url: str, model: str, *, api_key: str, timeout: float
) -> AsyncIterator[OpenAICompatibleModel]:
    """A model at `url`, which is not asked anything yet; an answer may take `timeout` seconds."""
    key = api_key or "not-needed"
    async with openai.AsyncOpenAI(base_url=url, api_key=key, timeout=timeout, max_retries=0) as client:
        yield OpenAICompatibleModel(client, model, timeout)
