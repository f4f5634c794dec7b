"""Totals and megabytes: those of the real tools fit, a changed one is named, an open one accuses nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.architecture.readers import read_summaries
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary
from grader.architecture.recompute.other_totals import is_part_sum, optimizer_of
from grader.architecture.recompute.ranges import Range
from grader.architecture.recompute.totals import TotalsModel, check_totals, expected
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"
TRUTHS = json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]
WITH_TOTALS = [truth for truth in TRUTHS if truth["kind"] != "print"]


def summary_of(truth):
    found = read_summaries(report_lines((PRINTED / truth["file"]).read_text(encoding="utf-8")))
    return next(one for one in found if str(one.format) == truth["kind"])


def inputs_of(truth):
    """What the tool was given. torchsummary adds the batch itself; the others may have been given several."""
    return [(None, *shape) for shape in truth["input"]] if truth["kind"] == "torchsummary" else ()


@pytest.mark.parametrize("truth", WITH_TOTALS, ids=lambda truth: truth["file"].removesuffix(".txt"))
def test_the_totals_of_a_real_print_follow_from_its_rows(truth):
    assert check_totals(summary_of(truth), inputs=inputs_of(truth)).disagreements == ()


@pytest.mark.parametrize("truth", WITH_TOTALS, ids=lambda truth: truth["file"].removesuffix(".txt"))
def test_a_larger_total_is_named_on_its_own_line(truth):
    summary = summary_of(truth)
    number = summary.totals.get("parameters")
    if number is None:
        pytest.skip("it prints no total")
    raised = replace(number, value=number.value * 2 + 7 * max(number.step, Fraction(1)))
    changed = replace(summary, totals={**summary.totals, "parameters": raised})
    assert "parameters" in [one.field for one in check_totals(changed, inputs=inputs_of(truth)).disagreements]


@pytest.mark.parametrize("truth", WITH_TOTALS, ids=lambda truth: truth["file"].removesuffix(".txt"))
def test_a_question_about_one_row_gives_what_a_summary_with_that_row_gives(truth):
    summary = summary_of(truth)
    index = next((index for index, row in enumerate(summary.rows) if row.parameters is not None), None)
    if index is None:
        pytest.skip("its column of counts was cut off")
    row = summary.rows[index]
    more = replace(row, parameters=replace(row.parameters, value=row.parameters.value + 1000, step=Fraction(0)))
    rows = (*summary.rows[:index], more, *summary.rows[index + 1 :])
    model = TotalsModel(summary)
    asked, whole = model.with_row(index, more), TotalsModel(replace(summary, rows=rows))
    name = model.view()._rule
    assert asked.ranges == type(asked)(whole, name, whole._sums[name]).ranges


def count(value, step=0, line=9):
    return PrintedNumber(Fraction(value), Fraction(step), line, str(value))


def linear(features, value, **more):
    row = PrintedRow(3, "Linear-1", "Linear", outputs=((None, features),), parameters=count(value))
    return replace(row, **more)


def torchsummary(rows, **totals):
    columns = ("name", "output", "parameters")
    return PrintedSummary(Format.TORCHSUMMARY, 1, 20, tuple(rows), totals, columns=columns)


def test_the_count_that_breaks_the_sum_is_named_not_the_others():
    totals = {"parameters": count(60, line=10), "trainable": count(50, line=11), "non_trainable": count(0, line=12)}
    [one] = check_totals(torchsummary([linear(5, 60)], **totals)).disagreements
    assert (one.line, one.field, one.recomputed) == (11, "trainable", "60")


def test_a_row_that_was_changed_is_blamed_once_on_the_total_not_on_all_that_follows_from_it():
    totals = {"parameters": count(60), "trainable": count(60), "non_trainable": count(0)}
    found = check_totals(torchsummary([linear(5, 90)], **totals)).disagreements
    assert [one.field for one in found] == ["parameters"]


def test_torchsummary_multiplies_the_shapes_of_a_row_with_several_outputs():
    rows = [linear(8, 0, outputs=((None, 8), (None, 4)))]
    assert expected(torchsummary(rows), "pass_mb") == Range(Fraction(8 * 32, 2**20), Fraction(8 * 32, 2**20))


def test_torchsummary_on_windows_counts_outputs_in_32_bits():
    rows = [linear(2**31 + 2**20, 0)]
    printed = PrintedNumber(Fraction(8 * (2**31 - 2**20), 2**20), Fraction(1, 100), 9, "16376.00")
    assert check_totals(torchsummary(rows, pass_mb=printed)).disagreements == ()


def test_a_row_without_a_count_leaves_the_total_open_upwards_only():
    rows = [linear(5, 60), linear(5, 0, parameters=None)]
    assert check_totals(torchsummary(rows, parameters=count(5000))).disagreements == ()
    [one] = check_totals(torchsummary(rows, parameters=count(59))).disagreements
    assert one.recomputed == "at least 60"


def test_the_trees_cut_off_below_the_depth_make_a_difference_doubtful_not_wrong():
    row = PrintedRow(3, "Block: 1-1", "Block", depth=1, parameters=count(100), is_cut=True)
    columns = ("name", "parameters")
    tree = PrintedSummary(Format.TORCHINFO, 1, 9, (row,), {"parameters": count(164)}, columns=columns)
    [one] = check_totals(tree).disagreements
    assert not one.is_certain


def test_keras_counts_the_optimizer_into_the_total():
    rows = (PrintedRow(3, "dense", "Dense", parameters=count(225034)),)
    totals = {
        "parameters": count(675104), "trainable": count(225034), "non_trainable": count(0), "optimizer": count(450070),
    }  # fmt: skip
    summary = PrintedSummary(Format.KERAS, 1, 9, rows, totals)
    assert check_totals(summary) == replace(check_totals(summary), disagreements=(), doubts=())


def test_keras_may_count_a_layer_twice_that_was_frozen_after_compiling():
    rows = tuple(PrintedRow(3, f"dense_{value}", "Dense", parameters=count(value)) for value in (100, 30))
    totals = {"parameters": count(160), "trainable": count(130), "non_trainable": count(30)}
    [one] = check_totals(PrintedSummary(Format.KERAS, 1, 9, rows, totals)).disagreements
    assert not one.is_certain
    without = {"parameters": count(160), "trainable": count(160), "non_trainable": count(0)}
    [one] = check_totals(PrintedSummary(Format.KERAS, 1, 9, rows, without)).disagreements
    assert one.is_certain


def test_lightning_counts_a_module_with_two_names_in_both_rows_and_is_not_charged():
    rows = tuple(PrintedRow(3, name, "Linear", parameters=count(4100, 100)) for name in ("first", "second"))
    verdict = check_totals(PrintedSummary(Format.LIGHTNING, 1, 9, rows, {"parameters": count(4100, 100)}))
    assert verdict.disagreements == ()
    assert "registered under two names" in verdict.defects[0]


@given(st.lists(st.integers(1, 60), max_size=7), st.integers(0, 200))
def test_a_part_sum_is_one_of_the_sums_of_some_of_the_counts(counts, wanted):
    sums = {0}
    for one in counts:
        sums |= {one + other for other in sums}
    assert is_part_sum(wanted, counts) == (wanted in sums)


@pytest.mark.parametrize(
    ("optimizer", "extra"),
    [("SGD", 2), ("SGD with momentum, RMSprop or Adagrad", 102), ("Adam, AdamW, Lion or RMSprop with momentum", 202)],
)
def test_an_optimizer_is_known_by_what_it_keeps(optimizer, extra):
    assert optimizer_of(100, extra) == optimizer
    assert optimizer_of(100, extra + 50) is None


@given(st.integers(1, 10**9), st.integers(0, 3))
def test_every_rounding_of_a_known_value_is_allowed_and_the_next_but_one_is_not(value, decimals):
    step = Fraction(1, 10**decimals)
    exact = Fraction(value, 7)
    known = Range(exact, exact)
    text = f"{float(exact):.{decimals}f}" if value < 10**6 else None
    if text is None:
        return
    printed = PrintedNumber(Fraction(text), step, 1, text)
    assert known.allows(printed)
    assert not known.allows(replace(printed, value=printed.value + 2 * step))
