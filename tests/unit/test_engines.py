"""Which embedding model a worker uses: the ledger's, whatever the settings name."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from logs import logged, said

from memos.engines import following
from memos.errors import ModelMismatch
from memos.records import Generation
from memos.settings import Settings

MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


def generation(number: int, embedder: str, model: str, dimension: int, **life: Any) -> Generation:
    return Generation("memories", number, embedder, model, dimension, **{"is_current": False, **life})


FORMER = generation(1, "minilm", "all-MiniLM-L6-v2-int8", 384, retired_at=MOMENT, dropped_at=MOMENT)
ABANDONED = generation(2, "openai", "abandoned", 8, dropped_at=MOMENT)
CURRENT = generation(3, "openai", "current", 768, is_current=True)
NEXT = generation(4, "openai", "next", 1024)
KNOWN = [FORMER, ABANDONED, CURRENT, NEXT]


def settings(**fields: Any) -> Settings:
    return Settings(**{"embedding_url": "http://models:1234/v1", **fields})


@pytest.mark.parametrize("dimension", [0, 768])
def test_settings_that_name_the_current_model_are_followed(
    dimension: int, caplog: pytest.LogCaptureFixture
) -> None:
    named = settings(embedder="openai", embedding_model="current", embedding_dimension=dimension)

    used = following(named, CURRENT, KNOWN)

    assert (used.embedder, used.embedding_model, used.embedding_dimension) == ("openai", "current", 768)
    assert logged(caplog, "memos.engines") == []


@pytest.mark.parametrize(
    "named",
    [settings(), settings(embedder="openai", embedding_model="next")],
    ids=["of before the rebuild", "of a rebuild that is not finished"],
)
def test_settings_that_name_another_model_of_the_ledger_give_way_to_it_with_a_warning(
    named: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        used = following(named, CURRENT, KNOWN)

    assert (used.embedder, used.embedding_model, used.embedding_dimension) == ("openai", "current", 768)
    assert used.embedding_url == "http://models:1234/v1"
    [warning] = said(caplog, "memos.engines")
    assert "set MEMOS_EMBEDDER=openai and MEMOS_EMBEDDING_MODEL=current" in warning


@pytest.mark.parametrize(
    ("model", "dimension", "said"),
    [("unknown", 0, "unknown"), ("abandoned", 0, "abandoned"), ("current", 512, "current (512)")],
)
def test_settings_that_name_a_model_which_the_memories_were_never_embedded_with_are_refused(
    model: str, dimension: int, said: str
) -> None:
    named = settings(embedder="openai", embedding_model=model, embedding_dimension=dimension)

    with pytest.raises(ModelMismatch) as refusal:
        following(named, CURRENT, KNOWN)

    assert "\n" not in refusal.value.detail
    for part in ("current (768 dimensions)", f"the settings name {said}.", "memos rebuild"):
        assert part in refusal.value.detail
