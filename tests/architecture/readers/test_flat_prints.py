"""Whatever a report did to a print of torchsummary and its relatives, the same rows and totals are read from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.architecture.readers import read_summaries
from grader.architecture.readers.printed import Format
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"
KINDS = ("torchsummary", "pytorch_model_summary", "torchsummaryX")
TRUTHS = [
    truth
    for truth in json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]
    if truth["kind"] in KINDS and truth["variant"] != "hierarchical"
]
TEXTS = {truth["file"]: (PRINTED / truth["file"]).read_text(encoding="utf-8").strip("\n") for truth in TRUTHS}
FLAT = [name for name in TEXTS if name.startswith("torchsummary.")]
FIRST = ["torchsummary.alexnet.plain.txt", "torchsummary.list_outputs.batch.txt", "torchsummary.siamese.batch.txt"]

SMALL = """\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1           [-1, 32, 28, 28]             320
       BatchNorm2d-2           [-1, 32, 28, 28]              64
            Conv2d-3           [-1, 64, 14, 14]          18,496
            Linear-4                  [-1, 256]       3,211,520
            Linear-5                   [-1, 10]           2,570
================================================================
Total params: 3,232,970
Trainable params: 3,232,970
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.48
Params size (MB): 12.33
Estimated Total Size (MB): 12.82
----------------------------------------------------------------"""


def read(text):
    return read_summaries(report_lines(text))


def said(summary, *, with_format=True):
    """What is read, without where it stands and how it had to be read."""
    rows = tuple(
        (
            row.name, row.type, row.number, row.outputs, row.inputs, row.kernel,
            row.parameters and row.parameters.value, row.is_recursive, row.mult_adds and row.mult_adds.value,
        )
        for row in summary.rows
    )  # fmt: skip
    totals = {name: number.value for name, number in summary.totals.items()}
    return (str(summary.format) if with_format else "", rows, totals, [one.text for one in summary.unread])


def cells(row):
    """The cells of a row of torchsummary, in order."""
    found = re.fullmatch(r"\s*(\S+)\s+(\[.*\])\s+(\S+)", row)
    return list(found.groups()) if found else None


def tabled(text, draw):
    """The print with its rows drawn otherwise; rules go, totals stay."""
    made = []
    for row in text.splitlines():
        if found := cells(row):
            made.append(draw(found))
        elif "Layer (type)" in row:
            made.append(draw(["Layer (type)", "Output Shape", "Param #"]))
        elif set(row) - set("-= "):
            made.append(row)
    return "\n".join(made)


def typeset(digits):
    return "$" + digits.replace(",", r",\!") + "$"


NOISE = {
    "as it is": lambda text: text,
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "indented": lambda text: "\n".join("    " + row for row in text.split("\n")),
    "fenced": lambda text: f"Here is the model:\n```python\n{text}\n```\nThe accuracy was 98 %.",
    "quoted": lambda text: "\n".join("> " + row for row in text.split("\n")),
    "commented": lambda text: "\n".join("# " + row for row in text.split("\n")),
    "in a docstring": lambda text: f'"""\n{text}\n"""\nclass Net(nn.Module):\n    pass',
    "logged": lambda text: "\n".join("2021-03-04 12:00:00,123 - INFO - " + row for row in text.split("\n")),
    "coloured": lambda text: "\n".join(f"\x1b[1m{row}\x1b[0m" for row in text.split("\n")),
    "prompted": lambda text: f">>> summary(model, (1, 28, 28))\n{text}\n>>> ",
    "JSON rows": lambda text: "\n".join(f"      {json.dumps(row + chr(10))}," for row in text.split("\n")),
    "a notebook": lambda text: json.dumps({"cells": [
        {"cell_type": "code", "source": "summary(model)", "outputs": [{"text": text.splitlines(keepends=True)}]}
    ]}, indent=1),
    "one string of a notebook": lambda text: json.dumps({"cells": [
        {"cell_type": "code", "source": [], "outputs": [{"data": {"text/plain": text}}]}
    ]}),
    "the repr of a string": lambda text: "Out[3]: " + repr(text),
    "double spaced": lambda text: text.replace("\n", "\n\n"),
    "one blank": lambda text: re.sub(r"  +", " ", text),
    "tabs": lambda text: tabled(text, "\t".join),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "a short rule": lambda text: re.sub(r"([-=])\1{20,}", r"\1\1\1\1\1\1", text),
    "other rules": lambda text: text.replace("=", "-"),
    "no rules": lambda text: re.sub(r"(?m)^[-=]+\n", "", text + "\n"),
    "no header": lambda text: "\n".join(row for row in text.split("\n") if "Layer (type)" not in row),
    "an en dash": lambda text: re.sub(r"(?<=\w)-(?=\d)", "–", text),
    "a minus sign": lambda text: text.replace("[-1", "[−1"),
    "sizes of torch": lambda text: tabled(text, lambda row: f"{row[0]}  torch.Size({row[1]})  {row[2]}"),
    "brackets of another kind": lambda text: text.replace("[", "(").replace("]", ")"),
    "no blanks in shapes": lambda text: re.sub(r", (?=\d)", ",", text),
    "blanks in front of the hyphen": lambda text: re.sub(r"(?<=\w)-(?=\d)", " -", text),
    "Markdown": lambda text: tabled(text, lambda row: f"| {' | '.join(row)} |"),
    "Markdown, emphasis": lambda text: tabled(text, lambda row: f"| **{row[0]}** | `{row[1]}` | {row[2]} |"),
    "Markdown without outer bars": lambda text: tabled(text, " | ".join),
    "LaTeX": lambda text: tabled(text, lambda row: " & ".join(row).replace("#", r"\#") + r" \\ \hline"),
    "LaTeX, typeset": lambda text: tabled(
        text, lambda row: rf"{row[0]} & ${row[1].replace(' ', chr(92) + ' ')}$ & {typeset(row[2])} \\"
    ),
    "verbatim LaTeX": lambda text: "\\begin{verbatim}\n" + text + "\n\\end{verbatim}",
    "HTML on one line": lambda text: tabled(text, lambda row: "<tr><td>" + "</td><td>".join(row) + "</td></tr>"),
    "HTML, a cell a line": lambda text: tabled(
        text, lambda row: "<tr>\n" + "\n".join(f"  <td>{cell}</td>" for cell in row) + "\n</tr>"
    ),
    "pre": lambda text: f"<pre><code>{text}</code></pre>",
    "line ends of HTML": lambda text: text.replace("\n", "<br>\n"),
    "CSV": lambda text: tabled(text, lambda row: f'{row[0]},"{row[1]}","{row[2]}"'),
    "box drawing": lambda text: tabled(text, lambda row: f"│ {' │ '.join(row)} │"),
    "a PDF, one cell a line": lambda text: tabled(text, "\n".join),
    "a PDF, a cell in each paragraph": lambda text: tabled(text, "\n\n".join),
    "wrapped behind the shape": lambda text: tabled(text, lambda row: f"{row[0]} {row[1]}\n   {row[2]}"),
    "wrapped behind the name": lambda text: tabled(text, lambda row: f"{row[0]}\n   {row[1]} {row[2]}"),
    "wrapped in the shape": lambda text: tabled(
        text, lambda row: f"{row[0]}   {row[1].rpartition(', ')[0]},\n{row[1].rpartition(', ')[2]}   {row[2]}"
    ),
    "line numbers of an editor": lambda text: "\n".join(
        f"{number:4}  {row}" for number, row in enumerate(text.split("\n"), 1)
    ),
    "a column of formulas": lambda text: tabled(text, lambda row: "   ".join([*row, "(1 * 3 * 3 + 1) * 32 = 320"])),
    "a column of words": lambda text: tabled(text, lambda row: "   ".join([*row, "# first block"])),
    "totals on one line": lambda text: re.sub(r"\n(?=Trainable|Non-)", " ", text),
    "totals in bold": lambda text: re.sub(r"(?m)^(.* params|.*\(MB\)):", r"**\1**:", text),
    "totals in a table": lambda text: re.sub(r"(?m)^(.* params|.*\(MB\)): (.*)$", r"| \1 | | \2 |", text),
    "totals on the next line": lambda text: re.sub(r"(?m)^(.* params|.*\(MB\)): ", r"\1:\n", text),
    "tensor counts": lambda text: re.sub(r"(?m)^(Total params): (\S+)$", r"\1: tensor(\2)", text),
    "a page break": lambda text: re.sub(
        r"(?m)^( *\S+-2 .*)$", "\\1\n\nFigure 3: The model (2 of 3)\n\n4\n\n\fReport of group 12\n", text
    ),
}  # fmt: skip
COLUMNS_APART = "a PDF, a column at a time"


@pytest.mark.parametrize("noise", NOISE)
def test_noise_changes_nothing_in_what_a_small_print_says(noise):
    [found] = read(NOISE[noise](SMALL))
    [clean] = read(SMALL)
    assert said(found) == said(clean)
    assert found.is_whole


@pytest.mark.parametrize("name", FIRST)
@pytest.mark.parametrize("noise", NOISE)
def test_noise_changes_nothing_in_what_a_real_print_says(noise, name):
    [clean] = read(TEXTS[name])
    assert [said(found) for found in read(NOISE[noise](TEXTS[name]))] == [said(clean)]


LINEWISE = ["quoted", "logged", "coloured", "double spaced", "Windows", "indented", "fenced"]
ESCAPED = ["as it is", "JSON rows", "a notebook", "one string of a notebook"]


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(list(TEXTS)),
    st.lists(st.sampled_from(LINEWISE), max_size=3, unique=True),
    st.sampled_from(ESCAPED),
)
def test_noise_upon_noise_changes_nothing_in_any_relatives_print(name, noises, escaped):
    text = TEXTS[name]
    for noise in [*noises, escaped]:
        text = NOISE[noise](text)
    assert [said(found) for found in read(text)] == [said(one) for one in read(TEXTS[name])]


def test_a_print_whose_columns_a_pdf_tore_apart_is_put_together():
    rows = [found for row in SMALL.splitlines() if (found := cells(row))]
    heads = ["Layer (type)", "Output Shape", "Param #"]
    text = "\n".join("\n".join([head, *(row[at] for row in rows)]) for at, head in enumerate(heads))
    [found] = read(text + "\nTotal params: 3,232,970")
    assert said(found)[1] == said(read(SMALL)[0])[1]
    assert [row.line for row in found.rows] == [2, 3, 4, 5, 6]
    assert found.rows[0].parameters.line == 14
    assert all(row.mended for row in found.rows)


def test_a_paragraph_that_lost_its_line_ends_holds_all_rows():
    text = " ".join(SMALL.split())
    [found] = read(text)
    assert said(found) == said(read(SMALL)[0])


def cut(text, width):
    """A table that a conversion made of a plain print, cut at a width: the letter at the cut stands on both sides."""
    made = []
    for row in text.splitlines():
        joined = " ".join(row.split())
        pieces = [joined[at : at + width + (at + width < len(joined))] for at in range(0, len(joined), width)]
        made.append("| " + " | ".join(pieces) + " |")
    return "\n".join(made)


@pytest.mark.parametrize("width", [7, 8, 9, 10])
def test_rows_cut_through_their_words_are_put_together_and_say_so(width):
    rows = "\n".join(row for row in SMALL.splitlines() if cells(row))
    [found] = read(cut(rows, width) + "\n\nTotal params: 3,232,970")
    assert [row.parameters and int(row.parameters.value) for row in found.rows] == [320, 64, 18_496, 3_211_520, 2_570]
    assert [row.outputs for row in found.rows] == [row.outputs for row in read(SMALL)[0].rows]
    assert all(row.mended for row in found.rows)


@pytest.mark.parametrize(
    ("row", "name", "shape", "count"),
    [
        ("Conv 2d-1 [-1, 32, 28, 28] 320", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [-1 32, 28, 28] 320", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [- 1, 32, 28, 28] 320", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Batch Norm2d-1 [-1, 32, 28, 28] 64", "BatchNorm2d-1", (None, 32, 28, 28), 64),
        ("Conv2d - 1 [-1, 32, 28, 28] 320", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [-1, 32, 28, 28] 32 20", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [-1, 32, 28, 28] 18, 496", "Conv2d-1", (None, 32, 28, 28), 18_496),
        ("Conv2d-1 [-1, 32, 28, 28] 18 ,496", "Conv2d-1", (None, 32, 28, 28), 18_496),
        ("Conv2d-1[-1, 32, 28, 28] 320", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [-1, 32, 28, 28] tensor(320)", "Conv2d-1", (None, 32, 28, 28), 320),
        ("Conv2d-1 [-1, 32, 28, 28] tensor(320, device='cuda:0')", "Conv2d-1", (None, 32, 28, 28), 320),
        ("conv1 (Conv2d) [-1, 32, 28, 28] 320", "conv1", (None, 32, 28, 28), 320),
        ("Conv2d-l [-1, 32, 28, 28] 320", "Conv2d-l", (None, 32, 28, 28), 320),
        ("Conv2d [1, 32, 28, 28] 320", "Conv2d", (1, 32, 28, 28), 320),
    ],
)
def test_a_damaged_row_is_read(row, name, shape, count):
    head = "Layer (type)   Output Shape   Param #\n======\n"
    foot = f"\nReLU-2  [-1, 3]  0\nReLU-3  [-1, 3]  0\nReLU-4  [-1, 3]  0\nTotal params: {count:,}"
    [found] = read(head + row + foot)
    first = found.rows[0]
    assert (first.name, first.outputs, first.parameters.value) == (name, (shape,), count)
    assert found.is_whole


@pytest.mark.parametrize(
    "row",
    [
        "Conv2d-2      [-1, 32, 28,",
        "Conv2d-2      [-1, 32, 28, 28]",
        "Conv2d-2      [-1, 3z, 28, 28]       320",
        "Conv2d-2      [-1, 32, 2 8, 28]       320",
        "Conv2d-2",
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_line(row):
    head = "Layer (type)   Output Shape   Param #\n======\nConv2d-1  [-1, 3, 4]  12\n"
    [found] = read(f"{head}{row}\nReLU-3  [-1, 3, 4]  0\nTotal params: 332")
    assert [one.line for one in found.unread] == [4]
    assert [one.name for one in found.rows] == ["Conv2d-1", "ReLU-3"]


def test_a_print_of_which_no_row_can_be_read_is_told_too():
    [found] = read("Layer (type)   Output Shape   Param #\n======\nConv2d-1  [-1, 3z, 4]  12\nReLU-2  [-1, 3z\n")
    assert not found.rows
    assert [one.line for one in found.unread] == [3, 4]


def test_a_count_that_can_be_read_in_two_ways_is_left_to_a_person():
    head = "Layer (type)   Output Shape   Param #\n======\nConv2d-1  [-1, 3, 4]  32 20\n"
    [found] = read(f"{head}ReLU-2  [-1, 3, 4]  0\nReLU-3  [-1, 3, 4]  0\n")
    assert [one.line for one in found.unread] == [3]
    assert found.rows[0].parameters is None


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("Conv2d-3", "Conv2d-1", ["Conv2d-1", "BatchNorm2d-2", "Conv2d-1", "Linear-4", "Linear-5"]),
        ("Conv2d-3", "Conv2d-7", ["Conv2d-1", "BatchNorm2d-2", "Conv2d-7", "Linear-4", "Linear-5"]),
    ],
)
def test_a_wrong_number_is_read_as_it_stands(old, new, names):
    [found] = read(SMALL.replace(old, new))
    assert [row.name for row in found.rows] == names


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_changed_digit_is_read_as_it_stands(data):
    name = data.draw(st.sampled_from(FLAT))
    rows = TEXTS[name].split("\n")
    at = data.draw(st.sampled_from([index for index, row in enumerate(rows) if cells(row)]))
    row = rows[at]
    places = [place for place, sign in enumerate(row) if sign.isdigit() and row[place - 1] != "-"]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([one for one in "123456789" if one != row[place]]))
    rows[at] = row[:place] + digit + row[place + 1 :]
    found = read("\n".join(rows))
    assert len(found) == 1
    assert found[0].is_whole
    [changed] = [one for one in found[0].rows if one.line == at + 1]
    kind, shapes, count = cells(rows[at])
    assert (changed.name, changed.parameters.text) == (kind, count)
    sizes = [size for shape in changed.outputs for size in shape if size is not None]
    assert sizes == [int(one) for one in re.findall(r"(?<!-)\b\d+", shapes)]


def test_several_prints_in_a_report_are_found_each_with_its_totals():
    texts = [TEXTS[name] for name in FLAT[:6]]
    report = "\n\nThe next one is larger; see ResNet-18 [5] and Table-2 (12 rows):\n\n".join(texts)
    found = read(report)
    assert [said(one) for one in found] == [said(one) for text in texts for one in read(text)]


def test_prints_that_follow_each_other_without_header_or_total_are_told_apart():
    rows = "\n".join(row for row in SMALL.splitlines() if cells(row))
    assert [len(one.rows) for one in read(f"{rows}\n{rows}\n\n{rows}")] == [5, 5, 5]


def test_a_print_goes_on_behind_a_page_of_prose():
    rows = [row for row in SMALL.splitlines() if cells(row)]
    prose = "\n".join(["Some words about the model."] * 20)
    [found] = read("\n".join([*rows[:3], prose, *rows[3:]]))
    assert len(found.rows) == 5


@pytest.mark.parametrize(
    "prose",
    [
        "We compare ResNet-18 [5] with VGG-16 [6] and get 92.1 and 93.2.",
        "The F-1 (macro) 0.5\nThe F-2 (micro) 0.6\nThe F-3 (all) 0.7",
        "Task-1 [10] 5\nTask-2 [10] 4",
        "Conv2d-1 [-1, 6, 28, 28] 156",
        "Layer (type)  Output Shape  Param #",
        "Layer (type)  Output Shape  Param #\n===\ninput_1 (InputLayer) [(None, 8)]  0\ndense (Dense)  (None, 2)  18",
        "- [x] step-1 [link](https://a)\n- [x] step-2 [link](https://b)\n- [x] step-3 [link](https://c)",
    ],
)
def test_prose_is_no_print(prose):
    assert not [one for one in read(prose) if str(one.format) in KINDS]


def test_a_fork_that_prints_more_columns_is_read_by_its_header():
    text = """\
