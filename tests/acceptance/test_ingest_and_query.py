"""`memos ingest` and `memos query`, as they are typed."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from running import Ended, Memos, command

from memos.events.memories import MemoriesFound

pytest_plugins = ["bus_fixtures"]

COMMANDS = [
    *("up", "ingest", "query", "context", "history", "delete", "purge"),
    *("verify", "rebuild", "worker", "api", "mcp", "migrate"),
    *("events follow", "events list"),
    *("dead-letters list", "dead-letters show", "dead-letters redrive", "dead-letters discard"),
    *("tools register", "tools show", "tools discover", "tools report", "tools remove", "tools seed", "tools list"),
    *("tools import openapi", "tools import mcp"),
    *("loadout check", "loadout save", "loadout show", "loadout equip", "loadout delete", "loadout schema"),
    "loadout list",
    *("learning record", "learning list"),
    *("working set", "working get", "working list", "working delete", "working increment", "working append"),
    *("working say", "working messages", "working sessions", "working configure", "working promote", "working end"),
    *("llm usage", "llm cache", "llm forget"),
]
GROUPS = ["events", "dead-letters", "tools", "loadout", "learning", "working", "llm"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package of a name of its own: five passages, a broken module, a binary one, and a loop."""
    package = tmp_path / f"shop_{uuid4().hex[:8]}"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text('"""Sells kettles and teapots."""\n')
    (package / "models" / "__init__.py").touch()
    (package / "models" / "order.py").write_text(
        'class Order:\n    """What a customer bought."""\n\n'
        '    def total(self):\n        """Sum of the prices, in cents."""\n'
    )
    (package / "post.py").write_text(
        'def post(parcel):\n    """Hand a parcel to the carrier and keep its tracking number."""\n'
        '\n\nasync def fetch():\n    """Ask the carrier where a parcel is."""\n'
    )
    (package / "broken.py").write_text("def f(:\n")
    (package / "binary.py").write_bytes(b"\x7fELF\0\0\0")
    (package / "readme.txt").write_text("Not Python.")
    (package / "models" / "loop").symlink_to(package)
    return package


class Commands:
    """Commands that find the memOS of the tests."""

    def __init__(self, memos: Memos) -> None:
        self._run = partial(command, MEMOS_REDIS_URL=memos.redis_url)

    async def text(self, *words: str) -> str:
        """What a command that succeeds prints."""
        ended = await self._run(*words)
        assert ended.code == 0, ended
        return ended.output

    async def json(self, *words: str) -> Any:
        """What a command that succeeds prints as JSON, and nothing beside it."""
        ended = await self._run(*words, "--json")
        assert (ended.code, ended.errors) == (0, ""), ended
        return json.loads(ended.output)

    async def refused(self, *words: str) -> str:
        """The one line of a command that is refused."""
        return refusal(await self._run(*words))


def refusal(ended: Ended) -> str:
    """The one line that a refused command says."""
    assert (ended.code, ended.output) == (1, ""), ended
    assert re.fullmatch(r"memos: [^\n]+\n", ended.errors), ended
    return ended.errors


@pytest.fixture
def cli(memos: Memos) -> Commands:
    return Commands(memos)


async def test_a_code_base_is_remembered_and_then_found_by_what_it_does(cli: Commands, shop: Path) -> None:
    said = await cli.text("ingest", str(shop))
    found = await cli.text("query", f"where is my parcel now? {shop.name}", "--top-k", "5")

    assert said.startswith("Passages: 5 stored.\n")
    assert "Passed over: 3" in said
    for name in ("binary.py", "broken.py", "loop"):
        assert name in said
    assert f"{shop.name}.post.fetch" in found
    assert f"{shop.name}/post.py:5" in found
    assert "Ask the carrier where a parcel is." in found


async def test_what_was_remembered_before_is_counted_again_and_not_stored_twice(cli: Commands, shop: Path) -> None:
    first = await cli.json("ingest", str(shop))
    second = await cli.json("ingest", str(shop))
    assert (first["outcomes"], second["outcomes"]) == ({"stored": 5}, {"duplicate": 5})
    assert (first["problems"], len(first["skipped"])) == ([], 3)


async def test_what_was_changed_is_remembered_beside_what_was_not(cli: Commands, shop: Path) -> None:
    await cli.json("ingest", str(shop))
    (shop / "post.py").write_text('def post(parcel):\n    """Burn the parcel."""\n')
    assert (await cli.json("ingest", str(shop)))["outcomes"] == {"duplicate": 3, "stored": 1}


async def test_one_file_is_remembered_as_part_of_its_folder(cli: Commands, shop: Path) -> None:
    await cli.json("ingest", str(shop / "models"))
    assert (await cli.json("ingest", str(shop / "models" / "order.py")))["outcomes"] == {"duplicate": 2}


