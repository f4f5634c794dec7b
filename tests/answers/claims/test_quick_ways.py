"""Every quick way says what the long way says: sentences cut before they are words, decimals read by their form."""

from __future__ import annotations

import random

import pytest

from grader.answers.claims import tabled, written
from grader.answers.claims.blocks import blocks_of, cleaned_lines, tokens_in
from grader.answers.claims.governed import read_sentence
from grader.answers.claims.sentences import sentences_of
from grader.answers.claims.tokens import tokens_of
from grader.answers.digits import scan
from grader.documents.report_lines import Line

SOME = random.Random(11)  # noqa: S311  no secret
WORDS = (
    "The accuracy", "was high", "approx", "Africa", "val", "params", "we got 0.95", "97.5%", "It", "on MNIST", "e.g",
    "test", "valid", "Thus", "is 3.5", "fig", "so", "and", "(see above)", "trainacc", "valParams", "A",
    "Then the network", "well-",
)  # fmt: skip


def texts(count):
    for _ in range(count):
        yield "".join(SOME.choice(WORDS) + SOME.choice((" ", ". ", ". ", ", ", "\n", ".\n")) for _ in range(40))


def test_sentences_cut_in_the_text_are_those_cut_among_the_words():
    cuts = 0
    for text in texts(300):
        lines = [Line(number, line) for number, line in enumerate(text.split("\n"), 1)]
        for block in blocks_of(cleaned_lines(lines, [False] * len(lines))):
            pieces = list(block.pieces())
            cuts += len(pieces) - 1
            pieced = [run for piece in pieces for run in sentences_of(tokens_in(piece), width=block.width)]
            assert pieced == list(sentences_of(block.tokens))
    assert cuts > 100


@pytest.mark.parametrize("form", ["train loss {}", "Loss: {}", "acc {}%", "val acc = {} (best)", "{} test", "99 {} x"])
def test_a_cell_states_the_same_whatever_the_digits_of_its_decimal(form):
    for _ in range(60):
        number = f"{SOME.uniform(0, 99.9):.{SOME.randint(1, 6)}f}"
        cell = form.format(number)
        said, own = tabled._said_in(cell), read_sentence(tokens_of(cell, 0))
        assert [tabled._as_written(one.quantity, said, cell) for one in said.values] == [
            one.quantity for one in own.values
        ]
        assert [one.label for one in said.values] == [one.label for one in own.values]


def test_a_plain_decimal_has_the_one_reading_that_the_scan_finds():
    for _ in range(500):
        whole, part = SOME.randint(0, 999), SOME.choice((1, 2, 4, 5, 8))
        text = f"{whole}.{SOME.randint(0, 10**part - 1):0{part}}"
        assert written._parsed(text).forms == scan(text, 0).readings
