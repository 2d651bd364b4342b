"""The synchronous SDK over the bus and over HTTP: the same methods, the same answers, without `await`."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from conftest import Engines
from redis import Redis
from running import Memos

from memos.client import Client, sync
from memos.errors import Closed, ConfigurationError, InvalidCommand, NotFound, Unavailable
from memos.events.memories import DeleteMemory
from memos.events.streams import STREAM_OF

pytest_plugins = ["bus_fixtures"]

PATIENCE = 20.0


@pytest.fixture(params=["http", "bus"])
def url(request: pytest.FixtureRequest, memos: Memos) -> str:
    return memos.url if request.param == "http" else memos.redis_url


@pytest.fixture
def at_once(url: str) -> Iterator[sync.Client]:
    with sync.connect(url, source="tests-sync") as client:
        yield client


def test_what_is_stored_is_found_and_forgotten(at_once: sync.Client, agent: str) -> None:
    stored = at_once.store("The kettle in the lab trips the fuse.", agent_id=agent)
    found = at_once.query("why is the power out in the laboratory?", agent_id=agent, top_k=1)

    assert [memory.memory_id for memory in found.memories.results] == [stored.memory_id]
    assert at_once.delete(stored.memory_id, agent_id=agent).status == "deleted"
    with pytest.raises(NotFound):
        at_once.get(stored.memory_id, agent_id=agent)
    with pytest.raises(InvalidCommand, match="top_k"):
        at_once.query("x", top_k=0)


def test_the_parts_of_a_client_are_there(at_once: sync.Client, agent: str) -> None:
    at_once.working.set_many("day", {f"key-{number}": number for number in range(5)}, agent_id=agent)

    assert [one.value for one in at_once.working.every("day", agent_id=agent)] == list(range(5))
    tool = {
        "tool_id": f"k{agent[6:]}",
        "name": "Kiln",
        "description": "fires clay",
        "endpoint_url": "http://k.test",
    }
    at_once.tools.register(tool)
    assert at_once.tools.get(tool["tool_id"]).tool_id == tool["tool_id"]
    assert at_once.health().status == "ready"


def test_facts_are_followed_by_a_generator(at_once: sync.Client, agent: str) -> None:
    end = at_once.facts(limit=1).newest
    stored = [at_once.store(f"Number {number}.", agent_id=agent).memory_id for number in range(3)]

    own = (fact.record_id for fact in at_once.follow(after=end) if fact.record_id in stored)

    assert list(islice(own, 3)) == stored


def test_following_that_is_held_when_the_client_closes_ends_quietly(
    url: str, agent: str, caplog: pytest.LogCaptureFixture
) -> None:
    with sync.connect(url) as client:
        end = client.facts(limit=1).newest
        client.store("Followed.", agent_id=agent)
        facts = client.follow(after=end)
        assert next(facts).position > end
    assert "closing of asynchronous generator" not in caplog.text
    with pytest.raises(Closed):
        next(facts)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_client_of_the_parent_says_in_a_forked_process_to_open_another(url: str, agent: str) -> None:
    processes = get_context("fork")
    told = processes.SimpleQueue()

    def ask(client: sync.Client) -> None:
        with pytest.raises(Closed) as refused:
            client.working.set("day", "key", 2, agent_id=agent)
        told.put(refused.value.detail)

    with sync.connect(url) as client:
        client.working.set("day", "key", 1, agent_id=agent)
        child = processes.Process(target=ask, args=(client,), daemon=True)
        child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        assert "Open another client" in told.get()
        assert client.working.get("day", "key", agent_id=agent).value == 1


def test_an_answer_is_computed_by_a_plain_function_in_the_thread_that_asks(
    at_once: sync.Client, agent: str
) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": agent}]}
    computed: list[int] = []

    def compute() -> dict[str, Any]:
        computed.append(threading.get_ident())
        return {"choices": [{"message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]}

    first, second = (at_once.llm.answered(request, compute, agent_id=agent) for _ in range(2))

    assert (first.status, second.status) == ("miss", "hit")
    assert first.answer == second.answer
    assert computed == [threading.get_ident()]


def test_several_threads_use_one_client(at_once: sync.Client, agent: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda number: at_once.store(f"Number {number}.", agent_id=agent), range(24)))
    assert len({one.memory_id for one in stored}) == 24


async def test_it_works_within_a_loop_that_runs(url: str, agent: str, client: Client) -> None:
    with sync.connect(url) as at_once:
        stored = at_once.store("From within a coroutine.", agent_id=agent)
    assert (await client.get(stored.memory_id, agent_id=agent)).content == "From within a coroutine."


def test_closing_ends_the_waiting_of_other_threads(engines: Engines, redis: object) -> None:
    with ThreadPoolExecutor(1) as threads:
        with sync.connect(engines.redis_url, timeout=60) as client, Redis.from_url(engines.redis_url) as bus:
            waiting = threads.submit(client.delete, uuid4())
            while not bus.xlen(STREAM_OF[DeleteMemory].name):
                assert not waiting.done()
        with pytest.raises(Closed, match="same id"):
            waiting.result(PATIENCE)
    with pytest.raises(Closed):
        client.delete(uuid4())


def test_following_over_http_knows_no_groups_and_says_so_at_once(memos: Memos) -> None:
    with sync.connect(memos.url) as client, pytest.raises(InvalidCommand, match="Groups"):
        client.follow(group="any")


def test_an_address_that_is_none_and_one_where_nobody_is_say_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no address"), sync.connect("ftp://memory"):
        pass
    with sync.connect(f"unix://{tmp_path}/none.sock", retries=0) as client, pytest.raises(Unavailable):
        client.store("Nowhere.")
