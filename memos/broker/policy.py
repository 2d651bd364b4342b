"""How patient a lane is: leases, retries, dead letters and the stop."""

import random
from dataclasses import dataclass

MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Policy:
    """The times and bounds of a lane; all times are in seconds.

    A worker is dead after `lease_seconds` without a sign of life, and an entry has stalled after
    `stalled_seconds` in nobody's hands. A stopping lane gives what is under way `stop_seconds`. An
    uncollected reply is kept for `reply_ttl`. A write is tried `retry_attempts` times, first after at
    most `retry_first` and no more than `retry_longest` apart, unless an engine asked to be left alone
    longer. A stream keeps `dead_letters_limit` dead letters.
    """

    lease_seconds: float
    stalled_seconds: float
    stop_seconds: float
    reply_ttl: float
    retry_attempts: int
    retry_first: float
    retry_longest: float
    dead_letters_limit: int

    def pause_after(self, attempts: int) -> float:
        """Seconds until the next try: exponential backoff with equal jitter.

        No crowd comes back at once, and all the tries together take at least half of the longest time.
        """
        longest = min(self.retry_longest, self.retry_first * 2 ** min(attempts - 1, MOST_DOUBLINGS))
        return random.uniform(longest / 2, longest)  # noqa: S311 - to spread load, not to keep a secret
