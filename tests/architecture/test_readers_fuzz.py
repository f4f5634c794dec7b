"""No text makes the readers of summaries crash, hang or eat the memory: invented ones, broken ones, built traps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parent / "printed"
PRINTS = [file.read_text(encoding="utf-8") for file in sorted(PRINTED.glob("*.txt"))]
ROWS = sorted({line for text in PRINTS for line in text.splitlines() if 0 < len(line) < 160})
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK_KEYS = ["cells", "source", "outputs", "text", "data"]

NOISE = st.sampled_from([
    "", " ", "\t", "|", "│", "├─", "(", ")", "[", "]", "[]", "{", "`", "```", "$", "\\", "\\\\", '\\n",', "&", "<br/>",
    "<td>", "--", "---", "===", "-1", "None", "0", "1e9", "9" * 30, "0.00", "1,234", "1.2 K", "K", "(recursive)", "...",
    "Conv2d-1", "Conv 2d-1", "(0-5): 6 x Block(", "(fc): Linear(", "in_features=", "kernel_size=(", ":", "x", "×",
    "\u200b", "\u202e", "é", "層", "١٢٣", "Ⅷ", "²", "\x00", "\x1b[31m", "\r", "\f", "\u2028", "Total params:", "# ",
])  # fmt: skip


@st.composite
def broken_prints(draw):
    """Pieces of real prints in any order: doubled, cut, glued, with something else put into them."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(PRINTS)).splitlines()
        start = draw(st.integers(0, len(text) - 1))
        lines += text[start : start + draw(st.integers(1, 40))]
        lines += draw(st.lists(st.sampled_from(ROWS), max_size=3))
    for _ in range(draw(st.integers(0, 12))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        place = draw(st.integers(0, len(line)))
        end = draw(st.integers(place, min(len(line), place + 8)))
        lines[at] = line[:place] + draw(NOISE) + line[end:]
    return draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", " ", "\\n"])).join(lines)


def everything(text):
    for summary in read_summaries(report_lines(text)):
        assert summary.first_line <= summary.last_line
        assert all(row.line >= 1 for row in summary.rows)
        verdict = verify(summary)
        assert len(verdict.rows) == len(summary.rows)
        if summary.unread:
            lines = {one.line for one in summary.unread}
            certain = {one.line for one in verdict.disagreements if one.is_certain}
            assert not lines & certain, "what cannot be read is never called wrong"


SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SOME
@given(st.text(max_size=2000))
def test_any_text_is_read_without_a_crash(text):
    everything(text)


@SOME
@given(st.lists(NOISE | st.sampled_from(ROWS), max_size=60).map("".join))
def test_rows_and_signs_in_any_order_are_read_without_a_crash(text):
    everything(text)


@SOME
@given(broken_prints())
def test_broken_prints_are_read_without_a_crash(text):
    everything(text)


@SOME
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.sampled_from(ROWS), lambda inner: (
    st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(NOTEBOOK_KEYS), inner)
)))  # fmt: skip
def test_any_notebook_like_json_is_read_without_a_crash(value):
    everything(json.dumps({"cells": [value], "nbformat": 4}))
    everything(json.dumps(value, indent=1))


TALL = "9" * 5000  # more digits than Python turns into a number
TRAPS = {
    "open brackets": "(" * 100_000,
    "open squares": "[" * 100_000,
    "brackets on lines": "(a): B(\n" * 50_000,
    "a deep repr": "\n".join(" " * depth + f"({depth}): Sequential(" for depth in range(1500)),
    "a repr on one line": "Net(" + "(a): Linear(in_features=1, out_features=1, bias=True) " * 5_000,
    "a billion blocks": "Net(\n  (0-999999999): 1000000000 x Linear(in_features=1, out_features=1, bias=True)\n)",
    "nested billions": "Net(\n" + "".join(f"{'  ' * d}({d}-99999): 99999 x Sequential(\n" for d in range(1, 9)),
    "a deep tree": "Layer (type:depth-idx)  Output Shape  Param #\n" + "\n".join(
        "│    " * depth + f"└─Conv2d: {depth}-1   [1, 2, 3, 4]   5" for depth in range(400)
    ),
    "bars": "|" * 200_000,
    "bars on lines": "| a | b |\n|---|---|\n" * 20_000,
    "box bars": "│ " * 100_000,
    "one long line": "Conv2d-1 [-1, 6, 28, 28] 156 " * 20_000,
    "many short lines": "\n" * 300_000,
    "blanks": " " * 500_000 + "Conv2d-1",
    "blanks on lines": (" " * 5_000 + "x\n") * 100,
    "a number of 5,000 digits": f"  Conv2d-1  [-1, 6, 28, 28]  {TALL}\nTotal params: {TALL}\n",
    "a shape of 5,000 digits": f"Layer (type)  Output Shape  Param #\n====\n  Conv2d-1  [-1, {TALL}, 28, 28]  156\n",
    "a long shape": f"Layer (type)  Output Shape  Param #\n====\n  Conv2d-1  [-1{', 2' * 50_000}]  156\n",
    "commas": "1," * 100_000,
    "dots": "1." * 100_000,
    "html": "<table><tr><td>" * 20_000,
    "html, one table": "<table>" + "<tr><td>Conv2d<td>1" * 20_000,
    "entities": "&lt;" * 100_000 + "&#9999999999999;",
    "latex": "\\begin{tabular}{ll}" * 10_000,
    "latex rows": "\\begin{tabular}{ll}" + "Conv & 5 \\\\ " * 20_000,
    "dollars": "$" * 100_000,
    "json": '{"cells": ' + "[" * 50_000,
    "json strings": '"' + '\\"' * 100_000,
    "json of lists": '{"cells": [' + '{"source": ["a"]},' * 20_000 + "]}",
    "fences": "```\n" * 50_000,
    "quotes": ">" * 100_000,
    "ansi": "\x1b[" * 100_000,
    "carriage returns": "\r" * 200_000,
    "rules": ("=" * 65 + "\n") * 10_000,
    "headers": "Layer (type)  Output Shape  Param #\n" * 10_000,
    "keras headers": 'Model: "sequential"\n┃ Layer (type) ┃ Output Shape ┃ Param # ┃\n' * 5_000,
    "totals": "Total params: 1\n" * 20_000,
    "combining": "e" + "\u0301" * 100_000,
    "digits of all scripts": "١٢٣٤५६७８９" * 10_000,
}  # fmt: skip

