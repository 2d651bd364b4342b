"""How long a lane waits before it tries a write again."""

from dataclasses import replace

import pytest
from lanes import POLICY

TIMES = 500


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (12, 60.0), (100_000, 60.0)]
)
def test_a_pause_is_at_most_the_first_doubled_each_time_and_never_more_than_the_longest(
    attempts: int, longest: float
) -> None:
    policy = replace(POLICY, retry_first=0.5, retry_longest=60.0)
    pauses = [policy.pause_after(attempts) for _ in range(TIMES)]
    assert min(pauses) >= 0
    assert longest / 2 < max(pauses) <= longest


def test_what_failed_together_does_not_come_back_together() -> None:
    policy = replace(POLICY, retry_first=1.0, retry_longest=60.0)
    pauses = sorted(policy.pause_after(4) for _ in range(TIMES))
    assert pauses[TIMES // 4] < 4 < pauses[3 * TIMES // 4]
    assert len(set(pauses)) > TIMES // 2