async def test_more_than_one_batch_is_remembered_whole(cli: Commands, tmp_path: Path) -> None:
    module = tmp_path / f"large_{uuid4().hex[:8]}.py"
    module.write_text("".join(f'def f{n}():\n    """Number {n} of many."""\n' for n in range(150)))
    assert (await cli.json("ingest", str(module)))["outcomes"] == {"stored": 150}


async def test_a_folder_without_python_is_no_error(cli: Commands, tmp_path: Path) -> None:
    assert await cli.text("ingest", str(tmp_path)) == "Passages: none found.\n"


async def test_a_code_base_is_remembered_over_http_as_well(cli: Commands, memos: Memos, shop: Path) -> None:
    assert (await cli.json("ingest", str(shop), "--url", memos.url))["outcomes"] == {"stored": 5}


async def test_what_square_brackets_hold_is_printed_as_it_is(cli: Commands, tmp_path: Path) -> None:
    folder = tmp_path / f"odd_{uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "odd.py").write_text('def odd():\n    """Paints [red]walls[/red] and [/green] doors [bold]."""\n')
    (folder / "[bold]broken[red].py").write_text("def f(:\n")
    assert "[bold]broken[red].py" in await cli.text("ingest", str(folder))
    found = await cli.text("query", "painted walls and doors", "-k", "1")
    assert "Paints [red]walls[/red] and [/green] doors [bold]." in found


async def test_a_query_as_json_is_the_answer_of_the_bus(cli: Commands, shop: Path) -> None:
    await cli.json("ingest", str(shop))
    found = MemoriesFound.model_validate(await cli.json("query", f"sum of the prices {shop.name}", "-k", "50"))
    assert found.memories.count == len(found.memories.results)
    symbols = [memory.source.symbol for memory in found.memories.results if memory.source]
    assert f"{shop.name}.models.order.Order.total" in symbols


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("query", "x", "--top-k", "0"), "top_k"),
        (("query", "x", "-k", "1001"), "top_k"),
        (("query", ""), "query"),
        (("query", "x", "--agent", "a\nb"), "agent_id"),
        (("ingest", "/no/such/path"), "There is no /no/such/path"),
        (("query", "x", "--url", "ftp://memos"), "no address of memOS"),
        (("query", "x", "--url", "memos"), "no address of memOS"),
        (("query", "x", "--url", "redis://localhost:none"), "The address of Redis is not valid"),
        (("query", "x", "--url", "http://memos:none"), "The address of the facade is not valid"),
        (("query", "x", "--url", "http://127.0.0.1:1"), "could not be reached"),
        (("query", "x", "--url", "redis://127.0.0.1:1"), "see that Redis runs"),
        (("query", "x", "--url", "unix:///no/such.sock"), "see that Redis runs"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(cli: Commands, words: tuple[str, ...], said: str) -> None:
    assert said in await cli.refused(*words)


async def test_as_json_a_refusal_is_a_problem_document(memos: Memos) -> None:
    ended = await command("ingest", "/no/such/path", "--json", MEMOS_REDIS_URL=memos.redis_url)
    problem = json.loads(ended.output)
    assert (ended.code, ended.errors, problem["code"]) == (1, "", "invalid")


@pytest.mark.parametrize("words", [("query", "x"), ("ingest", "."), ("worker",), ("api",), ("migrate",)])
async def test_without_a_memos_every_command_says_in_one_line_how_to_get_one(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = refusal(await command(*words, MEMOS_HOME=str(tmp_path / "home")))
    assert f"No memOS runs in {tmp_path / 'home'}" in said
    assert "Start one with `memos up`" in said


async def test_a_setting_that_is_wrong_is_named_in_one_line(tmp_path: Path) -> None:
    said = refusal(await command("query", "x", MEMOS_HOME=str(tmp_path), MEMOS_API_PORT="none"))
    assert "MEMOS_API_PORT" in said


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_has_an_example(name: str) -> None:
    ended = await command(*name.split(), "--help")
    assert (ended.code, ended.errors) == (0, "")
    assert "Example:" in ended.output
    assert f"memos {name}" in ended.output


async def test_memos_alone_lists_its_commands() -> None:
    assert await listed() == list(dict.fromkeys(name.split()[0] for name in COMMANDS))
    for group in GROUPS:
        names = dict.fromkeys(name.split()[1] for name in COMMANDS if name.startswith(f"{group} "))
        assert await listed(group) == list(names)


@pytest.mark.parametrize("group", ["", *GROUPS, "tools import"])
async def test_no_line_of_a_list_of_commands_is_cut_short(group: str) -> None:
    assert "..." not in (await command(*group.split(), "--help")).output.split("Commands:\n")[1]


async def listed(*group: str) -> list[str]:
    """The commands that the help of a group names: where a line begins, two spaces in."""
    lines = (await command(*group, "--help")).output.split("Commands:\n")[1].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]
