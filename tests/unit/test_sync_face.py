"""The synchronous SDK has what the asynchronous one has, and so does each way to memOS."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest

import memos
from memos.client import connect, sync
from memos.client.bus import Bus
from memos.client.client import Client
from memos.client.faces import face_of, parts_of, public
from memos.client.http import Http
from memos.client.retrying import Retrying
from memos.client.transport import Transport
from memos.events.memories import MemoriesFound, StoreOutcome
from memos.events.tools import ToolsFound
from memos.events.working import WorkingValue
from memos.records import Fact, Tool

STUB = Path(sync.__file__).with_suffix(".pyi")


def asynchronous(kind: type) -> Iterator[type]:
    """A class of the SDK and those of its parts."""
    yield kind
    for name in public(kind):
        member = getattr(kind, name)
        if isinstance(member, property) and member.fget:
            yield from asynchronous(member.fget.__annotations__["return"])


METHODS = [
    (kind, name)
    for kind in asynchronous(Client)
    for name in public(kind)
    if not isinstance(getattr(kind, name), property)
]


def told(parameters: list[inspect.Parameter]) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in parameters]


def parameters_of(method: Any) -> list[tuple[str, Any, Any]]:
    return told(list(inspect.signature(method).parameters.values()))


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda value: getattr(value, "__name__", value))
def test_every_method_has_a_face_with_the_same_parameters_that_is_no_coroutine(kind: type, name: str) -> None:
    method, face = getattr(kind, name), getattr(face_of(kind), name)

    assert parameters_of(face) == parameters_of(method)
    assert face.__doc__ == method.__doc__
    assert face.__doc__
    assert not inspect.iscoroutinefunction(face)
    assert "Async" not in str(inspect.signature(face).return_annotation)


def test_every_part_of_a_client_has_a_face_that_is_found_by_its_name() -> None:
    parts = {name for name in public(Client) if isinstance(getattr(Client, name), property)}
    kinds = {kind.__name__ for kind in asynchronous(Client)} - {"Client"}

    assert {"tools", "loadouts", "llm", "working"} <= parts
    assert set(parts_of(sync.Client)) == kinds
    for name in kinds:
        assert issubclass(getattr(sync, name), object)
    with pytest.raises(AttributeError, match="nothing"):
        sync.nothing  # type: ignore[attr-defined] # noqa: B018


def test_a_member_without_a_face_is_refused_rather_than_left_out() -> None:
    class Odd:
        def count(self) -> int:
            return 1

    with pytest.raises(TypeError, match=r"Odd\.count"):
        face_of(Odd)


def test_connecting_takes_the_same() -> None:
    assert parameters_of(sync.connect) == parameters_of(connect)


def test_the_types_declare_every_method() -> None:
    declared = {
        (one.name, method.name)
        for one in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(one, ast.ClassDef)
        for method in one.body
        if isinstance(method, ast.FunctionDef)
    }

    assert {(kind.__name__, name) for kind, name in METHODS} <= declared


@pytest.mark.parametrize("transport", [Bus, Http, Retrying])
@pytest.mark.parametrize("method", ["send", "post", "follow"])
def test_every_way_to_memos_takes_the_same(transport: type, method: str) -> None:
    wanted = parameters_of(getattr(Transport, method))
    taken = list(inspect.signature(getattr(transport, method)).parameters.values())
    known = {name for name, _, _ in wanted}

    assert [one.name for one in taken if one.name in known] == [name for name, _, _ in wanted]
    assert all(one.default is not inspect.Parameter.empty for one in taken if one.name not in known)


def typed(client: sync.Client) -> None:
    """Never called: the type checker holds the types of the synchronous SDK to this."""
    assert_type(client.store("x", agent_id="a"), StoreOutcome)
    assert_type(client.query("x", top_k=1), MemoriesFound)
    assert_type(client.tools.discover("x", top_k=1), ToolsFound)
    assert_type(client.working.get("session", "key"), WorkingValue)
    assert_type(client.working.every("session"), Iterator[WorkingValue])
    assert_type(client.tools.every(), Iterator[Tool])
    assert_type(client.follow(after=0), Iterator[Fact])
    client.llm.answered({"model": "m", "messages": []}, lambda: {"choices": []})
    client.query("x", top_k="1")  # type: ignore[arg-type]
    client.tools.discover("x", nonsense=1)  # type: ignore[call-arg]
    with sync.connect("http://127.0.0.1:8090", retries=0) as connected:
        assert_type(connected, sync.Client)


def test_the_package_says_that_it_is_typed() -> None:
    assert inspect.signature(typed).parameters
    assert (Path(memos.__file__).parent / "py.typed").exists()
