import io
from fractions import Fraction
from pathlib import Path

import pytest
from rich.console import Console

from grader.model import Finding, Outcome, Place, Rubric, Rule, Student, Submission, Task, Visibility
from grader.scoring import score


@pytest.fixture
def card():
    """A card with one finding of every outcome; keywords replace the sentence of one of them or the names."""

    def make(said="row 1 has 6 channels, not 16", submission="ada", student="Ada", problems=(), staff="only staff"):
        rules = (
            Rule("layers", "layer-table", Fraction(4), {}),
            Rule("notes", "text", Fraction(1), {}, visibility=Visibility.STAFF),
        )
        rubric = Rubric("digits", "Digits", (Task("1", "Layers", Fraction(5), rules),), "digits.yaml", "a" * 64)
        findings = {
            "layers": [
                Finding(Outcome.PASSED, "row 2 is right", Fraction(1)),
                Finding(
                    Outcome.FAILED,
                    said,
                    Fraction(0),
                    expected="(16, 16, 24, 24)",
                    observed="(16, 6, 24, 24)",
                    place=Place("answers.json", "/answers/layers/0/output"),
                    fix="use out_channels of the sheet",
                    code="channel-slip",
                ),
                Finding(Outcome.PARTIAL, "one of two cells", Fraction(1, 2)),
                Finding(Outcome.UNKNOWN, "no data"),
            ],
            "notes": [Finding(Outcome.REVIEW, staff, visibility=Visibility.STAFF)],
        }
        who = Submission(submission, "digits", Path("/x"), students=(Student("s1", student),), problems=problems)
        return score(rubric, who, findings, {"grader": "0.1.0"})

    return make


@pytest.fixture
def printed():
    """What a renderable looks like on a terminal of 100 columns, colours included when asked."""

    def render(*things, colour=False, width=100):
        out = io.StringIO()
        console = Console(
            file=out, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False
        )
        for thing in things:
            console.print(thing)
        return out.getvalue()

    return render
