"""Synchronous faces of asynchronous classes: the same methods, which return when they are done.

They are made from the classes themselves, so none is forgotten: a coroutine becomes a method that waits, an
asynchronous iterator a generator, a part such as `client.tools` a face of its own, and a function of the caller
that is to be awaited one that is simply called, in the caller's thread.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache, partial, wraps
from types import GenericAlias
from typing import Any, get_args, get_origin

from memos.client.threaded import Caller, LoopThread

Method = Callable[..., Any]

MODULE = "memos.client.sync"
"""Where the faces of the SDK are found."""


class Face:
    """A face of the object `behind`, which lives in the loop of a thread."""

    def __init__(self, behind: Any, thread: LoopThread) -> None:
        self._behind = behind
        self._thread = thread


@cache
def face_of(kind: type) -> type[Face]:
    """The synchronous face of an asynchronous class: a class of the same name."""
    members = {name: _member(getattr(kind, name)) for name in public(kind)}
    return type(kind.__name__, (Face,), {"__doc__": kind.__doc__, "__module__": MODULE, **members})


@cache
def parts_of(face: type) -> dict[str, type[Face]]:
    """The faces of the parts of a face, and of their parts, by their names."""
    own = [part.fget.__annotations__["return"] for part in vars(face).values() if isinstance(part, property)]
    return {name: part for each in own for name, part in {each.__name__: each, **parts_of(each)}.items()}


def public(kind: type) -> list[str]:
    """The names of what a class offers, those of the classes that it is made of first."""
    names = [name for each in reversed(kind.__mro__[:-1]) for name in vars(each) if not name.startswith("_")]
    return list(dict.fromkeys(names))


def part_of(getter: Method) -> type:
    """The class of the part of a client that a property gives."""
    part: type = inspect.signature(getter, eval_str=True).return_annotation
    return part


def is_awaited(annotation: Any) -> bool:
    """Whether a parameter stands for a function of the caller whose result is awaited."""
    arguments = get_args(annotation)
    return get_origin(annotation) is Callable and get_origin(arguments[-1]) is Awaitable


def _member(attribute: Any) -> Any:
    if isinstance(attribute, property) and attribute.fget:
        return _part(attribute.fget)
    signature = inspect.signature(attribute, eval_str=True)
    if inspect.iscoroutinefunction(attribute):
        functions = [name for name, each in signature.parameters.items() if is_awaited(each.annotation)]
        return _calling(attribute, signature, functions) if functions else _waiting(attribute)
    if get_origin(signature.return_annotation) is AsyncIterator:
        return _iterating(attribute, signature)
    raise TypeError(f"{attribute.__qualname__} is neither a coroutine nor an iterator nor a part; it has no face.")


def _part(getter: Method) -> property:
    face = face_of(part_of(getter))

    def part(self: Face) -> Face:
        return face(getter(self._behind), self._thread)

    part.__annotations__["return"] = face
    return property(part, doc=getter.__doc__)


def _waiting(method: Method) -> Method:
    @wraps(method)
    def waiting(self: Face, *args: Any, **kwargs: Any) -> Any:
        return self._thread.run(method(self._behind, *args, **kwargs))

    return waiting


def _calling(method: Method, signature: inspect.Signature, functions: list[str]) -> Method:
    @wraps(method)
    def calling(self: Face, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self._behind, *args, **kwargs)

        def work(caller: Caller) -> Any:
            for name in functions:
                given.arguments[name] = partial(caller.call, given.arguments[name])
            return method(*given.args, **given.kwargs)

        return self._thread.run_calling(work)

    return calling


def _iterating(method: Method, signature: inspect.Signature) -> Method:
    @wraps(method)
    def iterating(self: Face, *args: Any, **kwargs: Any) -> Any:
        return self._thread.iterate(method(self._behind, *args, **kwargs))

    told = signature.replace(return_annotation=GenericAlias(Iterator, get_args(signature.return_annotation)))
    iterating.__signature__ = told  # type: ignore[attr-defined]
    return iterating
