"""Reading what a Python source defines, from its syntax alone: nothing is imported or executed."""

import ast
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from memos.ingestion.walk import Skipped, refusal

Kind = Literal["module", "class", "function"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

EXPRESSION_LIMIT = 60
"""Characters an annotation, default or base may have before a signature shows `…` in its place."""

BLOCKS: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.Module: ("body",),
    ast.ClassDef: ("body",),
    ast.FunctionDef: ("body",),
    ast.AsyncFunctionDef: ("body",),
    ast.If: ("body", "orelse"),
    ast.For: ("body", "orelse"),
    ast.AsyncFor: ("body", "orelse"),
    ast.While: ("body", "orelse"),
    ast.With: ("body",),
    ast.AsyncWith: ("body",),
    ast.Try: ("body", "handlers", "orelse", "finalbody"),
    ast.TryStar: ("body", "handlers", "orelse", "finalbody"),
    ast.ExceptHandler: ("body",),
    ast.Match: ("cases",),
    ast.match_case: ("body",),
}
"""The fields of a node that hold statements, in the order of the source."""

_FILTERS = threading.Lock()
"""`warnings.catch_warnings` swaps the filters of the whole process, which must not overlap."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A module, class or function that has a docstring.

    `module` is its dotted name and `qualname` Python's own qualified name within it (PEP 3155, with
    `<locals>` below functions), which with `signature` is empty for the module itself. Definitions of
    one name differ in `line`. `docstring` is cleaned of its indentation (PEP 257, by `inspect.cleandoc`).
    """

    kind: Kind
    module: str
    qualname: str
    line: int
    signature: str
    docstring: str

    @property
    def name(self) -> str:
        """The dotted name of the module and the qualified name within it."""
        return f"{self.module}.{self.qualname}" if self.qualname else self.module


def parse(path: Path) -> list[Definition] | Skipped:
    """Return what has a docstring in the source at `path`, in the order of its lines.

    The source is decoded as Python does (PEP 263). What cannot be read or is not Python of the
    running version is `Skipped`, with the line at fault where there is one. Nothing is raised.
    """
    try:
        source, module = path.read_bytes(), module_name(path)
    except OSError as error:
        return Skipped(path, refusal(error))
    if b"\0" in source:
        return Skipped(path, "binary: contains NUL bytes")
    try:
        tree = _tree(source)
    except SyntaxError as error:
        return Skipped(path, f"does not parse: {error.msg}", error.lineno or None)
    except (RecursionError, MemoryError):
        return Skipped(path, "does not parse: nested too deeply")
    except ValueError as error:  # Python could not decode the line that it wanted to quote in a SyntaxError
        return Skipped(path, f"does not parse: {error}")
    return list(_definitions(tree, module))


def module_name(path: Path) -> str:
    """The dotted name that the file at `path` is imported by: its packages are those with `__init__.py`."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - `absolute` keeps the dots of `../module.py`
    names = [] if path.stem == "__init__" else [path.stem]
    for directory in path.parents:
        if not (directory / "__init__.py").is_file():
            break
        names.append(directory.name)
    return ".".join(reversed(names)) or path.stem


def _tree(source: bytes) -> ast.Module:
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _definitions(tree: ast.Module, module: str) -> Iterator[Definition]:
    """Visit all statements with a stack of its own: chains of `elif` nest deeper than Python recurses."""
    pending: list[tuple[ast.AST, str]] = [(tree, "")]
    while pending:
        node, scope = pending.pop()
        if isinstance(node, Documented):
            qualname = "" if isinstance(node, ast.Module) else f"{scope}{node.name}"
            docstring = ast.get_docstring(node)
            if docstring and not docstring.isspace():
                yield _definition(node, module, qualname, docstring)
            scope = _scope_below(node, qualname)
        blocks = [getattr(node, block) for block in BLOCKS[type(node)]]
        below = [(child, scope) for block in blocks for child in block if type(child) in BLOCKS]
        pending.extend(reversed(below))


def _scope_below(node: Documented, qualname: str) -> str:
    match node:
        case ast.Module():
            return ""
        case ast.ClassDef():
            return f"{qualname}."
        case _:
            return f"{qualname}.<locals>."


def _definition(node: Documented, module: str, qualname: str, docstring: str) -> Definition:
    match node:
        case ast.Module():
            return Definition("module", module, "", 1, "", docstring)
        case ast.ClassDef():
            return Definition("class", module, qualname, node.lineno, _class_signature(node), docstring)
        case _:
            return Definition("function", module, qualname, node.lineno, _function_signature(node), docstring)


def _class_signature(node: ast.ClassDef) -> str:
    bases = [_source(base) for base in node.bases]
    keywords = [f"{word.arg}={_source(word.value)}" if word.arg else "**…" for word in node.keywords]
    arguments = ", ".join([*bases, *keywords])
    return f"class {node.name}({arguments})" if arguments else f"class {node.name}"


def _function_signature(node: Function) -> str:
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {_source(node.returns)}" if node.returns else ""
    return f"{keyword} {node.name}({_parameters(node.args)}){returns}"


def _parameters(arguments: ast.arguments) -> str:
    """Write the parameters after shortening their annotations and defaults in place: the tree is ours."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in (*named, arguments.vararg, arguments.kwarg):
        if argument and argument.annotation:
            argument.annotation = ast.Name(_source(argument.annotation))
    arguments.defaults = [ast.Name(_source(default)) for default in arguments.defaults]
    arguments.kw_defaults = [default and ast.Name(_source(default)) for default in arguments.kw_defaults]
    return ast.unparse(arguments)


def _source(expression: ast.expr) -> str:
    """Write an expression: as `T` if it is `Annotated[T, …]`, as `…` if it takes lines or many characters."""
    match expression:
        case ast.Subscript(ast.Name("Annotated") | ast.Attribute(attr="Annotated"), ast.Tuple([kept, *_])):
            expression = kept
    end = expression.end_col_offset or 0
    if expression.lineno != expression.end_lineno or end - expression.col_offset > EXPRESSION_LIMIT:
        return "…"
    try:
        return ast.unparse(expression)
    except ValueError:  # before Python 3.12 f-strings with control characters cannot be written
        return "…"
