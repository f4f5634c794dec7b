"""Keras's layers: what they really make of an input is lawful; what they cannot make is told, on its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.architecture.recompute.counts import why_not
from grader.architecture.recompute.keras_laws import keras_lawful_counts, keras_outputs
from grader.architecture.recompute.laws import fit
from grader.architecture.recompute.operations import operation_of
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"

# (class, input, output, parameters) as Keras 3.15 computed them, the batch left out
REAL = [
    ("Conv2D", (28, 28, 1), (26, 24, 8), 128),
    ("Conv2D", (64, 64, 3), (64, 64, 16), 3072),  # a kernel of 1 x 64
    ("Conv2D", (30, 17, 4), (30, 9, 8), 296),  # strides 1 and 2
    ("Conv2D", (28, 28, 4), (22, 22, 8), 296),  # dilation 3
    ("Conv2D", (32, 32, 8), (32, 32, 24), 240),  # 8 groups
    ("Conv1D", (187, 1), (63, 32), 192),
    ("DepthwiseConv2D", (22, 1024, 8), (1, 1024, 16), 352),
    ("SeparableConv2D", (20, 20, 6), (9, 10, 10), 244),
    ("SeparableConv1D", (40, 4), (40, 8), 60),
    ("Conv2DTranspose", (11, 27, 24), (24, 56, 12), 2604),  # output_padding 1
    ("Conv2DTranspose", (7, 7, 16), (21, 21, 8), 3208),
    ("Conv1DTranspose", (6, 8), (18, 4), 68),
    ("Conv3D", (16, 32, 32, 1), (16, 30, 30, 8), 80),
    ("SimpleRNN", (20, 8), (16,), 400),
    ("LSTM", (20, 8), (20, 12), 960),
    ("GRU", (20, 8), (12,), 792),
    ("GRU", (20, 8), (20, 12), 756),
    ("Bidirectional", (20, 8), (20, 12), 720),
    ("Bidirectional", (20, 8), (6,), 576),  # the directions added up
    ("TimeDistributed", (20, 8), (20, 4), 36),
    ("TimeDistributed", (5, 16, 16, 3), (5, 14, 14, 4), 112),
    ("ConvLSTM2D", (5, 16, 16, 3), (16, 16, 4), 1024),
    ("Embedding", (120,), (120, 16), 16000),
    ("LayerNormalization", (8, 8, 6), (8, 8, 6), 128),  # along both sides
    ("BatchNormalization", (8, 8, 6), (8, 8, 6), 32),  # along the first axis
    ("BatchNormalization", (8, 8, 6), (8, 8, 6), 18),  # without gamma
    ("PReLU", (8, 8, 6), (8, 8, 6), 48),
    ("Normalization", (13,), (13,), 27),
    ("GroupNormalization", (8, 8, 6), (8, 8, 6), 12),
    ("ZeroPadding2D", (9, 7, 4), (10, 9, 4), 0),
    ("RepeatVector", (9,), (3, 9), 0),
    ("GlobalMaxPooling2D", (8, 8, 6), (1, 1, 6), 0),
    ("MaxPooling2D", (30, 17, 4), (15, 17, 4), 0),
]
IMPOSSIBLE = [
    ("Conv2D", (28, 28, 1), (30, 30, 8), 80),  # Keras pads to the same size, never to a larger one
    ("Conv2D", (28, 28, 1), (26, 27, 8), 80),  # one padding for both sides
    ("Conv1D", (187, 1), (63, 32), 193),
    ("SeparableConv2D", (20, 20, 6), (20, 20, 10), 125),
    ("LSTM", (20, 8), (20, 12), 961),
    ("LSTM", (20, 8), (21, 12), 960),
    ("GRU", (20, 8), (13,), 792),
    ("Bidirectional", (20, 8), (40, 12), 720),
    ("TimeDistributed", (20, 8), (21, 4), 36),
    ("ConvLSTM2D", (5, 16, 16, 3), (16, 16, 4), 1025),
    ("BatchNormalization", (8, 8, 6), (8, 8, 6), 25),
    ("MaxPooling2D", (30, 17, 4), (31, 17, 4), 0),
    ("Dense", (20, 8), (21, 4), 36),
]


def batched(shape):
    return (None, *shape)


@pytest.mark.parametrize(("name", "given", "made", "count"), REAL, ids=[f"{one[0]} {one[3]}" for one in REAL])
def test_what_keras_makes_is_lawful(name, given, made, count):
    operation = operation_of(name, is_keras=True)
    assert not why_not(operation, name, batched(made), count)
    assert fit(operation, batched(given), batched(made), count) is not None


@pytest.mark.parametrize(
    ("name", "given", "made", "count"), IMPOSSIBLE, ids=[f"{one[0]} {one[3]}" for one in IMPOSSIBLE]
)
def test_what_keras_cannot_make_is_not(name, given, made, count):
    operation = operation_of(name, is_keras=True)
    is_refused = bool(why_not(operation, name, batched(made), count))
    assert is_refused or fit(operation, batched(given), batched(made), count) is None


@pytest.mark.parametrize(
    ("name", "given", "made", "count"), [one for one in REAL if one[0] in {"LSTM", "GRU", "SimpleRNN"}]
)
def test_units_and_counts_of_recurrent_layers_follow_from_each_other(name, given, made, count):
    operation = operation_of(name, is_keras=True)
    assert count in keras_lawful_counts(operation, batched(given), batched(made))
    wrong = batched((*made[:-1], made[-1] + 1))
    assert batched(made) in list(keras_outputs(operation, batched(given), count, wrong))


def judged(name, *changes):
    text = (PRINTED / name).read_text(encoding="utf-8")
    lines = text.split("\n")
    for line, old, new in changes:
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new)
    [summary] = read_summaries(report_lines("\n".join(lines)))
    return verify(summary)


def certain_lines(verdict):
    return {one.line for one in verdict.disagreements if one.is_certain}


def test_a_row_that_cannot_follow_from_the_one_above_is_named_with_it():
    """Embedding (120, 64) and Bidirectional (240, 64): either may be the slip, and both are told so."""
    verdict = judged("keras.words.narrow.txt", (7, "120, 64", "240, 64"))
    assert certain_lines(verdict) == {5, 7}
    assert any("line 5" in one.why for one in verdict.disagreements if one.line == 7)


def test_an_input_with_parameters_is_certain():
    assert 5 in certain_lines(judged("keras.shared.plain.txt", (5, "          0 ", "          1 ")))


def test_a_layer_stands_below_what_it_is_connected_to():
    verdict = judged("keras.two_inputs.v2.txt")
    assert not verdict.disagreements
    text = (PRINTED / "keras.two_inputs.v2.txt").read_text(encoding="utf-8").split("\n")
    flatten = next(index for index, line in enumerate(text) if "(Flatten)" in line)
    dense = next(index for index, line in enumerate(text) if "(Concatenate)" in line)
    text[flatten], text[dense] = text[dense], text[flatten]
    [summary] = read_summaries(report_lines("\n".join(text)))
    assert certain_lines(verify(summary)) & {flatten + 1, dense + 1}


def test_a_size_behind_a_count_is_named_in_the_unit_of_keras():
    [one] = judged("keras.words.cut.txt", (15, "2.07", "2.47")).disagreements
    assert (one.line, one.said, one.recomputed, one.is_certain) == (15, "2.47 MB", "2.07 MB", True)


def test_of_two_totals_that_contradict_each_other_and_nothing_else_both_are_named():
    verdict = judged("keras.words.cut.txt", (15, "543,385", "543,389"))
    assert {15, 16} <= certain_lines(verdict)


def test_a_row_that_stands_twice_is_one_too_many():
    text = (PRINTED / "keras.mnist.v2.txt").read_text(encoding="utf-8").split("\n")
    at = next(index for index, line in enumerate(text) if "(Dropout)" in line)
    [summary] = read_summaries(report_lines("\n".join([*text[: at + 1], text[at], *text[at + 1 :]])))
    assert at + 2 in certain_lines(verify(summary))
