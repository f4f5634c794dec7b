r"""What number did the student write? Its exact value, and how it was written: percent, decimals, unit, about.

The writing matters as much as the value: "0.90" of 10,000 images says less than "0.9000", "98.92" is a percentage
only where one is asked, and "390.410" means two numbers. Nothing is resolved by a guess here: `readings` keeps every
meaning, and a comparison (`grader.answers.matching`) says which one it used.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from grader.answers.answer_error import MAX_DIGITS, AnswerError, described, quoted, refuse
from grader.answers.digits import MAX_EXPONENT, Reading, Run, scan
from grader.answers.units import unit_in
from grader.answers.writing import plain, spoken
from grader.frozen import dataclass
from grader.model import Json, Place

MAX_LENGTH = 500
FIX = 'write one number, such as 2432, 0.9892 or "98.92 %"'

_ABOUT = ("approximately", "approx.", "approx", "about", "around", "roughly", "circa", "ca.", "ca", "~", "≈")
_ABOVE = ("more than", "greater than", "at least", "over", "above", ">=", "≥", ">")
_BELOW = ("less than", "smaller than", "at most", "up to", "under", "below", "<=", "≤", "<")
_PERCENT = ("percent", "per cent", "pct", "prozent", "%")
_MAGNITUDES = {
    "k": 3, "thousand": 3, "tsd": 3, "m": 6, "mio": 6, "mn": 6, "million": 6, "millions": 6,
    "bn": 9, "billion": 9, "billions": 9,
}  # fmt: skip
# Words after a number that would change what it says.
_CHANGING = frozenset(
    {
        "or", "and", "not", "to", "plus", "minus", "times", "by", "per", "dozen",
        "hundred", "hundreds", "half", "halves", "quarter", "third", "squared", "cubed", "twice",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A number as a student wrote it.

    `forms` holds at least one reading, the more usual first. Values are exact and have the percent sign
    applied: "98.92 %" is 9892/10000 with a step of 1/10000. `count` and `total` are those of "9892 of 10000".
    """

    written: str
    forms: tuple[Reading, ...]
    is_percent: bool = False
    is_approximate: bool = False
    bound: str = ""  # "above" for "more than 80 %", "below" for "under 5 %"
    unit: str = ""  # the words after the number, as written
    count: int | None = None
    total: int | None = None
    is_size: bool = False  # one of the readings is the side of a square, as in "9x9"

    @property
    def readings(self) -> tuple[Fraction, ...]:
        """Every value that the writing can mean."""
        return tuple(form.value for form in self.forms)

    @property
    def value(self) -> Fraction:
        """The more usual reading. Where `is_ambiguous`, compare with all of `readings` instead."""
        return self.forms[0].value

    @property
    def is_ambiguous(self) -> bool:
        return len(set(self.readings)) > 1

    @property
    def decimals(self) -> int:
        """Digits after the decimal mark as written, in the more usual reading."""
        return self.forms[0].decimals

    @property
    def significant_digits(self) -> int:
        """Significant digits as written, in the more usual reading."""
        return self.forms[0].significant_digits

    @property
    def step(self) -> Fraction:
        """The unit of the last digit written, in the more usual reading; 0 where the value is exact."""
        return self.forms[0].step

    @property
    def known_unit(self) -> str | None:
        """The unit in one writing ("MB", "parameter"), or None."""
        return unit_in(self.unit)


