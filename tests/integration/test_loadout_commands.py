"""`memos loadout`: what it checks, keeps and shows."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from running import Ended, Memos, command

from memos.client import Client
from memos.client.loadout_files import read_loadout
from memos.events.loadouts import loadout_schema

pytest_plugins = ["bus_fixtures"]

Written = Callable[[str, str], str]

GOOD = """\
name: {name}
description: keeps pages
persona: |
  You are {{agent}}.
  You do {{task}}.
tools:
  - id: {name}
  - id: none
memories:
  - filter:
      visibility: private
model: {{name: m, options: {{stop: ["no"]}}}}
"""
BAD = "name: a\ntools:\n  - id: b\n    discover: c\nmax_tokns: 1\n"


@pytest.fixture
def name() -> str:
    """A name that nobody else uses, for a loadout or a tool."""
    return f"k{uuid4().hex}"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a file; returns its path."""

    def write(file: str, text: str) -> str:
        (tmp_path / file).write_text(text, encoding="utf-8")
        return str(tmp_path / file)

    return write


@pytest.fixture
async def saved(memos: Memos, written: Written, name: str) -> str:
    """The name of a saved loadout."""
    await said(memos, "save", written("good.yaml", GOOD.format(name=name)))
    return name


async def loadout(memos: Memos, *words: str) -> Ended:
    """How a command under `memos loadout` ends."""
    return await command("loadout", *words, "--url", memos.url)


async def said(memos: Memos, *words: str) -> str:
    """What a command that succeeds prints."""
    ended = await loadout(memos, *words)
    assert (ended.code, ended.errors) == (0, ""), ended
    return ended.output


async def test_faults_are_printed_with_file_and_line_and_need_no_memos(written: Written) -> None:
    good, bad = written("good.yaml", GOOD.format(name="a")), written("bad.yaml", BAD)

    ended = await command("loadout", "check", good, bad)

    assert ended.code == 1
    assert ended.output.splitlines() == [
        f"{good}: no faults",
        f"{bad}:3: tools.0: has both id and discover; a choice of tools has exactly one of them",
        f"{bad}:5: max_tokns: is no field here; did you mean max_tokens?",
    ]
    assert ended.errors == ""


async def test_a_file_that_cannot_be_read_is_a_fault_among_those_of_others(written: Written) -> None:
    bad, good = written("bad.yaml", BAD), written("good.yaml", GOOD.format(name="a"))

    ended = await command("loadout", "check", bad, "nofile.yaml", good)

    assert (ended.code, ended.errors) == (1, "")
    assert ended.output.splitlines()[2:] == [
        "nofile.yaml:1: cannot be read: No such file or directory. See that the path is right",
        f"{good}: no faults",
    ]


async def test_faults_are_printed_as_json(written: Written) -> None:
    bad = written("bad.yaml", BAD)

    ended = await command("loadout", "check", bad, "--json")
    sound = await command("loadout", "check", written("good.yaml", GOOD.format(name="a")), "--json")

    first, second = json.loads(ended.output)
    assert ended.code == 1
    assert (first["file"], first["line"], first["field"]) == (bad, 3, "tools.0")
    assert second == {
        "file": bad,
        "line": 5,
        "field": "max_tokns",
        "message": "is no field here; did you mean max_tokens?",
    }
    assert (sound.code, json.loads(sound.output)) == (0, [])


async def test_the_schema_is_printed() -> None:
    ended = await command("loadout", "schema")

    assert json.loads(ended.output) == loadout_schema()


async def test_a_loadout_is_saved_listed_shown_and_deleted(memos: Memos, written: Written, name: str) -> None:
    text = GOOD.format(name=name)
    file = written("good.yaml", text)

    first, again = await said(memos, "save", file), await said(memos, "save", file)
    listed, shown = await said(memos, "list"), await said(memos, "show", name)
    deleted, absent = await said(memos, "delete", name), await said(memos, "delete", name)

    assert first == f"{name}: The loadout is saved. It is at version 1.\n"
    assert again == f"{name}: The loadout was saved just so before. It is at version 1.\n"
    assert f"\n{name}  version 1, " in f"\n{listed}"
    assert "    keeps pages\n" in listed
    assert read_loadout(shown) == read_loadout(text)
    assert "persona: |\n  You are {agent}.\n  You do {task}.\n" in shown
    assert deleted == f"{name}: The loadout is deleted.\n"
    assert absent == f"{name}: There was no such loadout.\n"


