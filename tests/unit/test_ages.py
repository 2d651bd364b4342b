"""How long ago, as the command line has it said."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memos.cli.moments import moment
from memos.errors import InvalidCommand

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0s", NOW),
        ("90m", NOW - timedelta(minutes=90)),
        ("12h", NOW - timedelta(hours=12)),
        ("30d", NOW - timedelta(days=30)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T09:30+02:00", datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_an_age_or_a_date_is_a_moment(text: str, meant: datetime) -> None:
    assert moment(text, NOW, field="before") == meant


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "3y", "1.5h", "2026-13-01", "999999w"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidCommand, match="neither an age such as 30d nor a date") as refused:
        moment(text, NOW, field="before")
    assert [fault.field for fault in refused.value.faults] == ["before"]
