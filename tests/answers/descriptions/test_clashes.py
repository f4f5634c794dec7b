"""Sentences that exclude each other are found, and no honest report is told that it contradicts itself."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.answers.descriptions import clashes, mentions_in, scopes_of
from grader.documents.report_lines import report_lines

SHARED = Path("/work/shared")


def told(text):
    return [one.said for one in clashes(scopes_of(report_lines(text, name="report.md")))]


def stated(sentence):
    """{topic: value} of what one sentence states for certain."""
    [scope] = scopes_of(report_lines(sentence))
    said = (one.said for sentence in scope.sentences for one in mentions_in(sentence))
    return {one.topic: one.value for one in said if one}


# --- leave it alone ---------------------------------------------------------------------------

HONEST = {
    "two phases": "We trained for 10 epochs with SGD. In the next 20 epochs we used Adam.",
    "first, then": "First I used SGD. Then I used Adam, which was faster.",
    "two networks, by headings": "## Net 1\nWe use max pooling.\n## Net 2\nWe use average pooling.",
    "two networks, by labels": "Network 1:\nOptimizer: SGD\nNetwork 2:\nOptimizer: Adam",
    "two lists of settings": "# Settings\n- Optimizer: SGD\n- Learning rate: 0.05\n\n- Optimizer: Adam\n- lr: 0.0005",
    "two networks in one text": "Our network uses max pooling. The second network uses average pooling.",
    "the baseline": "We use max pooling. The baseline model uses average pooling.",
    "a change": "Our model uses max pooling. After replacing it, our model uses average pooling.",
    "a trial": "We use max pooling. We tried average pooling, which was worse.",
    "a comparison": "We use SGD. Adam was used for comparison.",
    "a doubt": "We use max pooling. Average pooling could be used as well.",
    "both in one sentence": "We use max pooling. The network has max pooling and average pooling.",
    "global pooling at the end": "We use max pooling. Our network has global average pooling at its end.",
    "a part of the network": "The network has two convolutional layers. It is followed by two convolutional layers.",
    "blocks": "The network has four convolutional layers. Each block has two convolutional layers.",
    "the task": "The model uses average pooling. The task asked for a network that uses max pooling.",
    "the paper": "We use SGD. The authors of the paper used Adam.",
    "a schedule": "We used a learning rate of 0.1. With the schedule the learning rate was 0.001 at the end.",
    "dropout at two places": "We use dropout with p = 0.25 after convolutions. We use dropout with p = 0.5 in the end.",
    "a sweep": "We used a learning rate of 0.1. We used a learning rate of 0.01. We used a learning rate of 0.001.",
    "test batches": "We used a batch size of 64. For testing a batch size of 1000 was used.",
    "an encoder": "The encoder uses max pooling. Our network uses average pooling in the decoder.",
    "names of networks": "Our model uses max pooling as VGG16 does. LeNet-5 was used with average pooling.",
    "a question": "We use Adam. Is SGD used by anyone?",
    "rounding and writing": "We used a learning rate of 1e-3. A learning rate of 0.001 was used.",
    "percent and share": "We use dropout of 50%. Dropout of 0.5 was used.",
    "words and digits": "The network has four convolutional layers. The model has 4 convolutional layers.",
    "early stopping": "The network was trained for 30 epochs. With early stopping it was trained for 12 epochs.",
    "code": "We use Adam.\n```\nWe use SGD.\n```",
    "a table": "We use Adam.\n\n| name | what |\n|---|---|\n| We use SGD | 3 |",
    "far apart": "We use Adam.\n\n" + "It learns well.\n\n" * 60 + "We use SGD.",
    "for another data set": "# MNIST\nWe use Adam.\n# CIFAR-10\nWe use SGD.",
    "two points of a task": "# Task 1\n\n(a) We used Adam.\n\n(b) We used SGD.",
    "two numbered points": "# Report\n1. We used Adam.\n2. We used SGD.",
    "two data sets": "The network was trained for 10 epochs.\nOn Fashion-MNIST it was trained for 20 epochs.",
    "with augmentation": "The model was trained for 10 epochs. With augmentation the model was trained for 20 epochs.",
    "parts of the layers": "Our network has 2 conv layers with 32 channels. The network has 3 conv layers of 64 maps.",
    "pooling at the end": "We use max pooling after every layer. Our network uses average pooling before the linear.",
    "rates of two parts": "We use a learning rate of 1e-3 for the top. For the rest a learning rate of 1e-4 was used.",
    "points of a task": "a) We used Adam.\n\n## Task 2\nb) We used SGD.",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_an_honest_report_contradicts_nothing(text):
    assert told(text) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the reports of other courses are not on this machine")
def test_of_all_real_reports_one_contradicts_itself_as_is_known():
    """The five seeds and the corpus; seed 004 says max pooling in its text, and average pooling below its figure."""
    files = sorted(
        [*SHARED.glob("seeds/*.txt"), *SHARED.glob("corpus/reports/**/*.*"), *SHARED.glob("corpus/tables/*")]
    )
    found = {
        file.name[:3]: said for file in files if (said := told(file.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {"004": ["pooling: line 61 says max pooling, line 67 says average pooling"]}
    assert len(files) > 40


# --- found ------------------------------------------------------------------------------------

FOUND = {
    "max pooling, average pooling": (
        "I use four conv layers and max pooling after all.\n\nThe model consists of convolutions and average pooling.",
        "pooling: line 1 says max pooling, line 3 says average pooling",
    ),
    "SGD, Adam": (
        "We train with cross entropy.\n\nThe network was trained with Adam.\n\nOptimizer: SGD",
        "optimizer: line 3 says Adam, line 5 says SGD",
    ),
    "learning rates": (
        "We used a learning rate of 5e-4 and Adam.\n- Learning rate: 0.05",
        "learning rate: line 1 says 0.0005, line 2 says 0.05",
    ),
    "epochs": (
        "The model was trained for 10 epochs. It was\nfast. I trained the network for 15 epochs.",
        "epochs: line 1 says 10, line 2 says 15",
    ),
    "batch sizes": ("We use a batch size of 64.\n\nBatch size: 32", "batch size: line 1 says 64, line 3 says 32"),
    "dropout": ("We use dropout with p = 0.5.\n\nDropout: 25%", "dropout: line 1 says 0.5, line 3 says 0.25"),
    "layers": (
        "The network consists of 3 convolutional layers.\nOur model has four convolutional layers.",
        "layers: line 1 says 3, line 2 says 4",
    ),
}


@pytest.mark.parametrize(("text", "said"), FOUND.values(), ids=FOUND.keys())
def test_sentences_that_exclude_each_other_are_found_with_their_lines(text, said):
    assert told(f"{text}\n") == [said]


@pytest.mark.parametrize("text", [text for text, _ in FOUND.values()], ids=FOUND.keys())
def test_under_two_headings_they_exclude_nothing(text):
    """What is one network's under one heading may be another's under the next."""
    for stop in (". ", ".\n", "\n\n"):
        if stop in text:
            before, _, after = text.rpartition(stop)
            assert told(f"# One\n{before}{stop.strip()}\n\n# Two\n{after}\n") == []


def test_cells_of_a_notebook_are_read_as_a_report_is():
    """What stands in two cells under one heading is of one thing; code and what it prints are none of it."""

    def cell(kind, text):
        return {"cell_type": kind, "metadata": {}, "source": text, **({"outputs": []} if kind == "code" else {})}

    def of(*cells):
        book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}
        return told(json.dumps(book, indent=1))

    first, second = cell("markdown", "# Net\nOur network uses max pooling"), cell("markdown", "We use average pooling.")
    [said] = of(first, cell("code", "net = Net()  # We use Adam."), second)
    assert "max pooling" in said
    assert "average pooling" in said
    assert of(first, cell("markdown", "# Another part"), second) == []
    assert of(first, cell("code", "We use average pooling.")) == []


# --- statements -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("Stochastic gradient descent was used as the optimizer.", {"optimizer": "SGD"}),
        ("We trained the network with a learning rate of 10^{-3}.", {"learning_rate": "0.001"}),
        ("Learning rate = 1 _._ 5 _e -_ 3", {}),  # as an OCR leaves it: not read as 1
        ("Learning rate: 5 · 10-4", {}),
        ("I used a dropout rate of .25 for the one and .5 for the other part.", {}),
        ("We use dropout of 20%.", {"dropout": "0.2"}),
        ("Our network has exactly 16 conv layers.", {"layers": "16"}),
        ("The network has at least 3 convolutional layers.", {}),
        ("Our validation batch size is set to 100.", {}),
        ("We do not use max pooling.", {}),
        ("I trained it for 1,000 epochs.", {}),
    ],
)
def test_a_sentence_states_one_value_or_nothing(sentence, values):
    assert stated(sentence) == values


@given(st.text(max_size=400))
def test_any_text_is_read(text):
    told(text)


@given(
    st.lists(
        st.sampled_from(["We use Adam.", "We use SGD.", "# Net", "Then", "max pooling", "\n", "has", "4 conv layers."]),
        max_size=30,
    )
)
def test_the_pieces_of_statements_are_read_in_any_order(words):
    """Each clash names two lines that are there, and two values."""
    text = " ".join(words)
    for one in clashes(scopes_of(report_lines(text))):
        assert one.first.value != one.second.value
        assert {one.first.line, one.second.line} <= set(range(1, text.count("\n") + 2))


@pytest.mark.parametrize(
    "piece", [" " * 3000, "we use " * 500, "max pooling " * 300, "(" * 3000, "first " * 600, "a." * 1500, "|" * 3000]
)
def test_a_long_text_takes_no_longer_than_its_length(piece):
    """A pattern that backtracks would not come to an end here."""
    told((piece + "\n") * 200)
