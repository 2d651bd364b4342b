from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import pytest
from builders import draft, memory, origin
from pydantic import ValidationError

from memos.records import (
    CommandKey,
    RecordKey,
    Source,
    VersionKey,
    content_hash,
    duplicate_key,
    memory_id_for,
)

ID = UUID("0191d1a0-0000-7000-8000-000000000000")


def test_the_id_of_a_memory_follows_from_its_command_and_never_changes() -> None:
    key = CommandKey("default", "tests", "one")

    assert memory_id_for(key) == UUID("c1abaec4-2cbe-5a43-a197-804939e76437")
    assert len({memory_id_for(other) for other in (key, key._replace(tenant="a"), key._replace(source="b"))}) == 3
    assert memory_id_for(CommandKey("a", "b", "c")) != memory_id_for(CommandKey("a", "bc", ""))


def test_the_items_of_a_batch_have_ids_of_their_own() -> None:
    batch = origin(command_id="batch")

    assert [batch.item(index).key for index in range(2)] == [
        CommandKey("default", "tests", "batch/0"),
        CommandKey("default", "tests", "batch/1"),
    ]


def test_a_point_id_is_the_records_own_in_each_tenant() -> None:
    keys = [RecordKey("a", ID), RecordKey("b", ID), RecordKey("a", UUID(int=1))]

    assert len({key.point_id for key in keys}) == 3
    assert VersionKey("a", ID, 7).record == keys[0]


def test_a_content_hash_is_of_the_utf8_bytes() -> None:
    assert content_hash("é") == sha256(b"\xc3\xa9").digest()
    assert draft("é").content_hash == content_hash("é")


def test_a_draft_and_the_memory_made_of_it_have_one_duplicate_key() -> None:
    assert duplicate_key("default", memory()) == duplicate_key("default", draft())


@pytest.mark.parametrize(
    "difference",
    [
        {"agent_id": "bob"},
        {"visibility": "shared"},
        {"session_id": ""},
        {"session_id": "s"},
        {"source": Source(uri="u")},
        {"source": Source(uri="u", symbol="")},
        {"source": Source(uri="u", symbol="s")},
        {"content": "the sky is blue "},
    ],
    ids=str,
)
def test_a_duplicate_key_tells_places_and_texts_apart(difference: dict[str, object]) -> None:
    keys = {
        duplicate_key("default", draft()),
        duplicate_key("default", draft(session_id="t")),
        duplicate_key("default", draft(source=Source(uri="v"))),
    }

    assert duplicate_key("default", replace(draft(), **difference)) not in keys  # type: ignore[arg-type]


def test_a_source_and_its_symbol_are_told_apart() -> None:
    one, other = draft(source=Source(uri="ab")), draft(source=Source(uri="a", symbol="b"))
    assert duplicate_key("default", one) != duplicate_key("default", other)


def test_tenants_have_duplicate_keys_of_their_own() -> None:
    assert duplicate_key("one", draft()) != duplicate_key("other", draft())


@pytest.mark.parametrize(
    "fields",
    [
        {"uri": ""},
        {"uri": "u" * 2049},
        {"uri": "u", "symbol": "s" * 1025},
        {"uri": "u", "line": -1},
        {"uri": "u", "x": 1},
    ],
)
def test_a_source_has_its_limits(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(fields)


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Source(uri="u").uri = "v"  # type: ignore[misc]
