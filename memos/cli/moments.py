"""Moments as they are typed: ages and dates."""

import re
from datetime import UTC, datetime, timedelta

from memos.errors import Fault, InvalidCommand

AGE = re.compile(r"(\d{1,6})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, *, field: str) -> datetime:
    """The moment that an age or a date means; a date without a time zone is in UTC. Raises `InvalidCommand`."""
    try:
        if age := AGE.fullmatch(text):
            return now - timedelta(**{UNITS[age[2]]: int(age[1])})
        date = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidCommand(
            f"{text!r} is neither an age such as 30d nor a date such as 2026-01-31. Give one of them.",
            faults=[Fault(field, "is neither an age nor a date")],
        ) from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)
