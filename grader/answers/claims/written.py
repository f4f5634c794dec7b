"""What number stands there, exactly? Its value as the metric takes it, and how it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from grader.answers.answer_error import AnswerError
from grader.answers.claims.found import COUNTS, RATES
from grader.answers.claims.quantities import Quantity
from grader.answers.claims.tokens import Token
from grader.answers.digits import Reading, scan
from grader.answers.numbers import Number, parse_number
from grader.model import Place


def number_of(
    tokens: Sequence[Token], quantity: Quantity, metric: str, *, is_percent: bool
) -> tuple[Number | None, str]:
    """The Number and how it is written. A rate over 1 without a sign is a percentage."""
    is_negative = (
        quantity.at >= 2
        and tokens[quantity.at - 1].low == "-"
        and tokens[quantity.at].is_glued
        and tokens[quantity.at - 2].low in (":", "=")
    )
    sign = _percent_as_written(tokens, quantity)
    kind = "count" if metric in COUNTS else "rate" if metric in RATES else ""
    number = _number if len(quantity.text) <= LONGEST_KEPT else _number.__wrapped__
    return number(quantity.text, quantity.total, sign, kind, quantity.is_percent, is_percent, is_negative)


LONGEST_KEPT = 30  # characters of a number that is remembered


@lru_cache(maxsize=4096)
def _number(
    text: str, total: str, percent: str, kind: str, is_written_percent: bool, is_percent: bool, is_negative: bool
) -> tuple[Number | None, str]:
    written = f"{text}/{total}" if total else text + percent
    try:
        number = _parsed(f"{text}/{total}" if total else text)
    except AnswerError:
        return None, written
    if kind == "count":
        whole = [form for form in number.forms if form.value.denominator == 1]
        return (replace(number, forms=tuple(whole), written=written) if whole else None), written
    if kind == "rate" and not total:
        forms = [form for form in number.forms if form.value <= 100]
        if not forms:
            return None, written
        as_percent = is_written_percent or is_percent or forms[0].value > 1
        if as_percent:
            forms = [replace(form, value=form.value / 100, step=form.step / 100) for form in forms]
        return replace(number, forms=tuple(forms), written=written, is_percent=is_written_percent), written
    forms = [replace(form, value=-form.value) if is_negative else form for form in number.forms]
    decimal = [form for form in forms if form.step < 1] or forms
    return replace(number, forms=tuple(decimal), written=written), written


def _percent_as_written(tokens: Sequence[Token], quantity: Quantity) -> str:
    if not quantity.is_percent or quantity.end - quantity.at < 2:
        return ""
    sign = tokens[quantity.end - 1]
    return sign.text if sign.is_glued else f" {sign.text}"


# One meaning only: no thousands are grouped behind a zero, or by one, two or four digits.
_DECIMAL = re.compile(r"(\d{1,3})\.(\d{1,2}|\d{4,12})", re.ASCII)


def _parsed(text: str) -> Number:
    """As `parse_number`, without its search for units and words where the text is digits alone."""
    plain = _DECIMAL.fullmatch(text)
    if plain:
        part = plain[2]
        step = Fraction(1, 10 ** len(part))
        digits = int(plain[1] + part)
        reading = Reading(Fraction(digits, step.denominator), len(part), len(str(digits)), step, ".")
        return Number(text, (reading,))
    run = scan(text, 0)
    if run is not None and run.end == len(text) and run.readings:
        return Number(text, run.readings)
    return parse_number(text, Place(""))
