"""A long date is the time that it says, in any language that is known; anything else is no time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from grader.intake.lms.long_dates import is_late_by, long_date
from tests.lms.moodle import WORDS
from tests.lms.moodle import long_date as moodles

DAYS = [datetime(2026, 1, 1, 0, 5, tzinfo=UTC) + timedelta(days=29 * n, hours=n) for n in range(26)]


@pytest.mark.parametrize("words", WORDS)
def test_every_month_and_hour_is_read_as_it_was_written(words):
    assert [long_date(moodles(day, words), UTC) for day in DAYS] == DAYS


WRITTEN = {
    "Friday, 20 November 2026, 10:59 PM": (2026, 11, 20, 22, 59),
    "Friday, 20 November 2026, 12:05 AM": (2026, 11, 20, 0, 5),
    "Friday, November 20, 2026, 12:05 PM": (2026, 11, 20, 12, 5),
    "vendredi 20 novembre 2026, 22:59": (2026, 11, 20, 22, 59),
    "mardi 3 mars 2026, 08:01": (2026, 3, 3, 8, 1),
    "martes, 3 de marzo de 2026, 08:01": (2026, 3, 3, 8, 1),
    "mercredi 12 août 2026, 08:01": (2026, 8, 12, 8, 1),
    "domenica, 1 giugno 2026, 08:01": (2026, 6, 1, 8, 1),
    "segunda-feira, 5 de outubro de 2026, 08:01": (2026, 10, 5, 8, 1),
    "maandag, 2 maart 2026, 08:01": (2026, 3, 2, 8, 1),
    "fredag, 20 november 2026, 22:59": (2026, 11, 20, 22, 59),
    "perjantai, 20. marraskuuta 2026, 22.59": (2026, 11, 20, 22, 59),
    "пятница, 20 ноября 2026, 22:59": (2026, 11, 20, 22, 59),
    "2026年11月20日 星期五 22:59": (2026, 11, 20, 22, 59),
    "2026年 11月 20日(金曜日) 22:59": (2026, 11, 20, 22, 59),
    "2026年11月20日 星期五 下午10:59": (2026, 11, 20, 22, 59),
    "20 November 2026, 10:59 in the evening": None,
    "20/11/2026, 22:59": None,
    "20 Brumaire 2026, 22:59": None,
    "31 February 2026, 22:59": None,
    "20 November 2026": None,
    "20 November 2026, 25:59": None,
    "-": None,
    "": None,
    "20 November 2026, 22:59, 23:10": None,
}


@pytest.mark.parametrize(("text", "wanted"), WRITTEN.items())
def test_a_date_is_what_it_says_or_none(text, wanted):
    assert long_date(text, UTC) == (datetime(*wanted, tzinfo=UTC) if wanted else None)


def test_a_time_is_by_the_clock_of_the_site():
    at = long_date("Friday, 20 November 2026, 10:59 PM", ZoneInfo("Asia/Tokyo"))
    assert at.astimezone(UTC) == datetime(2026, 11, 20, 13, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "is_late"),
    [
        ("Submitted for grading", False),
        ("Submitted for grading - 3 hours late", True),
        ("Submitted for grading - Graded - 3 hours late", True),
        ("Zur Bewertung abgegeben - 3 Stunden verspätet", True),
        ("Submitted for grading - Extension granted until: Monday", None),
        ("No submission", False),
        ("", None),
    ],
)
def test_late_is_what_the_status_says(status, is_late):
    assert is_late_by(status) is is_late