---------------------------------------------------------------------------------------------
Layer (type)            Input Shape         Output Shape     Kernel Shape       Param #   Mult-Adds
=============================================================================================
Conv2d-1            [-1, 1, 28, 28]     [-1, 6, 24, 24]      [1, 6, 5, 5]           156      86,400
ReLU-2              [-1, 6, 24, 24]     [-1, 6, 24, 24]                 -             0           0
Linear-3                  [-1, 3456]           [-1, 10]        [3456, 10]        34,570      34,560
=============================================================================================
Total params: 34,726"""
    [found] = read(text)
    assert [row.inputs for row in found.rows] == [((None, 1, 28, 28),), ((None, 6, 24, 24),), ((None, 3456),)]
    assert [row.outputs for row in found.rows] == [((None, 6, 24, 24),), ((None, 6, 24, 24),), ((None, 10),)]
    assert [row.kernel for row in found.rows] == [(1, 6, 5, 5), None, (3456, 10)]
    assert [int(row.parameters.value) for row in found.rows] == [156, 0, 34_570]


def test_a_frozen_layer_is_told_where_the_trainable_count_is_printed():
    text = TEXTS["pytorch_model_summary.frozen_features.inputs.txt"]
    [found] = read(text)
    assert found.format is Format.PYTORCH_MODEL_SUMMARY
    assert {row.is_trainable for row in found.rows if row.parameters.value} == {True, False}


def test_rows_that_pandas_left_out_are_told():
    rows = TEXTS["torchsummaryX.alexnet.plain.txt"].split("\n")
    at = next(index for index, row in enumerate(rows) if row.startswith("5_"))
    [found] = read(
        "\n".join([*rows[:at], "...                ...              ...     ...       ...", *rows[at + 2 :]])
    )
    assert [one.line for one in found.unread] == [at + 1]