def parse_number(value: Json, place: Place) -> Number:
    r"""Read one number from a JSON value, or AnswerError.

    `value`  a JSON number, text, or an object {"value": ..., "unit": ...} with one of these
    Raises:  AnswerError for true and false, NaN, more than 400 digits, several numbers, or none

    >>> place = Place("answers.json", "/answers/accuracy")
    >>> n = parse_number("~98.92 %", place)
    >>> n.value, n.decimals, n.significant_digits, n.is_percent, n.is_approximate
    (Fraction(2473, 2500), 2, 4, True, True)
    >>> parse_number("390.410", place).readings
    (Fraction(39041, 100), Fraction(390410, 1))
    >>> parse_number(r"$2,\!359,\!808$", place).readings
    (Fraction(2359808, 1),)
    >>> n = parse_number("1.15 MB", place)
    >>> str(n.value), n.unit
    ('23/20', 'MB')
    """
    if isinstance(value, dict):
        return _from_object(value, place)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        refuse(place, f"{described(value)} is not a number", FIX, code="not-a-number")
    if isinstance(value, str):
        return _Reader(value, place).number()
    if isinstance(value, float):
        if not math.isfinite(value):
            refuse(place, f"{value!r} is not a finite number", FIX, code="not-finite")
        return _Reader(repr(value), place).number()
    if value.bit_length() > MAX_DIGITS * 3.33:
        digits = int(value.bit_length() * 0.30103) + 1
        refuse(
            place, f"a whole number of about {digits:,} digits", f"write at most {MAX_DIGITS} digits", code="too-long"
        )
    return _Reader(str(value), place).number()


def _from_object(value: dict[str, Json], place: Place) -> Number:
    if "value" not in value:
        refuse(place, 'the object has no "value"', 'write {"value": 2432}, or the number alone', code="not-a-number")
    inner = value["value"]
    if isinstance(inner, dict):
        refuse(place.child("value"), "an object is not a number", FIX, code="not-a-number")
    number = parse_number(inner, place.child("value"))
    unit = value.get("unit")
    if unit is None or number.unit:
        return number
    if not isinstance(unit, str) or len(unit) > 40:
        refuse(place.child("unit"), f"{described(unit)} is not a unit", 'write a unit such as "MB"', code="bad-unit")
    if unit.strip() == "%" and not number.is_percent:
        return replace(number, forms=_percent(number.forms), is_percent=True)
    return replace(number, unit=unit.strip())


def exact(value: Fraction, written: str, *others: Fraction) -> Number:
    """The Number of a computed value, written as an expression; `others` are its other readings.

    >>> exact(Fraction(2432), "(5*5*3+1)*32").step
    Fraction(0, 1)
    """
    forms = tuple(Reading(v, 0, len(str(abs(v.numerator))), Fraction(0)) for v in dict.fromkeys((value, *others)))
    return Number(written, forms)


def _percent(forms: tuple[Reading, ...]) -> tuple[Reading, ...]:
    return tuple(replace(form, value=form.value / 100, step=form.step / 100) for form in forms)


