"""The examples of the routes of the LLM cache: what is shown can be sent."""

import json
from typing import Any

import pytest

from memos.api.app import create_app
from memos.api.examples import named_examples
from memos.completions import key_of, unfit
from memos.events.answers import ForgetAnswers, LookUpAnswer, ReleaseAnswer, RenewLease, StoreAnswer
from memos.events.embeddings import CountEmbeddings, LookUpEmbeddings, StoreEmbeddings
from memos.settings import Settings

BODIES = [
    ("/llm/cache/lookup", LookUpAnswer),
    ("/llm/cache", StoreAnswer),
    ("/llm/cache/release", ReleaseAnswer),
    ("/llm/cache/renew", RenewLease),
    ("/llm/cache/forget", ForgetAnswers),
    ("/llm/cache/embeddings/lookup", LookUpEmbeddings),
    ("/llm/cache/embeddings", StoreEmbeddings),
    ("/llm/cache/embeddings/count", CountEmbeddings),
]


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    paths: dict[str, Any] = create_app(Settings.model_construct(), "unix:///unused").openapi()["paths"]
    return paths


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_every_example_is_a_valid_body(paths: dict[str, Any], path: str, body: Any) -> None:
    examples = named_examples(paths[path]["post"])
    assert examples
    for summary, value in examples:
        assert summary
        body.model_validate_json(json.dumps(value))


def test_the_answers_that_are_stored_would_be_kept_and_found(paths: dict[str, Any]) -> None:
    stored = [value for _, value in named_examples(paths["/llm/cache"]["post"])]
    asked = {key_of(value["request"]) for _, value in named_examples(paths["/llm/cache/lookup"]["post"])}

    assert all(unfit(value["answer"]) is None for value in stored)
    assert {key_of(value["request"]) for value in stored} == asked
