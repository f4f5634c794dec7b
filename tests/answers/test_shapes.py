"""A shape is read in any bracket, and what differs from the expected one is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.shape_verdict import compare_shapes
from grader.answers.shapes import parse_shape, parse_shapes
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize(
    ("written", "entries"),
    [
        pytest.param("(16, 6, 24, 24)", (16, 6, 24, 24), id="round brackets"),
        pytest.param("[16,6,24,24]", (16, 6, 24, 24), id="square brackets"),
        pytest.param("{16, 6, 24, 24}", (16, 6, 24, 24), id="curly brackets"),
        pytest.param("16, 6, 24, 24", (16, 6, 24, 24), id="no brackets"),
        pytest.param("16 6 24 24", (16, 6, 24, 24), id="spaces only"),
        pytest.param("[16 6 24 24]", (16, 6, 24, 24), id="as NumPy prints it"),
        pytest.param("16x6x24x24", (16, 6, 24, 24), id="the letter x"),
        pytest.param("16×6×24×24", (16, 6, 24, 24), id="crosses"),
        pytest.param(r"$16 \times 6 \times 24 \times 24$", (16, 6, 24, 24), id="LaTeX crosses"),
        pytest.param("16*1*28*28", (16, 1, 28, 28), id="stars"),
        pytest.param("C=6, H=24, W=20", (6, 24, 20), id="axes by name"),
        pytest.param("(W: 20, H: 24, C: 6, N: 16)", (16, 6, 24, 20), id="axes by name in another order"),
        pytest.param("batch_size = 16; channels = 6", (16, 6), id="axes by whole words"),
        pytest.param("6@24x20", (6, 24, 20), id="maps at their size, as LeCun writes"),
        pytest.param("24 by 20", (24, 20), id="by"),
        pytest.param([[16, 6, 24, 20]], (16, 6, 24, 20), id="a shape in a list"),
        pytest.param("(*, 6, 24, 20)", ("*", 6, 24, 20), id="a star for the batch, as PyTorch's pages write"),
        pytest.param("(m, 6, 24, 20)", ("m", 6, 24, 20), id="m examples"),
        pytest.param("6x24x20 = 2,880 values", (6, 24, 20), id="the number of values with thousands behind it"),
        pytest.param("6x24x20 = (36, 864)", (36, 864), id="another shape behind it"),
        pytest.param("torch.Size([16, 6, 24, 24])", (16, 6, 24, 24), id="torch.Size"),
        pytest.param("TensorShape([None, 10])", ("None", 10), id="TensorShape"),
        pytest.param("[-1, 32, 28, 28]", ("-1", 32, 28, 28), id="minus one"),
        pytest.param(r"$[-1,\;\;32,\;\;14,\;\;14]$", ("-1", 32, 14, 14), id="LaTeX spaces"),
        pytest.param("(None, 28, 28, 32)", ("None", 28, 28, 32), id="None"),
        pytest.param("B x 6 x 24 x 24", ("B", 6, 24, 24), id="B"),
        pytest.param("Nx10", ("N", 10), id="N without spaces"),
        pytest.param("batch size x 10", ("batch size", 10), id="batch in words"),
        pytest.param("(16, (16*5*5))", (16, 400), id="an entry that is a product"),
        pytest.param("(16, floor(25/2) - 2)", (16, 10), id="an entry with floor"),
        pytest.param("input = (16,(16*5*5)) = (16,400)", (16, 400), id="two sides"),
        pytest.param("output shape: (16, 10)", (16, 10), id="a label"),
        pytest.param("input size 16*1*28*28", (16, 1, 28, 28), id="words before"),
        pytest.param("16 x 10 x 10 feature maps", (16, 10, 10), id="words after"),
        pytest.param("(16, 10) (10 classes)", (16, 10), id="a remark after"),
        pytest.param("# (16, 10)", (16, 10), id="a comment sign"),
        pytest.param("(28,)", (28,), id="one dimension"),
        pytest.param("10", (10,), id="a size alone"),
        pytest.param(10, (10,), id="a JSON number"),
        pytest.param("[]", (), id="no dimension at all"),
        pytest.param([16, 6, 24, 24], (16, 6, 24, 24), id="a JSON list"),
        pytest.param([None, "6", "2*12", 24.0], ("None", 6, 24, 24), id="a JSON list with null and text"),
        pytest.param(["B", -1], ("B", "-1"), id="a JSON list with letters"),
        pytest.param({"output": [16, 10]}, (16, 10), id="an object with output"),
        pytest.param({"value": "16x10"}, (16, 10), id="an object with value"),
        pytest.param("(16, 1, 28, 28) -> (16, 6, 24, 24)", (16, 6, 24, 24), id="the end of a chain"),
    ],
)
def test_a_shape_is_read_in_any_writing(written, entries):
    assert parse_shape(written, HERE).entries == entries


@pytest.mark.parametrize("arrow", ["->", "→", "=>", r"\rightarrow", "-->"])
def test_a_chain_has_input_and_output(arrow):
    shapes = parse_shapes(f"(16, 1, 28, 28) {arrow} (16, 6, 24, 24)", HERE)
    assert [shape.entries for shape in shapes] == [(16, 1, 28, 28), (16, 6, 24, 24)]


def test_an_object_gives_input_before_output():
    shapes = parse_shapes({"output": [16, 10], "input": "(16, 64)"}, HERE)
    assert [shape.entries for shape in shapes] == [(16, 64), (16, 10)]


@pytest.mark.parametrize(
    ("written", "also"),
    [
        pytest.param("16x5x5", [(400,)], id="a shape or a product"),
        pytest.param("(16, 6, 24x24)", [(16, 6, 24, 24)], id="a cross inside brackets"),
        pytest.param("16x5x5 = 400", [(400,), (400,)], id="both written out"),
        pytest.param("(16, 24*24)", [], id="a star inside brackets multiplies"),
    ],
)
def test_other_readings_are_kept(written, also):
    assert list(parse_shape(written, HERE).also) == also


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param(True, "true", id="true"),
        pytest.param(None, "null", id="null"),
        pytest.param(2.5, "a value", id="a decimal"),
        pytest.param([16, True], "entry 2", id="true in a list"),
        pytest.param([16, 2.5], "entry 2", id="a decimal in a list"),
        pytest.param([16, [6]], "entry 2", id="a list in a list"),
        pytest.param([16, float("inf")], "entry 2", id="infinity in a list"),
        pytest.param([1] * 17, "17", id="too many entries in a list"),
        pytest.param("1x" * 20 + "1", "21", id="too many entries in text"),
        pytest.param("(16, 6.5)", "6.5", id="half an entry"),
        pytest.param("(16, , 3)", "entry 2", id="an empty entry"),
        pytest.param("(16, -3)", "negative", id="a negative size"),
        pytest.param("(16, T)", "entry 2", id="a symbol"),
        pytest.param("[[1, 2], [3, 4]]", "[1, 2]", id="a matrix"),
        pytest.param("[-1, 1,024, 1, 1]", "024", id="a thousands separator"),
        pytest.param("(16, 9**9**9)", "too large", id="a tower of powers"),
        pytest.param("", "nothing", id="nothing"),
        pytest.param("->", "nothing", id="an arrow alone"),
        pytest.param({}, "neither", id="an empty object"),
        pytest.param("1" * 2000, "2,000 characters", id="a long text"),
    ],
)
def test_what_is_no_shape_is_refused_naming_the_entry(written, words, refused):
    problem = refused(parse_shape, written)
    assert words in problem.what
    assert problem.fix


def test_the_pointer_names_the_entry_of_a_list(refused):
    assert refused(parse_shape, [16, "six"]).where == "answers.json /answers/q/1"


@pytest.mark.parametrize(
    ("written", "verdict", "wrong"),
    [
        pytest.param("(16, 6, 24, 20)", "right", (), id="right"),
        pytest.param("[-1, 6, 24, 20]", "right", (), id="right with an open batch"),
        pytest.param("(16, -1, 24, 20)", "wrong-entries", (1,), id="open elsewhere"),
        pytest.param("(6, 24, 20)", "batch-left-out", (), id="no batch"),
        pytest.param("6x24x20", "batch-left-out", (), id="no batch, with crosses"),
        pytest.param("(16, 24, 20, 6)", "channels-last", (), id="channels last"),
        pytest.param("(None, 24, 20, 6)", "channels-last", (), id="channels last with an open batch"),
        pytest.param("(24, 20, 6)", "channels-last", (), id="channels last without batch"),
        pytest.param("(16, 6, 20, 24)", "transposed", (), id="height and width swapped"),
        pytest.param("(16, 2880)", "flattened", (), id="flattened"),
        pytest.param("(-1, 2880)", "flattened", (), id="flattened with an open batch"),
        pytest.param("(16, 16, 24, 20)", "wrong-entries", (1,), id="one entry"),
        pytest.param("(8, 16, 24, 21)", "wrong-entries", (0, 1, 3), id="three entries"),
        pytest.param("(16, 7)", "wrong-rank", (), id="too few dimensions"),
        pytest.param("()", "wrong-rank", (), id="no dimension"),
    ],
)
def test_the_usual_mistakes_are_told_apart(written, verdict, wrong):
    comparison = compare_shapes(parse_shape(written, HERE), (16, 6, 24, 20))
    assert (comparison.verdict, comparison.wrong) == (verdict, wrong)
    assert comparison.is_right == (verdict == "right")
    assert comparison.said


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        pytest.param("6x24x24", "right", id="right"),
        pytest.param("(16, 6, 24, 24)", "batch-added", id="a batch that nobody asked for"),
        pytest.param("(None, 6, 24, 24)", "batch-added", id="an open batch that nobody asked for"),
        pytest.param("(-1, 24, 24)", "wrong-entries", id="channels left open"),
        pytest.param("24x24x6", "channels-last", id="channels last"),
    ],
)
def test_a_batch_dimension_may_not_be_asked(written, verdict):
    assert compare_shapes(parse_shape(written, HERE), (6, 24, 24), has_batch=False).verdict == verdict


def test_a_square_shape_with_as_many_channels_is_right_and_not_channels_last():
    assert compare_shapes(parse_shape("(8, 5, 5, 5)", HERE), (8, 5, 5, 5)).is_right


@pytest.mark.parametrize("expected", [(400,), (16, 5, 5)])
def test_any_reading_that_fits_counts(expected):
    assert compare_shapes(parse_shape("16*5*5", HERE), expected, has_batch=False).is_right


def test_the_sentence_does_not_show_the_expected_sizes():
    said = compare_shapes(parse_shape("(16, 6, 24)", HERE), (16, 16, 77, 88)).said
    assert not any(size in said for size in ("77", "88"))


STYLES = {
    "tuple": lambda e: "(" + ", ".join(e) + ")", "list": lambda e: "[" + ",".join(e) + "]",
    "crosses": " × ".join, "letters": "x".join, "spaces": " ".join, "commas": ", ".join,
    "torch": lambda e: f"torch.Size([{', '.join(e)}])", "LaTeX": lambda e: "$[" + r",\;\;".join(e) + "]$",
}  # fmt: skip


@quick
@given(
    sizes=st.lists(st.integers(0, 9999), min_size=2, max_size=6),
    batch=st.sampled_from(["", "-1", "None", "B", "N", "batch"]),
    style=st.sampled_from(sorted(STYLES)),
)
def test_a_shape_in_any_style_reads_back(sizes, batch, style):
    entries = [batch, *map(str, sizes[1:])] if batch else list(map(str, sizes))
    expected = (batch, *sizes[1:]) if batch else tuple(sizes)
    assert parse_shape(STYLES[style](entries), HERE).entries == expected


@quick
@given(st.lists(st.integers(1, 64), min_size=3, max_size=5), st.lists(st.integers(1, 64), min_size=1, max_size=5))
def test_a_shape_is_right_exactly_where_it_is_equal(sizes, others):
    assert compare_shapes(parse_shape(list(sizes), HERE), sizes).is_right
    assert compare_shapes(parse_shape(list(others), HERE), sizes).is_right == (others == sizes)
