"""Trees of torchinfo are read by the rules that print them: a printer of random trees is the oracle."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.architecture.readers.torchinfo import read
from grader.documents.report_lines import Line

TITLES = {
    "input": "Input Shape",
    "output": "Output Shape",
    "parameters": "Param #",
    "share": "Param %",
    "kernel": "Kernel Shape",
    "mult_adds": "Mult-Adds",
    "trainable": "Trainable",
}


def lines(text):
    return [Line(number, one) for number, one in enumerate(text.splitlines(), 1)]


def read_one(text):
    [summary] = read(lines(text))
    return summary


# --- a printer of trees, written from the rules of torchinfo's formatting.py ---------------------------------------

COUNTS = st.none() | st.integers(1, 10**9)
SHAPES = st.lists(st.integers(1, 4096), min_size=1, max_size=5)
CLASSES = st.sampled_from(["Conv2d", "Linear", "ReLU", "Sequential", "_DenseLayer", "MBConv", "Net", "LSTM", "Block3"])
VARIABLES = st.sampled_from(["0", "17", "conv1", "layer_4", "fc", "a-b"])
CELLS = st.fixed_dictionaries(
    {
        "input": SHAPES,
        "output": SHAPES,
        "kernel": st.none() | st.integers(1, 9) | st.lists(st.integers(1, 9), min_size=1, max_size=4),
        "parameters": COUNTS,
        "mult_adds": COUNTS,
        "share": st.just("0.53%"),
        "trainable": st.sampled_from(["True", "False", "Partial", "--"]),
        "frozen": st.booleans(),
        "recursive": st.booleans(),
    }
)


@st.composite
def trees(draw):
    """(class, variable, depth, index at that depth, cells) of every row, the root first."""
    rows = [(draw(CLASSES), "Net", 0, 1, draw(CELLS))]
    depth, counts = 0, {}
    for _ in range(draw(st.integers(0, 12))):
        depth = draw(st.integers(1, min(depth + 1, 6)))
        counts[depth] = counts.get(depth, 0) + 1
        rows.append((draw(CLASSES), draw(VARIABLES), depth, counts[depth], draw(CELLS)))
    return rows


def branch(depth, *, ascii_only):
    if depth == 0:
        return ""
    if depth == 1:
        return "+ " if ascii_only else "├─"
    return ("|    " if ascii_only else "│    ") * (depth - 1) + ("+ " if ascii_only else "└─")


def cell(name, cells):
    if name == "parameters":
        if cells["recursive"]:
            return "(recursive)"
        if cells["parameters"] is None:
            return "--"
        return f"({cells['parameters']:,})" if cells["frozen"] else f"{cells['parameters']:,}"
    if name == "mult_adds":
        return "--" if cells[name] is None else f"{cells[name]:,}"
    return "--" if cells[name] is None else str(cells[name])


def printed(rows, columns, *, labels=True, variables=False, ascii_only=False, width=25, mult_adds=True):
    """What torchinfo prints for these rows."""
    titles = "Layer (type" + " (var_name)" * variables + ":depth-idx" * labels + ")"
    table = [[titles, *(TITLES[column] for column in columns)]]
    for class_, variable, depth, index, cells in rows:
        name = class_ + f" ({variable})" * variables + f": {depth}-{index}" * bool(labels and depth)
        table.append([branch(depth, ascii_only=ascii_only) + name, *(cell(column, cells) for column in columns)])
    name_width = max(40, *(len(row[0]) + 2 for row in table))
    rule = "=" * (name_width + width * len(columns))
    text = []
    for row in table:
        cells = "".join(f"{one:<{width}} " for one in row[1:])
        text += [f"{row[0]:<{name_width}} {cells}".rstrip()]
    end = [rule, "Total params: 1,234,567", "Trainable params: 1,234,000", "Non-trainable params: 567"]
    if mult_adds:
        end += ["Total mult-adds (G): 1.25", rule, "Input size (MB): 0.60", "Forward/backward pass size (MB): 1,000.25"]
        end += ["Params size (MB): 4.94", "Estimated Total Size (MB): 1005.79", rule]
    return "\n".join([rule, text[0], rule, *text[1:], *end])


def said(row):
    return (row.type, row.depth, row.outputs, row.inputs, row.kernel, row.parameters and int(row.parameters.value))


def meant(row, columns):
    class_, _, depth, _, cells = row
    kernel = cells["kernel"] if "kernel" in columns else None
    count = cells["parameters"] if "parameters" in columns and not cells["recursive"] else None
    return (
        class_,
        depth,
        (tuple(cells["output"]),) if "output" in columns else (),
        (tuple(cells["input"]),) if "input" in columns else (),
        tuple(kernel) if isinstance(kernel, list) else kernel if kernel is None else (kernel,),
        count,
    )


COLUMNS = st.permutations(list(TITLES)).flatmap(lambda all_: st.integers(1, len(all_)).map(lambda n: all_[:n]))


@settings(max_examples=200, deadline=None)
@given(trees(), COLUMNS, st.sampled_from([(True, False), (True, True), (False, True)]), st.booleans(), st.booleans())
def test_every_tree_that_torchinfo_can_print_is_read(rows, columns, style, ascii_only, is_narrow):
    labels, variables = style
    width = 8 if is_narrow else 25
    text = printed(rows, columns, labels=labels, variables=variables, ascii_only=ascii_only, width=width)
    summary = read_one(text)
    assert not summary.unread
    assert [said(row) for row in summary.rows] == [meant(row, columns) for row in rows]
    assert summary.columns == ("name", *columns)
    if labels:
        assert [row.number for row in summary.rows[1:]] == [row[3] for row in rows[1:]]
    if "parameters" in columns:
        assert [row.is_recursive for row in summary.rows] == [row[4]["recursive"] for row in rows]
    assert {name: float(number.value) for name, number in summary.totals.items()} == {
        "parameters": 1_234_567,
        "trainable": 1_234_000,
        "non_trainable": 567,
        "mult_adds": 1.25e9,
        "input_mb": 0.6,
        "pass_mb": 1000.25,
        "parameters_mb": 4.94,
        "total_mb": 1005.79,
    }


# --- noise ---------------------------------------------------------------------------------------------------------

TREE = """\
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Net                                      [2, 10]                   --
├─Sequential: 1-1                        [2, 6, 12, 12]            --
│    └─Conv2d: 2-1                       [2, 6, 24, 24]            (1,560)
│    └─Block: 2-2                        [2, 6, 12, 12]            --
│    │    └─MaxPool2d: 3-1               [2, 6, 12, 12]            --
├─Linear: 1-2                            [2, 10]                   8,650
├─Linear: 1-3                            [2, 10]                   (recursive)
==========================================================================================
Total params: 10,210
Trainable params: 8,650
Non-trainable params: 1,560
Total mult-adds (Units.MEGABYTES): 1.83
==========================================================================================
Input size (MB): 0.01
Forward/backward pass size (MB): 0.06
Params size (MB): 0.04
Estimated Total Size (MB): 0.10
=========================================================================================="""


def table(text, separator):
    """The tree as a student pastes it into a Markdown or LaTeX table."""
    made = []
    for number, line in enumerate(text.splitlines()[1:10]):
        cells = [line[:41].rstrip(), line[41:67].rstrip(), line[67:].rstrip()]
        if number == 1:
            cells = ["---"] * 3
        made.append(f"| {' | '.join(cells)} |" if separator == "|" else " & ".join(cells) + " \\\\ \\hline")
    return "\n".join([*made, *text.splitlines()[11:]])


def wrapped(text):
    return "\n".join(
        line[:46] + "\n" + line[46:] if len(line) > 60 and "[" in line else line for line in text.split("\n")
    )


def one_cell_a_line(text):
    made = []
    for line in text.splitlines():
        made += [piece.strip() for piece in line.replace("  ", "\n").split("\n") if piece.strip()]
    return "\n".join(made)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(lambda text: "\n".join("    " + one for one in text.splitlines()), id="indented"),
        pytest.param(lambda text: f"```\n{text}\n```", id="fenced"),
        pytest.param(lambda text: text.replace("\n", "\n\n"), id="blank lines between"),
        pytest.param(lambda text: text.replace("├─", "").replace("│    ", "").replace("└─", ""), id="no branches"),
        pytest.param(lambda text: text.translate(str.maketrans("├│└─", "????")), id="question marks"),
        pytest.param(lambda text: text.translate(str.maketrans("├│└─", "    ")), id="blanks for branches"),
        pytest.param(lambda text: text.translate(str.maketrans("├│└─", "+|+-")), id="transliterated"),
        pytest.param(lambda text: text.encode().decode("cp1252", "replace"), id="cp1252 for utf-8"),
        pytest.param(lambda text: text.encode().decode("latin-1"), id="latin-1 for utf-8"),
        pytest.param(lambda text: text.encode().decode("cp850"), id="cp850 for utf-8"),
        pytest.param(lambda text: text.replace("│    ", "│ "), id="blanks collapsed"),
        pytest.param(
            lambda text: "\n".join(" ".join(one.split()) for one in text.splitlines()), id="columns collapsed"
        ),
        pytest.param(lambda text: text.replace("====", "----"), id="other rules"),
        pytest.param(lambda text: "\n".join(one for one in text.splitlines() if "===" not in one), id="no rules"),
        pytest.param(lambda text: text.replace("Total params:", "**Total params**:"), id="bold"),
        pytest.param(lambda text: text.replace("Linear: 1-2", "Linear : 1 - 2"), id="blanks in a label"),
        pytest.param(lambda text: text.replace("Conv2d:", "Conv 2d:"), id="a class broken by OCR"),
        pytest.param(
            lambda text: text.replace("8,650\n├", "8, 650\n├").replace("8, 650", "8 ,650"), id="a count broken"
        ),
        pytest.param(lambda text: text.replace("[2, 6, 24, 24]", "[2, 6, 24, 24)"), id="mixed brackets"),
        pytest.param(lambda text: text.replace("Params size", "Some words.\nParams size"), id="prose between"),
        pytest.param(
            lambda text: text.replace("8,650", "$8,\\!650$").replace("[2, 6, 24, 24]", "$[2, 6, 24, 24]$"), id="LaTeX"
        ),
        pytest.param(lambda text: table(text, "|"), id="a Markdown table"),
        pytest.param(lambda text: table(text, "&"), id="a LaTeX table"),
        pytest.param(wrapped, id="wrapped"),
        pytest.param(one_cell_a_line, id="one cell a line"),
    ],
)
def test_noise_changes_no_row_and_no_total(noise):
    clean, noisy = read_one(TREE), read_one(noise(TREE))
    assert [said(row) for row in noisy.rows] == [said(row) for row in clean.rows]
    assert {key: one.value for key, one in noisy.totals.items()} == {
        key: one.value for key, one in clean.totals.items()
    }
    assert not noisy.unread


def test_a_missing_header_is_made_up_for_and_said():
    summary = read_one("\n".join(TREE.splitlines()[4:]))
    assert [said(row) for row in summary.rows] == [said(row) for row in read_one(TREE).rows[1:]]
    assert summary.notes


def test_what_a_row_says_about_training_and_cutting():
    rows = {row.name: row for row in read_one(TREE).rows}
    assert rows["Conv2d: 2-1"].is_trainable is False
    assert rows["Linear: 1-3"].is_recursive
    assert not rows["Linear: 1-3"].is_counted
    assert not any(row.is_cut for row in rows.values()), "a MaxPool2d holds nothing"
    cut = read_one(TREE.replace("MaxPool2d: 3-1", "Pyramid: 3-1  "))
    assert [row.name for row in cut.rows if row.is_cut] == ["Pyramid: 3-1"]


def test_the_root_says_the_input():
    text = printed([("Net", "Net", 0, 1, {"input": [1, 3, 8, 8], "output": [1, 3, 8, 8]})], ["input", "output"])
    assert read_one(text).input == ((1, 3, 8, 8),)


def test_two_trees_in_a_text_are_two_summaries():
    assert len(read(lines(TREE + "\n" + TREE))) == 2
    headless = "\n".join(TREE.splitlines()[4:])
    assert len(read(lines(TREE + "\n\nand\n\n" + headless))) == 2


VERBOSE = """\
Layer (type:depth-idx)                   Kernel Shape              Param #
Net                                      --                        --
├─Conv2d: 1-1                            [3, 3]                    280
│    └─weight                            [1, 28, 3, 3]             ├─252
│    └─bias                              [28]                      └─28
Total params: 280"""


def test_the_parameters_that_a_verbose_print_lists_are_not_counted_twice():
    summary = read_one(VERBOSE)
    assert [row.type for row in summary.rows] == ["Net", "Conv2d"]
    assert not summary.unread


def test_a_listed_parameter_whose_sizes_do_not_multiply_goes_to_a_person():
    assert [one.line for one in read_one(VERBOSE.replace("├─252", "├─262")).unread] == [4]


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda text: text.replace("[2, 6, 24, 24]", "[2, 6, z4, 24]"), 6),
        (lambda text: text.replace("8,650\n├", "8,6S0\n├"), 9),
        (lambda text: text.replace("[2, 6, 24, 24]            (1,560)", "[2, 6, 24"), 6),
        (lambda text: text.replace("[2, 6, 24, 24]            (1,560)", ""), 6),
        (lambda text: text.replace("├─Linear: 1-2 ", "├─Linear: 1_2 "), 9),
    ],
)
def test_a_row_that_cannot_be_read_goes_to_a_person(damage, line):
    assert line in [one.line for one in read_one(damage(TREE)).unread]


@pytest.mark.parametrize(
    "text",
    [
        "        Layer (type)               Output Shape         Param #\n====\n    Conv2d-1   [-1, 6, 24, 24]   156",
        "Layer (type)   Output Shape   Param #\ndense (Dense)   (None, 10)   7,850\nTotal params: 7,850",
        "The row Conv2d: 1-1 of the table has 156 parameters.",
        "docs\n├── index.md\n└── api.md",
        "Layer (type:depth-idx)",
        "",
    ],
)
def test_what_is_no_tree_is_left_alone(text):
    assert read(lines(text)) == ()


PIECES = st.sampled_from(
    [
        *(
            "├─",
            "│    ",
            "└─",
            "+ ",
            "|",
            "Conv2d",
            "Net",
            ": 1-1",
            " (a)",
            "  ",
            "[1, 2]",
            "[[1], [2]]",
            "(1,728)",
            "\n",
        ),
        *(
            "Layer (type:depth-idx)  Output Shape  Param #\n",
            "--",
            "(recursive)",
            "[",
            "]",
            "Total params: ",
            "1,2",
            "&",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=80).map("".join) | st.text(max_size=200))
def test_no_text_makes_the_reader_crash(text):
    for summary in read(lines(text)):
        assert summary.first_line <= summary.last_line


# --- what students pasted ------------------------------------------------------------------------------------------


def test_the_trees_of_students_are_read_whole(students_summaries):
    for path, truth in students_summaries("torchinfo"):
        summary = read_one(path.read_text())
        assert not summary.unread, path.name
        assert len(summary.rows) == truth["rows"], path.name
        assert int(summary.totals["parameters"].value) == truth["total_params"], path.name
        assert sum(int(row.parameters.value) for row in summary.rows if row.parameters) == truth["row_sum"], path.name
