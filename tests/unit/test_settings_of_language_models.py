"""Settings of language models: prices that are none are told in one line."""

import pytest

from memos.errors import ConfigurationError
from memos.settings import load_settings


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ("x", r"MEMOS_LLM_PRICES: .*must be JSON"),
        ('{"gpt": {"prompt": NaN}}', r"MEMOS_LLM_PRICES\[gpt\]\[prompt\]: .*finite"),
        ('{"gpt": {"prompt": Infinity}}', r"MEMOS_LLM_PRICES\[gpt\]\[prompt\]: .*(finite|less)"),
        ('{"gpt": {"completion": -0.1}}', r"MEMOS_LLM_PRICES\[gpt\]\[completion\]: .*greater than or equal to 0"),
        ('{"gpt": {"prompt": 1e300}}', r"MEMOS_LLM_PRICES\[gpt\]\[prompt\]: .*less than or equal to"),
        ('{"gpt": 3}', r"MEMOS_LLM_PRICES\[gpt\]: .*dictionary"),
        ("[]", r"MEMOS_LLM_PRICES: .*dictionary"),
    ],
)
def test_prices_that_are_none_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, prices: str, told: str) -> None:
    monkeypatch.setenv("MEMOS_LLM_PRICES", prices)

    with pytest.raises(ConfigurationError, match=told) as refused:
        load_settings()
    assert "\n" not in str(refused.value)


def test_prices_are_read_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_LLM_PRICES", '{"gpt": {"prompt": 0.15, "completion": 1}, "own": {"prompt": 0}}')

    assert load_settings().llm_prices == {"gpt": {"prompt": 0.15, "completion": 1.0}, "own": {"prompt": 0.0}}
