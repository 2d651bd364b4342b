"""`memos rebuild` and `memos verify` on a memOS that runs, with a model server of the test's own."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from embedding_server import EmbeddingServer, embedding_server
from running import Ended, Served, command, ready, until

from memos.client import Client, connect
from memos.devstack.stack import Addresses, embedded_stack
from memos.errors import MemosError
from memos.projection.points import collection_of
from memos.records import Generation, RecordKey
from memos.settings import Settings
from memos.stores.edge import open_edge
from memos.stores.generations import PostgresGenerations
from memos.stores.migrate import migrate
from memos.stores.postgres import open_pool


@dataclass(frozen=True)
class Site:
    """Engines of the test's own, and a model server beside the embedded model."""

    stack: Addresses
    server: EmbeddingServer

    def settings(self, **fields: Any) -> Settings:
        return Settings(
            redis_url=self.stack.redis_url,
            postgres_dsn=self.stack.postgres_dsn,
            edge_socket=self.stack.edge_socket,
            embedding_url=self.server.url,
            embedding_threads=1,
            retired_seconds=0.5,
            **fields,
        )

    async def command(self, *words: str, model: str | None = None) -> Ended:
        """Run a command with the embedded model, or with one of the server's."""
        return await command(*words, **self.variables(model))

    def variables(self, model: str | None = None) -> dict[str, str]:
        chosen = {"MEMOS_EMBEDDER": "openai", "MEMOS_EMBEDDING_MODEL": model} if model else {}
        return {
            "MEMOS_REDIS_URL": self.stack.redis_url,
            "MEMOS_POSTGRES_DSN": self.stack.postgres_dsn,
            "MEMOS_EDGE_SOCKET": os.fspath(self.stack.edge_socket),
            "MEMOS_EMBEDDING_URL": self.server.url,
            **chosen,
        }

    async def json(self, *words: str, model: str | None = None) -> Any:
        ended = await self.command(*words, "--json", model=model)
        assert (ended.code, ended.errors) == (0, ""), ended
        return json.loads(ended.output)

    async def generations(self) -> list[Generation]:
        async with open_pool(self.stack.postgres_dsn) as pool:
            return await PostgresGenerations(pool, "memories").known()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with embedded_stack(tmp_path / "home") as stack, embedding_server() as server:
        await migrate(stack.postgres_dsn)
        yield Site(stack, server)


@pytest.fixture
async def client(site: Site) -> AsyncIterator[Client]:
    """The SDK on a memOS that runs with the embedded model and could reach the server."""
    served = Served(site.settings())
    served.start()
    try:
        await ready(served.url)
        async with connect(served.url, timeout=30) as opened:
            yield opened
    finally:
        await asyncio.to_thread(served.stop)


async def found(client: Client, text: str) -> list[str]:
    return [one.content for one in (await client.query(text, top_k=3)).memories.results]


async def test_a_running_memos_goes_over_to_another_model_while_it_is_used(site: Site, client: Client) -> None:
    finished = asyncio.Event()
    for number in range(20):
        await client.store(f"The kettle of room {number} boils.")
    stored: list[str] = []

    async def use() -> None:
        while not finished.is_set():
            text = f"Lamp {len(stored)} flickers."
            outcome = await client.store(text)
            assert outcome.status in {"stored", "accepted"}  # accepted when the engine is slow just then
            stored.append(text)
            assert "The kettle of room 7 boils." in await found(client, "The kettle of room 7 boils.")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(use())
        made = await site.json("rebuild", model="words")

        async def asked_of_the_server() -> bool:
            return ("words", "The kettle of room 7 boils.") in site.server.asked[40:]

        await until(asked_of_the_server)
        finished.set()

    assert (made["generation"], made["model"], made["dimension"]) == (2, "words", 64)
    for text in (stored[0], stored[-1]):

        async def is_found(text: str = text) -> bool:
            return text in await found(client, text)

        await until(is_found)
    verified = await site.json("verify", model="words")
    [memories] = verified["projections"]
    assert (memories["missing"], memories["extra"], memories["stale"]) == (0, 0, 0)
    assert memories["records"] == memories["points"] == 20 + len(stored)

    async def former_is_dropped() -> bool:
        former, _ = await site.generations()
        return former.dropped_at is not None

    await until(former_is_dropped)


