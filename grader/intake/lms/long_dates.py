"""When is it, in the words that Moodle writes for people? "Friday, 20 November 2026, 10:59 PM", in many languages.

What is not understood for certain is no time: somebody else's guess would be a student's deduction.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, tzinfo
from typing import Final

# How the months begin, from January on, in Moodle's words; enough letters to tell them apart in each language.
_MONTHS: Final = (
    ("jan", "gen", "ene", "ocak", "янв", "січ", "sty", "ledna", "tammi", "ιαν", "يناير"),
    ("feb", "fev", "fév", "şub", "фев", "лют", "lut", "únor", "helmi", "φεβ", "فبراير"),
    ("marc", "mars", "març", "marz", "mart", "märz", "maa", "mrt", "март", "бер", "břez", "μαρ", "μάρ", "مارس"),
    ("apr", "avr", "abr", "nis", "апр", "кві", "kwi", "dub", "huhti", "απρ", "أبريل"),
    ("may", "mai", "mag", "maj", "mei", "mayıs", "мая", "май", "тра", "květ", "touko", "μαΐ", "μάι", "مايو"),
    ("jun", "juin", "giu", "haz", "июн", "чер", "cze", "červn", "kesä", "ιουν", "يونيو"),
    ("jul", "juil", "lug", "tem", "июл", "лип", "lipc", "červenc", "heinä", "ιουλ", "يوليو"),
    ("aug", "août", "aou", "ago", "ağu", "авг", "сер", "sie", "srpna", "elo", "αυγ", "αύγ", "أغسطس"),
    ("sep", "set", "eyl", "сен", "вер", "wrz", "září", "syys", "σεπ", "سبتمبر"),
    ("oct", "okt", "out", "ott", "eki", "окт", "жов", "paź", "říj", "loka", "οκτ", "أكتوبر"),
    ("nov", "kas", "ноя", "лис", "marras", "νοε", "νοέ", "نوفمبر"),
    ("dec", "dez", "déc", "dic", "des", "ara", "дек", "гру", "gru", "pros", "joulu", "δεκ", "ديسمبر"),
)
_MORNING: Final = ("am", "a.m.", "a. m.", "上午", "午前", "오전", "πμ", "ص")
_EVENING: Final = ("pm", "p.m.", "p. m.", "下午", "午後", "오후", "μμ", "م")
_LATE: Final = (
    "late", "verspätet", "zu spät", "después", "retraso", "tarde", "retard", "ritardo", "atraso", "te laat",
    "försenad", "forsinket", "myöhässä", "spóźni", "opožd", "опозд", "позже", "逾期", "迟交", "遲交", "遅れ", "geç",
)  # fmt: skip
_TIME: Final = re.compile(r"(?<![0-9])(?P<hour>[0-9]{1,2})[:.](?P<minute>[0-9]{2})(?::[0-9]{2})?(?![0-9])")


def long_date(text: str, zone: tzinfo) -> datetime | None:
    """The time that a long date of Moodle says, in the site's zone; None where anything of it is not understood.

    >>> from datetime import timezone
    >>> for text in (
    ...     "Friday, 20 November 2026, 10:59 PM",
    ...     "Freitag, 20. November 2026, 22:59",
    ...     "viernes, 20 de noviembre de 2026, 22:59",
    ...     "2026年11月20日 星期五 22:59",
    ...     "soon",
    ... ):
    ...     print(long_date(text, timezone.utc))
    2026-11-20 22:59:00+00:00
    2026-11-20 22:59:00+00:00
    2026-11-20 22:59:00+00:00
    2026-11-20 22:59:00+00:00
    None
    """
    text = unicodedata.normalize("NFKC", text[:200]).casefold()
    times = list(_TIME.finditer(text))
    if len(times) != 1:
        return None
    hour, minute = int(times[0]["hour"]), int(times[0]["minute"])
    date, behind = text[: times[0].start()], text[times[0].end() :].strip()
    half = behind or next((one for one in (*_MORNING[3:6], *_EVENING[3:6]) if one in date), "")
    if half:
        if not 1 <= hour <= 12 or half not in _MORNING + _EVENING:
            return None
        hour = hour % 12 + (12 if half in _EVENING else 0)
    day = _date(date)
    try:
        return datetime(*day, hour, minute, tzinfo=zone) if day else None
    except ValueError:
        return None


def _date(text: str) -> tuple[int, int, int] | None:
    numbers = re.findall(r"[0-9]+", text)
    plain = re.search(r"([0-9]{4})\s*[年년]\s*([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日일]", text)
    if plain:
        return int(plain[1]), int(plain[2]), int(plain[3])
    years = [int(one) for one in numbers if len(one) == 4]
    days = [int(one) for one in numbers if len(one) <= 2]
    months = _months(text)
    return (
        (years[0], months.pop(), days[0]) if len(years) == len(days) == len(months) == len(numbers) - 1 == 1 else None
    )


def _months(text: str) -> set[int]:
    """The months that the words of a date may be. The name of a day is not among them: it is the first word."""
    words = re.findall(r"[^\W\d_]+", text)
    behind = re.search(r"[0-9]", text)
    first_number = behind.start() if behind else 0
    later = set(re.findall(r"[^\W\d_]+", text[first_number:]))
    chosen = later if any(_month(word) for word in later) else set(words)
    return {month for word in chosen for month in _month(word)}


def _month(word: str) -> list[int]:
    return [number for number, starts in enumerate(_MONTHS, 1) if word.startswith(starts)]


def is_late_by(status: str) -> bool | None:
    """Whether Moodle's status says late; None where it says more than is understood here.

    >>> [is_late_by(text) for text in ("Submitted for grading - 3 hours late", "Submitted for grading", "a - b", "")]
    [True, False, None, None]
    """
    said = status.casefold()
    _, more, rest = said.partition(" - ")
    if any(word in rest for word in _LATE):
        return True
    return False if said.strip() and not more else None
