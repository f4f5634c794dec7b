"""The formulas and counts of the five reports, from their raw texts: the verdicts that were worked out by hand."""

import pytest

from grader.answers.formulas import (
    Agreement,
    Domain,
    compare_formulas,
    find_formulas,
    formula_contradictions,
    near_misses,
    parse_formula,
    parse_shape_formula,
)
from grader.answers.granularity import granularity_readings
from grader.answers.numbers import parse_number
from grader.checks import all_checks, run_check
from grader.documents.report_lines import report_lines
from grader.model import Answer, Outcome, Place, Rule, Submission

HERE = Place("report")
RIGHT = parse_formula("floor((T - 3)/2) + 1", HERE).tree


@pytest.fixture(scope="module")
def raw(report_folder):
    """raw("000") -> the name and the text of a report."""

    def read(number):
        [path] = report_folder.glob(f"{number}_*.txt")
        return path.name, path.read_text(encoding="utf-8")

    return read


@pytest.fixture(scope="module")
def formulas(raw):
    def find(number):
        name, text = raw(number)
        return find_formulas(report_lines(text, name=name))

    return find


@pytest.mark.seeds
def test_000_the_final_shape_the_height_and_the_width_are_found_on_their_lines(formulas, raw):
    lines = raw("000")[1].split("\n")
    found = {(one.label, str(one.formula)): one for one in formulas("000")}
    assert set(found) == {
        ("input", "[B, T, T, C]"),
        ("height", "ceil(T/2)"),
        ("width", "floor(C/2)"),
        ("output", "[B, T, ceil(T/2), ceil(T/2)]"),
    }
    for one in found.values():
        assert one.text in lines[one.line - 1]


@pytest.mark.seeds
def test_000_the_size_is_wrong_first_at_3_and_right_for_padding_1(formulas):
    [shape] = [one.formula for one in formulas("000") if one.label == "output"]
    verdict = compare_formulas(shape.entries[2], RIGHT, Domain(least=1))
    assert verdict.agreement is Agreement.DIFFERENT
    assert verdict.counterexample.said == "T = 3 gives 1, not 2"
    misses = near_misses(verdict.stated, RIGHT, Domain(least=1))
    assert [one.said for one in misses] == ["it would be right for padding 1"]
    other = parse_formula("floor((T - 1)/2)", HERE)
    assert compare_formulas(other, RIGHT, Domain(least=1)).is_right


@pytest.mark.seeds
def test_000_the_final_line_contradicts_the_text_above_it_and_both_places_are_named(formulas, raw):
    lines = raw("000")[1].split("\n")
    [one] = formula_contradictions(formulas("000"))
    assert one.of == "width"
    assert (one.first_says, one.second_says) == ("floor(C/2)", "ceil(T/2)")
    assert "resulting width" in lines[one.first.line - 1]
    assert "resulting output shape" in lines[one.second.line - 1]


@pytest.mark.seeds
def test_000_the_whole_answer_goes_to_a_person(raw):
    _, text = raw("000")
    start, end = text.index("(b) Model summary"), text.index("Layer (type)")
    settings = {"layer": {"kernel": 3, "stride": 2}, "input": "[B, T, T, C]", "layout": "channels-last"}
    rule = Rule("r", "shape-formula", 1, settings, answer="q")
    answer = Answer(text[start:end], Place("answers.json", "/answers/q"))
    submission = Submission("s", "a", None, answers={"q": answer})
    finding, *remarks = run_check(all_checks()["shape-formula"], rule, submission, {})
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, "contradiction")
    assert all(remark.weight == 0 for remark in remarks)


@pytest.mark.seeds
def test_001_the_formula_with_brackets_read_as_floor_is_right(formulas):
    [found] = formulas("001")
    assert found.text == "[(W - K + 2P)/S] + 1"
    right = parse_formula("floor((W - K + 2P)/S) + 1", HERE).tree
    as_floor = parse_formula(found.text, HERE, brackets="floor")
    assert compare_formulas(as_floor, right, Domain(least=1)).is_right
    grouping = parse_formula(found.text, HERE, brackets="grouping")
    assert compare_formulas(grouping, right, Domain(least=1)).agreement is Agreement.UNFLOORED


