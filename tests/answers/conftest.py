"""What the tests of answers share: the place that every problem must name."""

import pytest

from grader.answers.answer_error import AnswerError
from grader.model import Place


@pytest.fixture(scope="session")
def here():
    return Place("answers.json", "/answers/q")


@pytest.fixture(scope="session")
def refused(here):
    """The problem that reading `value` with `read` ends in."""

    def problem(read, value, *more):
        with pytest.raises(AnswerError) as caught:
            read(value, *more, here)
        return caught.value.problem

    return problem