SIZES_OF_NOTHING = """Layer (type)  Output Shape  Param #
====
  Conv2d-1  [64, 16, 0, 8]  1168
  Conv2d-2  [0, 0, 0, 0]  0
"""


def test_an_axis_of_no_size_is_no_crash():
    everything(SIZES_OF_NOTHING)
    for text in PRINTS:
        if "Conv2d-1 " in text:
            everything(text.replace(" 8]", " 0]").replace("[-1, 16,", "[-1, 0,"))


HUGE = [10**9 + 7, 2**61 - 1, 10**18 + 9, 3 * 2**80, 10**40 + 1]


@pytest.mark.usefixtures("no_stall")
@pytest.mark.parametrize("trap", TRAPS, ids=TRAPS)
def test_no_trap_stalls_a_reader(trap):
    everything(TRAPS[trap])


@pytest.mark.usefixtures("no_stall")
@pytest.mark.parametrize("size", HUGE)
def test_huge_numbers_are_judged_without_trying_all_factors(size):
    head = "Layer (type)               Output Shape         Param #\n" + "=" * 64 + "\n"
    layers = [
        (f"Conv2d-1  [-1, {size}, 26, 26]  320", f"Linear-2  [-1, 10]  {size}"),
        (f"Conv2d-1  [-1, 32, {size}, {size}]  320", "MaxPool2d-2  [-1, 32, 13, 13]  0"),
        (f"Conv2d-1  [-1, 32, 26, 26]  {size}", f"Conv2d-2  [-1, 64, 24, 24]  {size}"),
        (f"ConvTranspose2d-1  [-1, 32, 26, 26]  {size}", f"ConvTranspose2d-2  [-1, {size}, 52, 52]  {size}"),
        (f"LSTM-1  [-1, 9, {size}]  {size}", f"Linear-2  [-1, 9, 7]  {size}"),
    ]
    rows = ["".join(f"   {row}\n" for row in pair) for pair in layers]
    for row in rows:
        everything(head + row + "=" * 64 + f"\nTotal params: {size:,}\nParams size (MB): {size}.00\n")
    everything(f"Net(\n  (0): Conv2d({size}, {size}, kernel_size=({size}, {size}), stride=({size}, 1))\n)")


def wrong_everywhere(kind, rows):
    """A summary in which no row follows from the one above it."""
    head = "Layer (type)               Output Shape         Param #\n" + "=" * 64 + "\n"
    lines = []
    for at in range(rows // 2):
        wide = 16 * (at % 7 + 1)
        count, shape, next_shape = {
            "every count": (584, "[-1, 9, 28, 28]", "[-1, 9, 28, 28]"),
            "every channel": (584 + 7 * at, f"[-1, {at + 3}, 28, 28]", f"[-1, {at + 5}, 28, 28]"),
            "every size": (
                (16 * ((at + 1) % 7 + 1) * 9 + 1) * wide,
                f"[-1, {wide}, {28 - at % 5}, {28 - at % 3}]",
                f"[-1, {at + 5}, 28, 28]",
            ),
        }[kind]
        lines.append(f"   Conv2d-{2 * at + 1}   {shape}   {count}\n   MyBlock-{2 * at + 2}   {next_shape}   0\n")
    return head + "".join(lines) + "=" * 64 + "\nTotal params: 584\n"


@pytest.mark.usefixtures("no_stall")
@pytest.mark.parametrize("kind", ["every count", "every channel", "every size"])
def test_a_summary_that_is_wrong_in_every_row_is_judged_in_time(kind):
    for rows in (50, 200):
        everything(wrong_everywhere(kind, rows))


@pytest.mark.timeout(240)
def test_a_megabyte_of_any_trap_needs_little_memory():
    """In a process of its own, which has 200 MB above what it starts with."""
    program = """
import importlib.util, resource, sys
spec = importlib.util.spec_from_file_location("fuzz", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.everything("Conv2d-1  [-1, 6, 28, 28]  156")
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = used()
for name, text in module.TRAPS.items():
    module.everything((text * (1 + 1_000_000 // len(text)))[:1_000_000])
    if used() - before > 200:
        sys.exit(f"{name}: {used() - before:.0f} MB")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, __file__], cwd=ROOT, capture_output=True, text=True, check=False, timeout=230
    )
    assert done.returncode == 0, done.stderr[-600:]
