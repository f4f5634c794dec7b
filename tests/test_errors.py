import pickle

import pytest

from grader.errors import CourseError, GraderError, MachineError, SubmissionError, UsageError
from grader.model import Problem


@pytest.mark.parametrize(("kind", "code"), [(UsageError, 2), (CourseError, 3), (SubmissionError, 4), (MachineError, 5)])
def test_every_kind_has_the_exit_code_of_the_design(kind, code):
    assert kind.single("what", where="here", fix="this").exit_code == code


def test_all_problems_are_shown_at_once():
    error = CourseError([Problem("a", "x:1", "one", "do"), Problem("b", "x:2", "two", "do")])
    assert str(error) == "x:1: one\n  fix: do\nx:2: two\n  fix: do"


def test_an_error_crosses_processes_with_its_problems():
    error = MachineError.single("the disk is full", where="/cache", fix="free space", code="disk-full")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MachineError
    assert again.problems == error.problems
    assert isinstance(again, GraderError)
