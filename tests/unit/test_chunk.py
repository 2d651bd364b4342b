"""How docstrings become passages, and that cutting them loses nothing."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.ingestion.chunk import CONTENT_LIMIT, Passage, passages, split
from memos.ingestion.parse import Definition

NUMPY_STYLE = dedent(
    """\
    Return the mean of the values.

    It is the sum over the axis, divided by the number of elements along that axis.

    Parameters
    ----------
    values : array_like
        Numbers whose mean is wanted.
    axis : int, optional
        Axis along which the means are computed.

    Examples
    --------
    >>> mean([1, 2, 3])
    2.0

    >>> mean([])
    nan"""
)


def definition(
    docstring: str, *, module: str = "m", qualname: str = "f", signature: str = "def f(a)"
) -> Definition:
    return Definition("function", module, qualname, 7, signature, docstring)


def cut(docstring: str, limit: int = CONTENT_LIMIT, **changes: str) -> list[Passage]:
    return list(passages([definition(docstring, **changes)], "src/m.py", content_limit=limit))


def bodies(found: list[Passage]) -> list[str]:
    return [passage.content.partition("\n")[2] for passage in found]


def test_a_passage_is_the_signature_over_the_docstring_as_it_stands() -> None:
    assert cut("Do it.\n\n    >>> f(1)") == [
        Passage(
            content="def f(a)\nDo it.\n\n    >>> f(1)",
            uri="src/m.py",
            symbol="m.f",
            kind="function",
            signature="def f(a)",
            line=7,
            sequence=0,
        )
    ]


def test_passages_are_numbered_in_the_order_of_their_definitions() -> None:
    found = passages([definition("A."), definition("B. " * 100 + "\n\n" + "C. " * 200), definition("E.")], "m.py")
    assert [(passage.sequence, passage.part, passage.parts) for passage in found] == [
        (0, 1, 1),
        (1, 1, 2),
        (1, 2, 2),
        (2, 1, 1),
    ]


@pytest.mark.parametrize(
    ("qualname", "signature", "headline"),
    [
        ("f", "def f(a)", "def f(a)"),
        ("C.d", "async def d(self) -> int", "async def C.d(self) -> int"),
        ("f.<locals>.A", "class A(B)", "class f.<locals>.A(B)"),
        ("", "", "module pkg.m"),
    ],
)
def test_the_first_line_is_the_signature_under_the_name_within_the_module(
    qualname: str, signature: str, headline: str
) -> None:
    [passage] = cut("Doc.", module="pkg.m", qualname=qualname, signature=signature)
    assert passage.content == f"{headline}\nDoc."
    assert passage.symbol == f"pkg.m.{qualname}".removesuffix(".")


def test_a_long_signature_is_cut_in_the_content_and_kept_beside_it() -> None:
    signature = f"def f({'a' * 500})"
    [passage] = cut("Doc.", signature=signature)
    first, _, rest = passage.content.partition("\n")
    assert (len(first), first[-1], rest) == (CONTENT_LIMIT // 4, "…", "Doc.")
    assert passage.signature == signature


def test_a_long_docstring_is_cut_before_its_sections() -> None:
    assert [part.splitlines()[0] for part in split(NUMPY_STYLE, 180)] == [
        "Return the mean of the values.",
        "Parameters",
        "Examples",
    ]


def test_the_steps_of_a_doctest_stay_together_where_they_fit() -> None:
    assert split(NUMPY_STYLE, 80)[-1] == NUMPY_STYLE[NUMPY_STYLE.index("Examples") :]


def test_an_entry_of_a_section_keeps_its_indented_description() -> None:
    parts = split(NUMPY_STYLE, 110)
    assert "axis : int, optional\n    Axis along which the means are computed.\n\n" in parts


def test_google_style_sections_are_where_a_docstring_is_cut() -> None:
    text = "Fetch rows.\n\nMore words.\n\nArgs:\n    table: One.\n\n    keys: Two.\n\nReturns:\n    A dict.\n"
    assert split(text, 45) == [
        "Fetch rows.\n\nMore words.\n\n",
        "Args:\n    table: One.\n\n    keys: Two.\n\n",
        "Returns:\n    A dict.\n",
    ]


def test_markdown_sections_are_where_a_docstring_is_cut() -> None:
    text = "Fetch rows.\n\n## Example\n\n```python\nfetch()\n\n# again\nfetch()\n```\n"
    assert split(text, 60) == ["Fetch rows.\n\n", text.removeprefix("Fetch rows.\n\n")]


def test_a_paragraph_that_a_colon_announces_stays_with_it() -> None:
    assert split("Some words.\n\nFor example::\n\n    f(1)\n", 32) == [
        "Some words.\n\n",
        "For example::\n\n    f(1)\n",
    ]


def test_a_word_longer_than_the_limit_is_cut_anywhere() -> None:
    assert split("ab" * 5 + " c", 4) == ["abab", "abab", "ab c"]


def test_parts_keep_the_indentation_of_their_first_line() -> None:
    found = cut("One:\n    two " + "x" * 60 + "\n    three " + "x" * 60, 100)
    assert bodies(found)[-1] == "    three " + "x" * 60


def test_nul_and_lone_surrogates_are_shown_as_replacement_characters() -> None:
    [passage] = cut("a\0b\ud800c \U0001f600", module="caf\udce9")
    assert passage.content == "def f(a)\na\ufffdb\ufffdc \U0001f600"
    assert passage.symbol == "caf\ufffd.f"


docstrings = st.lists(
    st.text(max_size=30)
    | st.sampled_from(["\n", "\n\n", " ", "    ", "Args:\n", "Notes\n-----\n", ">>> f()\n", "word " * 20, "x" * 90])
).map("".join)


@given(text=docstrings, limit=st.integers(1, 200))
def test_splitting_loses_nothing_and_keeps_to_the_limit(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert "".join(parts) == text
    assert all(len(part) <= limit for part in parts)


@given(text=docstrings.filter(lambda text: not text.isspace() and text != ""), limit=st.integers(40, 200))
def test_passages_hold_all_words_of_the_docstring_within_the_limit(text: str, limit: int) -> None:
    found = cut(text, limit)
    kept = "".join("".join(body.split()) for body in bodies(found))
    shown = text.replace("\0", "\ufffd")
    assert kept == "".join(shown.split())
    assert all(len(passage.content) <= limit for passage in found)
    assert [passage.part for passage in found] == list(range(1, found[0].parts + 1))
