"""The page of a hand-in, for the student and for staff, and the page of a class, against files that a person has read.

After a meant change: `make golden`, then read the diff. Bytes of images are left out: compression differs from one
machine to the next.
"""

import importlib.util
import os
import re
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from grader.evidence.jobs import PREDICT, TRAIN
from grader.grading import ask
from grader.intake import read_submission
from grader.model import Decision, DecisionKind, Evidence, EvidenceStatus
from grader.reports.class_report import class_report
from grader.reports.exhibits import exhibits_of
from grader.reports.html.class_page import address, class_page
from grader.reports.html.student import student_page
from grader.settling import ground, settle

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RENEWS = "GRADER_RENEW_GOLDEN" in os.environ
NAME = "02-channel-slip"


def desk():
    if "desk" not in sys.modules:
        spec = importlib.util.spec_from_file_location("desk", ROOT / "tests" / "desk.py")
        sys.modules["desk"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["desk"]


def held(name, page):
    """Whether the page is what the golden file holds; renews it where asked."""
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,#", page)
    file = HERE / name
    if RENEWS:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{name} differs: `make golden` renews it, then read the diff"


# A confusion of two classes among ten, and a training of two epochs: the same on every machine.
COUNTED = {
    "correct": 357, "n": 360, "is_repeatable": True, "edition": "", "classes": [str(n) for n in range(10)],
    "confusion": [[36 - (i in (4, 6, 9)) if i == j else int(j == 8 and i in (4, 6, 9)) for j in range(10)]
                  for i in range(10)],
    "worst": [[328, 9, 8], [319, 4, 8], [93, 6, 8]],
}  # fmt: skip
LOG = [{"epoch": n, "step": 45 * n, "train_loss": 2 / n, "train_accuracy": 1 - 0.8 / n, "learning_rate": 0.01}
       for n in range(1, 13)]  # fmt: skip
RESULTS = {PREDICT: COUNTED, TRAIN: {**COUNTED, "log": LOG}}


def evidence_of(job):
    return Evidence("k", EvidenceStatus.DONE, result=RESULTS[job.kind]) if job.kind in RESULTS else None


def image_of(data, split, number):
    from grader.datasets import load

    return load(data, split).images[number]


def example():
    """(the settled card, decisions, exhibits) of the example with one slip, with what a person said and decided."""
    person = desk().Person("s0042", "Ada Lovelace", "ada@example.org", "L01")
    card = desk().card_like(person, {"1": NAME, "2": "05-no-checkpoint", "3": "05-no-checkpoint"})
    about = {"author": "Grace", "at": datetime(2026, 3, 9, 14, 30, tzinfo=UTC)}
    decisions = [
        Decision(1, DecisionKind.OVERRIDE, "3", "claimed-accuracy", Fraction(1, 2), "The log shows it.",
                 "seen in train.log", ground=ground(card, "3", "claimed-accuracy"), **about),
        Decision(2, DecisionKind.COMMENT, "1", "", None, "One slip, and all that follows is right.", "",
                 ground="of another card", is_moved=True, **about),
    ]  # fmt: skip
    submission = read_submission(ROOT / "examples" / "digits-class" / NAME)
    exhibits = exhibits_of(ask(submission, desk().rubric()), submission, evidence_of, image_of=image_of)
    return settle(card, decisions), decisions, exhibits


@pytest.mark.parametrize("view", ["student", "staff"])
def test_the_page_of_a_hand_in_is_as_it_was_read(view):
    settled, decisions, exhibits = example()
    page = student_page(
        settled,
        decisions=decisions,
        exhibits=exhibits,
        note="not in the cache of this machine: describe",
        for_staff=view == "staff",
        title=desk().rubric().title,
    )
    held(f"report-{view}.html", page)


def test_the_page_of_a_class_is_as_it_was_read(tmp_path):
    made = desk().desk(tmp_path / "course", 24, files=0, missing=8)
    with made.gradebook() as book:
        report = class_report(book, "digits", tmp_path)
    clue = {"kind": "code", "said": "the same 40 lines", "similarity": 0.93, "held_by": 2, "in_one": "model.py:3",
            "in_other": "model.py:5"}  # fmt: skip
    pair = {"one": report.rows[0].submission, "other": report.rows[1].submission, "clues": [clue], "remarks": []}
    page = class_page(
        report.facts, report.rows, assignment="digits", title=desk().rubric().title, titles=report.titles,
        missing=report.missing, pairs=[pair], hidden_pairs=2, href_of=lambda row: address("students", row.submission),
        note=report.note,
    )  # fmt: skip
    held("report-class.html", page)