async def test_nothing_is_saved_when_a_file_is_not_valid(memos: Memos, written: Written, name: str) -> None:
    good, bad = written("good.yaml", GOOD.format(name=name)), written("bad.yaml", BAD)

    ended = await loadout(memos, "save", good, bad)

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith(f"memos: {bad} is no loadout, and nothing is saved: tools.0: line 3: has both")
    assert ended.errors.count("\n") == 1
    assert (await loadout(memos, "show", name)).code == 1


async def test_what_an_agent_is_equipped_with_is_printed_in_parts_with_its_costs(
    memos: Memos, client: Client, saved: str, agent: str
) -> None:
    await client.tools.register(
        tool_id=saved, name="Pages", description="finds pages", endpoint_url="http://tools.test"
    )
    await client.store("The pages are\nold.", agent_id=agent)
    asked = ("equip", saved, "--agent", agent, "--task", "read the pages", "--max-tokens", "500")

    shown = await said(memos, *asked)
    equipment = json.loads(await said(memos, *asked, "--format", "anthropic", "--json"))

    lines = shown.splitlines()
    assert lines[:3] == ["System prompt  tokens: 18", f"    You are {agent}.", "    You do read the pages."]
    assert f"    {saved}, by tools.0" in lines
    assert "       old." in lines
    assert [line for line in lines if line.startswith("Tokens: ")] == [
        f"Tokens: {sum(int(line.split(': ')[1]) for line in lines if '  tokens: ' in line)} of 500"
    ]
    assert lines[-1].startswith("Warning: tools.1: ")
    assert equipment["tools"][0]["spec"]["name"] == saved
    assert equipment["model"] == {
        "name": "m",
        "temperature": None,
        "max_output_tokens": None,
        "options": {"stop": ["no"]},
    }


async def test_a_loadout_without_anything_found_is_shown_as_that(
    memos: Memos, client: Client, name: str, agent: str
) -> None:
    await client.loadouts.save({"name": name, "tools": [{"id": "none"}]})

    shown = await said(memos, "equip", name, "--task", "t", "--agent", agent)

    assert shown.count("    (none)\n") == 3
    assert "\nTokens: 0\n" in shown


async def test_what_is_set_in_a_session_is_said(memos: Memos, client: Client, name: str, agent: str) -> None:
    await client.loadouts.save({"name": name, "working": {"values": {"goal": "{task}", "found": []}}})
    asked = ("equip", name, "--task", "t", "--agent", agent, "--session", "s")

    first, again = await said(memos, *asked), await said(memos, *asked)

    assert first.endswith("\nSet in session s: goal, found\n")
    assert again.endswith("\nSet in session s: nothing; it had all of it\n")


async def test_json_is_printed_of_everything(memos: Memos, written: Written, name: str) -> None:
    save = json.loads(await said(memos, "save", written("good.yaml", GOOD.format(name=name)), "--json"))
    show = json.loads(await said(memos, "show", name, "--json"))
    listed = json.loads(await said(memos, "list", "--json"))
    delete = json.loads(await said(memos, "delete", name, "--json"))

    assert [(one["name"], one["status"]) for one in (*save, *delete)] == [(name, "saved"), (name, "deleted")]
    assert show["loadout"]["name"] == name
    assert name in {one["name"] for one in listed}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("show", "none"), "No loadout 'none' is saved."),
        (("show", "None"), "name: must be at most 128 small letters, digits and . _ -, of which the first"),
        (("equip", "none", "--task", "t"), "No loadout 'none' is saved."),
        (("equip", "none", "--task", " "), "task: must not be empty or blank"),
        (("save", "nowhere.yaml"), "nowhere.yaml cannot be read: No such file or directory."),
        (("save", "/"), "/ cannot be read: Is a directory."),
    ],
    ids=str,
)
async def test_what_cannot_be_done_is_said_in_one_line(memos: Memos, words: tuple[str, ...], reason: str) -> None:
    ended = await loadout(memos, *words)

    assert (ended.code, ended.output) == (1, "")
    assert ended.errors.startswith("memos: ")
    assert reason in ended.errors
    assert ended.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"name: a\npersona: \xff\n", "is not in UTF-8, from line 2 on. Save it in UTF-8."),
        (b"#" * (1024**2 + 1), "is larger than 1 MiB. Take out of it what you need."),
    ],
    ids=["encoding", "size"],
)
async def test_a_file_that_is_no_text_of_bearable_size_is_refused(
    memos: Memos, tmp_path: Path, raw: bytes, reason: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(raw)

    ended = await loadout(memos, "save", str(file))

    assert (ended.code, ended.output, ended.errors) == (1, "", f"memos: {file} {reason}\n")
