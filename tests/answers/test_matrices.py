"""A matrix is read however it is laid out, and a ragged row is named."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.matrices import parse_matrix
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=120, deadline=None)
ROWS = ((2, -1, 11), (10, 0, -18))


@pytest.mark.parametrize(
    "written",
    [
        pytest.param([[2, -1, 11], [10, 0, -18]], id="nested lists"),
        pytest.param([["2", "−1", "11"], [10.0, "0", "-18"]], id="nested lists with text"),
        pytest.param([["2", "1 - 2", "5*2 + 1"], ["20/2", "0", "-18"]], id="nested lists with arithmetic"),
        pytest.param(["2 -1 11", "10 0 -18"], id="rows as text"),
        pytest.param(["2, -1, 11", "10,0,-18"], id="rows with commas"),
        pytest.param("2 -1 11; 10 0 -18", id="semicolons"),
        pytest.param("2 -1 11\n10 0 −18\n", id="line ends and a Unicode minus"),
        pytest.param("2 -1 11 / 10 0 -18", id="slashes"),
        pytest.param("2\t-1\t11\r\n10\t0\t-18", id="tabs"),
        pytest.param("[[2, -1, 11], [10, 0, -18]]", id="a list in text"),
        pytest.param("[[ 2 -1 11]\n [10  0 -18]]", id="as NumPy prints it"),
        pytest.param("tensor([[  2.,  -1.,  11.],\n        [ 10.,   0., -18.]])", id="as PyTorch prints it"),
        pytest.param("np.array([[2,-1,11],[10,0,-18]])", id="as NumPy reads it"),
        pytest.param("[2, -1, 11; 10, 0, -18]", id="as MATLAB reads it"),
        pytest.param("(2 -1 11)\n(10 0 -18)", id="brackets around each row"),
        pytest.param(r"\begin{bmatrix} 2 & -1 & 11 \\ 10 & 0 & -18 \end{bmatrix}", id="bmatrix"),
        pytest.param(
            "$$= \\begin{pmatrix}\n2 & -1 & 11 \\\\\n10 & 0 & -18 \\\\\n\\end{pmatrix}$$", id="pmatrix over lines"
        ),
        pytest.param(
            r"\left[\begin{array}{ccc} 2 & -1 & 11 \\[2pt] 10 & 0 & -18 \end{array}\right]", id="array with a gap"
        ),
        pytest.param("2 & -1 & 11 \\\\ 10 & 0 & -18", id="LaTeX without its environment"),
        pytest.param("| 2 | -1 | 11 |\n|---|---|---|\n| 10 | 0 | -18 |", id="Markdown"),
        pytest.param("|   |   |   |\n|:-:|:-:|:-:|\n| 2 | -1 | 11 |\n| 10 | 0 | -18 |", id="Markdown, empty head"),
        pytest.param({"value": [[2, -1, 11], [10, 0, -18]]}, id="an object"),
    ],
)
def test_a_matrix_is_read_in_any_layout(written):
    assert parse_matrix(written, HERE) == ROWS


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        pytest.param("7", ((7,),), id="one entry"),
        pytest.param([1, 2], ((1, 2),), id="a flat list is one row"),
        pytest.param(["1", "2"], ((1, 2),), id="a flat list of text is one row"),
        pytest.param("1;2", ((1,), (2,)), id="a column"),
        pytest.param(["1/2 0.25"], ((Fraction(1, 2), Fraction(1, 4)),), id="fractions and decimals"),
        pytest.param("1,5; 2,5", ((1, 5), (2, 5)), id="commas separate"),
        pytest.param("1,5 & 2,5", ((Fraction(3, 2), Fraction(5, 2)),), id="a comma beside & is a decimal mark"),
    ],
)
def test_small_and_odd_matrices(written, rows):
    assert parse_matrix(written, HERE) == rows


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        pytest.param([[1, 2], [3]], "/1", "row 2 has 1 entry, row 1 has 2", id="a ragged list"),
        pytest.param(["1 2", "3 4", "5 6 7"], "/2", "row 3 has 3 entries, row 1 has 2", id="a ragged row of text"),
        pytest.param("1 2; 3", "", "row 2 has 1 entry, row 1 has 2", id="a ragged text"),
        pytest.param([[1, "x"]], "/0/1", '"x"', id="an entry that is no number"),
        pytest.param([[1, True]], "/0/1", "true", id="true"),
        pytest.param([[1, None]], "/0/1", "null", id="null"),
        pytest.param([[1, [2]]], "/0/1", "a list", id="three dimensions"),
        pytest.param([[1], 2], "/1", "row 2", id="a number among rows"),
        pytest.param([], "", "no rows", id="no rows"),
        pytest.param([[]], "/0", "row 1 is empty", id="an empty row"),
        pytest.param("", "", "nothing", id="nothing"),
        pytest.param("1,5 2,5", "", "comma", id="a comma that can be both"),
        pytest.param([["390.410"]], "/0/0", "two numbers", id="an entry that can be both"),
        pytest.param([["~5"]], "/0/0", "plain", id="about"),
        pytest.param("2 - 1", "", '"-"', id="a lone minus"),
        pytest.param([["9**9**9"]], "/0/0", "too large", id="a tower of powers"),
        pytest.param([[1] * 101] * 100, "", "10,100", id="too many entries"),
        pytest.param(["1" * 60_000], "", "60,000", id="too many characters"),
        pytest.param(
            r"\begin{bmatrix}1\end{bmatrix} \begin{bmatrix}1\end{bmatrix}", "", "2 matrices", id="two matrices"
        ),
        pytest.param(r"\begin{align}1\end{align}", "", "no matrix", id="another environment"),
        pytest.param(7, "", "a value", id="a number"),
        pytest.param({}, "", "value", id="an empty object"),
    ],
)
def test_what_is_no_matrix_is_refused_with_its_place(written, where, words, refused):
    if written == 7:
        assert refused(parse_matrix, True).what.startswith("true")
        return
    problem = refused(parse_matrix, written)
    assert problem.where == f"answers.json /answers/q{where}"
    assert words in problem.what
    assert problem.fix


LAYOUTS = {
    "text": lambda rows: "\n".join(" ".join(row) for row in rows),
    "semicolons": lambda rows: "; ".join(", ".join(row) for row in rows),
    "list": lambda rows: "[" + ", ".join("[" + ", ".join(row) + "]" for row in rows) + "]",
    "rows": lambda rows: [list(row) for row in rows],
    "LaTeX": lambda rows: r"\begin{bmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{bmatrix}",
    "Markdown": lambda rows: "\n".join("| " + " | ".join(row) + " |" for row in rows),
    "minus": lambda rows: "\n".join(" ".join(row).replace("-", "−") for row in rows),
}


@quick
@given(
    matrix=st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(st.integers(-999, 999), min_size=width, max_size=width), min_size=2, max_size=5)
    ),
    layout=st.sampled_from(sorted(LAYOUTS)),
)
def test_a_matrix_in_any_layout_reads_back(matrix, layout):
    written = LAYOUTS[layout]([list(map(str, row)) for row in matrix])
    assert parse_matrix(written, HERE) == tuple(map(tuple, matrix))
