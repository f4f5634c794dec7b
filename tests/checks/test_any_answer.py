"""Whatever JSON a student writes, a check comes to a verdict: it never breaks, and always says something."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.model import Answer, Outcome, Place, Rule, Submission

ASKED = {
    "number": {"expected": "1/3", "significant_digits": 3, "unit": "MB"},
    "choice": {"options": {"a": "x", "b": "y"}, "correct": ["a"], "multiple": True},
    "text": {"words_required": ["a"], "min_words": 2, "forbidden": ["b"]},
    "claim": {"about": "accuracy", "of": {"n": 360}, "at_least": 0.9},
    "conv-arithmetic": {"known": {"input": 28, "output": [14, 13]}, "unknown": "kernel"},
    "hand-convolution": {
        "image": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        "kernel": [[1, 0, -1]] * 3,
        "convention": "convolution",
        "padding": "zero",
    },
    "shape-formula": {"layer": {"kernel": 3, "stride": 2}, "input": "[B, T, T, C]", "layout": "channels-last"},
}
MATHEMATICS = st.text(alphabet="0123456789.,%/*()[]x×=→~- \\{}ek√⌊⌋^ab;&|\n", max_size=40)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), MATHEMATICS, st.text()
)
ANSWERS = st.one_of(
    LEAVES,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(["value", "working", "unit", "input", "x"]), inner, max_size=3),
        ),
        max_leaves=8,
    ),
    st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3),
)


@pytest.mark.parametrize("name", sorted(ASKED))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=ANSWERS)
def test_any_answer_gets_a_verdict(name, value):
    rule = Rule("r", name, Fraction(1), ASKED[name], answer="q")
    handed_in = Submission("s", "a", Path(), answers={"q": Answer(value, Place("answers.json", "/answers/q"))})
    findings = run_check(all_checks()[name], rule, handed_in, {})
    assert all(finding.outcome is not Outcome.UNKNOWN for finding in findings), findings
    assert any(finding.weight > 0 for finding in findings)
    assert all(finding.said and finding.said.isprintable() for finding in findings)
    assert all(finding.fix for finding in findings if finding.outcome is Outcome.FAILED)
    assert findings == run_check(all_checks()[name], rule, handed_in, {})
