"""Two places of a report that exclude each other: both are quoted, and the live model says which of them is so."""

from pathlib import Path

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Outcome

PASSED, FAILED, REVIEW = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW
SEEDS = Path("/work/shared/seeds")
REPORT = """# CIFAR-100
In my model I use max pooling after every two layers.

![The network](net.png)

The model consists of convolutions, average pooling and dense layers.
"""


def layer(kind, **attributes):
    about = {"name": kind, "kind": kind, "torch_kind": kind, "attributes": attributes, "is_leaf": True, "parameters": 0}
    shapes = {"input_shape": [1, 3, 8, 8], "output_shape": [1, 3, 4, 4]}
    counts = {"trainable": 0, "shared": 0, "buffers": 0, "call": 1, "calls": 1, "depth": 1}
    return {**about, **shapes, **counts}


@pytest.fixture
def findings(make_rule, hand_in):
    """All findings of a report; `live` is the evidence of the model where the rule names one."""

    def run(text=REPORT, *, name="report.md", live=None, others=None, **settings):
        kind = all_checks()["contradictions"]
        rule = make_rule("contradictions", **{"report": "report.*", **settings})
        assert not list(validator(kind.settings_schema).iter_errors(dict(rule.settings)))
        assert not list(kind.lint(rule))
        submission = hand_in({}, files={name: text, "model.py": "", **(others or {})})
        jobs = dict.fromkeys(kind.needs(rule, submission), live)
        return run_check(kind, rule, submission, jobs)

    return run


def test_one_finding_quotes_both_places(findings):
    [found] = findings()
    assert (found.outcome, found.credit, found.code) == (REVIEW, 1, "contradiction")
    assert found.said == "report.md: pooling: line 2 says max pooling, line 6 says average pooling"
    assert str(found.place) == "report.md:6"
    assert found.expected == "line 2: In my model I use max pooling after every two layers."
    assert found.observed == "line 6: The model consists of convolutions, average pooling and dense layers."


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["Conv2d", "MaxPool2d"], "has max pooling, as line 2 says"),
        (["Conv2d", "functional:avg_pool2d"], "has average pooling, as line 6 says"),
        (["Conv2d", "MaxPool2d", "AvgPool2d"], ""),
        (["Conv2d"], ""),
    ],
)
def test_the_live_model_says_which_of_the_two_it_is(findings, done, model, kinds, words):
    result = {"layers": [layer(kind) for kind in kinds]}
    [found] = findings(live=done(result), model=model)
    assert found.said.endswith(words or "average pooling")
    assert ("handed in" in found.said) == bool(words)


def test_a_model_that_is_neither_says_so(findings, done, model):
    text = "The network has 3 convolutional layers.\nOur model has four convolutional layers.\n"
    [found] = findings(text, live=done({"layers": [layer("Conv2d")] * 5}), model=model)
    assert found.said.endswith("has 5 convolutional layers, as neither says")


def test_a_model_that_cannot_be_built_decides_nothing(findings, student_fault, model):
    [found] = findings(live=student_fault, model=model)
    assert (found.outcome, "handed in" in found.said) == (REVIEW, False)


@pytest.mark.parametrize(
    ("how", "outcome", "credit"), [("remark", PASSED, 1), ("review", REVIEW, 1), ("fail", FAILED, 0)]
)
def test_the_rubric_says_what_it_costs(findings, how, outcome, credit):
    found = findings(contradictions=how)
    [counted] = [one for one in found if one.weight]
    assert (counted.outcome, counted.credit) == (outcome, credit)
    assert any(one.code == "contradiction" for one in found)


def test_only_the_topics_that_are_asked_for_are_looked_at(findings):
    [found] = findings(topics=["optimizer", "epochs"])
    assert (found.outcome, found.said) == (PASSED, "0 statements of the report, and no contradiction")


def test_a_swapped_digit_and_a_formula_are_told_in_the_same_words(findings):
    far = "\n\nText.\n\nText.\n\nText.\n\n"
    text = f"The test accuracy is 98.92%.{far}The test accuracy is 98.29%.\n"
    [found] = findings(text, topics=["accuracy"])
    assert (found.code, found.expected, found.observed) == ("contradiction", "line 1: 98.92%", "line 9: 98.29%")
    sizes = "The resulting height is ceil(T/2) and the resulting width is floor(C/2)."
    text = f"{sizes}\nThe output shape is [B, T, ceil(T/2), ceil(T/2)].\n"
    [found] = findings(text, topics=["sizes"])
    assert found.said == "report.md: line 1 gives the width as floor(C/2), line 2 as ceil(T/2)"


def test_a_report_that_is_not_there_or_no_text_is_told(findings):
    [found] = findings(name="notes.txt")
    assert (found.outcome, found.code) == (FAILED, "missing-file")
    [found] = findings(b"\x89PNG\r\n\x1a\n", name="report.png")
    assert found.outcome is REVIEW
    assert found.credit is None
    found = findings("We use Adam.\n", others={"report.png": b"\x89PNG\r\n\x1a\n"})
    assert [(one.outcome, one.weight) for one in found] == [(PASSED, 1), (REVIEW, 0)]


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the reports of other courses are not on this machine")
def test_of_the_five_seeds_two_contradict_themselves(findings):
    """000: a width from C by the text, from T by the last line. 004: max pooling, average pooling."""
    said = {
        path.name[:3]: [
            one.said for one in findings(path.read_bytes(), name="report.txt") if one.code == "contradiction"
        ]
        for path in sorted(SEEDS.glob("0*.txt"))
    }
    assert said == {
        "000": ["report.txt: line 33 gives the width as floor(C/2), line 34 as ceil(T/2)"],
        "001": [],
        "002": [],
        "003": [],
        "004": ["report.txt: pooling: line 61 says max pooling, line 67 says average pooling"],
    }


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the reports of other courses are not on this machine")
def test_of_the_corpus_no_report_contradicts_itself(findings):
    for path in sorted([*SEEDS.parent.glob("corpus/reports/**/*.md"), *SEEDS.parent.glob("corpus/reports/**/*.txt")]):
        told = [one.said for one in findings(path.read_bytes(), name="report.txt") if one.code == "contradiction"]
        assert (path.name, told) == (path.name, [])


@pytest.mark.torch
@pytest.mark.parametrize(
    ("pooling", "line"), [("nn.MaxPool2d(2)", 2), ("Pool()", 6)], ids=["a module", "a call of a function"]
)
def test_a_real_network_says_which_of_the_two_it_is(make_rule, hand_in, model, pooling, line):
    """The whole way: its code is built and traced in the sandbox."""
    pytest.importorskip("torch")
    from grader import sandbox
    from grader.evidence.kinds import Bench
    from grader.evidence.local import LocalRunner
    from grader.evidence.plan import Plan
    from grader.limits import Limits

    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")
    code = (
        "from torch import nn\n"
        "from torch.nn import functional\n"
        "class Pool(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return functional.avg_pool2d(x, 2)\n"
        "def build_model():\n"
        f"    return nn.Sequential(nn.Conv2d(1, 2, 3), {pooling}, nn.Flatten(), nn.Linear(338, 10))\n"
    )
    check, rule = all_checks()["contradictions"], make_rule("contradictions", report="report.md", model=model)
    submission = hand_in({}, files={"report.md": REPORT, "model.py": code})
    plan = Plan.of((job, submission.root) for job in check.needs(rule, submission))
    [found] = run_check(check, rule, submission, LocalRunner(Bench(Limits(wall_s=60), level))(plan))
    assert found.said.endswith(f"as line {line} says")
