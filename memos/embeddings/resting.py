"""How long a server that is busy is left alone before it is asked again."""

import time
from email.utils import parsedate_to_datetime

LONGEST_REST = 60.0
"""Most seconds for which a server is left alone, however long it asks for."""


def seconds_asked_for(retry_after: str) -> float:
    """The seconds of a header `Retry-After`, RFC 9110 section 10.2.3, in either of its forms; else 0."""
    try:
        if retry_after[:1].isdigit():
            seconds = float(retry_after)
        else:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_REST)