async def test_a_memos_whose_settings_name_the_former_model_goes_on_with_the_new_one(
    site: Site, client: Client
) -> None:
    await client.store("The kettle boils.")
    await site.json("rebuild", model="words")

    again = await site.json("verify")

    assert again["projections"][0]["generation"] == 2
    refused = await site.command("verify", model="unknown")
    assert (refused.code, refused.output) == (1, "")
    assert "memos rebuild" in refused.errors


async def test_a_memos_that_cannot_reach_the_new_model_goes_on_with_the_former(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(site.settings().model_copy(update={"embedding_url": "http://127.0.0.1:9/v1"}))
    served.start()
    try:
        await ready(served.url)
        async with connect(served.url, timeout=30) as client:
            await client.store("The kettle boils.")
            await site.json("rebuild", model="words")

            async def said() -> bool:
                return "The new generation cannot be used yet" in caplog.text

            await until(said)
            assert (await client.store("The lamp flickers.")).status == "stored"
            assert await found(client, "kettle") == ["The kettle boils.", "The lamp flickers."]
    finally:
        await asyncio.to_thread(served.stop)
    assert [one.dropped_at for one in await site.generations()] == [None, None]


async def test_an_engine_that_loses_everything_is_filled_again_without_a_restart(
    site: Site, client: Client
) -> None:
    await client.store("The kettle boils.")
    [current] = await site.generations()
    async with open_edge(site.stack.edge_socket, collection_of(current)) as vectors:
        await vectors.drop()

    async def found_again() -> bool:
        try:
            return await found(client, "kettle") == ["The kettle boils."]
        except MemosError:
            return False

    await until(found_again)


async def test_differences_are_counted_named_and_repaired(site: Site) -> None:
    served = Served(site.settings())
    served.start()
    await ready(served.url)
    async with connect(served.url) as client:
        lost, *_ = [await client.store(f"The kettle of room {number} boils.") for number in range(3)]
    await asyncio.to_thread(served.stop)
    [current] = await site.generations()
    async with open_edge(site.stack.edge_socket, collection_of(current)) as vectors:
        await vectors.delete([RecordKey("default", lost.memory_id)])

    differing = await site.command("verify")
    repaired = await site.command("verify", "--repair")
    after = await site.json("verify")

    assert differing.code == 1
    assert "memories, generation 1: 3 records, 2 points; 1 differ (1 missing, 0 extra, 0 stale)" in differing.output
    assert f"missing  default  {lost.memory_id}" in differing.output
    assert repaired.code == 0
    assert re.search(r"^before: .*; 1 differ \(1 missing", repaired.output, re.MULTILINE)
    assert re.search(r"^after: .* 3 points; 0 differ", repaired.output, re.MULTILINE)
    assert after["projections"][0]["points"] == 3


async def test_without_a_memos_verify_and_rebuild_say_how_to_get_one(tmp_path: Path) -> None:
    for words in (("verify",), ("rebuild",)):
        ended = await command(*words, MEMOS_HOME=str(tmp_path / "home"))
        assert (ended.code, ended.output) == (1, "")
        assert "Start one with `memos up`" in ended.errors


async def test_what_cannot_be_verified_since_the_engine_is_away_is_told_from_what_differs(
    site: Site, tmp_path: Path
) -> None:
    without = Site(replace(site.stack, edge_socket=tmp_path / "none.sock"), site.server)
    said = await without.command("verify")
    as_json = await without.command("verify", "--json")
    rebuilt = await without.command("rebuild")

    assert (said.code, as_json.code, rebuilt.code) == (75, 75, 1)
    assert (said.output, json.loads(as_json.output)["code"], rebuilt.output) == ("", "unavailable", "")
    for ended in (said, rebuilt):
        assert re.fullmatch(r"memos: [^\n]+\n", ended.errors)


async def test_a_rebuild_of_nothing_shows_no_bar_of_nothing(site: Site) -> None:
    ended = await site.command("rebuild")
    assert ended.code == 0
    assert "0/0" not in ended.errors


async def test_a_rebuild_that_is_interrupted_says_how_to_go_on(site: Site) -> None:
    asked = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answer, "127.0.0.1", 0) as server:
        silent = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "memos", "rebuild"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": os.defpath, **site.variables("words"), "MEMOS_EMBEDDING_URL": silent},
        )
        try:
            async with asyncio.timeout(30):
                await asked.wait()
                process.send_signal(signal.SIGINT)
                output, errors = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    assert (process.returncode, output) == (130, b"")
    assert errors == b"Interrupted; run `memos rebuild` again and it goes on.\n"
