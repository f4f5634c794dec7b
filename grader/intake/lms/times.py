"""When was it received? The forms in which an LMS writes a time for machines; all else is no time here.

The long dates that an LMS writes for people, in words of its own language and without a zone, are not read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*([A-Za-z][A-Za-z0-9_+/-]{0,40}|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def moment(text: str, zone: tzinfo | None = None) -> datetime | None:
    """A time with its offset; None where it is none, or has no offset and `zone` is not known.

    >>> moment("2026-11-20 22:03:01.123456000 Z").isoformat(), moment("2026-11-20 22:03 -0800").isoformat()
    ('2026-11-20T22:03:01.123456+00:00', '2026-11-20T22:03:00-08:00')
    >>> moment("2026-07-20 22:03:01 Europe/Paris").utcoffset().seconds, moment("2026-07-20 22:03:01", UTC).hour
    (7200, 22)
    >>> [moment(text) for text in ("2026-11-20 22:03", "2026-13-20 22:03 Z", "2026-11-20 22:03 PST", "yesterday", "")]
    [None, None, None, None, None]
    """
    parts = _FORM.fullmatch(text.strip())
    if parts is None:
        return None
    *numbers, fraction, said = parts.groups()
    where = _zone(said) if said else zone
    if where is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in numbers)
    try:
        made = datetime(year, month, day, hour, minute, second, int((fraction or "").ljust(6, "0")[:6]), tzinfo=where)
        made.timestamp()  # a time of the year 1 has no such number, and nothing can be counted from it
    except (ValueError, OverflowError):
        return None
    return made.replace(tzinfo=timezone(made.utcoffset() or timedelta(0)))


def _zone(said: str) -> tzinfo | None:
    """The zone of an offset or a name. Of short names only UTC's: PST and CST are several."""
    if said.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if said[0] in "+-":
        hours, minutes = int(said[1:3]), int(said[-2:]) if len(said) > 3 else 0
        length = timedelta(hours=hours, minutes=minutes)
        return timezone(-length if said[0] == "-" else length) if length < timedelta(hours=24) else None
    if "/" not in said:
        return None
    try:
        return ZoneInfo(said)
    except (KeyError, ValueError, OSError):  # not known; leads out of the list; a folder of the list
        return None
