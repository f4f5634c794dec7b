"""A report's lines are what a person sees of it, each with the line of the file that it stands on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.documents.report_lines import Source, report_lines

PRINT = [
    "----------------------------------------------------------------",
    "        Layer (type)               Output Shape         Param #",
    "================================================================",
    "            Conv2d-1           [-1, 32, 28, 28]             320",
    "            Linear-2                   [-1, 10]           2,570",
    "Total params: 2,890",
]
TREE = ["├─Conv2d: 1-1     [1, 8, 4, 4]    80", "│    └─ReLU: 2-1  --"]

# What a person types: letters, blanks inside, signs that some noise begins with, but no line end.
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")), max_size=12)
LINES = st.lists(
    st.lists(WORDS, max_size=4).map(" ".join).map(lambda text: f"w{text}".rstrip()), min_size=1, max_size=9
)


def texts(written, **hints):
    return [line.text for line in report_lines(written, **hints)]


def test_a_plain_text_is_left_as_it_is_with_its_line_numbers():
    lines = report_lines("\n".join(["# Task 1", "", *PRINT, *TREE, "## (a)", "accuracy > 95 %"]) + "\n")
    assert [line.text for line in lines] == ["# Task 1", "", *PRINT, *TREE, "## (a)", "accuracy > 95 %"]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert {(line.source, line.part) for line in lines} == {(Source.TEXT, 0)}


def test_an_empty_file_has_one_empty_line_or_none():
    assert [line.text for line in report_lines("")] == [""]
    assert texts("\n\n") == ["", ""]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(["# A", "## B", "# C"], id="headings"),
        pytest.param(["# Results", "# Conclusion", "# Appendix"], id="headings without a blank line"),
        pytest.param(["# 12 epochs"], id="a lone mark"),
        pytest.param(["> 95 % is demanded"], id="a bound, no quotation"),
        pytest.param(["$ x $ and $ y $"], id="formulas"),
        pytest.param(["[1] LeCun et al.", "[64, 32]"], id="brackets at the start"),
        pytest.param(["2021 was a good year", "12 epochs"], id="numbers at the start"),
        pytest.param(["INFORMATION: none", "Information - here"], id="words like levels"),
        pytest.param(["```python", "x = 1", "```"], id="fences"),
        pytest.param(["| a | b |", "|---|---|", "| 1 | `2` |"], id="a Markdown table"),
        pytest.param([r"Conv & $2,\!359$ \\", r"\hline"], id="LaTeX"),
        pytest.param(["<table><tr><td>Conv<br>ReLU</td></tr></table>"], id="an HTML table on one line"),
        pytest.param(["a < b & c > d", "R&D", "x &y; z"], id="signs of HTML that are none"),
        pytest.param(['print("a\\n")', "s = 'a\\nb'"], id="code with escapes"),
        pytest.param(["    (0): Conv2d(1, 2)", "\tx"], id="leading blanks"),
        pytest.param(["    12:30 o'clock", "   Identity-3   [-1, 5]    0", "  [12, 3]"], id="indented numbers"),
    ],
)
def test_what_is_content_stays(kept):
    assert texts("\n".join(kept)) == kept


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("\ufeffa", ["a"]),
        ("T\x00e\x00s\x00t\x00", ["Test"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\r\r\nb", ["a", "b"]),
        ("a\rb\rc", ["a", "b", "c"]),
        ("\x1b[1m\x1b[38;5;33mConv2d\x1b[0m", ["Conv2d"]),
        ('[1mModel: [0m[32m"x"[0m', ['Model: "x"']),
        ("\x1b]8;;link\x07text\x1b]8;;\x07", ["text"]),
        (" 10%|#   | loss=0.9\r100%|####| loss=0.1\n", ["100%|####| loss=0.1"]),
        ("100%|####| loss=0.1\r          \r\n", ["100%|####| loss=0.1"]),
        ("1/2\r2/2 - acc: 0.5\n3", ["2/2 - acc: 0.5", "3"]),
        (" 1/9 [..]\x08\x08\x08\x08\x08\x08\x08\x08\x08 9/9 [==]", [" 9/9 [==]"]),
        ("a\fb\x0bc", ["a", "b", "c"]),
        ("1\u00a0234\u2009567\u200b8", ["1 234 5678"]),
        ("１２８　ＲｅＬＵ \u22121", ["128 ReLU -1"]),
        ("12 &times; 3&nbsp;&#52; &lt;5", ["12 × 3 4 <5"]),
        ("first<br/>second<BR>third", ["first", "second", "third"]),
        ('<pre><span style="color: red">Conv2d</span> 3</pre>', ["Conv2d 3"]),
        ("INFO:pytorch_lightning.core:  | Name", ["  | Name"]),
        ("INFO:root:", [""]),
        ("2021-03-04 12:00:00,123 - INFO -   a", ["  a"]),
        ("2021-03-04 12:00:00,123 - train - INFO - a", ["a"]),
        ("2021-03-04 12:00:00,123 INFO a", ["a"]),
        ("2021-03-04T12:00:00Z a", ["a"]),
        ("2021-03-04 12:00:00.123 | INFO     | __main__:main:12 - a", ["a"]),
        ("[2021-03-04 12:00:00,123][__main__][INFO] - a", ["a"]),
        ("[2021-03-04 12:00:00] Epoch 1", ["Epoch 1"]),
        ("03/04/2021 12:00:00 PM - INFO - a", ["a"]),
        ("12:00:01 INFO a", ["a"]),
        ("    2021-03-04 12:00:00,123 - INFO -   a", ["  a"]),
        ("    >>> a", ["a"]),
        ("I0304 12:00:00.123456 1234 train.py:12] a", ["a"]),
        ("12.3s\t7\tEpoch 1", ["Epoch 1"]),
        ("(train pid=12)   a", ["  a"]),
        ("[INFO] a", ["a"]),
        ("INFO: a", ["a"]),
        (">>> summary(model)", ["summary(model)"]),
        ("In [3]: summary(model)", ["summary(model)"]),
        ("Out[12]: 5", ["5"]),
        ("$ python train.py", ["python train.py"]),
        ("> a\n> b", ["a", "b"]),
        ("> > a\n> b\n>\n>     c", ["a", "b", "", "    c"]),
        ('"""Net\nx\n"""', ["Net", "x", ""]),
    ],
)
def test_noise_goes(written, seen):
    assert texts(written) == seen


@pytest.mark.parametrize("mark", ["# ", "## ", "// ", "> ", "    # "])
def test_a_print_in_comments_or_quotes_loses_its_marks(mark):
    assert texts("\n".join(mark + row for row in PRINT)) == PRINT


def test_comments_of_code_lose_their_marks_only_in_runs():
    assert texts("# a\n# b\n# c\nx = 1\n# d", name="train.py") == ["a", "b", "c", "x = 1", "# d"]


def notebook(*cells):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def code(source, *outputs):
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": list(outputs), "source": source}


def test_a_notebook_gives_sources_and_outputs_in_order():
    written = json.dumps(
        notebook(
            {"cell_type": "markdown", "metadata": {}, "source": ["# Task\n", "text"]},
            code(
                "a\nb",
                {"output_type": "stream", "name": "stdout", "text": ["1\n", "2"]},
                {"output_type": "execute_result", "data": {"text/plain": "out", "text/html": "<b>out</b>"}},
                {"output_type": "display_data", "data": {"text/plain": ["<Figure size 1x1>"], "image/png": "iVBOR"}},
                {"output_type": "display_data", "data": {"text/html": ["<p>rich</p>"], "text/plain": "<HTML object>"}},
                {"output_type": "error", "traceback": ["Traceback"]},
            ),
        ),
        indent=1,
    )
    said = [(line.text, line.source.value, line.part) for line in report_lines(written)]
    assert said == [
        ("# Task", "text", 0), ("text", "text", 0), ("a", "code", 1), ("b", "code", 1), ("1", "output", 1),
        ("2", "output", 1), ("out", "output", 1), ("<Figure size 1x1>", "output", 1), ("<p>rich</p>", "output", 1),
    ]  # fmt: skip


def test_an_old_notebook_is_read_too():
    cell = {"cell_type": "code", "input": ["x\n"], "outputs": [{"output_type": "stream", "text": ["1\n"]}]}
    assert texts(json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3})) == ["x", "1"]


def test_a_progress_bar_in_a_notebook_keeps_its_last_state_and_that_states_line():
    written = json.dumps(notebook(code("", {"text": ["\r", " 10%\r", "100% loss=0.1\n", "done"]})), indent=0)
    rows = written.split("\n")
    found = [(line.text, rows[line.number - 1]) for line in report_lines(written)]
    assert found == [("100% loss=0.1", '"100% loss=0.1\\n",'), ("done", '"done"')]


@settings(deadline=None, max_examples=60)
@given(LINES, LINES, st.sampled_from([None, 0, 1, 2]), st.booleans())
def test_each_line_of_a_notebook_stands_on_its_line_of_the_file(source, output, indent, is_list):
    def held(lines):
        joined = "\n".join(lines)
        return joined.splitlines(keepends=True) if is_list else joined

    cells = [code(held(source), {"text": held(output)}), {"cell_type": "raw", "source": held(source)}]
    written = json.dumps(notebook(*cells), indent=indent, ensure_ascii=is_list)
    rows = written.split("\n")
    found = report_lines(written)
    assert len(found) == 2 * len(source) + len(output)
    for line, said in zip(found, [*source, *output, *source], strict=True):
        assert line.text == report_lines(said)[0].text
        assert json.dumps(said, ensure_ascii=is_list)[1:-1] in rows[line.number - 1]


@pytest.mark.parametrize("broken", ["cut", "conflict"])
def test_a_notebook_that_is_no_json_any_more_is_read_row_by_row(broken):
    written = json.dumps(
        notebook(
            {"cell_type": "markdown", "metadata": {}, "source": ["# Task\n", 'a "quoted" word\n']},
            code(["x = 1\n", "x"], {"name": "stdout", "text": [f"{row}\n" for row in PRINT] + ["é last"]}),
        ),
        indent=1,
    )
    written = written[:-20] if broken == "cut" else written.replace('"metadata"', '<<<<<<< HEAD\n"metadata"', 1)
    found = [line for line in report_lines(written) if "<<<" not in line.text and line.text.strip(" ,:{}[]")]
    by_text = {line.text: line for line in found}
    assert [line.text for line in found if line.source is Source.OUTPUT] == [*PRINT, "é last"]
    assert by_text["# Task"].source is Source.TEXT
    assert by_text["x = 1"].source is Source.CODE
    assert 'a "quoted" word' in by_text
    rows = written.split("\n")
    assert all(
        line.text.strip()[:10] in rows[line.number - 1]
        for line in found
        if line.text.isascii() and '"' not in line.text
    )


def test_escaped_rows_alone_are_unescaped():
    written = "\n".join(f"      {json.dumps(row + chr(10))}," for row in PRINT[:-1]) + f'\n      "{PRINT[-1]}"'
    assert [(line.number, line.text) for line in report_lines(written)] == list(enumerate(PRINT, 1))


def test_a_print_shown_as_the_repr_of_a_string_is_unfolded():
    assert texts("Out[3]: " + repr("\n".join(PRINT))) == PRINT


@settings(deadline=None, max_examples=100)
@given(LINES)
def test_every_plain_line_has_its_number(lines):
    found = report_lines("\n".join(lines))
    assert [line.number for line in found] == list(range(1, len(lines) + 1))


NOISY = st.sampled_from(
    ["\r", "\n", "\x1b[", "\x1b]", "m", "0", "[0m", "\x08", "\f", "\u2028", "&#99999999;", "<br>", "<span ", ">", "# ",
     "// ", "> ", '"', '\\n"', "{", '"cells"', "[", ":", "2021-03-04 12:00:00", "INFO", " - ", "\ud800", "\x00", "´"]
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(NOISY | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_has_lines_whose_numbers_never_go_back(written):
    lines = report_lines(written)
    numbers = [line.number for line in lines]
    assert numbers == sorted(numbers)
    assert all(1 <= number <= written.count("\n") + written.count("\r") + 1 for number in numbers)
    assert not any(sign in line.text for line in lines for sign in "\n\r\x1b\x00\x08")
