"""`network` and `model`: by name, written out, by default; and every way in which they lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from grader.architecture import layer_schema
from grader.course import rubric_problems
from grader.course.references import _of_kind
from grader.documents.validation import broken_rules
from grader.model import Problem

TOP = """\
assignment: demo
title: Demo
networks:
  small: {input: [1, 28, 28], layers: [{kind: relu}]}
  broken: {input: [0], layers: [{kind: relu}]}
models:
"""
RULES = 'tasks:\n- id: "1"\n  title: One\n  points: 1\n  rules:\n'
ONE = "  net: {checkpoint: net.safetensors, input: [4]}\n"
TWO = ONE + "  tuned: {code: tuned.py, input: [4]}\n"
SOUND = TOP.replace("  broken: {input: [0], layers: [{kind: relu}]}\n", "")


def rules(models: str, *written: str, top: str = SOUND) -> str:
    return top + models + RULES + "".join(f"  - {{id: r{n}, {rule}}}\n" for n, rule in enumerate(written))


def settings(rubric) -> dict:
    [rule] = rubric.rules()
    return dict(rule.settings)


NET = {"code": "model.py", "factory": "build_model", "checkpoint": "net.safetensors", "input": [4]}
TUNED = {"code": "tuned.py", "factory": "build_model", "checkpoint": "model.pth", "input": [4]}


def test_the_only_model_is_meant_where_none_is_named(loaded):
    assert settings(loaded(rules(ONE, "check: accuracy, at_least: 1"))) == {"at_least": 1, "model": NET}


def test_of_two_models_the_named_one_is_meant(loaded):
    assert settings(loaded(rules(TWO, "check: accuracy, at_least: 1, model: tuned")))["model"] == TUNED


def test_a_model_can_be_written_out(loaded):
    text = rules(ONE, "check: accuracy, at_least: 1, model: {code: tuned.py, input: [4]}")
    assert settings(loaded(text))["model"] == TUNED


def test_a_check_that_can_do_without_a_model_does(loaded):
    assert settings(loaded(rules(TWO, "check: figure"))) == {}
    assert settings(loaded(rules(ONE, "check: figure")))["model"] == NET


def test_a_network_can_be_written_out(loaded):
    text = rules(ONE, "check: layer-table, answer: a, network: {input: [2], layers: [{kind: x, size: 3}]}")
    assert settings(loaded(text))["network"] == {"input": [2], "layers": [{"kind": "x", "size": 3}]}


@pytest.mark.parametrize(
    ("models", "rule", "what", "fix"),
    [
        pytest.param(
            ONE,
            "check: layer-table, answer: a, network: smal",
            "/tasks/0/rules/0/network: there is no network named 'smal'",
            "did you mean 'small'?",
            id="a network with a slip",
        ),
        pytest.param(
            ONE,
            "check: layer-table, answer: a",
            "/tasks/0/rules/0: 'network' is missing",
            "add 'network'",
            id="no network",
        ),
        pytest.param(
            ONE,
            "check: layer-table, answer: a, network: 3",
            "/tasks/0/rules/0/network: 3 is no network",
            "write the name of an entry under `networks`, or the network itself",
            id="a number for a network",
        ),
        pytest.param(
            ONE,
            "check: layer-table, answer: a, network: {input: [1], layers: []}",
            "/tasks/0/rules/0/network/layers: the list is empty",
            "write at least 1 entry: the layers, in the order in which the input passes through them",
            id="a network of no layers, written out",
        ),
        pytest.param(
            ONE,
            "check: accuracy, at_least: 1, model: ent",
            "/tasks/0/rules/0/model: there is no model named 'ent'",
            "did you mean 'net'?",
            id="a model with a slip",
        ),
        pytest.param(
            TWO,
            "check: accuracy, at_least: 1",
            "/tasks/0/rules/0: the check 'accuracy' needs a model, and the rule names none of the rubric's 2",
            "add model: net or model: tuned",
            id="one of two models?",
        ),
        pytest.param(
            "  {}\n",
            "check: accuracy, at_least: 1",
            "/tasks/0/rules/0: the check 'accuracy' needs a model, and the rubric has none",
            "add `models` at the top of the rubric, such as models: {net: {input: [1, 28, 28]}}",
            id="no model to choose",
        ),
        pytest.param(
            ONE,
            "check: number, answer: a, right: 1, network: small",
            "/tasks/0/rules/0/network: unknown key 'network'",
            "known: abs, after, answer, bonus, check, deduction, id, points, ramp, right, variants, visibility",
            id="a network for a check that uses none",
        ),
        pytest.param(
            ONE,
            "check: accuracy, at_least: 1, model: {code: ../x.py, input: [4]}",
            '/tasks/0/rules/0/model/code: "../x.py" has not the expected form',
            "write a path inside the submission, with forward slashes",
            id="a model outside the submission",
        ),
        pytest.param(
            ONE,
            "check: accuracy, at_least: 1, model: {code: x.py}",
            "/tasks/0/rules/0/model: 'input' is missing",
            "add 'input': the shape of one input, without the batch",
            id="a model whose input nobody knows",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_told_once(said, models, rule, what, fix):
    errors = [told for told in said(rules(models, rule)) if "no rule uses" not in told]
    assert [told.split(" ", 1)[1] for told in errors] == [f"{what}\n  fix: {fix}"]


def test_an_entry_that_is_wrong_itself_is_told_where_it_stands_and_nowhere_else(said):
    text = rules(
        "  net: {factory: a b, input: [4]}\n",
        "check: layer-table, answer: a, network: broken",
        "check: layer-table, answer: b, network: broken",
        "check: accuracy, at_least: 1",
        top=TOP,
    )
    assert [told.split(": ")[0].split(" ")[1] for told in said(text)] == [
        "/networks/broken/input/0",
        "/models/net/factory",
    ]


def test_the_other_settings_of_a_rule_with_a_broken_reference_are_still_checked(said):
    text = rules(ONE, "check: accuracy, at_least: 2, model: nett")
    assert [told.split(": ")[0].split(" ")[1] for told in said(text) if "no rule uses" not in told] == [
        "/tasks/0/rules/0/model",
        "/tasks/0/rules/0/at_least",
    ]


def test_what_a_check_has_against_a_network_is_placed_in_the_network(rubric_file, checks):
    """It stands at the top and is used twice: told once."""
    form = {"type": "object", "properties": {"network": {"properties": {"input": {"minItems": 4}}}}}
    picky = replace(checks["layer-table"], name="picky", settings_schema=form, reads_answer=False)
    text = rules(ONE, "check: picky, network: small", "check: picky, network: small")
    assert [str(problem) for problem in rubric_problems(rubric_file(text), {"picky": picky})] == [
        "rubrics/demo.yaml:4 /networks/small/input: the list has 3 entries\n  fix: write at least 4 entries"
    ]


FORM = {"type": "object", "properties": {"network": {}, "list": {}}}


@dataclass(frozen=True)
class Pointing:
    """A check that has something against one setting, wherever that is written."""

    steps: tuple[str | int, ...]
    name: str = "pointing"
    settings_schema = FORM
    uses_network: bool = True
    uses_model: bool = False
    uses_reference: bool = False
    reads_answer: bool = False

    def answer_schema(self, rule):
        del rule

    def other_answers(self, rule):
        del rule
        return {}

    def lint(self, rule):
        yield Problem("setting", str(rule.place.child(*self.steps)), "is odd", "mend it")


@pytest.mark.parametrize(
    ("steps", "where"),
    [
        pytest.param(("network", "layers", 0, "kind"), "4 /networks/small/layers/0/kind", id="in the network, once"),
        pytest.param(("list", 1), "13 /tasks/0/rules/0/list/1", id="in a list of the rule"),
        pytest.param(("a/b~c",), "12 /tasks/0/rules/0/a~1b~0c", id="a key with signs of a pointer"),
    ],
)
def test_what_a_check_has_against_a_setting_has_the_line_of_that_setting(rubric_file, steps, where):
    text = rules(ONE, "check: pointing, network: small, list: [1,\n     2]")
    assert [p.where for p in rubric_problems(rubric_file(text), {"pointing": Pointing(steps)})] == [
        f"rubrics/demo.yaml:{where}"
    ]


def test_what_is_wrong_with_a_network_is_told_once_however_many_rules_use_it(rubric_file):
    text = rules(ONE, "check: pointing, network: small", "check: pointing, network: small")
    check = Pointing(("network", "input"))
    [problem] = rubric_problems(rubric_file(text), {"pointing": check})
    assert problem.where == "rubrics/demo.yaml:4 /networks/small/input"


def test_a_check_lints_settings_that_are_sound_and_only_those(said):
    odd = "{input: [1], layers: [{kind: odd}]}"
    told = said(rules(ONE, f"check: layer-table, answer: a, network: {odd}"))
    assert told[-1] == "rubrics/demo.yaml:12 /tasks/0/rules/0: the first layer is odd\n  fix: begin with another"
    told = said(rules(ONE, f"check: layer-table, answer: a, network: {odd}, x: 1"))
    assert not any("odd" in line for line in told)


LAYERS = {
    "oneOf": [
        {"required": ["kind"], "properties": {"kind": {"const": "relu"}}, "additionalProperties": False},
        {
            "required": ["kind", "size"],
            "properties": {"kind": {"const": "pool"}, "size": {"type": "integer"}},
            "additionalProperties": False,
        },
    ]
}


RLEU = (
    '/networks/small/layers/2/kind: "rleu" is none of the allowed values\n'
    '  fix: did you mean \'relu\'? allowed: "relu", "pool"'
)


def test_layers_are_checked_by_their_own_schema_where_they_stand(said):
    top = SOUND.replace("[{kind: relu}]", "[{kind: relu}, {kind: pool, sise: 2}, {kind: rleu}]")
    inline = "{input: [1], layers: [{kind: relu, size: 1}]}"
    told = said(
        rules(
            ONE,
            "check: layer-table, answer: a, network: small",
            f"check: layer-table, answer: b, network: {inline}",
            top=top,
        ),
        layer_schema=LAYERS,
    )
    assert [line.split(" ", 1)[1] for line in told] == [
        "/networks/small/layers/1: 'size' is missing\n  fix: add 'size'",
        "/networks/small/layers/1/sise: unknown key 'sise'\n  fix: did you mean 'size'?",
        RLEU,
        "/tasks/0/rules/1/network/layers/0/size: unknown key 'size'\n  fix: known: kind",
    ]


def test_without_a_schema_of_layers_any_kind_is_taken(loaded):
    text = rules(ONE, "check: layer-table, answer: a, network: {input: [1], layers: [{kind: warp, by: 2}]}")
    assert settings(loaded(text))["network"]["layers"] == [{"kind": "warp", "by": 2}]


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "conv2d", "out_channels": 3, "kernel": 3},
        {"kind": "conv2d", "out_channels": 3},
        {"kind": "conv2d", "kernel": 0, "strid": 1, "out_channels": 1},
        {"kind": "relu", "kernel": 1},
        {"kind": "relu"},
        {"kind": "warp"},
    ],
    ids=str,
)
def test_a_layer_is_judged_by_the_conditions_for_its_kind_as_by_all(layer):
    """The oracle is the whole schema of the real layers."""
    whole = layer_schema()
    short = {(at, explained) for at, _, explained in broken_rules(_of_kind(whole, layer["kind"]), layer)}
    assert short == {(at, explained) for at, _, explained in broken_rules(whole, layer)}
