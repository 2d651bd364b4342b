"""The parts of the recall benchmark that are pure: what it reads, and how it scores."""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])


def _conversation(said: Mapping[str, object], questions: Sequence[object]) -> dict[str, object]:
    dates: dict[str, object] = {f"{session}_date_time": "1:56 pm on 8 May, 2023" for session in said}
    return {"sample_id": "conv-1", "conversation": {"speaker_a": "Ann", **said, **dates}, "qa": questions}


@pytest.fixture
def locomo_file(tmp_path: Path) -> Path:
    said = {
        "session_1": [
            {"speaker": "Ann", "dia_id": "D1:1", "text": "Look!", "blip_caption": "a photo of a dog"},
            {"speaker": "Bob", "dia_id": "D1:2", "text": "Nice."},
        ],
        "session_2": [{"speaker": "Ann", "dia_id": "D2:1", "text": "Hello again."}],
    }
    questions = [
        {"question": "Who has a dog?", "evidence": ["D1:1", "D1:01"], "category": 4},
        {"question": "What of a turn that is not there?", "evidence": ["D9:9"], "category": 1},
        {"question": "When did they meet again?", "evidence": ["D1:2; D2:1"], "category": 2},
    ]
    path = tmp_path / "locomo_x.json"
    path.write_text(json.dumps([_conversation(said, questions)]), encoding="utf-8")
    return path


def test_recall_is_the_fraction_of_what_is_wanted() -> None:
    from metrics import recall

    assert recall(["a", "x", "b", "c"], {"a", "b"}, 2) == 0.5
    assert recall(["a", "x", "b", "c"], {"a", "b"}, 3) == 1
    assert recall(["x", "a"], {"a"}) == 1
    assert recall([], {"a"}, 5) == 0


def test_a_hit_is_any_of_what_is_wanted() -> None:
    from metrics import hit

    assert hit(["x", "b"], {"a", "b"}, 2) == 1
    assert hit(["x", "b"], {"a", "b"}, 1) == 0


def test_ndcg_of_a_ranking_is_its_gain_beside_the_ideal_one() -> None:
    from metrics import ndcg

    third, fourth = 1 / math.log2(4), 1 / math.log2(5)
    assert ndcg(["x", "y", "a", "b"], {"a", "b"}, 10) == pytest.approx((third + fourth) / (1 + 1 / math.log2(3)))
    assert ndcg(["a", "b"], {"a", "b"}, 10) == 1


def test_the_ideal_of_ndcg_has_what_was_not_found_too() -> None:
    from metrics import ndcg

    assert ndcg(["a"], {"a", "b"}, 10) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_the_ideal_of_ndcg_is_no_longer_than_the_ranking_may_be() -> None:
    from metrics import ndcg

    assert ndcg(["a", "b"], {"a", "b", "c"}, 2) == 1


def test_the_reciprocal_rank_is_that_of_the_first_that_is_wanted() -> None:
    from metrics import reciprocal_rank

    assert reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "a"], {"a"}, 2) == 0


def test_quantiles_are_values_that_were_measured() -> None:
    from metrics import Latency, latency

    assert latency(float(one) for one in range(100, 0, -1)) == Latency(100, 50, 95, 99)
    assert latency([7.0]) == Latency(1, 7, 7, 7)
    assert latency([]) == Latency(0, 0, 0, 0)


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("four", 1), ("fiver", 2)])
def test_tokens_are_counted_as_the_budget_counts_them(text: str, tokens: int) -> None:
    from metrics import tokens_of

    assert tokens_of(text) == tokens


@pytest.mark.parametrize(
    ("evidence", "turns"),
    [
        (["D8:6; D9:17"], {"D8:6", "D9:17"}),
        (["D9:1 D4:4 D4:6"], {"D9:1", "D4:4", "D4:6"}),
        (["D:11:26"], {"D11:26"}),
        (["D30:05"], {"D30:5"}),
        (["D1:18", "D", "D1:20"], {"D1:18", "D1:20"}),
        (["D8:6", "D8:6"], {"D8:6"}),
        (["D10:19"], set()),
        ([], set()),
    ],
)
def test_malformed_evidence_is_repaired(evidence: list[str], turns: set[str]) -> None:
    from datasets import repaired

    known = {"D8:6", "D9:17", "D9:1", "D4:4", "D4:6", "D11:26", "D30:5", "D1:18", "D1:20"}
    assert repaired(evidence, known) == turns


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("12:09 am on 13 September, 2023", datetime(2023, 9, 13, 0, 9, tzinfo=UTC)),
        ("12:30 pm on 29 February, 2024", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
    ],
)
def test_the_moment_of_a_session_is_read(text: str, at: datetime) -> None:
    from datasets import moment

    assert moment(text) == at


