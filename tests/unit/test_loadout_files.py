"""Loadout files: what they say, and on which line they are wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.client.loadout_files import check_loadout, read_loadout, write_loadout
from memos.client.yaml_lines import LinedDocument, write_yaml
from memos.errors import Fault, InvalidCommand
from memos.events.loadouts import Loadout

FILE = """\
# yaml-language-server: $schema=loadout.schema.json
name: researcher
persona: |
  You are {agent}.
  Be careful: sources differ.
instructions:
  - Find out {task}.
  - 'Answer: yes or no.'
tools:
  - id: web.search
    missing: error
  - capabilities: [no, on, 2026-05-01, "5"]
    match: all
  - {discover: "{task}", top_k: 2}
memories:
  - query: &query what is known of {task}
    filter:
      metadata: {year: 2026, checked: true, day: 2026-05-01}
      occurred_after: 2026-05-01T12:00:00Z
  - query: *query
max_tokens: 4000
"""

FAULTS: dict[str, tuple[str, str]] = {
    "an unknown field": ("name: a\npersona: b\ninstrutions: c\n", "3: instrutions: is no field here; did you mean"),
    "an unknown field of a choice": ("name: a\ntools:\n- id: b\n  topk: 1\n", "4: tools.0.topk: is no field here"),
    "an unknown field of memories": (
        "name: a\nmemories:\n- k: 1\n",
        "3: memories.0.k: is no field here; there are",
    ),
    "an unknown field of a model": (
        "name: a\npersona: b\nmodel:\n  name: c\n  temprature: 1\n",
        "5: model.temprature: is no field here; did you mean temperature?",
    ),
    "a field that is merged": ("name: a\npersona: b\n<<: {format: c}\n", "3: format: Input should be 'openai'"),
    "what cannot be merged": ("name: a\npersona: b\n<<: c\n", "3: merges by << what is no mapping"),
    "a merge of itself": ("name: a\nmodel: &m\n  <<: *m\n", "2: has an alias of what it stands in"),
    "a word of a tag": ("name: a\npersona: !!int b\n", "2: persona: is no int"),
    "an unknown condition": (
        "name: a\nmemories:\n- filter:\n    and:\n    - kind: b\n    - knd: c\n",
        "6: memories.0.filter.and.1.knd: is no condition",
    ),
    "a wrong type": ("name: a\npersona: b\nmax_tokens:\n  - 1\n", "3: max_tokens: Input should be a valid integer"),
    "a number for a text": (
        "name: 5\npersona: b\n",
        "1: name: Input should be a valid string; without quotes it is read as a number",
    ),
    "a truth value for a text": (
        "name: a\npersona:\n\n  true\n",
        "2: persona: Input should be a valid string; without quotes it is read as a truth value",
    ),
    "nothing for a list": ("name: a\npersona: b\ntools:\n", "3: tools: Input should be a valid list; there is no"),
    "nothing for a choice": ("name: a\ntools:\n  - id: b\n  # - id: c\n  -\n", "5: tools.1: must be an object"),
    "a text for a choice": ("name: a\ntools: [b]\n", "2: tools.0: must be an object such as id: web_search"),
    "two kinds of choice": (
        "name: a\ntools:\n  -\n    id: b\n    discover: c\n",
        "4: tools.0: has both id and discover",
    ),
    "no kind of choice": ("name: a\ntools:\n- top_k: 1\n", "3: tools.0: has none of id, capabilities, discover"),
    "a missing field": ("# a kit\n\npersona: b\n", "3: name: is missing"),
    "a missing field of a part": ("name: a\npersona: b\nmodel:\n  temperature: 1\n", "3: model.name: is missing"),
    "a limit": ("name: a\ntools:\n- discover: b\n  top_k: 101\n", "4: tools.0.top_k: Input should be less than"),
    "a loadout without anything": (
        "\nname: a\n",
        "2: persona, instructions, tools, memories or working must be given",
    ),
    "a field given twice": ("name: a\npersona: b\nname: c\n", "3: name: is given twice; first on line 1"),
    "a part given twice": (
        "name: a\nmodel:\n  name: b\n  name: c\npersona: d\n",
        "4: model.name: is given twice; first on line 3",
    ),
    "a key that is no text": ("name: a\nmodel:\n  ? [c]\n  : d\n  name: e\n", "3: has a key that is no text"),
    "a tag": ("name: a\npersona: !!python/name:os.system b\n", "2: persona: has the tag tag:yaml.org,2002:"),
    "a tab": ("name: a\n\tpersona: b\n", "2: has a tab where YAML allows none; indent with spaces"),
    "a second document": ("name: a\npersona: b\n---\nname: c\n", "3: has a second document"),
    "a second colon": ("name: a\npersona: b: c\n", "2: has a second colon; put a text with a colon"),
    "an open quote": (
        'name: a\npersona: "b\n\ntools: []\n',
        "5: while scanning a quoted scalar that begins on line 2: found unexpected end",
    ),
    "an open bracket": ("name: a\ntools: [\n", "3: while parsing a flow node: expected the node content"),
    "wrong indentation": ("name: a\n  persona: b\n", "2: has a second colon"),
    "an unknown alias": ("name: a\npersona: *b\n", "2: found undefined alias 'b'"),
    "a control character": ("name: a\npersona: b\x07\n", "2: the character #x0007 is not allowed"),
    "an empty file": ("", "1: is empty"),
    "comments alone": ("# name: a\n", "1: is empty"),
    "a list": ("\n- name: a\n", "2: must be a mapping of fields, which begins with name: …"),
    "a text": ("name\n", "1: must be a mapping of fields, which begins with name: …"),
    "an alias of what it stands in": ("name: a\nmodel: &m\n  name: *m\n", "2: has an alias of what it stands in"),
    "brackets without end": ("name: " + "[" * 100_000, "1: is nested more than 64 deep"),
    "aliases of aliases": (
        "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]),
        "65: is nested more than 64 deep",
    ),
    "a number of thousands of digits": ("name: a\nmax_tokens: " + "9" * 5000, "2: has a number of too many digits"),
}


@pytest.mark.parametrize(("text", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_line(text: str, expected: str) -> None:
    loadout, [fault] = check_loadout(text)

    assert loadout is None
    assert str(fault).startswith(expected)


def test_a_file_says_what_it_seems_to_say() -> None:
    loadout = read_loadout(FILE)

    assert loadout == Loadout.model_validate(
        {
            "name": "researcher",
            "persona": "You are {agent}.\nBe careful: sources differ.\n",
            "instructions": ["Find out {task}.", "Answer: yes or no."],
            "tools": [
                {"id": "web.search", "missing": "error"},
                {"capabilities": ["no", "on", "2026-05-01", "5"], "match": "all"},
                {"discover": "{task}", "top_k": 2},
            ],
            "memories": [
                {
                    "query": "what is known of {task}",
                    "filter": {
                        "metadata": {"year": 2026, "checked": True, "day": "2026-05-01"},
                        "occurred_after": "2026-05-01T12:00:00Z",
                    },
                },
                {"query": "what is known of {task}"},
            ],
            "max_tokens": 4000,
        }
    )


def test_what_loadouts_share_is_merged_and_their_own_takes_its_place() -> None:
    loadout = read_loadout("name: a\nmodel:\n  <<: [&m {name: b, temperature: 1}]\n  name: c\npersona: d\n")

    assert loadout.model is not None
    assert (loadout.model.name, loadout.model.temperature) == ("c", 1)


def test_every_fault_is_told_in_the_order_of_the_lines() -> None:
    _, faults = check_loadout("max_tokens: 0\npersona: b\npersona: c\ntools:\n- {}\n- id:\nname: a b\n")

    assert [(fault.line, fault.field) for fault in faults] == [
        (1, "max_tokens"),
        (3, "persona"),
        (5, "tools.0"),
        (6, "tools.1.id"),
        (7, "name"),
    ]


def test_what_is_read_by_a_program_names_the_lines_in_its_faults() -> None:
    with pytest.raises(InvalidCommand) as refusal:
        read_loadout("name: a\ntools:\n- top_k: 1\nformat: b\n")

    first, second = refusal.value.faults
    assert refusal.value.detail.startswith("The loadout is not valid: tools.0: line 3: has none of id, ")
    assert first.field == "tools.0"
    assert second == Fault("format", "line 4: Input should be 'openai', 'anthropic' or 'mcp'")


def test_a_syntax_fault_read_by_a_program_is_one_of_the_file() -> None:
    with pytest.raises(InvalidCommand) as refusal:
        read_loadout("name: [")

    assert [fault.field for fault in refusal.value.faults] == ["file"]


def test_aliases_that_multiply_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    _, [fault] = check_loadout("\n".join(lines))

    assert (fault.line, fault.message) == (5, "has more than 20,000 values, each alias counted")


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t:#'\"|>-{}[]"))
words = st.sampled_from(
    ["no", "on", "1e3", "010", "0o17", "0x1f", ".5", "+5", "-.INF", "~", "null", "2026-05-01", "1:30", "<<", " "]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | words, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts | words, values, min_size=1, max_size=5))
def test_what_is_written_is_read_again(value: dict[str, object]) -> None:
    document = LinedDocument(write_yaml(value))

    assert document.value == value
    assert document.faults == []


def test_a_loadout_that_is_written_is_read_again_and_says_nothing_more() -> None:
    loadout = read_loadout(FILE)
    written = write_loadout(loadout)

    assert read_loadout(written) == loadout
    assert "persona: |\n  You are {agent}.\n" in written
    assert "format" not in written
