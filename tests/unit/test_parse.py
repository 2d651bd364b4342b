"""What is read from a source, and why a source is skipped."""

import codecs
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.ingestion.parse import Definition, module_name, parse
from memos.ingestion.walk import Skipped

Write = Callable[[str | bytes], Path]


@pytest.fixture
def module(tmp_path: Path) -> Write:
    """Write the source of a module named `m`."""

    def write(source: str | bytes) -> Path:
        path = tmp_path / "m.py"
        path.write_bytes(source if isinstance(source, bytes) else dedent(source).encode())
        return path

    return write


def definitions(path: Path) -> list[Definition]:
    parsed = parse(path)
    assert isinstance(parsed, list), str(parsed)
    return parsed


def skipped(path: Path) -> Skipped:
    parsed = parse(path)
    assert isinstance(parsed, Skipped)
    return parsed


def signatures(path: Path) -> list[str]:
    return [definition.signature for definition in definitions(path)]


def test_modules_classes_and_functions_with_a_docstring_are_found_in_the_order_of_lines(module: Write) -> None:
    path = module(
        '''\
        """Module."""
        class Shape:
            """Class."""
            def area(self):
                """Method."""
                def inner():
                    "Nested function."
            @property
            def name(self):
                """Property."""
            def bare(self): pass
            class Point:
                """Nested class."""
        async def main():
            """Coroutine."""
        '''
    )
    assert [(d.kind, d.name, d.line, d.docstring) for d in definitions(path)] == [
        ("module", "m", 1, "Module."),
        ("class", "m.Shape", 2, "Class."),
        ("function", "m.Shape.area", 4, "Method."),
        ("function", "m.Shape.area.<locals>.inner", 6, "Nested function."),
        ("function", "m.Shape.name", 9, "Property."),
        ("class", "m.Shape.Point", 12, "Nested class."),
        ("function", "m.main", 14, "Coroutine."),
    ]


def test_names_are_those_that_python_gives_when_it_runs_the_source(module: Write) -> None:
    path = module("class A:\n  def f(self):\n    'd'\n    class B:\n      def g(self): 'd'\n    return B.g\n")
    scope: dict[str, type] = {}
    exec(path.read_text(), scope)  # noqa: S102 - Python's own answer is what the test compares with
    outer = scope["A"].f  # type: ignore[attr-defined]
    assert [d.name for d in definitions(path)] == [
        f"m.{outer.__qualname__}",
        f"m.{outer(None).__qualname__}",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "if a:\n  {}",
        "if a: pass\nelif b: pass\nelse:\n  {}",
        "for a in b:\n  {}",
        "for a in b: pass\nelse:\n  {}",
        "while a:\n  {}",
        "with a:\n  {}",
        "try:\n  {}\nfinally: pass",
        "try: pass\nexcept A:\n  {}",
        "try: pass\nexcept* A:\n  {}",
        "try: pass\nexcept A: pass\nelse:\n  {}",
        "try: pass\nfinally:\n  {}",
        "match a:\n case 1:\n  {}",
        "async def g():\n async with a:\n  async for b in c:\n   {}",
    ],
)
def test_definitions_inside_any_statement_are_found(module: Write, statement: str) -> None:
    [definition] = definitions(module(statement.format("def f(): 'd'")))
    assert definition.name in {"m.f", "m.g.<locals>.f"}


def test_definitions_of_one_name_keep_their_own_lines(module: Write) -> None:
    path = module(
        '''\
        @overload
        def load(path: str) -> str:
            """From a file."""
        @overload
        def load(path: bytes) -> bytes:
            """From bytes."""
        if windows:
            def home(): "On Windows."
        else:
            def home(): "Elsewhere."
        '''
    )
    assert [(d.name, d.line) for d in definitions(path)] == [
        ("m.load", 2),
        ("m.load", 5),
        ("m.home", 8),
        ("m.home", 10),
    ]


def test_a_docstring_is_cleaned_of_its_indentation(module: Write) -> None:
    path = module('def f():\n    """\n    One.\n\n      two\\tthree\n    """\n')
    assert definitions(path)[0].docstring == "One.\n\n  two       three"


@pytest.mark.parametrize("docstring", ['""', '"  \\n "', 'b"bytes"', 'f"{formatted}"', "1", "..."])
def test_what_is_no_docstring_or_an_empty_one_is_not_found(module: Write, docstring: str) -> None:
    assert definitions(module(f"def f():\n    {docstring}\n")) == []


@pytest.mark.parametrize(
    "signature",
    [
        "def f()",
        "async def f(self, a, /, b: int=1, *args: str, c, d=None, **kwargs) -> dict[str, int]",
        "def f(*, a: 'Forward'=('x', 1))",
        "class A",
        "class A(B, c.D[int], metaclass=M)",
    ],
)
def test_a_signature_is_that_of_the_source(module: Write, signature: str) -> None:
    assert signatures(module(f"{signature}:\n    'd'\n")) == [signature]


def test_long_parts_of_a_signature_are_cut_short(module: Write) -> None:
    path = module(
        f"""\
        def f(a: Annotated[int, Doc('{"a" * 60}')], b: t.Annotated[str, Doc('b')] = '', c: Literal['{"c" * 60}'] = (
            1, 2)): 'd'
        class A(B[
            int], **keywords): 'd'
        """
    )
    assert signatures(path) == ["def f(a: int, b: str='', c: …=…)", "class A(…, **…)"]


