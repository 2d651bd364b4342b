import math
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memos.cues import Period, distance, periods, relative

NOW = datetime(2023, 12, 6, 15, tzinfo=UTC)
"""A Wednesday."""

DATES = [
    ("What did Tim say on 8 May 2023?", "2023-05-08", "2023-05-09"),
    ("May 8, 2023", "2023-05-08", "2023-05-09"),
    ("on December 1,2023 taken", "2023-12-01", "2023-12-02"),
    ("1:56 pm on 8 May, 2023", "2023-05-08", "2023-05-09"),
    ("2023-05-08", "2023-05-08", "2023-05-09"),
    ("2023/5/8", "2023-05-08", "2023-05-09"),
    ("8-May-2023", "2023-05-08", "2023-05-09"),
    ("13/08/2023", "2023-08-13", "2023-08-14"),
    ("8.5.2023", "2023-05-08", "2023-05-09"),
    ("at 2023-05-08T13:56:30Z.", "2023-05-08T13:56", "2023-05-08T13:57"),
    ("at 2023-05-08 13:56+02:00", "2023-05-08T11:56", "2023-05-08T11:57"),
    ("the 8th of May", "2023-05-08", "2023-05-09"),
    ("they met on Aug 15th", "2023-08-15", "2023-08-16"),
    ("on 24 December", "2022-12-24", "2022-12-25"),
    ("Friday, May 26th, at 7 pm", "2023-05-26", "2023-05-27"),
    ("from the 10th to the 14th of February", "2023-02-10", "2023-02-15"),
    ("August 11-15, 2023", "2023-08-11", "2023-08-16"),
    ("in May 2023", "2023-05-01", "2023-06-01"),
    ("Sept. 2023", "2023-09-01", "2023-10-01"),
    ("2023-05", "2023-05-01", "2023-06-01"),
    ("which spot did she visit in may", "2023-05-01", "2023-06-01"),
    ("in December", "2023-12-01", "2024-01-01"),
    ("last December", "2022-12-01", "2023-01-01"),
    ("next May", "2024-05-01", "2024-06-01"),
    ("before September", None, "2023-09-01"),
    ("in 2022", "2022-01-01", "2023-01-01"),
    ("the 2017-2018 season", "2017-01-01", "2019-01-01"),
    ("the 1990s", "1990-01-01", "2000-01-01"),
    ("Q3 2023", "2023-07-01", "2023-10-01"),
    ("2023 Q3", "2023-07-01", "2023-10-01"),
    ("the third quarter of 2022", "2022-07-01", "2022-10-01"),
    ("summer of 2022", "2022-06-01", "2022-09-01"),
    ("last summer", "2023-06-01", "2023-09-01"),
    ("Where did they go in the summer?", "2023-06-01", "2023-09-01"),
    ("this winter", "2023-12-01", "2024-03-01"),
]

DEICTIC = [
    ("yesterday", "2023-12-05", "2023-12-06"),
    ("the day before yesterday", "2023-12-04", "2023-12-05"),
    ("today's news", "2023-12-06", "2023-12-07"),
    ("tomorrow", "2023-12-07", "2023-12-08"),
    ("last Friday", "2023-12-01", "2023-12-02"),
    ("last Wednesday", "2023-11-29", "2023-11-30"),
    ("on Wednesday", "2023-12-06", "2023-12-07"),
    ("on Monday", "2023-12-04", "2023-12-05"),
    ("this Friday", "2023-12-08", "2023-12-09"),
    ("last week", "2023-11-27", "2023-12-04"),
    ("last weekend", "2023-12-02", "2023-12-04"),
    ("last month", "2023-11-01", "2023-12-01"),
    ("last year", "2022-01-01", "2023-01-01"),
    ("this week", "2023-12-04", "2023-12-11"),
    ("next month", "2024-01-01", "2024-02-01"),
    ("over the past year", "2022-12-06T15", "2023-12-06T15"),
    ("in the last three months", "2023-09-06T15", "2023-12-06T15"),
    ("the last quarter", "2023-09-06T15", "2023-12-06T15"),
    ("the past 24 hours", "2023-12-05T15", "2023-12-06T15"),
    ("two weeks ago", "2023-11-19T03", "2023-11-26T03"),
    ("a few days ago", "2023-12-01", "2023-12-05"),
    ("a couple of days ago", "2023-12-03", "2023-12-05"),
    ("three days ago", "2023-12-03", "2023-12-04"),
    ("an hour ago", "2023-12-06T13:30", "2023-12-06T14:30"),
]