def test_a_turn_has_its_speaker_its_caption_and_its_place(locomo_file: Path) -> None:
    from datasets import conversations

    [conversation] = conversations(locomo_file)
    first, second, later = conversation.turns
    assert first.content == "Ann: Look! [shares a photo of a dog]"
    assert second.content == "Bob: Nice."
    assert [(turn.session, turn.sequence) for turn in conversation.turns] == [
        ("session_1", 0),
        ("session_1", 1),
        ("session_2", 0),
    ]
    assert timedelta() < second.occurred_at - first.occurred_at < timedelta(minutes=1)
    assert later.occurred_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


def test_questions_without_evidence_that_names_a_turn_are_left_out(locomo_file: Path) -> None:
    from datasets import conversations

    [conversation] = conversations(locomo_file)
    assert [(one.wanted, one.group) for one in conversation.questions] == [
        (frozenset({"D1:1"}), "single-hop"),
        (frozenset({"D1:2", "D2:1"}), "temporal"),
    ]


def test_a_query_may_have_one_tool_or_several(tmp_path: Path) -> None:
    from datasets import tool_questions

    path = tmp_path / "any.jsonl"
    path.write_text('{"query": "a\u2028b", "tool": "T"}\n{"query": "c", "tool": ["T", "U"]}\n', encoding="utf-8")
    first, second = tool_questions(path)
    assert first.text == "a\u2028b"
    assert first.wanted == {"T"}
    assert second.wanted == {"T", "U"}


def test_a_set_is_missing_unless_all_its_files_are_there(tmp_path: Path) -> None:
    from datasets import missing

    (tmp_path / "cosqa").mkdir()
    (tmp_path / "cosqa" / "functions.jsonl").touch()
    assert [one.name for one in missing(tmp_path)] == ["locomo", "metatool", "cosqa"]
    (tmp_path / "cosqa" / "queries_kept.jsonl").touch()
    assert [one.name for one in missing(tmp_path)] == ["locomo", "metatool"]


def test_without_its_data_the_benchmark_says_where_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import recall

    monkeypatch.setattr(sys, "argv", ["recall.py", "--data", str(tmp_path)])
    recall.main()
    said = capsys.readouterr().err
    assert all(place in said for place in ("snap-research/LoCoMo", "HowieHwong/MetaTool", "Jun-jie-Huang/CoCLR"))


def test_fields_of_a_query_must_be_an_object() -> None:
    from recall_api import fields

    assert fields('{"diversity": 0.2}') == {"diversity": 0.2}
    for text in ("[1]", "{x"):
        with pytest.raises(argparse.ArgumentTypeError, match="JSON object"):
            fields(text)


def test_what_a_budget_keeps_is_set_against_what_is_found_without_one() -> None:
    from datasets import Question
    from recall_api import Answer, Asked
    from recall_sets import turns_found

    def asked(found: tuple[str, ...], kept: tuple[str, ...]) -> Asked:
        answers = {"top 10": Answer(found, 100, 1.0, 1.0), "budget": Answer(kept, 60, 1.0, 1.0)}
        return Asked(Question("?", frozenset({"a", "b"})), answers)

    figures = turns_found([asked(("a", "b"), ("a",)), asked(("x", "a"), ("x", "a"))])
    assert figures["R@10"] == 0.75
    assert figures["R in 300 tokens"] == 0.5
    assert figures["kept of R@10"] == pytest.approx(2 / 3)
    assert figures["tokens used"] == 60


def test_made_up_memories_are_the_same_in_every_run() -> None:
    from synthetic import Texts, memories

    words = [f"word{number}" for number in range(100)]
    first, second = (list(memories(Texts(words, 1), 20)) for _ in range(2))
    assert first == second
    assert len({one["content"] for one in first}) == 20


def test_the_first_words_of_a_vocabulary_are_by_far_the_most_frequent() -> None:
    from synthetic import Texts

    words = [str(number) for number in range(1000)]
    drawn = Texts(words, 1).text(20_000, 20_000).split()
    assert drawn.count("0") > 5 * drawn.count("30") > 0
