"""Commands as requests to the facade."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from memos.client.http import REQUESTS
from memos.events.answers import ForgetAnswers, ReadCache, RenewLease, StoreAnswer
from memos.events.context import RequestContext
from memos.events.learning import ListLearnings, RecordLearning
from memos.events.streams import STREAM_OF
from memos.events.usage import ReadUsage

CHAT = {"model": "m", "messages": [{"role": "user", "content": "q"}]}


def test_every_command_can_be_sent_over_http() -> None:
    assert set(REQUESTS) == set(STREAM_OF)


@pytest.mark.parametrize(
    ("command", "method", "path", "body"),
    [
        (StoreAnswer(request=CHAT, answer={}), "POST", "/v1/llm/cache", {"request": CHAT, "answer": {}}),
        (ForgetAnswers(model="m"), "POST", "/v1/llm/cache/forget", {"model": "m"}),
        (RenewLease(key="0" * 64, lease="l"), "POST", "/v1/llm/cache/renew", {"key": "0" * 64, "lease": "l"}),
        (ReadCache(), "GET", "/v1/llm/cache", None),
        (RequestContext(task="t", memories=0), "POST", "/v1/context", {"task": "t", "memories": 0}),
        (RecordLearning(task="t", outcome="partial"), "POST", "/v1/learning", {"task": "t", "outcome": "partial"}),
    ],
)
def test_a_body_has_what_was_said(command: Any, method: str, path: str, body: Mapping[str, Any] | None) -> None:
    request = REQUESTS[type(command)](command)

    assert (request.method, request.path, request.body) == (method, path, body)


def test_the_account_is_asked_about_in_the_address() -> None:
    request = REQUESTS[ReadUsage](ReadUsage(since=date(2026, 1, 2), agent_id="ada", by=["model", "day"]))

    assert (request.method, request.path, request.body) == ("GET", "/v1/llm/usage", None)
    assert request.params == {"since": "2026-01-02", "agent_id": "ada", "by": ["model", "day"]}


def test_a_page_of_learnings_is_asked_for_in_the_address() -> None:
    last = UUID(int=7)

    request = REQUESTS[ListLearnings](ListLearnings(outcome="failure", before=last, limit=3))

    assert (request.method, request.path, request.body) == ("GET", "/v1/learning", None)
    assert request.params == {"outcome": "failure", "before": str(last), "limit": 3}
