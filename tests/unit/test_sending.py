"""Commands made of arguments."""

import pytest

from memos.client.sending import build
from memos.errors import InvalidCommand
from memos.events.memories import StoreMemory


def test_a_field_may_be_called_as_the_parameter_of_the_function_is() -> None:
    assert build(StoreMemory, content="a", kind="note").kind == "note"


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(InvalidCommand, match="kind: ") as refusal:
        build(StoreMemory, content="a", kind="A Note")

    assert [fault.field for fault in refusal.value.faults] == ["kind"]