class _Reader:
    """One pass from the left: qualifiers, sign, digits, power of ten, percent or ratio, unit."""

    def __init__(self, written: str, place: Place) -> None:
        self.written = written
        self.place = place
        self.text = plain(written, place, limit=MAX_LENGTH).replace("\n", " ").strip()
        self.at = 0
        self.is_approximate = False
        self.bound = ""

    def number(self) -> Number:
        if not self.text:
            refuse(self.place, "nothing is written here", FIX, code="not-a-number")
        self._qualifiers()
        self._label()
        self._qualifiers()
        is_negative = self._sign()
        first = self.at
        run = self._digits()
        forms = self._power_of_ten(run.readings, is_ten=self.text[first : run.end] == "10")
        forms, count, total = self._ratio(forms)
        forms, is_scaled = self._magnitude(forms) if total is None else (forms, False)
        is_percent = not is_scaled and bool(self._accept(_PERCENT))
        if is_percent:
            forms = _percent(forms)
        if is_negative:
            forms = tuple(replace(form, value=-form.value) for form in forms)
        if self._accept(("+",)):
            self.bound = self.bound or "above"
        number = Number(
            self.written[:MAX_LENGTH], forms, is_percent, self.is_approximate, self.bound, count=count, total=total
        )
        return self._rest(number)

    def _spaces(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "~") and self.at < len(self.text):
            self.at += 1  # "~" inside is LaTeX's unbreakable space

    def _accept(self, words: tuple[str, ...]) -> str:
        """The one of `words` that stands next (longest first); it is passed over."""
        start = self.at
        self._spaces()
        rest = self.text[self.at : self.at + 20].casefold()
        for word in words:
            if rest.startswith(word) and not (word[-1].isalpha() and rest[len(word) : len(word) + 1].isalpha()):
                self.at += len(word)
                return word
        self.at = start
        return ""

    def _qualifiers(self) -> None:
        self.text = self.text[self.at :]
        self.at = 0
        if self.text.startswith("~"):
            self.is_approximate, self.at = True, 1
        for _ in range(3):
            if self._accept(_ABOUT):
                self.is_approximate = True
            elif self._accept(_ABOVE):
                self.bound = "above"
            elif self._accept(_BELOW):
                self.bound = "below"

    def _label(self) -> None:
        """Pass over "test accuracy:" or "X_2 =" before the number."""
        head = self.text[self.at : self.at + 80]
        ends = [end for end in (head.find(":"), head.find("="), head.find("≈")) if end >= 0]
        if not ends:
            return
        label = head[: min(ends)].strip()
        # Letters first: "5 * 5 = 25" is an equation, and so is "floor(5/2) = 2".
        if label[:1].isalpha() and all(char.isalnum() or char in " _-.#{}" for char in label):
            self.at += min(ends)
            self.is_approximate |= self.text[self.at] == "≈"
            self.at += 2 if self.text[self.at : self.at + 2] == "==" else 1

    def _sign(self) -> bool:
        sign = self._accept(("minus", "-", "+"))
        self._spaces()
        return sign in ("minus", "-")

    def _digits(self) -> Run:
        run = scan(self.text, self.at)
        if run is None:
            infinite = self.text[self.at :].casefold().strip()
            if infinite in ("nan", "inf", "infinity", "∞"):
                refuse(self.place, f"{quoted(self.written)} is not a finite number", FIX, code="not-finite")
            refuse(self.place, f"{quoted(self.written)} is not a number", FIX, code="not-a-number")
        if not run.readings:
            self._refuse_run(run)
        self.at = run.end
        return run

    def _refuse_run(self, run: Run) -> None:
        if run.digit_count > MAX_DIGITS:
            refuse(
                self.place,
                f"a number of {run.digit_count:,} digits",
                f"write at most {MAX_DIGITS} digits",
                code="too-long",
            )
        if "e" in self.text[self.at : run.end].casefold():
            refuse(self.place, f"{quoted(self.written)} is too large or too small", FIX, code="too-long")
        refuse(
            self.place,
            f"the separators of {quoted(self.text[self.at : run.end])} fit no way of writing a number",
            "write it without thousands separators and with a point before the decimals, such as 2359808 or 0.9892",
            code="bad-separators",
        )

    def _power_of_ten(self, forms: tuple[Reading, ...], *, is_ten: bool) -> tuple[Reading, ...]:
        """The rest of "1.5 × 10^-3"; "10^4" stands for itself."""
        start = self.at
        is_bare_ten = is_ten and self._accept(("^", "**"))
        if not is_bare_ten and not (
            self._accept(("×", "*", "x")) and self._accept(("10",)) and self._accept(("^", "**"))
        ):
            self.at = start
            return forms
        self._accept(("(", "{"))
        sign = self._accept(("-", "+"))
        run = scan(self.text, self.at, may_use_spaces=False)
        if run is None or len(run.readings) != 1 or run.readings[0].step != 1:
            self.at = start
            return forms
        self.at = run.end
        self._accept((")", "}"))
        if run.readings[0].value > MAX_EXPONENT:
            refuse(self.place, f"{quoted(self.written)} is too large or too small", FIX, code="too-long")
        power = int(run.readings[0].value) * (-1 if sign == "-" else 1)
        if is_bare_ten:
            return (Reading(Fraction(10) ** power, 0, 1, Fraction(0)),)
        return tuple(_shifted(form, power) for form in forms)

    def _ratio(self, forms: tuple[Reading, ...]) -> tuple[tuple[Reading, ...], int | None, int | None]:
        """The rest of "9892/10000" or "9892 of 10000"."""
        start = self.at
        if not self._accept(("/", "out of", "of")):
            return forms, None, None
        self._spaces()
        run = scan(self.text, self.at)
        if run is None or not run.readings:
            self.at = start
            return forms, None, None
        if not any(form.value for form in run.readings):
            refuse(self.place, f"{quoted(self.written)} divides by zero", FIX, code="divides-by-zero")
        pairs = [(_in_style(forms, mark), _in_style(run.readings, mark)) for mark in ".,"]  # one hand, one mark
        made: dict[Fraction, Reading] = {}
        whole: set[tuple[int, int]] = set()
        for a, b in pairs:
            if a and b and b.value:
                made.setdefault(a.value / b.value, Reading(a.value / b.value, 0, a.significant_digits, Fraction(0)))
                if a.value.denominator == b.value.denominator == 1:
                    whole.add((int(a.value), int(b.value)))
        if not made:
            self.at = 0
            self._refuse_run(run)
        self.at = run.end
        count, total = next(iter(whole)) if len(whole) == 1 else (None, None)
        return tuple(made.values()), count, total

    def _magnitude(self, forms: tuple[Reading, ...]) -> tuple[tuple[Reading, ...], bool]:
        word = self._accept(tuple(sorted(_MAGNITUDES, key=len, reverse=True)))
        if not word:
            return forms, False
        if word == "m" and self.text[self.at - 1] != "M":  # "6.4M" is millions, "6.4 m" is not
            self.at -= 1
            return forms, False
        return tuple(_shifted(form, _MAGNITUDES[word]) for form in forms), True

    def _rest(self, number: Number) -> Number:
        rest = self.text[self.at :].strip(" ~.,;")
        if rest.startswith("(") and rest.endswith(")"):
            return self._restated(number, rest[1:-1])
        if not rest:
            return number
        words = rest.split()
        if len(rest) > 60 or any(not _is_word(word) for word in words):
            has_digit = any(char.isdigit() for char in rest)
            what = "holds more than one number" if has_digit else f"goes on with {quoted(rest, 30)}"
            refuse(self.place, f"{quoted(self.written)} {what}", FIX, code="not-a-number")
        changing = next((word for word in words if word.casefold().strip(".,;") in _CHANGING), None)
        if changing:
            what = f"in {quoted(self.written)} the word {quoted(changing)} changes the number"
            refuse(self.place, what, "write the number in digits, alone", code="not-a-number")
        return replace(number, unit=rest.replace("{", "").replace("}", ""))

    def _restated(self, number: Number, inside: str) -> Number:
        """Accept "9892 of 10000 (98.92 %)": the same number twice. Words alone in brackets are a remark."""
        if not any(char.isdigit() for char in inside):
            return replace(number, unit=inside.strip()) if unit_in(inside) else number
        try:
            other = _Reader(inside, self.place).number()
        except AnswerError:
            refuse(self.place, f"{quoted(self.written)} holds more than one number", FIX, code="not-a-number")
        pairs = ((a, b) for a in number.forms for b in other.forms)
        if not any(_is_restated(a, b) for a, b in pairs):
            what = f"states two numbers, {spoken(number.value)} and {spoken(other.value)}"
            refuse(self.place, f"{quoted(self.written)} {what}", FIX, code="two-numbers")
        return number


