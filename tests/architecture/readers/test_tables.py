"""Tables come back as they were drawn, whatever drew them; nothing else does, and nothing breaks the readers."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.architecture.readers.tables import Style, find_tables, header_words
from grader.documents.report_lines import Line, report_lines


def tables_in(text):
    return find_tables(report_lines(text))


def cells(table):
    return [row.texts for row in table.rows]


# --- what was drawn is read -------------------------------------------------------------------

HEADER = ("Layer", "Output shape", "Parameters")
_cell = st.text(string.ascii_letters + string.digits, min_size=1, max_size=12).filter(lambda text: not text.isspace())
_rows = st.lists(st.tuples(_cell, st.one_of(_cell, st.just("")), _cell), min_size=2, max_size=8)


def markdown(rows):
    lines = [HEADER, ("---", ":---:", "---:"), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def without_outer_bars(rows):
    return "\n".join(" | ".join(row) for row in [HEADER, ("---", "---", "---"), *rows])


def box(rows):
    widths = [max(len(row[column]) for row in [HEADER, *rows]) for column in range(3)]

    def line(row):
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        return "│ " + " │ ".join(padded) + " │"

    def rule(left, middle, right):
        return left + middle.join("─" * (width + 2) for width in widths) + right

    return "\n".join([rule("┌", "┬", "┐"), line(HEADER), rule("├", "┼", "┤"), *map(line, rows), rule("└", "┴", "┘")])


def html(rows):
    body = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>\n" for row in rows)
    return "<table>\n<tr>" + "".join(f"<th>{text}</th>" for text in HEADER) + "</tr>\n" + body + "</table>"


def untidy_html(rows):
    body = "".join("<TR class='x'>" + "".join(f"<td align=left> {text}" for text in row) + "\n" for row in rows)
    return "<table border=1><thead><tr>" + "".join(f"<th>{text}" for text in HEADER) + "</thead><tbody>\n" + body


def latex(rows):
    body = "\n".join(" & ".join(row) + r" \\" for row in rows)
    head = " & ".join(rf"\textbf{{{text}}}" for text in HEADER)
    return "\\begin{tabular}{|l|c|r|}\n\\hline\n" + head + " \\\\ \\hline\n" + body + "\n\\hline\n\\end{tabular}"


def tabs(rows):
    return "\n".join("\t".join(row) for row in [HEADER, *rows])


DRAWN = [markdown, without_outer_bars, box, html, untidy_html, latex, tabs]


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.__name__.replace("_", " "))
@given(rows=_rows)
def test_every_drawing_of_a_table_reads_the_same(drawn, rows):
    [table] = tables_in("Some prose before.\n\n" + drawn(rows) + "\n\nAnd after.")
    assert table.header == HEADER
    assert cells(table) == rows


@given(st.lists(st.tuples(_cell, _cell, _cell), min_size=2, max_size=8))
def test_aligned_columns_read_the_same(rows):
    text = "\n".join("   ".join(text.ljust(16) for text in row).rstrip() for row in [HEADER, *rows])
    [table] = tables_in(text)
    assert (table.header, cells(table)) == (HEADER, rows)


def test_an_empty_cell_between_aligned_columns_stays_empty():
    [table] = tables_in(
        "Layer      Output     Params\nconv1      24x24      416\npool1                 0\nfc         10         650"
    )
    assert cells(table)[1] == ("pool1", "", "0")


# --- lines and merged cells -------------------------------------------------------------------


def test_rows_know_their_lines():
    [table] = tables_in("intro\n\n" + markdown([("a", "b", "c"), ("d", "e", "f")]))
    assert (table.first_line, table.header_line, [row.line for row in table.rows], table.last_line) == (3, 3, [5, 6], 6)


def test_stacked_texts_of_a_cell_are_its_parts():
    [table] = tables_in("| Layer | Type |\n|---|---|\n| 1 | Conv2D<br>BatchNorm2d<br/>ReLU |\n| 2 | Linear |")
    assert table.rows[0].cells[1].parts == ("Conv2D", "BatchNorm2d", "ReLU")


def test_lines_between_two_rules_are_one_row():
    text = "+----+----+\n| a  | b  |\n+====+====+\n| c  | d  |\n| cc |    |\n+----+----+\n| e  | f  |\n+----+----+"
    [table] = tables_in(text)
    assert cells(table) == [("c cc", "d"), ("e", "f")]
    assert [(row.line, row.last_line) for row in table.rows] == [(4, 5), (7, 7)]


def test_cells_over_several_rows_and_columns_are_repeated_and_marked():
    [table] = tables_in(
        "<table><tr><th>Net<th colspan=2>Accuracy</tr>"
        "<tr><td rowspan=2>A<td>train<td>0.9</tr><tr><td>test<td>0.8</tr></table>"
    )
    assert table.header == ("Net", "Accuracy", "Accuracy")
    assert cells(table) == [("A", "train", "0.9"), ("A", "test", "0.8")]
    assert table.rows[1].cells[0].is_merged


def test_latex_spans_several_rows_and_columns():
    text = (
        "\\begin{tabular}{lcc}\n\\toprule\nNet & \\multicolumn{2}{c}{Accuracy} \\\\\n & train & test \\\\ \\midrule\n"
        "\\multirow{2}{*}{A} & 0.9 & 0.8 \\\\\n & 0.91 & 0.81 \\\\ \\bottomrule\n\\end{tabular}"
    )
    [table] = tables_in(text)
    assert table.header == ("Net", "Accuracy train", "Accuracy test")
    assert cells(table) == [("A", "0.9", "0.8"), ("A", "0.91", "0.81")]


def test_a_row_that_leaves_a_bar_out_spans_two_columns():
    text = "1  | 32 conv one | 28x28\n32 | 64 conv two | 28x28\nmax pooling     | 14x14\n64 | 9 conv six  | 12x12"
    [table] = tables_in(text)
    assert cells(table)[2] == ("max pooling", "", "14x14")
    assert table.rows[2].cells[0].columns == 2


def test_a_second_header_in_the_middle_is_marked():
    [table] = tables_in(markdown([("a", "b", "c"), HEADER, ("d", "e", "f")]))
    assert [row.is_header for row in table.rows] == [False, True, False]


def test_a_table_that_goes_on_behind_a_page_break_is_one():
    half = "| # | Layer | Params |\n|---|---|---|\n"
    [table] = tables_in(
        half + "| 1 | Conv | 10 |\n| 2 | Pool | 0 |\n\n7\n\n" + half + "| 3 | Linear | 5 |\n| 4 | Linear | 6 |"
    )
    assert [row.texts[0] for row in table.rows if not row.is_header] == ["1", "2", "3", "4"]


def test_two_networks_below_each_other_stay_two_tables():
    one = markdown([("1", "a", "b"), ("2", "c", "d")])
    assert len(tables_in(one + "\n\n" + one)) == 2


def test_markdown_that_ran_together_is_taken_apart_also_over_line_ends():
    flat = "see below | Layer | Type | |---|---| | 1 | Conv2D | | 2 |\nMaxPool2d | | 3 | | and so on"
    [table] = tables_in(flat)
    assert table.style is Style.FLATTENED
    assert cells(table) == [("1", "Conv2D"), ("2", "MaxPool2d"), ("3", "")]
    assert [row.line for row in table.rows] == [1, 1, 2]
    assert table.rows[1].last_line == 2


@pytest.mark.parametrize(
    ("stacked", "header", "rows"),
    [
        pytest.param(
            "Train\nTest\nAccuracy\n0.7\n0.6\nLoss\n1.0\n1.1",
            ("", "Train", "Test"), [("Accuracy", "0.7", "0.6"), ("Loss", "1.0", "1.1")], id="no corner",
        ),
        pytest.param(
            "Metric\nTrain\nTest\nLoss\n1.0\n1.1\nAccuracy\n0.7\n0.6",
            ("Metric", "Train", "Test"), [("Loss", "1.0", "1.1"), ("Accuracy", "0.7", "0.6")], id="with corner",
        ),
        pytest.param(
            "Model\nTrain loss\nTest accuracy\n1\n1.25\n0.77\n2\n0.08\n0.81",
            ("Model", "Train loss", "Test accuracy"), [("1", "1.25", "0.77"), ("2", "0.08", "0.81")], id="numbered",
        ),
        pytest.param(
            "Network\n1\nTraining loss\n0.3\nTest accuracy\n0.75",
            (), [("Network", "1"), ("Training loss", "0.3"), ("Test accuracy", "0.75")], id="pairs",
        ),
    ],
)  # fmt: skip
def test_the_text_of_a_pdf_is_put_together_again(stacked, header, rows):
    [table] = tables_in("\nThe results stand in this table.\n\n" + stacked + "\n\nThey are fine.")
    assert (table.style, table.header, cells(table)) == (Style.STACKED, header, rows)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "We trained it. It went well, mostly, as hoped.\nThen we tested it, twice, and wrote.", id="prose"
        ),
        pytest.param("- Conv2d\n- ReLU\n- Linear", id="a list"),
        pytest.param("$$\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$$", id="a matrix"),
        pytest.param("if a | b:\n    pass", id="a line of code"),
    ],
)
def test_other_text_holds_no_table(text):
    assert tables_in(text) == ()


def test_a_product_keeps_its_stars_and_emphasis_goes():
    [table] = tables_in("| Layer | Params |\n|---|---|\n| **conv** | (1*5*5+1)*6 = `156` |\n| __fc__ | *10* |")
    assert cells(table) == [("conv", "(1*5*5+1)*6 = 156"), ("fc", "10")]


def test_header_words_are_known_in_two_languages():
    assert header_words("Anzahl Parameter") == 2
    assert header_words("Number of Hidden Units/Filters") == 4
    assert header_words("Test accuracy: 0.75") == 0


# --- nothing breaks it ------------------------------------------------------------------------

_noise = st.text(alphabet="|-+=: \t\n&\\{}<>/tdrh abl0123.,;()[]│┃─━┼*`_", max_size=300)


@given(_noise)
def test_no_text_breaks_the_readers(text):
    for table in tables_in(text):
        assert table.width >= 1
        assert all(len(row.cells) == table.width for row in table.rows)
        assert table.first_line <= table.last_line


@pytest.mark.parametrize(
    "piece",
    ["| a | b |\n", "a & b \\\\\n", "<table><tr><td>a\n", "a,b,c\n", "a  b\n", "Train\n0.5\n",
     "| a | |---|---| | 1 |\n", "{" * 40 + "\n", "\\begin{tabular}{ll}\n", "|---|\n", "`|`|`\n"],
)  # fmt: skip
def test_long_texts_end_soon(piece):
    find_tables([Line(number, text) for number, text in enumerate((piece * 5_000).splitlines(), 1)])
