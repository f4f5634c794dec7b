"""Was this in time? By how many days not? From two points in time only; what that costs is for `scoring`.

A day late ends at the same time by the clock of the course's place, also where that night the clocks were changed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from grader.frozen import dataclass
from grader.model import Submission, Terms

_SPAN = re.compile(r"([0-9]{1,4}) ?(min|h|days?)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "day": timedelta(days=1), "days": timedelta(days=1)}


@dataclass(frozen=True)
class Lateness:
    """How a hand-in stands to its due time. `days` is None where nobody knows when it came, or who has an extension.

    `due` is the time that holds for it, in the course's zone; `extended_for` is the id whose extension moved it.
    `received` is in UTC. `is_marked` is the LMS's word where no time is known: late or not, and never how much.
    """

    due: datetime
    received: datetime | None
    days: int | None
    is_accepted: bool = True
    extended_for: str = ""
    is_marked: bool | None = None


def span(text: str) -> timedelta:
    """A length of time as rubrics write it.

    Raises:  ValueError if it is none

    >>> span("15 min"), span("2 h") == timedelta(hours=2), span("3 days").days
    (datetime.timedelta(seconds=900), True, 3)
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time such as '15 min', '2 h' or '3 days'")
    return int(found[1]) * _UNITS[found[2]]


def span_text(length: timedelta) -> str:
    """The same for the eye.

    >>> span_text(timedelta(minutes=15)), span_text(timedelta(days=1)), span_text(timedelta(hours=50))
    ('15 min', '1 day', '50 h')
    """
    minutes = length // timedelta(minutes=1)
    if minutes % 1440 == 0 and minutes:
        return f"{minutes // 1440} day{'' if minutes == 1440 else 's'}"
    return f"{minutes // 60} h" if minutes % 60 == 0 and minutes else f"{minutes} min"


def moment(text: str, zone: ZoneInfo | None) -> datetime:
    """A point in time in the course's zone. What has no offset of its own is a time by the clock of that zone.

    Raises:  ValueError where it is no time, or there is neither an offset nor a zone

    >>> str(moment("2026-03-08 23:59", ZoneInfo("Europe/Oslo"))), str(moment("2026-03-08T22:59Z", None))
    ('2026-03-08 23:59:00+01:00', '2026-03-08 22:59:00+00:00')
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time such as '2026-03-08 23:59'") from None
    if len(text) <= len("2026-03-08"):
        raise ValueError(f"{text!r} has no time of day: write one such as '{text} 23:59'")
    if read.tzinfo is None:
        if zone is None:
            raise ValueError(f"{text!r} does not say in which time zone")
        return read.replace(tzinfo=zone)
    return read.astimezone(zone) if zone is not None else read


def after(due: datetime, length: timedelta) -> datetime:
    """The time (UTC) that is `length` behind `due`: whole days by the clock, the rest as it passes.

    Where the clocks are put back, and that time comes twice, the later one; where they are put forward, and it never
    comes, the one as if they had not been.

    >>> summer = moment("2026-03-28 23:59", ZoneInfo("Europe/Oslo"))  # the night after, 2 o'clock is 3 o'clock
    >>> after(summer, timedelta(days=1)) - after(summer, timedelta(0)) == timedelta(hours=23)
    True
    """
    clock = due.replace(tzinfo=None) + timedelta(days=length.days)
    both = (clock.replace(tzinfo=due.tzinfo, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(both) + timedelta(seconds=length.seconds)


def days_late(received: datetime, due: datetime) -> int:
    """How many days late: 0 up to the due time itself, and then each day that has begun.

    >>> due = moment("2026-03-08 12:00", ZoneInfo("Europe/Oslo"))
    >>> [days_late(due + timedelta(hours=hours), due) for hours in (-1, 0, 1, 24, 25)]
    [0, 0, 1, 1, 2]
    """
    days = max(0, (received - due.astimezone(UTC)).days - 1)  # less than a day is what a change of clocks can make
    while received > after(due, timedelta(days=days)):
        days += 1
    return days


def lateness(terms: Terms, submission: Submission) -> Lateness | None:
    """How a hand-in stands to the due time of its assignment, None where there is none.

    An extension of one of its students holds for all of them, the latest of several.
    """
    if terms.due is None:
        return None
    due, extended_for = terms.due, ""
    for student in submission.students:
        extended = terms.extensions.get(student.id)
        if extended is not None and after(extended, timedelta(0)) > after(due, timedelta(0)):
            due, extended_for = extended, student.id
    received = received_at(terms, submission)
    if received is None or terms.missing:
        return Lateness(due, None, None, extended_for=extended_for, is_marked=submission.is_late)
    policy = terms.late
    days = days_late(received, due)
    if policy is not None and received <= after(due, policy.grace):
        days = 0
    is_accepted = days == 0 or policy is None or policy.accepted is None or received <= after(due, policy.accepted)
    return Lateness(due, received, days, is_accepted, extended_for)


def received_at(terms: Terms, submission: Submission) -> datetime | None:
    """When it came (UTC): as the course notes it of the hand-in itself, else the latest of its students' times."""
    noted = [terms.received[submission.id]] if submission.id in terms.received else []
    noted = noted or [terms.received[one.id] for one in submission.students if one.id in terms.received]
    if noted:
        return max(at.astimezone(UTC) for at in noted)
    received = submission.received_at
    return received.astimezone(UTC) if received is not None and received.tzinfo is not None else None