def _is_restated(one: Reading, other: Reading) -> bool:
    """The same number, as far as its digits go: 9892/10000 and 98.92 %; 99.17 and 0.9917 without a percent sign too."""
    low, high = sorted((one, other), key=lambda reading: abs(reading.value))
    if abs(high.value - low.value) <= max(low.step, high.step) / 2:
        return True
    is_share = 0 < low.value <= 1 < high.value
    return is_share and abs(high.value - low.value * 100) <= max(low.step * 100, high.step) / 2


def _in_style(forms: tuple[Reading, ...], mark: str) -> Reading | None:
    """The reading of a hand that writes `mark` before decimals: its other separators group thousands."""
    return next((f for f in forms if f.mark == mark), None) or next((f for f in forms if not f.mark), None)


def _shifted(form: Reading, power: int) -> Reading:
    scale = Fraction(10) ** power
    return replace(form, value=form.value * scale, step=form.step * scale, decimals=max(0, form.decimals - power))


def _is_word(word: str) -> bool:
    """Is this a word that says no number? "9th" is one, and so is "MB" or "steps/epoch"."""
    word = word.strip(".,;()")
    if word[:1].isdigit():
        return word.lstrip("0123456789") in ("st", "nd", "rd", "th")
    return all(char.isalpha() or char in "-_/.'{}^" for char in word)
