"""Lateness is counted by the clock of the course's place, exactly, and in doubt for the student."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.course.late import after, days_late, lateness, moment, span, span_text
from grader.model import LatePolicy, Student, Submission, Terms

OSLO = ZoneInfo("Europe/Oslo")
ZONES = st.sampled_from(
    ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"]
)
TIMES = st.datetimes(datetime(2011, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001  given a zone below


@pytest.mark.parametrize(
    ("due", "received", "days"),
    [
        pytest.param("2026-03-08 23:59", "2026-03-08 23:59:00", 0, id="to the second"),
        pytest.param("2026-03-08 23:59", "2026-03-08 23:59:01", 1, id="a second late"),
        pytest.param("2026-03-08 23:59", "2026-03-08T22:59:00Z", 0, id="the same second in another zone"),
        pytest.param("2026-03-08 23:59", "2026-03-08T23:59:00+02:00", 0, id="an hour early in another zone"),
        pytest.param("2026-03-08 23:59", "2026-03-08T23:59:00-01:00", 1, id="late in another zone"),
        pytest.param("2026-03-28 23:59", "2026-03-29 23:59:00", 1, id="a day of 23 hours is a day"),
        pytest.param("2026-03-28 23:59", "2026-03-29 23:59:01", 2, id="and no more"),
        pytest.param("2026-10-24 23:59", "2026-10-25 23:59:00", 1, id="a day of 25 hours is a day"),
        pytest.param("2026-10-24 23:59", "2026-10-25 23:59:01", 2, id="and no more than that"),
        pytest.param("2026-10-24 02:30", "2026-10-25T01:30:00Z", 1, id="a time that comes twice: the second one"),
        pytest.param("2026-10-24 02:30", "2026-10-25T01:30:01Z", 2, id="a second past the second one"),
        pytest.param("2026-03-28 02:30", "2026-03-29T01:30:00Z", 1, id="a time that never comes: as if it did"),
        pytest.param("2025-12-31 23:59", "2026-01-01 00:00", 1, id="over the year's end"),
        pytest.param("2026-03-08 23:59", "2027-03-08 23:59", 365, id="a year late"),
    ],
)
def test_a_day_ends_at_the_same_time_by_the_clock(due, received, days):
    assert days_late(moment(received, OSLO), moment(due, OSLO)) == days


def test_an_offset_of_its_own_counts_days_of_24_hours():
    due = moment("2026-03-28T23:59+01:00", None)
    assert due.tzinfo == timezone(timedelta(hours=1))
    assert [days_late(due + timedelta(hours=hours), due) for hours in (0, 24, 25)] == [0, 1, 2]
    assert days_late(moment("2026-03-29 23:59", OSLO), moment("2026-03-28T22:59Z", OSLO)) == 1


@given(TIMES, ZONES, st.integers(0, 400), st.integers(-3, 3))
def test_the_days_are_the_least_that_reach_the_time(due, zone, days, seconds):
    """Counted the slow way: one day after the other."""
    due = due.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    received = after(due, timedelta(days=days)) + timedelta(seconds=seconds)
    expected = 0
    while after(due, timedelta(days=expected)) < received:
        expected += 1
    assert days_late(received, due) == expected


@given(TIMES, ZONES, st.integers(0, 5_000), st.integers(0, 5_000))
def test_who_hands_in_later_is_never_less_late(due, zone, minutes, more):
    due = due.replace(tzinfo=ZoneInfo(zone))
    one = due.astimezone(UTC) + timedelta(minutes=minutes)
    assert days_late(one, due) <= days_late(one + timedelta(minutes=more), due)


@given(TIMES, ZONES, ZONES, st.integers(-5_000, 5_000))
def test_the_zone_in_which_a_time_is_noted_changes_nothing(due, zone, other, minutes):
    due = due.replace(tzinfo=ZoneInfo(zone))
    received = due.astimezone(UTC) + timedelta(minutes=minutes)
    assert days_late(received.astimezone(ZoneInfo(other)), due) == days_late(received, due)


@pytest.mark.parametrize("text", ["", "8 March", "2026-03-08", "2026-13-01 10:00", "2026-03-08 25:00", "20260308T10"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"is no time|has no time of day|does not say"):
        moment(text, None)


def test_a_time_without_zone_and_offset_is_not_guessed():
    with pytest.raises(ValueError, match="does not say in which time zone"):
        moment("2026-03-08 23:59", None)


@pytest.mark.parametrize("text", ["15min", "0 min", "2 h", "1 day", "10 days"])
def test_a_length_of_time_is_read_as_it_is_shown(text):
    assert span(span_text(span(text))) == span(text)


@pytest.mark.parametrize("text", ["", "3", "days", "-1 h", "1.5 h", "1 week"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(ValueError, match="no length of time"):
        span(text)


def handed_in(received=None, *ids):
    students = tuple(Student(name) for name in ids or ("s1",))
    return Submission("ada", "a", Path("/nowhere"), students=students, received_at=received)


DUE = moment("2026-03-08 23:59", OSLO)


def test_what_the_course_notes_goes_before_what_the_platform_says_and_the_hand_in_before_its_students():
    at = {name: DUE + timedelta(days=days) for name, days in (("ada", 1), ("s1", 2), ("s2", 3))}
    late = DUE + timedelta(days=9)
    assert lateness(Terms(due=DUE, received=at), handed_in(late)).days == 1
    assert lateness(Terms(due=DUE, received={"s1": at["s1"], "s2": at["s2"]}), handed_in(late, "s1", "s2")).days == 3
    assert lateness(Terms(due=DUE), handed_in(late)).days == 9
    assert lateness(Terms(due=DUE), handed_in()).days is None
    assert lateness(Terms(), handed_in(late)) is None


def test_the_grace_forgives_up_to_its_last_second_and_nothing_behind_it():
    terms = Terms(due=DUE, late=LatePolicy(grace=timedelta(minutes=15)))
    assert lateness(terms, handed_in(DUE + timedelta(minutes=15))).days == 0
    assert lateness(terms, handed_in(DUE + timedelta(minutes=15, seconds=1))).days == 1


def test_an_extension_moves_every_time_that_depends_on_the_due_time():
    later = DUE + timedelta(days=5)
    terms = Terms(due=DUE, late=LatePolicy(accepted=timedelta(days=2)), extensions={"s2": later})
    assert not lateness(terms, handed_in(DUE + timedelta(days=6))).is_accepted
    found = lateness(terms, handed_in(DUE + timedelta(days=6), "s1", "s2"))
    assert (found.days, found.is_accepted, found.extended_for, found.due) == (1, True, "s2", later)
