"""The reference hand-in of every assignment loses no point that a machine decides."""

from pathlib import Path

import pytest

from grader.course import load_course
from grader.mutants.hand_ins import reference_hand_in
from grader.sandbox import level

ROOT = Path(__file__).parents[2]


@pytest.mark.sandbox
def test_the_reference_of_digits_has_full_marks(tmp_path):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    from grader.cli.grade import graded

    course = load_course(ROOT)
    folder = reference_hand_in(course, "digits", tmp_path / "reference")
    submission, card = graded(course, folder, assignment=None)
    assert submission.problems == ()
    assert (card.points, card.open_points, card.max_points) == (20, 0, 20)
