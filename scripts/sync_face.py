"""The types of the synchronous SDK, memos/client/sync.pyi, made from the asynchronous classes."""

import ast
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from memos.client import connect
from memos.client.client import Client
from memos.client.faces import is_awaited, part_of, public

STUB = Path(__file__).parents[1] / "memos" / "client" / "sync.pyi"

HEAD = '''\
"""The SDK without `await`; made from the asynchronous SDK by `make docs`."""

# ruff: noqa: A002

'''
INSTEAD = {"AsyncIterator": "Iterator", "asynccontextmanager": "contextmanager"}
"""What stands in the synchronous face for a name of the asynchronous one."""


class Stub:
    """Gathers declarations, and the imports of the names in them."""

    def __init__(self) -> None:
        self._declarations: list[ast.stmt] = []
        self._imports = {"Face": "memos.client.faces"}
        self._own: set[str] = set()

    def add_class(self, kind: type) -> None:
        """Declare the face of a class, after those of its parts."""
        if kind.__name__ in self._own:
            return
        self._own.add(kind.__name__)
        members = [getattr(kind, name) for name in public(kind)]
        for member in members:
            if isinstance(member, property) and member.fget:
                self.add_class(part_of(member.fget))
        declaration = cast("ast.ClassDef", ast.parse(f"class {kind.__name__}(Face): ...").body[0])
        declaration.body = [documented(kind), *map(self._declared, members)]
        self._declarations.append(declaration)

    def add_function(self, function: Callable[..., Any]) -> None:
        """Declare the face of a function."""
        self._declarations.append(self._declared(function))

    def text(self) -> str:
        """The stub, formatted."""
        missing = {name: module for name, module in self._imports.items() if name not in self._own}
        imports = [f"from {module} import {name}\n" for name, module in sorted(missing.items())]
        body = "\n".join(map(ast.unparse, self._declarations))
        return formatted(HEAD + "".join(imports) + body)

    def _declared(self, member: Any) -> ast.FunctionDef:
        function: Any = member.fget if isinstance(member, property) else inspect.unwrap(member)
        source = cast("ast.FunctionDef", ast.parse(textwrap.dedent(inspect.getsource(function))).body[0])
        module = sys.modules[function.__module__]
        names = Names(module)
        declared = ast.FunctionDef(
            name=source.name,
            args=names.visit(source.args),
            body=[documented(function)],
            decorator_list=[names.visit(one) for one in source.decorator_list],
            returns=names.visit(source.returns) if source.returns else None,
        )
        for name, place in names.found.items():
            if self._imports.setdefault(name, place) != place:
                raise ValueError(f"{name} is imported from {self._imports[name]} and from {place}")
        return ast.fix_missing_locations(declared)


class Names(ast.NodeTransformer):
    """Puts synchronous names in the place of asynchronous ones, and notes where each comes from."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self.found: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in vars(self._module):
            return node
        module = origin(self._module, node.id)
        if is_awaited(vars(module).get(node.id)):
            return self._called(module, node.id)
        name = INSTEAD.get(node.id, node.id)
        self.found[name] = module.__name__
        return ast.Name(name)

    def _called(self, module: ModuleType, alias: str) -> ast.expr:
        """A function whose result is awaited, as one that is called: its alias without `Awaitable`."""
        tree = ast.parse(inspect.getsource(module))
        [value] = [
            statement.value
            for statement in tree.body
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == alias
        ]
        names = Called(module)
        meant: ast.expr = names.visit(value)
        self.found |= names.found
        return meant


class Called(Names):
    """Leaves `Awaitable` out as well."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        awaited = isinstance(node.value, ast.Name) and node.value.id == "Awaitable"
        return self.visit(node.slice) if awaited else self.generic_visit(node)


def origin(module: ModuleType, name: str) -> ModuleType:
    """The module from which another imports a name, or itself."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.ImportFrom) and name in {one.asname or one.name for one in statement.names}:
            return sys.modules[statement.module or ""]
    return module


def documented(documented: Any) -> ast.stmt:
    """A docstring as the body of a declaration."""
    text = inspect.getdoc(documented) or ""
    return ast.Expr(ast.Constant(f"{text}\n" if "\n" in text else text))


def formatted(text: str) -> str:
    """A stub as ruff writes it, with its imports in order."""
    for words in (("check", "--select", "I", "--fix", "--quiet"), ("format", "--quiet")):
        command = [sys.executable, "-m", "ruff", *words, "--stdin-filename", STUB, "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return text


def sync_face() -> str:
    """What must be in the stub."""
    stub = Stub()
    stub.add_class(Client)
    stub.add_function(connect)
    return stub.text()
