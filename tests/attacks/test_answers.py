# ruff: noqa: E501 - cases stand on one line
"""Answers that are code, never end, stall a pattern, borrow another type or point elsewhere: attacks 17, 19, 20, 21, 23.

Each text is put in the place of every answer that a rubric can ask for: a number, a choice, a formula, words, a matrix,
a table of layers, a size, an accuracy. A whole class of such hand-ins is graded by `grader run-all` within its time,
and the honest one among them gets the card that it gets alone.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200  # for a class of some twenty; one that hangs takes minutes
RIGHT = {"total_parameters": "14,538", "same_padding": 3, "strided_size": "14x14", "translation": "c",
         "by_hand": [[-5, -1, 1, 3], [-5, -3, -1, 6], [-3, 1, -1, 3]]}  # fmt: skip
FORMULA = """
assignment: digits
title: Formulas and words
tasks:
  - id: "1"
    title: All
    points: 3
    rules:
      - {id: formula, check: shape-formula, answer: formula, expected: "ceil(T/2)", points: 1}
      - {id: shape, check: shape-formula, answer: shape, expected: "[B, T - 2, C]", points: 1}
      - {id: why, check: text, answer: why, min_words: 2, words_required: [stride, max pooling], any_of: [because, since], points: 1}
"""


@pytest.fixture
def graded(tmp_path):
    """The cards of a class, by name: for the course of this repository, and for one that asks for formulas and words."""

    def run(answers, *, course=ROOT):
        folder = tmp_path / "class"
        for name, given in {"honest": RIGHT | {"formula": "(T+1)//2", "why": "the stride, because"}, **answers}.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "submission.json").write_text('{"assignment": "digits"}')
            text = given if isinstance(given, str) else json.dumps({"answers": given})
            (folder / name / "answers.json").write_text(text)
        command = [sys.executable, "-m", "grader", "run-all", str(folder), "--course", str(course), "--json"]
        environment = os.environ | {"HOME": str(tmp_path), "MARKER": str(tmp_path / "marker")}
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment, timeout=PATIENCE_S
        )
        assert not (tmp_path / "marker").exists()
        return {card["submission"]: card for card in json.loads(done.stdout)}

    return run


@pytest.fixture
def formulas(tmp_path):
    (tmp_path / "course" / "rubrics").mkdir(parents=True)
    (tmp_path / "course" / "grader.toml").write_text('name = "Formulas"\n')
    (tmp_path / "course" / "rubrics" / "digits.yaml").write_text(FORMULA)
    return tmp_path / "course"


def everywhere(value):
    """This value for every answer, and in every cell."""
    rows = [{"layer": value, "output": value, "parameters": value}] * 3
    return {
        **dict.fromkeys([*RIGHT, "test_accuracy", "formula", "shape", "why"], value),
        "layers": rows,
        "by_hand": [[value] * 4] * 3,
    }


def alone(cards):
    return json.dumps(cards["honest"], sort_keys=True)


def earned(card):
    return {rule["rule"]: rule["points"] for task in card["tasks"] for rule in task["rules"] if rule["points"]}


MARK = "__import__('pathlib').Path(__import__('os').environ['MARKER']).touch()"
CODE = {
    "a call": MARK,
    "a lambda": f"(lambda: {MARK})()",
    "a format": f"{{{MARK}}}",
    "an f-string": f'f"{{{MARK}}}"',
    "a subclass walk": "().__class__.__base__.__subclasses__()",
    "sympify": f'sympify("{MARK}")',
    "a comprehension": f"[{MARK} for _ in (1,)]",
    "a walrus": f"(x := {MARK})",
    "an index": f"[1, 2][{MARK} or 0]",
    "after a number": f"14538 if {MARK} is None else 14538",
    "in LaTeX": f"\\input{{|touch $MARKER}} \\write18{{touch $MARKER}} {MARK}",
    "a template": "{{ ''.__class__ }} ${MARK} `touch $MARKER` $(touch $MARKER)",
    "an attribute": "T.__class__.__init__.__globals__",
    "a decorator": f"@{MARK}\ndef f(): pass",
    "exec": f'exec("{MARK}") or 14538',
}  # fmt: skip
ENDLESS = {
    "a tower": "9**9**9**9",
    "a tower with carets": "9^9^9^9",
    "a factorial": "(10**7)!",
    "factorial": "factorial(10**7)",
    "a long power": "2**(2**40)",
    "a negative tower": "2**-(9**9)",
    "a small base": "1.0000000001**99999999999",
    "a shift": "1 << 10**12",
    "a product": "*".join(["99999999999999999999"] * 3_000),
    "a sum": "+".join(["T"] * 20_000),
    "a sum of products": "(" + "+".join(f"T*{n}" for n in range(300)) + ")**40",
    "floors in floors": "floor(" * 300 + "T" + "/2)" * 300,
    "differences of floors": " + ".join(f"floor((T+{n})/{n + 2})" for n in range(60)),
    "large divisors": "floor(T/999999999989) + floor(T/999999999961)",
    "many names": " * ".join(f"x{n}" for n in range(400)),
    "brackets": "(" * 20_000 + "T" + ")" * 20_000,
    "open brackets": "[" * 50_000,
    "signs": "-" * 50_000 + "1",
    "digits": "9" * 200_000,
    "decimals": "0." + "3" * 200_000,
    "an exponent": "1e999999999",
    "a fraction": "1/" + "7" * 5_000,
    "a repeating range": "1:2:3:4" * 5_000,
}  # fmt: skip
STALLING = {
    "blanks": "1" + " " * 90_000 + "!",
    "tabs and line ends": "\t\n\r " * 30_000 + "x",
    "words": "a" * 90_000 + "!",
    "commas": "1," * 50_000 + "x",
    "points": "1." * 50_000,
    "dashes": "-" * 90_000 + "x",
    "units": "1 k" * 30_000,
    "times": "3x" * 40_000 + "!",
    "equals": "1=" * 40_000 + "x",
    "quotes": "'\"" * 40_000,
    "braces": "{}" * 40_000 + "{",
    "backslashes": "\\" * 90_000,
    "commands": "\\frac{" * 15_000,
    "half the words": "stride " * 15_000 + "max poolin",
    "hyphens": "max-" * 20_000 + "pooling",
    "accents": "e\u0301" * 40_000,
    "a wide space": "1\u3000\u2009" * 30_000,
    "percent": "97%" * 30_000,
    "times ten": "1e5" * 30_000,
}  # fmt: skip


@pytest.mark.attack(19)
def test_no_answer_is_ever_run(graded, formulas):
    for course in (ROOT, formulas):
        before = alone(graded({}, course=course))
        cards = graded({name: everywhere(text) for name, text in CODE.items()}, course=course)
        assert alone(cards) == before
        assert len(cards) == len(CODE) + 1
        assert {name: earned(cards[name]) for name in CODE if earned(cards[name])} == {}


@pytest.mark.attack(14, 20)
def test_an_answer_without_end_ends_and_earns_nothing(graded, formulas):
    for course in (ROOT, formulas):
        before = alone(graded({}, course=course))
        cards = graded({name: everywhere(text) for name, text in ENDLESS.items()}, course=course)
        assert alone(cards) == before
        assert {name: earned(cards[name]) for name in ENDLESS if earned(cards[name])} == {}


@pytest.mark.attack(21)
def test_no_text_stalls_what_reads_it(graded, formulas):
    for course in (ROOT, formulas):
        before = alone(graded({}, course=course))
        cards = graded({name: everywhere(text) for name, text in STALLING.items()}, course=course)
        assert alone(cards) == before
        assert {name: earned(cards[name]) for name in STALLING if earned(cards[name])} == {}


@pytest.mark.attack(15, 17)
def test_another_type_is_not_the_number_that_it_resembles(graded):
    """`true` is not 1; a text with the right number in it is read as a text is, and an answer in a list is one answer."""
    others = {
        "true": {**RIGHT, "same_padding": True, "by_hand": [[True] * 4] * 3},
        "null": dict.fromkeys(RIGHT),
        "an object": {name: {"value_": value} for name, value in RIGHT.items()},
        "nan": '{"answers": {"same_padding": NaN, "total_parameters": Infinity}}',
        "overflow": '{"answers": {"same_padding": 1e999, "total_parameters": -1e999}}',
        "nan as text": dict.fromkeys(RIGHT, "NaN"),
        "infinity as text": dict.fromkeys(RIGHT, "inf"),
        "a very long list": {**RIGHT, "by_hand": [[1] * 4] * 5_000},
    }
    cards = graded(others)
    assert earned(cards["honest"]) == {
        "total-parameters": 1, "same-padding": 1, "strided-size": 1, "translation": 1, "by-hand": 2,
    }  # fmt: skip
    assert set(earned(cards["true"])) == {"total-parameters", "strided-size", "translation"}
    for name in ("null", "an object", "nan", "overflow", "nan as text", "infinity as text"):
        assert earned(cards[name]) == {}, name
    assert "by-hand" not in earned(cards["a very long list"])


@pytest.mark.attack(23)
def test_a_schema_that_a_student_names_or_hands_in_is_not_looked_at(graded, tmp_path):
    """Hand-ins may name a schema for the student's editor. It is never fetched, opened or obeyed."""
    open_schema = tmp_path / "open.schema.json"
    open_schema.write_text("{}")
    names = [
        "http://127.0.0.1:9/x.json",
        f"file://{open_schema}",
        str(open_schema),
        "../../open.schema.json",
        "answers.schema.json",
    ]
    text = {
        f"schema {number}": json.dumps(
            {"$schema": name, "$ref": name, "$id": name, "answers": {"same_padding": {"$ref": name}}}
        )
        for number, name in enumerate(names)
    }
    cards = graded(text)
    assert {name: earned(card) for name, card in cards.items() if name != "honest" and earned(card)} == {}


@pytest.mark.attack(23)
def test_a_schema_of_a_rubric_with_a_reference_outside_fetches_nothing(tmp_path, monkeypatch):
    """A staff slip or a copied schema: the validator has no way to a network or to another file."""
    import socket
    import urllib.request

    from grader.documents import Document, problems_in, validator

    def refused(*_, **__):
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(urllib.request, "urlopen", refused)
    (tmp_path / "x.json").write_text("{}")
    for target in ("http://127.0.0.1:9/x.json", f"file://{tmp_path}/x.json", "x.json", "urn:x"):
        rules = validator({"properties": {"a": {"$ref": target}}})
        document = Document("answers.json", {"a": 1}, {(): 1})
        with pytest.raises(Exception, match=r".") as caught:
            list(problems_in(document, rules))
        assert not isinstance(caught.value, AssertionError)


def test_the_honest_answers_of_this_file_are_right():
    """Otherwise it would prove nothing that the others earn nothing."""
    spec = importlib.util.spec_from_file_location("class_maker", ROOT / "examples" / "make_digits_class.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert {name: module.ANSWERS[name] for name in RIGHT} == RIGHT
