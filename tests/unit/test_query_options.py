"""The SDK's query takes every field that the command has, and no other."""

import inspect
from typing import get_type_hints

from memos.client import Client
from memos.client.options import QueryOptions
from memos.events.memories import QueryMemory


def test_a_query_of_the_sdk_takes_every_field_of_the_command() -> None:
    named = set(inspect.signature(Client.query).parameters) - {"self", "options"}
    assert named | set(get_type_hints(QueryOptions)) == set(QueryMemory.model_fields)
