"""F30: a gigabyte of printed text, a hundred thousand findings. Capped and counted; the first are kept.

The pages' own caps are tested in tests/reports/html/test_pages.py, what a network prints in tests/sandbox.
"""

import io
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import pytest
from rich.console import Console

from grader.documents.training_log import MAX_LOG_BYTES
from grader.grading import ask
from grader.model import (
    Finding,
    Outcome,
    Place,
    Problem,
    Rubric,
    Rule,
    RuleScore,
    ScoreCard,
    Submission,
    SubmittedFile,
    Task,
    TaskScore,
    Visibility,
)
from grader.reports.exhibits import exhibits_of
from grader.reports.terminal import MOST_FINDINGS, show_card

NONE = Fraction(0)


def handed_in(folder, name, size):
    return Submission("ada", "a", folder, files=(SubmittedFile(name, size, "0" * 64),))


def shown(submission, log):
    rule = Rule("log", "training-log", Fraction(1), {"log": log})
    rubric = Rubric("a", "A", (Task("1", "One", Fraction(1), (rule,)),), "a.yaml", "0" * 64)
    return exhibits_of(ask(submission, rubric), submission, lambda _job: None)


@pytest.mark.fault("F30")
def test_a_log_of_a_gigabyte_is_not_read_beyond_the_readers_limit(tmp_path):
    size = 10**9
    with (tmp_path / "train.log").open("wb") as file:
        file.truncate(size)  # takes no room on the disk
    tracemalloc.start()
    try:
        made = shown(handed_in(tmp_path, "train.log", size), "train.log")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made == []
    assert peak < 4 * MAX_LOG_BYTES


@pytest.mark.fault("F30")
def test_a_log_of_a_hundred_thousand_lines_is_drawn_with_some_hundred_points_and_says_so(tmp_path):
    text = "step,loss\n" + "".join(f"{n},{1 / n:.6f}\n" for n in range(1, 100_001))
    (tmp_path / "train.csv").write_text(text)
    [made] = shown(handed_in(tmp_path, "train.csv", len(text)), "*.csv")
    [line] = made.lines
    assert (len(line.points), line.points[0]) == (400, (1.0, 1.0))
    assert line.total >= 99_999
    from grader.reports.html.drawn import drawn

    page = drawn(made, "x")
    assert "points between these are not drawn" in page
    assert len(page) < 100_000


def card(findings=(), problems=()):
    rule = RuleScore("r", "number", NONE, Fraction(1), NONE, False, Visibility.STUDENT, tuple(findings))
    task = TaskScore("1", "One", NONE, Fraction(1), NONE, (rule,))
    made = ScoreCard("ada", "a", (), "0" * 64, (task,), NONE, Fraction(1), NONE)
    return replace(made, problems=tuple(problems))


def printed(made):
    out = io.StringIO()
    show_card(Console(file=out, width=100), made)
    return out.getvalue()


@pytest.mark.fault("F30")
def test_of_a_hundred_thousand_findings_a_terminal_gets_the_first_and_the_count():
    text = printed(card(Finding(Outcome.FAILED, f"finding {n};", NONE, place=Place("a")) for n in range(100_000)))
    assert "finding 0;" in text
    assert f"finding {MOST_FINDINGS - 1};" in text
    assert f"finding {MOST_FINDINGS};" not in text
    assert "and 99,800 more findings of this rule, which are not shown" in text
    assert "100000 failed" in text.replace(",", "")  # each is counted


@pytest.mark.fault("F30")
def test_of_a_hundred_thousand_problems_a_terminal_gets_the_first_and_the_count():
    text = printed(card(problems=(Problem("x", f"file {n};", "what", "fix") for n in range(100_000))))
    assert f"file {MOST_FINDINGS - 1};" in text
    assert f"file {MOST_FINDINGS};" not in text
    assert "and 99,800 more" in text


@pytest.mark.fault("F30")
def test_a_sentence_of_a_megabyte_is_cut_on_a_terminal():
    text = printed(card([Finding(Outcome.FAILED, "x" * 10**6, NONE)]))
    assert len(text) < 10_000
    assert "…" in text
