"""Which of Redis's errors are worth another try."""

from redis.exceptions import (
    AuthenticationError,
    ClusterDownError,
    ConnectionError,  # noqa: A004
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

PASSING = (
    OSError,
    ConnectionError,
    TimeoutError,
    AuthenticationError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
PASSING_CODES = ("MISCONF", "NOREPLICAS", "BUSY ")
GONE_CODE = "NOGROUP"


def may_pass(error: Exception) -> bool:
    """Whether the same command may succeed later: Redis is away, loading, full, or a replica just now."""
    return isinstance(error, PASSING) or str(error).startswith(PASSING_CODES)


def gone(error: Exception) -> bool:
    """Whether the stream or its group was lost, and with it all that was pending."""
    return str(error).startswith(GONE_CODE)