COMBINED = [
    ("between August 11 and August 15 2023", "2023-08-11", "2023-08-16"),
    ("from November to January", "2022-11-01", "2023-02-01"),
    ("from May to July", "2023-05-01", "2023-08-01"),
    ("between 2020 and 2022", "2020-01-01", "2023-01-01"),
    ("since last May", "2023-05-01", None),
    ("since Monday", "2023-12-04", None),
    ("before 9 June 2023", None, "2023-06-09"),
    ("after May 2023", "2023-06-01", None),
    ("How many has Nate won by July 10, 2022?", None, "2022-07-11"),
    ("in the second week of November", "2023-11-08", "2023-11-15"),
    ("the last weekend of June", "2023-06-24", "2023-06-26"),
    ("in the beginning of November 2022", "2022-11-01", "2022-11-11"),
    ("the first half of September 2022", "2022-09-01", "2022-09-16"),
    ("the week of 9 June 2023", "2023-06-05", "2023-06-12"),
]

BESIDE = [
    ("the week before 9 June 2023", "2023-06-02", "2023-06-09", "2023-06-09"),
    ("two weeks before 9 June 2023", "2023-05-22T12", "2023-05-29T12", "2023-06-09"),
    ("the day after 9 June 2023", "2023-06-10", "2023-06-11", "2023-06-09"),
    ("the weekend before 12 June 2023", "2023-06-10", "2023-06-12", "2023-06-12"),
    ("on the Sunday before October 25, 2022", "2022-10-23", "2022-10-24", "2022-10-25"),
    ("last weekend before April 10, 2023", "2023-04-08", "2023-04-10", "2023-04-10"),
    ("last Friday on 23 January, 2022", "2022-01-21", "2022-01-22", "2022-01-23"),
    ("last week,as mentioned on November 6, 2023", "2023-10-30", "2023-11-06", "2023-11-06"),
]

TIMELESS = [
    "May I ask about the march in python 3.11 with 10 results, a second and 1984?",
    "find 2000 rows in 2000 lines",
    "a monthly rent of $2000",
    "the paper with Arxiv ID 2105.12345",
    "does this fall within the price range",
    "a hot spring, every Monday on Black Friday",
    "test 3 may fail and python may 3",
    "What did April say to June, and May?",
    "convert hex in dec",
    "get the last item of a list, in order",
    "parse 192.168.10.20 and 1.2.3-4",
    "people left over 75,000 years ago",
    "the last week of school",
    "at 99/99/2023 or 30.02.2023",
]


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("text", "start", "end"), [*DATES, *DEICTIC, *COMBINED])
def test_a_time_expression_is_read_as_a_period(text: str, start: str | None, end: str | None) -> None:
    (period,) = periods(text, NOW)

    assert (period.start, period.end) == (at(start), at(end))


@pytest.mark.parametrize(("text", "start", "end", "date"), BESIDE)
def test_what_is_told_from_a_date_is_followed_by_the_date(text: str, start: str, end: str, date: str) -> None:
    meant, anchor = periods(text, NOW)

    assert (meant.start, meant.end) == (at(start), at(end))
    assert anchor.start == at(date)
    assert not meant.deictic


@pytest.mark.parametrize("text", TIMELESS)
def test_words_and_numbers_that_only_look_like_times_are_passed_over(text: str) -> None:
    assert periods(text, NOW) == []


def test_a_date_that_may_be_in_either_of_two_notations_is_given_as_both() -> None:
    assert [period.start for period in periods("05/08/2023", NOW)] == [at("2023-05-08"), at("2023-08-05")]


def test_only_what_depends_on_the_moment_of_speaking_is_deictic() -> None:
    said = {period.phrase: period.deictic for period in periods("in 2022, last week and on 8 May 2023", NOW)}

    assert said == {"2022": False, "last week": True, "8 May 2023": False}


def test_the_phrase_is_all_the_words_that_make_up_the_period() -> None:
    assert [period.phrase for period in periods("Was it since the\n beginning of  May?", NOW)] == [
        "since the beginning of May"
    ]


