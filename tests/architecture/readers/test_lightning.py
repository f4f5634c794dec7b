"""Lightning's tables are read by the rules that print them: a printer of random tables is the oracle."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.architecture.readers.lightning import read
from grader.documents.report_lines import Line


def lines(text):
    return [Line(number, one) for number, one in enumerate(text.splitlines(), 1)]


def read_one(text):
    [summary] = read(lines(text))
    return summary


# --- a printer of tables, written from the rules of Lightning's model_summary.py -----------------------------------


def readable(count):
    """A count as Lightning rounds it."""
    groups = min(math.ceil((math.floor(math.log10(count)) + 1 if count else 1) / 3), 5)
    scaled = count * 10 ** (-3 * (groups - 1))
    unit = " KMBT"[groups - 1]
    return f"{int(scaled):,d} {unit}" if groups == 1 or scaled >= 100 else f"{scaled:,.1f} {unit}"


def table(rows, titles, *, count=6_607_850, frozen=0, modes=False, logger=""):
    cells = [[" ", *titles], *([str(number), *row] for number, row in enumerate(rows))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    text = [" | ".join(f"{one:<{width}}" for one, width in zip(row, widths, strict=True)) for row in cells]
    rule = "-" * (sum(widths) + 3 * (len(widths) + 1))
    end = [(readable(count - frozen), "Trainable params"), (readable(frozen), "Non-trainable params")]
    end += [(readable(count), "Total params"), (f"{count * 4e-6:,.3f}", "Total estimated model params size (MB)")]
    end += [("25", "Modules in train mode"), ("0", "Modules in eval mode"), ("2.6 M", "Total Flops")] * modes
    return "\n".join([logger, text[0], rule, *text[1:], rule, *(f"{one:<10}{label}" for one, label in end)])


SIZES = st.lists(st.integers(1, 512), min_size=1, max_size=4)
NAMES = st.sampled_from(["conv", "net", "net.0", "net.0.block_1", "model.layer4.1", "fc", "_loss"])
TYPES = st.sampled_from(["Conv2d", "Sequential", "Linear", "CrossEntropyLoss", "ResNet"])
ROWS = st.lists(st.tuples(NAMES, TYPES, st.integers(0, 10**13), SIZES, SIZES), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(ROWS, st.booleans(), st.booleans(), st.integers(0, 10**9))
def test_every_table_that_lightning_can_print_is_read(rows, has_sizes, is_new, count):
    titles = ["Name", "Type", "Params", *(["Mode", "FLOPs"] if is_new else [])]
    titles += ["In sizes", "Out sizes"] if has_sizes else []
    cells = [
        [name, type_, readable(number), *(["train", "0"] if is_new else []), *([str(a), str(b)] if has_sizes else [])]
        for name, type_, number, a, b in rows
    ]
    summary = read_one(table(cells, titles, count=count, modes=is_new))
    assert not summary.unread
    assert [(row.name, row.type, row.number) for row in summary.rows] == [
        (name, type_, at) for at, (name, type_, *_) in enumerate(rows)
    ]
    for row, (_, _, number, a, b) in zip(summary.rows, rows, strict=True):
        assert abs(row.parameters.value - number) <= row.parameters.step
        assert row.parameters.is_rounded == (number >= 1000)
        if has_sizes:
            assert (row.inputs, row.outputs) == ((tuple(a),), (tuple(b),))
    assert summary.totals.keys() == {"trainable", "non_trainable", "parameters", "parameters_mb"}
    total = summary.totals["parameters"]
    assert abs(total.value - count) <= total.step


PLAIN = table(
    [["net", "Sequential", "132 K"], ["net.0", "Linear", "131 K"], ["net.1", "BatchNorm1d", "1.0 K"]],
    ["Name", "Type", "Params"],
)


def said(summary):
    rows = [(row.name, row.type, row.depth, row.is_cut, int(row.parameters.value)) for row in summary.rows]
    return rows, {name: number.value for name, number in summary.totals.items()}


RICH = """\
┏━━━┳━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━┓
┃   ┃ Name  ┃ Type        ┃ Params ┃
┡━━━╇━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━┩
│ 0 │ net   │ Sequential  │  132 K │
│ 1 │ net.0 │ Linear      │  131 K │
│ 2 │ net.1 │ BatchN      │  1.0 K │
│   │       │ orm1d       │        │
└───┴───────┴─────────────┴────────┘
Trainable params: 6.6 M
Non-trainable params: 0
Total params: 6.6 M
Total estimated model params size (MB): 26.431
Modules in train mode: 3"""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(RICH, id="drawn by rich"),
        pytest.param("INFO:pytorch_lightning.callbacks.model_summary:\n" + PLAIN, id="behind a logger"),
        pytest.param("\n".join("    " + one for one in PLAIN.splitlines()), id="indented"),
        pytest.param("\n".join("| " + one + " |" for one in PLAIN.splitlines() if "---" not in one), id="Markdown"),
        pytest.param("\n".join(one for one in PLAIN.splitlines() if "---" not in one), id="no rules"),
        pytest.param(PLAIN.replace("\n", "\n\n"), id="blank lines between"),
        pytest.param(PLAIN.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param("\n".join(PLAIN.splitlines()[3:]), id="no header"),
    ],
)
def test_noise_changes_no_row_and_no_total(text):
    assert said(read_one(text)) == said(read_one(PLAIN))
    assert not read_one(text).unread


def test_a_container_counts_what_the_rows_below_it_say_again():
    rows = {row.name: row for row in read_one(PLAIN).rows}
    assert [row.depth for row in rows.values()] == [1, 2, 2]
    assert not rows["net"].is_cut
    assert read_one(table([["net", "Sequential", "132 K"]], ["Name", "Type", "Params"])).rows[0].is_cut


def test_parameters_that_no_module_holds_are_a_row_of_their_own():
    text = PLAIN.replace("2 | net.1", "  | other params | n/a | 5 \n2 | net.1")
    [row] = [row for row in read_one(text).rows if row.name == "other params"]
    assert (row.number, row.is_cut, int(row.parameters.value)) == (None, False, 5)


def test_sizes_of_several_tensors_are_all_read_and_unknown_ones_left_out():
    titles = ["Name", "Type", "Params", "In sizes", "Out sizes"]
    text = table([["rnn", "LSTM", "1.2 K", "?", "[[5, 1, 6], [[1, 1, 6], '?']]"]], titles)
    [row] = read_one(text).rows
    assert (row.inputs, row.outputs) == ((), ((5, 1, 6), (1, 1, 6)))


def test_a_row_whose_count_cannot_be_read_goes_to_a_person():
    assert [one.line for one in read_one(PLAIN.replace("131 K", "13l K")).unread] == [5]


@pytest.mark.parametrize(
    "text", ["| Name | Type | Points |\n|---|---|---|\n| a | b | 3 |", "0 | a | b | 3", "Name Type Params", ""]
)
def test_other_tables_are_left_alone(text):
    assert read(lines(text)) == ()


PIECES = st.sampled_from(
    [
        *(
            "  | Name | Type | Params\n",
            "0 | ",
            " | ",
            "net",
            "1.2 K",
            "│",
            "\n",
            "Total params",
            ": ",
            "[1, 2]",
            "n/a",
        ),
        *("other params", "-----", "26.295    Total estimated model params size (MB)\n", "?", "B", ","),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=80).map("".join) | st.text(max_size=200))
def test_no_text_makes_the_reader_crash(text):
    for summary in read(lines(text)):
        assert summary.first_line <= summary.last_line


def test_the_tables_of_students_are_read_whole(students_summaries):
    for path, _ in students_summaries("lightning"):
        summary = read_one(path.read_text())
        assert not summary.unread, path.name
        assert summary.totals.keys() >= {"trainable", "non_trainable", "parameters"}, path.name
