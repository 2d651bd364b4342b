"""Documents in JSON and YAML: what they say, and what is not read."""

import io
import sys
from math import inf
from pathlib import Path
from typing import Any

import pytest

from memos.client.yaml_lines import LinedDocument
from memos.errors import InvalidCommand, TooLarge
from memos.toolkits.documents import MOST_BYTES, read_document
from memos.toolkits.yaml_documents import parsed

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefghij", "bcdefghijk", strict=True)
)


async def said(folder: Path, text: str | bytes) -> Any:
    file = folder / "document"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return (await read_document(str(file))).content


TEXTS = "[no, on, 2024-05-01, 1:30, '5', !!str 5, <, 0o8, 1_000, =, ., 1e]"
SCALARS = "[~, true, -3, +5, 010, 0o17, 0x1F, 1e3, 3.0, .5, 5., .inf, -.Inf, !!int '5']"
SAID = [None, True, -3, 5, 10, 15, 31, 1000.0, 3.0, 0.5, 5.0, inf, -inf, 5]


def test_yaml_is_read_as_its_version_1_2_has_it() -> None:
    words, others = parsed(TEXTS), parsed(SCALARS)

    assert words == ["no", "on", "2024-05-01", "1:30", "5", "5", "<", "0o8", "1_000", "=", ".", "1e"]
    assert others == SAID
    assert [type(one) for one in others] == [type(one) for one in SAID]


@pytest.mark.parametrize("text", [TEXTS, SCALARS, "{<<: [{a: 1, b: 1}, {b: 2, c: 2}], c: 3}"])
def test_loadouts_are_read_as_all_other_documents_are(text: str) -> None:
    assert LinedDocument(f"a: {text}").value["a"] == parsed(text)


def test_aliases_and_merges_are_understood() -> None:
    assert parsed("a: &x {y: 1}\nb: *x\nc: {<<: *x, z: 2}") == {"a": {"y": 1}, "b": {"y": 1}, "c": {"y": 1, "z": 2}}


async def test_keys_are_texts_as_they_are_written(tmp_path: Path) -> None:
    keys = await said(tmp_path, "200: a\ntrue: b\n3.50: c\n~: d")

    assert keys == {"200": "a", "true": "b", "3.50": "c", "~": "d"}


@pytest.mark.parametrize("text", ['{"a": [1, "ä"]}', '\ufeff {"a": [1, "ä"]}', "a: [1, ä]", "a:\n- 1\n- ä\n"])
async def test_json_and_yaml_are_told_apart_by_themselves(tmp_path: Path, text: str) -> None:
    assert await said(tmp_path, text) == {"a": [1, "ä"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LAUGHS, "values, each alias counted"),
        ("a: &a [*a]", "line 1 has an alias of what it stands in"),
        ("a: &a {<<: *a}", "line 1 has an alias of what it stands in"),
        ("[" * 100_000, "nested"),
        ("a: " + "[" * 100_000, "nested more than 200 deep"),
        ("- " * 100_000, "nested more than 200 deep"),
        ("[" * 300 + "]" * 300, "nested more than 200 deep"),
        ("a: !!python/object/apply:os.system [x]", "line 1 has the tag tag:yaml.org,2002:python/object"),
        ("a: b: c", "at line 1, column 5"),
        ("a\n---\nb", "expected a single document"),
        ("? [a]\n: b", "line 1 has a key that is no text"),
        (b"\xff\xfe\x00", "codec can't decode"),
        ('{"a": 1', "Expecting"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_a_line(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        await said(tmp_path, text)

    assert reason in refused.value.detail
    assert str(tmp_path / "document") in refused.value.detail
    assert "\n" not in refused.value.detail


async def test_a_document_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1")))

    document = await read_document("-")

    assert (document.content, document.name, document.url) == ({"a": 1}, "standard input", None)


async def test_a_document_that_is_not_there_or_too_large_is_named(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)

    with pytest.raises(InvalidCommand, match="nowhere cannot be read: No such file or directory"):
        await read_document(str(tmp_path / "nowhere"))
    with pytest.raises(InvalidCommand, match="Is a directory"):
        await read_document(str(tmp_path))
    with pytest.raises(TooLarge, match="large is larger than 32 MiB"):
        await read_document(str(large))