def test_days_are_those_of_the_time_zone_in_which_is_asked() -> None:
    asked = datetime(2023, 3, 27, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    (period,) = periods("yesterday", asked)

    assert period.start == datetime(2023, 3, 25, 23, tzinfo=UTC)
    assert period.end == datetime(2023, 3, 26, 22, tzinfo=UTC)


def test_the_content_of_a_memory_is_understood_as_of_when_it_was_told() -> None:
    told = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)

    (period,) = periods("Caroline: I went to a LGBTQ support group yesterday and it was so powerful.", told)

    assert period.start == at("2023-05-07")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2023-05-08T12", 0), ("2023-05-08", 0), ("2023-05-09", 0), ("2023-05-10", 1), ("2023-05-07", 1)],
)
def test_distance_is_counted_in_lengths_of_the_period(moment: str, expected: float) -> None:
    (day,) = periods("8 May 2023", NOW)

    assert distance(day, datetime.fromisoformat(moment).replace(tzinfo=UTC)) == pytest.approx(expected)


def test_nothing_is_far_on_the_open_side_of_a_period() -> None:
    (period,) = periods("since May 2023", NOW)

    assert distance(period, datetime.max.replace(tzinfo=UTC)) == 0
    assert distance(period, datetime(2023, 3, 31, tzinfo=UTC)) == pytest.approx(1)


MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11)), ZoneInfo("Asia/Tokyo")]))
WORDS = (
    "may 8 th , 2023 2023-05-08 05/08/2023 31 june last next past this week weekend two a few 999 days years ago "
    "of before after since by the first early winter q3 monday yesterday between and to - from in 29 february trip"
)


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS.split())).map(" ".join)), MOMENTS, MOMENTS)
def test_any_text_at_any_moment_has_ordered_periods(text: str, now: datetime, moment: datetime) -> None:
    for period in periods(text, now):
        assert period.start is None or period.end is None or period.start < period.end
        assert period.slack > timedelta(0)
        assert 0 <= math.exp(-distance(period, moment)) <= 1
        assert period.phrase in " ".join(text.split())


@pytest.mark.parametrize("unit", ["1 ", "may ", "in 2022 ", "the week of ", "first week of may before ", "'s "])
def test_a_long_text_of_one_pattern_is_read_to_its_end(unit: str) -> None:
    """What grew faster than the text would take hours here."""
    text = (unit * 100_000)[:100_000]

    assert all(period.slack > timedelta(0) for period in periods(text, NOW))
    assert relative(text) is None


@pytest.mark.parametrize(
    ("text", "anchor", "earliest", "latest"),
    [
        ("What did she buy two weeks before the trip?", "the trip", -17.5, -10.5),
        ("the week before the charity race", "the charity race", -7, 0),
        ("a few days after Caroline's move to Boston", "Caroline's move to Boston", 1.5, 5.5),
        (
            "What did Tim do after reading the stories about the trek?",
            "reading the stories about the trek",
            0,
            None,
        ),
        ("where was he before the interview", "the interview", None, 0),
        ("What did Mel say during her pottery break?", "her pottery break", -1, 1),
    ],
)
def test_a_time_told_from_an_event_names_the_event(
    text: str, anchor: str, earliest: float | None, latest: float | None
) -> None:
    found = relative(text)

    assert found is not None
    assert found.anchor == anchor
    assert found.earliest == (None if earliest is None else timedelta(days=earliest))
    assert found.latest == (None if latest is None else timedelta(days=latest))
    assert found.period(NOW) == Period(
        None if found.earliest is None else NOW + found.earliest,
        None if found.latest is None else NOW + found.latest,
        found.phrase,
        found.slack,
    )


@pytest.mark.parametrize(
    "text",
    ["two weeks before 9 June 2023", "before the summer", "after the 9th of June", "truncate after 2 decimals", ""],
)
def test_what_is_told_from_a_date_or_nothing_is_told_from_no_event(text: str) -> None:
    assert relative(text) is None


def test_an_event_at_the_end_of_the_calendar_gives_no_period() -> None:
    found = relative("the week after the trip")

    assert found is not None
    assert found.period(datetime.max.replace(tzinfo=UTC)) is None


@given(st.text())
def test_no_text_is_refused(text: str) -> None:
    found = relative(f"after the {text}")

    assert found is None or found.anchor in found.phrase
