"""The half that looks at one hand-in: it takes a fingerprint, and neither points nor students ever hear of it."""

from dataclasses import replace
from fractions import Fraction

import pytest

from grader.checks import all_checks, run_check, take_fingerprint
from grader.documents import validator
from grader.evidence.jobs import FINGERPRINT
from grader.model import Evidence, EvidenceStatus, Outcome, Visibility

LOG = "epoch,loss,acc\n1,0.91,0.5\n2,0.63,0.7\n3,0.52,0.75\n"
WHY = "A convolution shares its weights over all places, and so it needs only very few of them for an image."
FILES = {
    "model.py": "x = 1\n",
    "model.pth": b"weights",
    "train.csv": LOG,
    "loss.png": b"png",
    "report.pdf": b"%PDF" * 400,
}


@pytest.fixture
def check():
    return all_checks()["originality"]


@pytest.fixture
def rule(make_rule):
    def make(**settings):
        return replace(make_rule("originality", **settings), points=Fraction(0), visibility=Visibility.STAFF)

    return make


def answered(job):
    found = {
        "weights": {"tensors": [], "elements": 0},
        "texts": {"tokens": 9, "code": [[1, 1]], "seeds": [3], "words": 0, "text": []},
        "pictures": {"digest": "0" * 32, "small": "AAAA"},
    }[job.parameters["of"]]
    files = [{"path": path, "problem": None, "found": found} for path in job.parameters["files"]]
    return Evidence(job.key, EvidenceStatus.DONE, {"files": files})


def test_a_rule_with_points_or_that_students_see_is_refused(check, rule):
    assert list(check.lint(rule())) == []
    [points] = check.lint(replace(rule(), points=Fraction(1)))
    assert (points.where, points.fix) == ("rubrics/test.yaml:7 /tasks/0/rules/0/points", "points: 0")
    [seen] = check.lint(replace(rule(), visibility=Visibility.STUDENT))
    assert seen.fix == "visibility: staff"


def test_a_folder_out_of_the_course_is_refused(check, rule):
    assert [problem.fix for problem in check.lint(rule(given=["starter", "../other", "/etc"]))] == [
        "name a folder within it"
    ] * 2


def test_its_defaults_fit_its_schema(check):
    properties = check.settings_schema["properties"]
    defaults = {name: about["default"] for name, about in properties.items()}
    assert not list(validator(check.settings_schema).iter_errors(defaults))


def test_the_fingerprint_has_each_kind_and_says_how_many(check, rule, hand_in):
    submission = hand_in({"why": WHY, "choice": "c"}, files=FILES)
    evidence = {job: answered(job) for job in check.needs(rule(), submission)}
    assert {job.kind for job in evidence} == {FINGERPRINT}
    assert sorted(job.parameters["of"] for job in evidence) == ["pictures", "texts", "weights"]
    [finding] = run_check(check, rule(), submission, evidence)
    assert (finding.outcome, finding.visibility) == (Outcome.PASSED, Visibility.STAFF)
    assert finding.said == (
        "a fingerprint was taken: 1 weights files, 1 programs, 1 logs, 1 texts, 1 pictures, 1 whole files"
    )
    marks = take_fingerprint(check, rule(), submission, evidence)
    assert [curve["values"] for log in marks["logs"] for curve in log["curves"]] == [[91, 63, 52], [50, 70, 75]]
    assert [text["path"] for text in marks["texts"]] == ["answers.json /answers/why"], "a letter is no text"
    assert marks["code"] == [{"path": "model.py", "marks": [[1, 1]], "seeds": [3]}]


def test_what_is_left_out_or_not_compared_is_in_no_job(check, rule, hand_in):
    submission = hand_in(files=FILES)
    jobs = list(check.needs(rule(leave_out=["loss.png"], compare=["code", "pictures"]), submission))
    assert [file.path for job in jobs for file in job.files] == ["model.py"]


def test_a_file_that_cannot_be_compared_is_told_to_the_staff(check, rule, hand_in, student_fault):
    submission = hand_in(files={"model.pth": b"x", "model.py": "x = 1\n"})
    problem = {"code": "pickled-code", "where": "model.pth", "what": "contains pickled code", "fix": "save weights"}
    refused = {"files": [{"path": "model.pth", "problem": problem, "found": None}]}
    evidence = {
        job: student_fault if job.parameters["of"] == "texts" else Evidence(job.key, EvidenceStatus.DONE, refused)
        for job in check.needs(rule(), submission)
    }
    findings = run_check(check, rule(), submission, evidence)
    assert [finding.outcome for finding in findings] == [Outcome.PASSED, Outcome.REVIEW, Outcome.REVIEW]
    assert [finding.weight for finding in findings] == [1, 0, 0]
    assert "contains pickled code" in findings[2].said


def test_a_fault_of_the_machine_is_ours(check, rule, hand_in, system_fault):
    submission = hand_in(files=FILES)
    evidence = dict.fromkeys(check.needs(rule(), submission), system_fault)
    [finding] = run_check(check, rule(), submission, evidence)
    assert finding.outcome is Outcome.UNKNOWN
