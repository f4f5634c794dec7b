"""Two places that state one thing differently are named; rounding, goals and open questions are no contradiction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.claims import read_claims
from grader.answers.claims.agreement import agree, contradictions
from grader.documents.report_lines import Line


def claims_of(text):
    return read_claims([Line(number, line) for number, line in enumerate(text.split("\n"), 1)])


def said(*texts):
    sources = [(f"{index}.md", claims_of(text)) for index, text in enumerate(texts)]
    return [one.said for one in contradictions(sources)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Test accuracy: 0.734", "Test accuracy: 73.4%"),
        ("Test accuracy: 0.734", "Test accuracy: 0.7339999675750732"),
        ("Test accuracy: 73%", "Test accuracy: 73.4%"),
        ("Test accuracy: 0.9", "Test accuracy: 0.899"),
        ("Test accuracy: about 89%", "Test accuracy: 0.8916"),
        ("Test accuracy: over 97%", "Test accuracy: 97.8%"),
        ("Test accuracy: 98.92%", "Validation accuracy: 98.29%"),
        ("Test accuracy on MNIST: 98.9%", "Test accuracy on Fashion-MNIST: 91.2%"),
        ("Test accuracy: 98.92%", "The goal is a test accuracy of 95%."),
        ("Test accuracy with SGD: 94.0%", "Test accuracy with Adam: 97.9%"),
        ("The net has 390,410 parameters.", "The net has 390 410 parameters."),
    ],
)
def test_what_may_both_be_so_is_no_contradiction(one, other):
    assert said(one, other) == []


@pytest.mark.parametrize(
    ("one", "other", "sentence"),
    [
        (
            "Test accuracy: 98.92%",
            "Test accuracy: 98.29%",
            "test accuracy: 0.md says 98.92% on line 1, 1.md says 98.29% on line 1",
        ),
        (
            "The network has 390,410 parameters.",
            "The network has 148'810 parameters.",
            "number of parameters: 0.md says 390,410 on line 1, 1.md says 148'810 on line 1",
        ),
        ("Test loss: 0.35", "Test loss: 0.53", "test loss: 0.md says 0.35 on line 1, 1.md says 0.53 on line 1"),
    ],
)
def test_values_that_exclude_each_other_are_named_with_both_places(one, other, sentence):
    assert said(one, other) == [sentence]


def test_a_slip_within_one_report_is_named():
    text = "Test accuracy: 98.92%\n\n\n\n\n\nAll in all the test accuracy is 98.29%."
    assert said(text) == ["test accuracy: 0.md says 98.92% on line 1, and 98.29% on line 7"]


def test_variants_within_one_report_are_no_contradiction():
    assert said("Test accuracy without L2: 0.8323\n\n\n\n\n\nTest accuracy with L2: 0.8279") == []


def test_any_of_several_values_of_a_report_may_be_the_answer():
    report = "| Model | Test accuracy |\n|---|---|\n| A | 0.7533 |\n| B | 0.7614 |"
    assert said(report, "Test accuracy: 0.7614") == []
    assert said(report, "Test accuracy: 0.7641") == [
        "test accuracy: 0.md says 0.7614 on line 4, 1.md says 0.7641 on line 1"
    ]


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=1, max_value=9999), st.integers(min_value=1, max_value=4))
def test_a_rounded_value_agrees_with_the_full_one(correct, places):
    full = f"Test accuracy: {correct / 10_000:.4f}"
    short = f"Test accuracy: {correct / 10_000:.{places}f}"
    assert agree(claims_of(full)[0], claims_of(short)[0])
