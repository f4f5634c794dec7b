"""What number stands there, exactly? Its value as the metric takes it, and how it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.answers.answer_error import AnswerError
from grader.answers.claims.found import COUNTS, RATES
from grader.answers.claims.quantities import Quantity
from grader.answers.claims.tokens import Token
from grader.answers.digits import scan
from grader.answers.numbers import Number, parse_number
from grader.model import Place


def number_of(
    tokens: Sequence[Token], quantity: Quantity, metric: str, *, is_percent: bool
) -> tuple[Number | None, str]:
    """The Number and how it is written. A rate over 1 without a sign is a percentage."""
    text = quantity.text
    written = f"{text}/{quantity.total}" if quantity.total else text + _percent_as_written(tokens, quantity)
    try:
        number = _parsed(f"{text}/{quantity.total}" if quantity.total else text)
    except AnswerError:
        return None, written
    if metric in COUNTS:
        whole = [form for form in number.forms if form.value.denominator == 1]
        return (replace(number, forms=tuple(whole), written=written) if whole else None), written
    if metric in RATES and not quantity.total:
        forms = [form for form in number.forms if form.value <= 100]
        if not forms:
            return None, written
        as_percent = quantity.is_percent or is_percent or forms[0].value > 1
        if as_percent:
            forms = [replace(form, value=form.value / 100, step=form.step / 100) for form in forms]
        return replace(number, forms=tuple(forms), written=written, is_percent=quantity.is_percent), written
    sign = (
        -1
        if quantity.at >= 2
        and tokens[quantity.at - 1].low == "-"
        and tokens[quantity.at].is_glued
        and tokens[quantity.at - 2].low in (":", "=")
        else 1
    )
    forms = [replace(form, value=sign * form.value) for form in number.forms]
    decimal = [form for form in forms if form.step < 1] or forms
    return replace(number, forms=tuple(decimal), written=written), written


def _percent_as_written(tokens: Sequence[Token], quantity: Quantity) -> str:
    if not quantity.is_percent or quantity.end - quantity.at < 2:
        return ""
    sign = tokens[quantity.end - 1]
    return sign.text if sign.is_glued else f" {sign.text}"


def _parsed(text: str) -> Number:
    """As `parse_number`, without its search for units and words where the text is digits alone."""
    run = scan(text, 0)
    if run is not None and run.end == len(text) and run.readings:
        return Number(text, run.readings)
    return parse_number(text, Place(""))
