"""`grader read` shows what a report prints and claims; `grader answers draft` turns the claims into a draft."""

import json
import subprocess
import sys

import pytest

from grader.documents import schema, validator

REPORT = """\
# MNIST

The test accuracy on MNIST is 98.92%, after 15 epochs.

    Conv2d-1            [-1, 8, 24, 24]             208
    ReLU-2              [-1, 8, 24, 24]               0
    MaxPool2d-3         [-1, 8, 12, 12]               0
    Linear-4                   [-1, 10]          11,531
    Total params: 11,738

[(W - K + 2P)/S] + 1
"""


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.md"
    path.write_text(REPORT)
    return path


def test_every_finding_is_printed_as_json_that_fits_the_schema(grader, report):
    printed = json.loads(grader("read", report, "--json").stdout)
    assert list(validator(schema("reading")).iter_errors(printed)) == []
    [summary] = printed["summaries"]
    assert (summary["kind"], summary["first_line"], summary["consistent"]) == ("torchsummary", 5, False)
    assert [row["parameters"] for row in summary["rows"]] == [208, 0, 0, 11531]
    assert summary["rows"][0]["output"] == [None, 8, 24, 24]
    [wrong] = summary["disagreements"]
    assert (wrong["line"], wrong["field"], wrong["said"]) == (8, "parameters", "11,531")
    [claim] = [claim for claim in printed["claims"] if claim["metric"] == "accuracy"]
    assert (claim["line"], claim["split"], claim["dataset"], claim["value"]) == (3, "test", "mnist", 0.9892)
    assert claim["granularity"][0]["count"] == 9892
    assert [formula["line"] for formula in printed["formulas"]] == [11]


def test_a_person_reads_the_same(grader, report):
    shown = grader("read", report).stdout
    assert "does not agree with itself" in shown
    assert "line 8, parameters" in shown
    assert "9,892 of 10,000" in shown


def test_several_files_are_one_object_a_line(grader, report, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    printed = grader("read", report, tmp_path / "empty.txt", "--json").stdout.splitlines()
    assert [json.loads(line)["file"] for line in printed] == [str(report), str(tmp_path / "empty.txt")]


def test_what_cannot_be_read_is_told_and_the_rest_is_read(grader, report, tmp_path):
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n\x00")
    ran = grader("read", tmp_path / "report.pdf", tmp_path / "nothing.md", report, code=4)
    assert "pdftotext" in ran.stderr
    assert "there is no such file" in ran.stderr
    assert "torchsummary" in ran.stdout
    printed = grader("read", tmp_path / "report.pdf", "--json", code=4).stdout
    assert list(validator(schema("reading")).iter_errors(json.loads(printed))) == []


def test_a_shape_that_is_none_is_refused(grader, report):
    assert "no shape such as 3,32,32" in grader("read", report, "--input", "3,x", code=2).stderr


def test_hostile_text_is_shown_as_text(grader, tmp_path):
    path = tmp_path / "report.md"
    path.write_text("[bold]Test accuracy[/bold]: 98% \x1b[31m\u202e\n")
    shown = grader("read", path).stdout
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown


def test_claims_become_a_draft_with_their_lines(grader, report):
    ran = grader("answers", "draft", report)
    drafted = json.loads(ran.stdout)["answers"]
    assert drafted["mnist_test_accuracy"] == {"value": "98.92%", "_from": "report.md:3"}
    assert "check each against its line" in ran.stderr


def test_a_draft_for_an_assignment_fills_its_keys_and_is_graded_like_an_answer(grader, theory, card):
    (theory / "report.md").write_text("The test accuracy on the digits is 97.5%.\nThe network has 14,538 parameters.\n")
    drafted = json.loads(grader("answers", "draft", theory / "report.md", "--assignment", "digits").stdout)
    assert drafted["answers"]["test_accuracy"] == {"value": "97.5%", "_from": "report.md:1"}
    assert drafted["answers"]["layers"] is None
    given = json.loads((theory / "answers.json").read_text())
    given["answers"]["total_parameters"] = {"value": 14538, "_from": "report.md:2"}
    (theory / "answers.json").write_text(json.dumps(given))
    rules = {rule["rule"]: rule for task in card(theory)["tasks"] for rule in task["rules"]}
    assert rules["total-parameters"]["findings"][0]["outcome"] == "passed"


def test_reading_prose_imports_no_torch(report):
    code = "import sys; from grader.cli import main; sys.argv = ['grader', 'read', sys.argv[1]]\n"
    code += "try:\n    main()\nfinally:\n    assert not {'torch', 'numpy', 'sympy', 'ray'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(report)], capture_output=True, check=False).returncode == 0


def test_a_fault_of_the_grader_costs_one_verdict_and_not_the_report(monkeypatch):
    from grader import reading
    from grader.architecture import recompute

    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(recompute, "verify", broken)
    report = reading.read_report(REPORT, file="report.md")
    [verdict] = report.summaries
    assert verdict.is_consistent
    assert "by a fault of the grader (ZeroDivisionError: a bug)" in verdict.doubts[0]
    assert report.claims


def test_a_keras_print_of_which_no_row_is_left_is_read(grader, tmp_path):
    path = tmp_path / "report.md"
    path.write_text('Model: "sequential"\n____\n Layer (type)   Output Shape   Param #\n====\nTotal params: 5\n')
    grader("read", path)
