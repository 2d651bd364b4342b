"""Commands on the LLM cache, and on the account of calls, as requests to the REST facade."""

from collections.abc import Callable, Mapping
from typing import Any

from memos.client.http_request import Request, body_of
from memos.events.answers import ForgetAnswers, LookUpAnswer, ReadCache, ReleaseAnswer, RenewLease, StoreAnswer
from memos.events.commands import Command
from memos.events.embeddings import CountEmbeddings, LookUpEmbeddings, StoreEmbeddings
from memos.events.usage import ReadUsage


def _posted(path: str) -> Callable[[Any], Request]:
    return lambda command: Request("POST", path, body_of(command))


def _usage(command: ReadUsage) -> Request:
    return Request("GET", "/v1/llm/usage", params=command.model_dump(mode="json", exclude_none=True))


LLM: Mapping[type[Command], Callable[[Any], Request]] = {
    LookUpAnswer: _posted("/v1/llm/cache/lookup"),
    StoreAnswer: _posted("/v1/llm/cache"),
    RenewLease: _posted("/v1/llm/cache/renew"),
    ReleaseAnswer: _posted("/v1/llm/cache/release"),
    ForgetAnswers: _posted("/v1/llm/cache/forget"),
    ReadCache: lambda command: Request("GET", "/v1/llm/cache"),
    LookUpEmbeddings: _posted("/v1/llm/cache/embeddings/lookup"),
    StoreEmbeddings: _posted("/v1/llm/cache/embeddings"),
    CountEmbeddings: _posted("/v1/llm/cache/embeddings/count"),
    ReadUsage: _usage,
}
