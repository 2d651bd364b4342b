"""How tier 1 is opened by the settings."""

from typing import Any

from memos.records import CachePolicy, Price, SessionPolicy, WorkingLimits
from memos.settings import Settings
from memos.tier1 import cache_policy, prices, session_policy, working_limits


def settings(**told: Any) -> Settings:
    return Settings(**told)


def test_answers_are_kept_as_the_settings_say() -> None:
    told = settings(
        cache_ttl=60, cache_jitter=0.5, cache_bytes=2_000_000, cache_answer_bytes=5000, cache_eviction="lfu"
    )

    assert cache_policy(told) == CachePolicy(60, 0.5, 2_000_000, 5000, "lfu")


def test_sessions_are_kept_as_the_settings_say() -> None:
    told = settings(
        working_ttl=60,
        working_window_messages=7,
        working_window_tokens=70,
        working_promote="end",
        working_value_bytes=1025,
        working_session_bytes=1026,
        working_session_keys=27,
        working_agent_bytes=1028,
        working_agent_sessions=29,
    )

    assert session_policy(told) == SessionPolicy(60, 7, 70, "end")
    assert working_limits(told) == WorkingLimits(1025, 1026, 27, 1028, 29)


def test_a_price_says_what_it_does_not_know() -> None:
    told = settings(llm_prices={"small": {"prompt": 0.15, "completion": 0.6}, "embedder": {"prompt": 0.02}})

    assert prices(told) == {"small": Price(0.15, 0.6), "embedder": Price(0.02, None)}