def test_a_signature_with_an_expression_that_cannot_be_written_back_is_cut_short(module: Write) -> None:
    [signature] = signatures(module("def f(a=f\"{'\x01'}\", b=1): 'd'\n"))
    assert signature in {"def f(a=…, b=1)", "def f(a=f\"{'\\x01'}\", b=1)"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pkg/sub/mod.py", "pkg.sub.mod"),
        ("pkg/sub/__init__.py", "pkg.sub"),
        ("pkg/__main__.py", "pkg.__main__"),
        ("pkg/scripts/run.py", "run"),
        ("pkg/scripts/../sub/mod.py", "pkg.sub.mod"),
    ],
)
def test_a_module_is_named_as_it_is_imported(tmp_path: Path, path: str, name: str) -> None:
    for directory in ("pkg/sub", "pkg/scripts"):
        (tmp_path / directory).mkdir(parents=True)
    for package in ("pkg", "pkg/sub"):
        (tmp_path / package / "__init__.py").touch()
    assert module_name(tmp_path / path) == name


def test_a_relative_path_is_named_by_the_packages_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path / "pkg")
    assert module_name(Path("mod.py")) == "pkg.mod"


@pytest.mark.parametrize(
    "source",
    [
        '"""žluťoučký kůň"""'.encode(),
        codecs.BOM_UTF8 + '"""žluťoučký kůň"""'.encode(),
        '# coding: cp1250\n"""žluťoučký kůň"""'.encode("cp1250"),
        '#!/usr/bin/python\n# vim: set fileencoding=iso-8859-2 :\n"""žluťoučký kůň"""'.encode("iso-8859-2"),
    ],
    ids=["utf-8", "byte order mark", "cookie", "cookie on line 2"],
)
def test_a_source_is_decoded_as_its_byte_order_mark_or_cookie_says(module: Write, source: bytes) -> None:
    [definition] = definitions(module(source))
    assert definition.docstring == "žluťoučký kůň"


def test_a_latin_1_cookie_lets_any_byte_be_read(module: Write) -> None:
    [definition] = definitions(module(b'# -*- coding: latin-1 -*-\n"""caf\xe9 \xff"""'))
    assert definition.docstring == "café ÿ"


def test_line_ends_of_other_systems_are_read_as_line_feeds(module: Write) -> None:
    for end in (b"\r\n", b"\r"):
        [definition] = definitions(module(end.join([b"x = 1", b"def f():", b"    '''A.", b"", b"    B.'''", b""])))
        assert (definition.line, definition.docstring) == (2, "A.\n\nB.")


def test_an_empty_file_defines_nothing(module: Write) -> None:
    assert definitions(module(b"")) == []


def test_a_file_that_does_not_parse_is_skipped_with_its_line(module: Write) -> None:
    skip = skipped(module("x = 1\nprint 'hello'\n"))
    assert skip.line == 2
    assert skip.reason.startswith("does not parse: Missing parentheses")


@pytest.mark.parametrize("source", [b"\x7fELF\x02\x01\0\0", "x = 1".encode("utf-16")])
def test_a_binary_file_is_skipped(module: Write, source: bytes) -> None:
    assert skipped(module(source)).reason == "binary: contains NUL bytes"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"# coding: uft-8\n", "unknown encoding"),
        (b"# coding: base64\n", "text encoding"),
        (b'"caf\xe9"\n', "can't decode byte 0xe9"),
        (b"=\x9e", "can't decode byte 0x9e"),
        (codecs.BOM_UTF8 + b"# coding: latin-1\n", "encoding problem"),
    ],
)
def test_a_file_of_no_known_encoding_is_skipped(module: Write, source: bytes, reason: str) -> None:
    assert reason in skipped(module(source)).reason


@pytest.mark.parametrize(
    "source",
    ["(" * 5000 + ")" * 5000, "-" * 100_000 + "1", "a" + ".b" * 100_000, "if a: pass\n" + "elif a: pass\n" * 5000],
    ids=["parentheses", "signs", "attributes", "elif"],
)
def test_a_source_nested_too_deeply_is_skipped(module: Write, source: str) -> None:
    assert skipped(module(source)).reason.startswith("does not parse: ")


def test_branches_deeper_than_python_may_recurse_are_searched(module: Write) -> None:
    branches = "elif a: pass\n" * (sys.getrecursionlimit() - 50)
    path = module(f"if a: pass\n{branches}else:\n  def f(x=1{'+1' * 900}): 'd'\n")
    [definition] = definitions(path)
    assert definition.signature == "def f(x=…)"


def test_a_missing_file_and_a_directory_are_skipped(tmp_path: Path) -> None:
    assert skipped(tmp_path / "m.py").reason == "cannot be read: No such file or directory"
    assert skipped(tmp_path).reason == "cannot be read: Is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_read_permission_is_skipped(module: Write) -> None:
    path = module("'d'")
    path.chmod(0)
    assert skipped(path).reason == "cannot be read: Permission denied"


def test_warnings_of_the_compiler_are_neither_shown_nor_raised(module: Write) -> None:
    path = module(r"'d'; x = '\d'; y = 1 is 1")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert len(definitions(path)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(definitions(path)) == 1
    assert shown == []


def test_nothing_is_executed(module: Write, tmp_path: Path) -> None:
    definitions(module(f"'d'\nimport pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.py"]


python_like = st.lists(
    st.sampled_from(
        [
            *"()[]{}:,.\"'\\\n\t#=@*",
            " ",
            "    ",
            '"""',
            "def f",
            "class A",
            "async ",
            "if a",
            "# coding: ",
            "\ufeff",
        ]
    ),
).map("".join)


@given(source=st.binary() | python_like.map(str.encode) | st.text().map("# coding: {}".format).map(str.encode))
def test_no_content_of_a_file_makes_parse_raise(source: bytes) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "m.py")
        path.write_bytes(source)
        assert isinstance(parse(path), list | Skipped)
