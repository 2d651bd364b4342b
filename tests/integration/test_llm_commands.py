"""`memos llm`: what it shows, and what it forgets."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from running import Ended, Memos, command

from memos.client import Client

pytest_plugins = ["bus_fixtures"]

ANSWER = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Noon."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 4},
}


@pytest.fixture
def model() -> str:
    """A model that nobody else calls."""
    return f"model-{uuid4().hex}"


@pytest.fixture
async def kept(clients: dict[str, Client], model: str, agent: str) -> str:
    """The key of an answer that was made once and found once."""
    chat = {"model": model, "messages": [{"role": "user", "content": "When?"}]}
    over_bus = clients["bus"].llm
    stored = await over_bus.store(chat, ANSWER, agent_id=agent, sources=[f"fact:{model}"], seconds=0.5)
    await over_bus.look_up(chat, agent_id=agent)
    return stored.key


async def llm(memos: Memos, *words: str) -> Ended:
    """How a command under `memos llm` ends."""
    return await command("llm", *words, "--url", memos.redis_url)


async def said(memos: Memos, *words: str) -> str:
    """What a command that succeeds prints."""
    ended = await llm(memos, *words)
    assert (ended.code, ended.errors) == (0, ""), ended
    return ended.output


@pytest.mark.usefixtures("kept")
async def test_usage_is_a_table_of_days_and_models(memos: Memos, model: str, agent: str) -> None:
    lines = (await said(memos, "usage", "--agent", agent)).splitlines()

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert lines[1].split()[:5] == ["Day", "Model", "Requests", "Hits", "Errors"]
    assert lines[2].split() == [today, model, "2", "50%", "0", "0.50", "24", "24"]
    assert "MEMOS_LLM_PRICES" in lines[3]


@pytest.mark.usefixtures("kept")
async def test_usage_is_told_apart_as_asked_and_printed_as_json(memos: Memos, model: str, agent: str) -> None:
    words = ("--since", "2d", "--model", model, "--kind", "chat", "--by", "agent_id", "--json")

    read = json.loads(await said(memos, "usage", *words))

    [row] = read["results"]
    assert (row["agent_id"], row["model"], row["hits"], row["misses"]) == (agent, None, 1, 1)
    assert read["until"] == f"{datetime.now(UTC):%Y-%m-%d}"


async def test_an_account_of_nothing_says_so(memos: Memos, agent: str) -> None:
    output = await said(memos, "usage", "--agent", agent, "--since", "2026-01-01", "--until", "2026-01-02")

    assert output == "No calls were counted from 2026-01-01 to 2026-01-02.\n"


@pytest.mark.usefixtures("kept")
async def test_the_cache_tells_its_size_and_its_bounds(memos: Memos) -> None:
    text = await said(memos, "cache")
    read: dict[str, Any] = json.loads(await said(memos, "cache", "--json"))

    assert text.startswith(f"{read['entries']} answers in ")
    assert "of at most 268 MB" in text
    assert read["entries"] >= 1


@pytest.mark.parametrize("option", ["--key", "--source", "--model"])
async def test_answers_are_dropped_by_what_they_have_in_common(
    memos: Memos, kept: str, model: str, option: str
) -> None:
    named = {"--key": kept, "--source": f"fact:{model}", "--model": model}[option]

    first = await said(memos, "forget", option, named)
    second = json.loads(await said(memos, "forget", option, named, "--json"))

    assert first == "1 answer is forgotten.\n"
    assert second["forgotten"] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("forget",), "Give one of --key, --source, --model and --everything"),
        (("forget", "--model", "m", "--everything"), "Give one of"),
        (("forget", "--key", "0"), "keys.0"),
        (("forget", "--source", "page"), "sources.0"),
        (("usage", "--since", "lately"), "neither an age such as 30d nor a date"),
        (("usage", "--since", "500d"), "since must be at most 366 days"),
        (("usage", "--by", "hour"), "by.0"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(memos: Memos, words: tuple[str, ...], told: str) -> None:
    ended = await llm(memos, *words)

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("memos: ")
    assert ended.errors.count("\n") == 1
    assert told in ended.errors
