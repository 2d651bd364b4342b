"""Ids of imported tools: names that models can call, and no two the same."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from memos.errors import InvalidCommand
from memos.events.tools import ToolId
from memos.specs import call_name
from memos.specs.names import LONGEST_NAME, MARKED
from memos.toolkits.names import MOST_PREFIX_CHARACTERS, SEPARATOR, ids_of, prefix_of

NAMES = st.lists(st.text(st.sampled_from("aZ0_-. /é\ud800"), max_size=6), max_size=8, unique=True)
TITLES = st.text(st.sampled_from("aZ0_-. é"), max_size=130).filter(lambda title: re.search("[aZ0]", title))


def ids_by_name(prefix: str, *names: str) -> dict[str, str]:
    return dict(zip(names, ids_of(prefix, [(name, name) for name in names]), strict=True))


@given(TITLES, NAMES)
@example("Shop", ["a.b", "a_b", "a__b", "", ".", "_"])
@example("x" * 130, ["a" * 152, "a" * 153, "a" * 154, "_" * 300, "a" * 144 + "." * 9 + "b" * 99])
def test_ids_are_different_and_those_that_are_not_too_long_are_what_a_model_calls(
    title: str, names: list[str]
) -> None:
    prefix = prefix_of(None, title, "info.title")
    ids = ids_by_name(prefix, *names)

    assert len(set(ids.values())) == len(names)
    for tool_id in ids.values():
        TypeAdapter(ToolId).validate_python(tool_id)
        assert tool_id.startswith(f"{prefix}{SEPARATOR}")
        assert SEPARATOR not in f"{prefix} {tool_id.removeprefix(f'{prefix}{SEPARATOR}')}"
        assert len(tool_id) > LONGEST_NAME or MARKED.fullmatch(tool_id) or call_name(tool_id) == tool_id


@given(NAMES)
def test_ids_do_not_go_by_the_order_of_what_they_are_of(names: list[str]) -> None:
    assert ids_by_name("shop", *names) == ids_by_name("shop", *reversed(names))


def test_a_name_of_letters_digits_and_single_underscores_is_kept() -> None:
    assert ids_by_name("shop", "listBooks", "get-book_2") == {
        "listBooks": "shop__listBooks",
        "get-book_2": "shop__get-book_2",
    }


def test_what_is_no_letter_or_digit_becomes_one_underscore_and_none_at_the_ends() -> None:
    assert ids_by_name("shop", "__books.list//all__") == {"__books.list//all__": "shop__books_list_all"}


def test_names_that_differ_in_nothing_but_what_is_left_out_are_marked_each_by_its_own_hash() -> None:
    ids = ids_by_name("shop", "a.b", "a_b", "a__b", "c")

    assert ids.pop("c") == "shop__c"
    assert len(set(ids.values())) == 3
    assert all(re.fullmatch(r"shop__a_b_[0-9a-f]{8}", one) for one in ids.values())


def test_a_name_of_which_nothing_is_left_is_a_hash() -> None:
    ids = ids_by_name("shop", "天気", "___", "")

    assert len(set(ids.values())) == 3
    assert all(re.fullmatch(r"shop__[0-9a-f]{8}", one) for one in ids.values())


def test_a_name_that_looks_like_the_mark_of_another_is_told_from_it() -> None:
    marked = ids_by_name("shop", "a.b", "a_b")["a.b"].removeprefix("shop__")

    ids = ids_by_name("shop", "a.b", "a_b", marked)

    assert len(set(ids.values())) == 3
    assert ids["a.b"] == f"shop__{marked}"


def test_a_name_that_is_cut_at_an_underscore_has_no_second_one_there() -> None:
    (tool_id,) = ids_of("s", [("a" * 242 + "_" + "b" * 20, "alone")])

    assert re.fullmatch(r"s__a{242}_[0-9a-f]{8}", tool_id)


@pytest.mark.parametrize(
    ("title", "prefix"),
    [
        ("City Library", "city_library"),
        ("tools.as", "tools_as"),
        ("__Wetter-Dienst (für Köln) v2__", "wetter_dienst_fur_koln_v2"),
        ("a" * 99 + " b", "a" * 99),
        ("a" * 120, "a" * MOST_PREFIX_CHARACTERS),
    ],
)
def test_a_title_is_made_a_prefix(title: str, prefix: str) -> None:
    assert prefix_of(None, title, "info.title") == prefix


@pytest.mark.parametrize("prefix", ["a", "wx-eu", "Shop_2", "2nd", "a-", "x" * MOST_PREFIX_CHARACTERS])
def test_a_prefix_that_is_given_is_kept(prefix: str) -> None:
    assert prefix_of(prefix, "Title", "info.title") == prefix


@pytest.mark.parametrize(
    "prefix", ["", "a b", "tools.as", "_a", "a_", "a__b", "-a", "a\n", "é", "x" * (MOST_PREFIX_CHARACTERS + 1)]
)
def test_a_prefix_that_no_id_may_begin_with_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidCommand, match="is no prefix of ids"):
        prefix_of(prefix, "Title", "info.title")


def test_a_title_without_letters_and_digits_is_no_prefix() -> None:
    with pytest.raises(InvalidCommand, match=r"serverInfo\.name: .* --prefix"):
        prefix_of(None, "天気", "serverInfo.name")
