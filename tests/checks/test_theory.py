"""What a theory check promises besides its verdicts: a page, a schema for the answer, and a quick start."""

import inspect
import subprocess
import sys

import pytest

from grader.checks import all_checks
from grader.documents import parse_yaml, validator

NAMES = ("choice", "claim", "conv-arithmetic", "hand-convolution", "number", "shape-formula", "text")
COMMON = ("check", "answer", "points")


def example(name):
    """The rule in the docstring: its last block, an item of a rubric's list."""
    page = inspect.getdoc(type(all_checks()[name]))
    block = page[page.index("\n    - check: ") :]
    [rule] = parse_yaml(inspect.cleandoc(block), name="docstring").value
    return rule


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_it_looks_at_why_and_what_it_leaves_out(name):
    page = inspect.getdoc(type(all_checks()[name]))
    assert all(part in page for part in ("What it looks at:", "Why it matters:", "Not covered:"))


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_schema_takes_the_plain_answer_and_null_is_left_to_the_envelope(name, make_rule):
    rule = example(name)
    settings = {key: value for key, value in rule.items() if key not in COMMON}
    plain = {
        "choice": "b",
        "claim": "98.92 %",
        "conv-arithmetic": "9x9",
        "hand-convolution": [[1, -2], [3, 4]],
        "number": "(5*5*3+1)*32 = 2432",
        "shape-formula": "[B, (T-1)//2, (T-1)//2, C']",
        "text": "because",
    }[name]
    schema = all_checks()[name].answer_schema(make_rule(name, **settings))
    assert validator(schema).is_valid(plain)
    assert not validator(schema).is_valid(None)


def test_judging_theory_imports_neither_numpy_nor_torch():
    code = """
import sys
from fractions import Fraction
from pathlib import Path
from grader.checks import all_checks, run_check
from grader.model import Answer, Place, Rule, Submission
asked = {
    "number": ({"expected": "1/3", "decimals": 2}, "0.33"),
    "choice": ({"options": ["a", "b"], "correct": "a"}, "a"),
    "text": ({}, "because"),
    "claim": ({"about": "accuracy", "of": {"n": 360}}, "95.0 %"),
    "shape-formula": ({"expected": "floor((T-3)/2) + 1"}, "(T-1)//2"),
    "conv-arithmetic": ({"known": {"input": 5, "kernel": 3}, "unknown": "output"}, 3),
    "hand-convolution": (
        {"image": [[1, 2]], "kernel": [[1]], "convention": "convolution", "padding": "valid"}, [[1, 2]]
    ),
}
for name, (settings, value) in asked.items():
    rule = Rule("r", name, Fraction(1), settings, answer="q")
    handed_in = Submission("s", "a", Path("."), answers={"q": Answer(value, Place("answers.json"))})
    findings = run_check(all_checks()[name], rule, handed_in, {})
    assert findings[0].outcome.value in ("passed", "review"), findings
print(sorted({"numpy", "torch", "sklearn", "sympy", "ray", "PIL"} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"
