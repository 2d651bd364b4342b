"""Settings of working memory that do not go together."""

import pytest

from memos.errors import ConfigurationError
from memos.settings import load_settings


@pytest.mark.parametrize(
    ("larger", "smaller"), [("VALUE", "SESSION"), ("SESSION", "AGENT"), ("VALUE", "AGENT")], ids=str
)
def test_what_holds_another_must_have_room_for_it(
    monkeypatch: pytest.MonkeyPatch, larger: str, smaller: str
) -> None:
    monkeypatch.setenv(f"MEMOS_WORKING_{larger}_BYTES", "9000000")
    monkeypatch.setenv(f"MEMOS_WORKING_{smaller}_BYTES", "8999999")

    with pytest.raises(ConfigurationError, match=r"MEMOS_WORKING_(SESSION|AGENT)_BYTES: .*must be at least MEMOS"):
        load_settings()


def test_what_holds_another_may_be_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for what in ("VALUE", "SESSION", "AGENT"):
        monkeypatch.setenv(f"MEMOS_WORKING_{what}_BYTES", "9000000")

    assert load_settings().working_agent_bytes == 9_000_000


def test_a_setting_that_is_wrong_by_itself_is_the_only_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_WORKING_VALUE_BYTES", "1")

    with pytest.raises(ConfigurationError, match=r"not valid\. MEMOS_WORKING_VALUE_BYTES: [^;]*$"):
        load_settings()
