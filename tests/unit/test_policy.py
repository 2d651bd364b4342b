"""How long a lane waits before it tries a write again."""

from dataclasses import replace

import pytest
from lanes import POLICY

from memos.settings import Settings

TIMES = 500


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (12, 60.0), (100_000, 60.0)]
)
def test_a_pause_is_at_most_the_first_doubled_each_time_or_the_longest_and_at_least_half_of_that(
    attempts: int, longest: float
) -> None:
    policy = replace(POLICY, retry_first=0.5, retry_longest=60.0)
    pauses = [policy.pause_after(attempts) for _ in range(TIMES)]
    assert longest / 2 <= min(pauses) < 0.7 * longest
    assert 0.8 * longest < max(pauses) <= longest


def test_what_failed_together_does_not_come_back_together() -> None:
    policy = replace(POLICY, retry_first=1.0, retry_longest=60.0)
    pauses = sorted(policy.pause_after(4) for _ in range(TIMES))
    assert pauses[TIMES // 4] < 6 < pauses[3 * TIMES // 4]
    assert len(set(pauses)) > TIMES // 2


def test_by_default_the_tries_of_a_write_outlast_an_outage_of_two_and_a_half_minutes() -> None:
    default = {name: field.default for name, field in Settings.model_fields.items()}
    policy = replace(POLICY, retry_first=default["retry_first"], retry_longest=default["retry_longest"])
    between = range(1, default["retry_attempts"])
    assert sum(min(policy.pause_after(attempts) for _ in range(TIMES)) for attempts in between) >= 150
    assert sum(max(policy.pause_after(attempts) for _ in range(TIMES)) for attempts in between) <= 305
