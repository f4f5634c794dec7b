"""No text makes the reader of claims crash, hang or go over a line many times: built traps, pieces in any order."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.answers.claims import read_claims
from grader.answers.claims.agreement import contradictions
from grader.documents.report_lines import report_lines


def traps_of_summaries():
    spec = importlib.util.spec_from_file_location(
        "traps_of_summaries", Path(__file__).parents[2] / "architecture" / "test_readers_fuzz.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TRAPS


# Each of these made the time grow with the square of the text, or a number too long for Python.
TRAPS = {
    "html without ends": "<table><tr><td>" * 20_000,
    "cells without rows": "<td>\n" * 60_000,
    "rows of words": "word  other   third\n" * 15_000,
    "rules and blanks": "-----\n   \n" * 30_000,
    "latex that never ends a row": "a & b & \n" * 30_000,
    "numbers on lines": "0.5\n" * 60_000,
    "labels and numbers": "test accuracy\n0.5\n" * 15_000,
    "bars": "| acc 0.5 | loss 0.3 |\n" * 10_000,
    "one sentence": "accuracy of the network on the test set is 0.5 and " * 3_000,
    "slips of the pen": "".join(f"Test accuracy: {at / 100:.2f}%\n\n\n\n\n\n" for at in range(1_000, 9_000)),
    "a long year": "accuracy " + "1" * 5_000,
    "a long share": "accuracy " + "1" * 5_000 + " of " + "2" * 5_000,
}
WORDS = st.sampled_from([
    "accuracy", "test", "train", "validation", "loss", "val_acc", "on the test set", "epoch 3", "0.98", "97.5%",
    "98,5 %", "9912/10000", "1,234", "2019", ":", "=", "|", "&", "\\\\", "\t", "   ", "\n", "\n\n", "# ", "- ", "**",
    "```", "MNIST", "The goal is", "we reached", ".", ",", "(", ")", "<td>", "<tr>", "$", "Adam", "params", "of", "±",
    "²", "é", "\x00",
])  # fmt: skip


def everything(text):
    lines = report_lines(text)
    claims = read_claims(lines)
    contradictions([("report.md", claims)])
    last = lines[-1].number if lines else 0
    assert all(1 <= claim.line <= claim.last_line <= last for claim in claims)
    assert [claim.line for claim in claims] == sorted(claim.line for claim in claims)


@pytest.mark.usefixtures("no_stall")
@pytest.mark.parametrize("trap", TRAPS, ids=TRAPS)
def test_no_trap_stalls_the_reader_of_claims(trap):
    everything(TRAPS[trap])


@pytest.mark.usefixtures("no_stall")
def test_the_traps_of_the_summaries_are_none_for_claims():
    for text in traps_of_summaries().values():
        everything(text[:50_000])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WORDS, max_size=80), st.sampled_from(["", " "]))
def test_words_of_claims_in_any_order_are_read_without_a_crash(words, between):
    everything(between.join(words))
