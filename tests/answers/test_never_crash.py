"""Whatever JSON value a student writes, a reader answers or refuses: nothing else comes out, and soon."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.answers.answer_error import AnswerError
from grader.answers.choices import parse_choice, parse_choices
from grader.answers.explanations import explain
from grader.answers.granularity import nearest_possible
from grader.answers.matching import matches
from grader.answers.matrices import parse_matrix
from grader.answers.numbers import parse_number
from grader.answers.shape_verdict import compare_shapes
from grader.answers.shapes import parse_shapes
from grader.answers.text import parse_text
from grader.answers.working import parse_working
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
OPTIONS = {"i": "convolution", "ii": "1.5", "3": "max pooling"}


def read_number(value):
    number = parse_number(value, HERE)
    for how in (
        {},
        {"percent": "either"},
        {"percent": "percent", "decimals": 2},
        {"unit": "MB", "significant_digits": 3},
    ):
        assert matches(number, "25.74", **how).reason is not None
    explain(number, 10_000, batch_sizes=(64,))
    nearest_possible(number, 10_000)


def read_working(value):
    working = parse_working(value, HERE)
    assert all(one.said for one in working.disagreements)
    matches(working.number, 2432)


def read_shapes(value):
    for shape in parse_shapes(value, HERE):
        assert compare_shapes(shape, (16, 6, 24, 24)).said
        assert str(shape)


READERS = {
    "number": read_number,
    "working": read_working,
    "shapes": read_shapes,
    "matrix": lambda value: parse_matrix(value, HERE),
    "text": lambda value: parse_text(value, HERE).has("max pooling"),
    "choice": lambda value: parse_choice(value, OPTIONS, HERE),
    "choices": lambda value: parse_choices(value, OPTIONS, HERE),
}

PIECES = st.sampled_from(
    [
        *"0123456789+-*/%^()[]{}.,;:=~≈→×x\\$&|#_'\" \n", "10", "2432", "1e9", "**", "//", "sqrt", "floor(", r"\frac{",
        "}{", r"\begin{bmatrix}", r"\end{bmatrix}", r"\\", r"\,", r"\text{", "->", "of", "and", "MB", "None", "k", "½",
        "²", "⁻", "⌊", "⌉", "√", "%", "torch.Size(", "\u202e", "\ud800", "\x00", "ﬃ", "İ", "٣", "①",
    ]
)  # fmt: skip
WRITINGS = st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WRITINGS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["value", "working", "unit", "input", "output"]) | st.text(max_size=5), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def problem_of(read, value):
    """The problem that reading ends in, or None where it succeeds."""
    try:
        read(value)
    except AnswerError as error:
        return error.problem
    return None


@pytest.mark.parametrize("reader", sorted(READERS))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES | WRITINGS)
def test_only_an_answer_error_comes_out(reader, value):
    problem = problem_of(READERS[reader], value)
    if problem:
        assert problem.where.startswith("answers.json /answers/q")
        assert problem.what
        assert problem.fix
        assert problem.code
        assert problem.what.isprintable()
        assert len(problem.what) < 400


LONG = {
    "digits": "9" * 50_000, "open brackets": "(" * 50_000, "minus signs": "-" * 50_000, "roots": "√" * 50_000,
    "powers": "2^" * 25_000 + "2", "separators": "1," * 25_000, "spaces": "1 " * 25_000, "equals": "1=" * 25_000,
    "arrows": "1->" * 16_000, "braces": r"\text{" * 8_000, "tower": "9**" * 600 + "9", "crosses": "1x" * 900 + "1",
    "letters": "x" * 50_000, "commands": "\\a" * 25_000, "superscripts": "²" * 50_000, "rows": "1\n" * 9_000,
    "nested": "1/" * 900 + "1", "frac": r"\frac{" * 300 + "1", "environments": r"\begin{bmatrix}1\end{bmatrix}" * 1_000,
    "product": "*".join(["9" * 390] * 5), "unicode": "ﷺ" * 50_000, "joined": "max " * 12_000,
}  # fmt: skip


@pytest.mark.usefixtures("no_stall")  # what is quadratic or worse takes minutes
@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("text", sorted(LONG))
def test_long_and_nested_writing_is_read_or_refused_soon(reader, text):
    for value in (LONG[text], [LONG[text]] * 3, {"value": LONG[text], "working": LONG[text]}):
        problem = problem_of(READERS[reader], value)
        assert problem is None or len(problem.what) < 400