@pytest.mark.seeds
def test_002_the_formulas_for_padding_sizes_and_parameters_are_found_and_right(formulas):
    found = {(one.name, str(one.formula)) for one in formulas("002")}
    assert ("p", "(k - 1)/2") in found
    assert ("X_2", "(X_1 - F_x + 2*P_x)/S_x + 1") in found
    assert ("N", "(F_H*F_W*C_1 + 1)*C_2") in found
    assert formula_contradictions(formulas("002")) == ()


@pytest.mark.seeds
@pytest.mark.parametrize("number", ["003", "004"])
def test_in_reports_without_formulas_none_is_found(formulas, number):
    assert formulas(number) == ()


@pytest.mark.seeds
@pytest.mark.parametrize(
    ("report", "written", "totals", "said"),
    [
        ("000", "98.92", (10_000,), "9,892 of 10,000"),
        ("000", "92.07", (10_000,), "9,207 of 10,000"),
        ("001", "97.05", (10_000,), "9,705 of 10,000"),
        ("001", "0.9082844034830729", None, "54,468 of 59,968 = 937 batches of 64"),
        ("001", "0.891600112915039", None, "8,916 of 10,000"),
        ("001", "0.9108000755310058", None, "9,108 of 10,000"),
        ("002", "0.8788895606994629", None, "39,543 of 44,992 = 703 batches of 64"),
        ("002", "0.7346000075340271", (5_000,), "3,673 of 5,000"),
        ("002", "0.7339999675750732", None, "7,340 of 10,000"),
        ("002", "0.7591999769210815", (5_000,), "3,796 of 5,000"),
        ("002", "0.7753999829292297", (5_000,), "3,877 of 5,000"),
        ("002", "0.7532999515533447", None, "7,533 of 10,000"),
        ("002", "0.7613999843597412", None, "7,614 of 10,000"),
        ("002", "0.8329036235809326", None, "37,474 of 44,992 = 703 batches of 64"),
        ("002", "0.8435944318771362", None, "37,955 of 44,992 = 703 batches of 64"),
        ("002", "0.8025999665260315", None, "8,026 of 10,000"),
        ("002", "0.9279999732971191", None, "9,280 of 10,000"),
        ("003", "0.90", (10_000,), "8,950 to 9,049 of 10,000"),
        ("003", "0.93", (10_000,), "9,250 to 9,349 of 10,000"),
        ("003", "94.01", (10_000,), "9,401 of 10,000"),
        ("003", "97.87", (10_000,), "9,787 of 10,000"),
        ("003", "99.12", (10_000,), "9,912 of 10,000"),
    ],
)
def test_every_accuracy_of_the_texts_is_the_count_that_was_worked_out(raw, report, written, totals, said):
    assert written in raw(report)[1]
    first = granularity_readings(parse_number(written, HERE), totals=totals)[0]
    assert first["said"].startswith(said)


@pytest.mark.seeds
def test_001_the_training_accuracy_is_no_count_of_all_60000(raw):
    assert "0.9082844034830729" in raw("001")[1]
    number = parse_number("0.9082844034830729", HERE)
    assert granularity_readings(number, totals=(60_000,), batch_sizes=()) == []


def test_the_shape_that_the_sheet_expects_is_right_in_both_writings():
    one = parse_shape_formula("[B, floor((T-3)/2)+1, floor((T-3)/2)+1, C']", HERE)
    other = parse_shape_formula("[B, floor((T-1)/2), floor((T-1)/2), C']", HERE)
    for left, right in zip(one.entries, other.entries, strict=True):
        assert compare_formulas(left, right, Domain(least=1)).is_right
