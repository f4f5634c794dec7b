"""Demands on the live model's structure: boundaries first, then every way to miss one."""

import pytest

from grader.checks import all_checks, run_check
from grader.evidence.jobs import describe_job
from grader.model import Outcome


def live(kind, name="", parameters=0, output=(1, 1), *, is_leaf=True, **attributes):
    return {
        "name": name or kind,
        "kind": kind,
        "attributes": attributes,
        "input_shape": [2, 1],
        "output_shape": list(output),
        "parameters": parameters,
        "trainable": parameters,
        "buffers": 0,
        "is_leaf": is_leaf,
        "calls": 1,
        "depth": 1,
    }


def conv(name, channels_in, channels_out, kernel, size, padding=0):
    return live(
        "Conv2d",
        name,
        (channels_in * kernel**2 + 1) * channels_out,
        (2, channels_out, size, size),
        in_channels=channels_in,
        out_channels=channels_out,
        kernel_size=[kernel, kernel],
        stride=[1, 1],
        padding=padding if isinstance(padding, str) else [padding, padding],
        dilation=[1, 1],
    )


# A small network as PyTorch users write it: modules and functions mixed.
SMALL = [
    live("Net", "", 14_538, (2, 10), is_leaf=False),
    conv("conv1", 1, 8, 5, 24),
    live("functional:relu", "relu", 0, (2, 8, 24, 24)),
    live("MaxPool2d", "pool", 0, (2, 8, 12, 12), kernel_size=2, stride=2),
    conv("conv2", 8, 16, 3, 10),
    live("functional:relu", "relu", 0, (2, 16, 10, 10)),
    live("functional:max_pool2d", "max_pool2d", 0, (2, 16, 5, 5), kernel_size=2),
    live("functional:view", "view", 0, (2, 400)),
    live("Linear", "fc1", 12_832, (2, 32), in_features=400, out_features=32),
    live("ReLU", "act", 0, (2, 32)),
    live("Dropout", "drop", 0, (2, 32), p=0.5),
    live("Linear", "fc2", 330, (2, 10), in_features=32, out_features=10),
]
NETWORK = {
    "input": [1, 1, 28, 28],
    "layers": [
        {"kind": "conv2d", "out_channels": 8, "kernel": 5},
        {"kind": "relu"},
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "conv2d", "out_channels": 16, "kernel": 3},
        {"kind": "relu"},
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 32},
        {"kind": "relu"},
        {"kind": "dropout"},
        {"kind": "linear", "out_features": 10},
    ],
}


def described(layers, state=None):
    return {
        "layers": layers,
        "parameters": sum(layer["parameters"] for layer in layers if layer["is_leaf"]),
        "trainable": sum(layer["parameters"] for layer in layers if layer["is_leaf"]),
        "buffers": 0,
        "input_shape": [2, 1, 28, 28],
        "output_shape": [2, 10],
        "repr": "Net()",
        "state": state,
    }


@pytest.fixture
def judge(make_rule, hand_in, model, done):
    def judged(layers=SMALL, *, state=None, **settings):
        check = all_checks()["architecture"]
        files = {"model.py": "x"} | ({"model.pth": "weights"} if state else {})
        rule, submission = make_rule("architecture", model=model, **settings), hand_in(files=files)
        jobs = list(check.needs(rule, submission))
        assert len(jobs) == 1 + (state is not None and "checkpoint_fits" in settings)
        evidence = {job: done(described(layers, state if job.parameters["checkpoint"] else None)) for job in jobs}
        findings = run_check(check, rule, submission, evidence)
        return findings[0] if len(findings) == 1 else findings

    return judged


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        pytest.param({"at_most": 14_538}, Outcome.PASSED, id="exactly the budget"),
        pytest.param({"at_most": 14_537}, Outcome.FAILED, id="one over the budget"),
        pytest.param({"at_least": 14_538}, Outcome.PASSED, id="exactly the least"),
        pytest.param({"at_least": 14_539}, Outcome.FAILED, id="one under the least"),
        pytest.param({"exactly": 14_538}, Outcome.PASSED, id="exactly as many"),
        pytest.param({"exactly": 14_539}, Outcome.FAILED, id="not exactly as many"),
    ],
)
def test_parameter_bounds_are_inclusive(judge, bounds, outcome):
    assert judge(parameters=bounds).outcome is outcome


def test_a_budget_names_what_is_over(judge):
    assert judge(parameters={"at_most": 14_000}).said == "14,538 parameters, 538 over the 14,000 that are allowed"


def test_each_demand_is_one_finding_of_equal_weight(judge):
    found = judge(
        parameters={"at_most": 20_000},
        output=[10],
        contains=[{"kind": "conv2d"}, {"kind": "lstm"}],
        forbidden=["any_norm"],
    )
    assert [(finding.credit, finding.weight) for finding in found] == [(1, 1), (1, 1), (1, 1), (0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [([10], Outcome.PASSED), ([2, 10], Outcome.PASSED), ([11], Outcome.FAILED), ([10, 1], Outcome.FAILED)],
    ids=["without the batch", "with the batch", "another size", "another rank"],
)
def test_the_output_is_compared_without_the_batch(judge, wanted, outcome):
    assert judge(output=wanted).outcome is outcome


def test_the_input_is_compared_too(judge):
    assert judge(input=[1, 28, 28]).outcome is Outcome.PASSED
    assert judge(input=[3, 32, 32]).said == "the input is 1x28x28, not 3x32x32 (without the batch)"


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        pytest.param({"kind": "conv2d"}, Outcome.PASSED, id="at least one by default"),
        pytest.param({"kind": "conv2d", "at_least": 2}, Outcome.PASSED, id="just enough"),
        pytest.param({"kind": "conv2d", "at_least": 3}, Outcome.FAILED, id="one too few"),
        pytest.param({"kind": "conv2d", "at_most": 1}, Outcome.FAILED, id="one too many"),
        pytest.param({"kind": "conv2d", "exactly": 1, "with": {"kernel_size": 5}}, Outcome.PASSED, id="5 is (5, 5)"),
        pytest.param({"kind": "conv2d", "with": {"kernel": [5, 5]}}, Outcome.PASSED, id="kernel is kernel_size"),
        pytest.param({"kind": "conv2d", "with": {"kernel": [5, 3]}}, Outcome.FAILED, id="not square"),
        pytest.param({"kind": "relu", "exactly": 3}, Outcome.PASSED, id="modules and functions alike"),
        pytest.param({"kind": "max_pool2d", "exactly": 2, "with": {"stride": 2}}, Outcome.PASSED, id="default stride"),
        pytest.param({"kind": "any_pool", "exactly": 2}, Outcome.PASSED, id="a family"),
        pytest.param({"kind": "any_activation", "exactly": 3}, Outcome.PASSED, id="activations without dropout"),
        pytest.param({"kind": "Net"}, Outcome.PASSED, id="a class of the student's own"),
        pytest.param({"kind": "batch_norm2d"}, Outcome.FAILED, id="none"),
    ],
)
def test_contains_counts_layers_of_a_kind_with_attributes(judge, wanted, outcome):
    assert judge(contains=[wanted]).outcome is outcome


def test_contains_names_the_nearest_layer_and_the_value_found(judge):
    finding = judge(contains=[{"kind": "conv2d", "at_least": 2, "with": {"kernel_size": 3}}])
    assert finding.said == (
        "1 layer conv2d with kernel_size 3, at least 2 demanded; in conv1 (Conv2d) kernel_size is 5, not 3"
    )


def test_a_module_called_twice_is_one_layer(judge):
    layers = [*SMALL[:5], SMALL[4], *SMALL[5:]]
    assert judge(layers, contains=[{"kind": "conv2d", "exactly": 2}]).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("own", "wanted", "outcome"),
    [
        ("same", 2, Outcome.PASSED),
        (2, "same", Outcome.PASSED),
        ("valid", 0, Outcome.PASSED),
        (1, "same", Outcome.FAILED),
    ],
)
def test_padding_same_is_the_number_that_it_stands_for(judge, own, wanted, outcome):
    layers = [conv("conv1", 1, 6, 5, 28, padding=own)]
    assert judge(layers, contains=[{"kind": "conv2d", "with": {"padding": wanted}}]).outcome is outcome


SEQUENCE = [
    {"kind": "conv2d", "out_channels": 8, "kernel": 5},
    {"kind": "max_pool2d"},
    {"kind": "conv2d", "out_channels": 16},
    {"kind": "max_pool2d"},
    {"kind": "linear"},
    {"kind": "linear", "out_features": 10},
]


@pytest.mark.parametrize("exact", [False, True])
def test_a_sequence_skips_activations_dropout_and_flatten(judge, exact):
    assert judge(sequence=SEQUENCE, exact=exact).outcome is Outcome.PASSED


def test_other_layers_may_stand_between_unless_exact(judge):
    shorter = [SEQUENCE[0], SEQUENCE[2], SEQUENCE[5]]
    assert judge(sequence=shorter).outcome is Outcome.PASSED
    finding = judge(sequence=shorter, exact=True)
    assert finding.said == "layer 2 is pool (MaxPool2d), not conv2d (out_channels 16)"


def test_what_is_asked_for_is_never_ignored(judge):
    wanted = [{"kind": "conv2d"}, {"kind": "relu"}, {"kind": "max_pool2d"}]
    assert judge(SMALL[1:4], sequence=wanted, exact=True).outcome is Outcome.PASSED
    assert judge([SMALL[1], SMALL[3]], sequence=wanted, exact=True).outcome is Outcome.FAILED


def test_view_and_reshape_are_a_flatten(judge):
    assert judge(sequence=[{"kind": "flatten"}, {"kind": "linear"}]).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        pytest.param(
            SMALL[:-1], "the model ends after 5 layers; linear (out_features 10) is missing", id="one too few"
        ),
        pytest.param([*SMALL, SMALL[-1]], "layer 7, fc2 (Linear), is one too many", id="one too many"),
        pytest.param(
            [conv("conv1", 1, 6, 5, 24), *SMALL[2:]],
            "in layer 1, conv1 (Conv2d), out_channels is 6, not 8",
            id="another number of channels",
        ),
    ],
)
def test_an_exact_sequence_names_the_first_slip(judge, layers, said):
    assert judge(layers, sequence=SEQUENCE, exact=True).said == said


def test_a_sequence_names_the_layer_that_is_not_found(judge):
    wanted = [{"kind": "conv2d", "out_channels": 8}, {"kind": "conv2d", "out_channels": 32}]
    assert judge(sequence=wanted).said == (
        "layer 2 of the demanded order, conv2d (out_channels 32), is not found after conv1 (Conv2d); "
        "in conv2 (Conv2d) out_channels is 16, not 32"
    )


def test_the_order_matters(judge):
    assert judge(sequence=[{"kind": "linear"}, {"kind": "conv2d"}]).outcome is Outcome.FAILED


def test_the_rubrics_network_is_held_against_shapes_and_parameters(judge):
    assert judge(network=NETWORK).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        pytest.param(
            [conv("conv1", 1, 6, 5, 24), *SMALL[2:]],
            "layer 1, conv1 (Conv2d), is the first that differs: 6x24x24, 156 parameters, not 8x24x24, 208 parameters "
            "(conv2d)",
            id="a channel slip",
        ),
        pytest.param(SMALL[:-1], "layer 6, linear, is missing", id="one too few"),
        pytest.param([*SMALL, SMALL[-1]], "layer 7, fc2 (Linear), is one too many", id="one too many"),
    ],
)
def test_the_first_layer_that_differs_from_the_network_is_named(judge, layers, said):
    assert judge(layers, network=NETWORK).said == said


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([*SMALL[:3], live("AvgPool2d", "pool", 0, (2, 8, 12, 12)), *SMALL[4:]], id="average for max"),
        pytest.param(
            [SMALL[0], {**live("functional:conv2d", "", 0, (2, 8, 24, 24))}, *SMALL[2:]], id="weights of its own"
        ),
        pytest.param([{**live("Net", "", 14_538, (2, 10)), "torch_kind": None}], id="all in one module of its own"),
        pytest.param([{**SMALL[0], "is_leaf": False}, *SMALL[1:]], id="weights outside of the layers"),
    ],
)
def test_what_shapes_and_counts_do_not_tell_is_for_a_person(make_rule, hand_in, model, done, layers):
    check = all_checks()["architecture"]
    rule, submission = make_rule("architecture", model=model, network=NETWORK), hand_in(files={"model.py": "x"})
    [job] = check.needs(rule, submission)
    result = described(layers)
    result["parameters"] = 14_538 + 100 * (layers[1:] == SMALL[1:])
    [finding] = run_check(check, rule, submission, {job: done(result)})
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, None)


@pytest.mark.parametrize("kind", ["functional:adaptive_max_pool2d", "functional:max_pool2d", "AdaptiveMaxPool2d"])
def test_any_pooling_of_the_same_nature_is_the_networks(judge, kind):
    assert judge([*SMALL[:3], live(kind, "pool", 0, (2, 8, 12, 12)), *SMALL[4:]], network=NETWORK).credit == 1


NORMED = [
    conv("c1", 3, 32, 3, 32, 1),
    live("BatchNorm2d", "bn1"),
    live("ReLU", "r1"),
    conv("c2", 32, 64, 3, 32, 1),
    live("BatchNorm2d", "bn2"),
]


@pytest.mark.parametrize(
    ("layers", "outcome"),
    [
        pytest.param(NORMED, Outcome.PASSED, id="after each"),
        pytest.param(NORMED[:4], Outcome.FAILED, id="nothing after the last"),
        pytest.param([NORMED[0], *NORMED[2:]], Outcome.FAILED, id="one without"),
        pytest.param([NORMED[0], NORMED[2], NORMED[1]], Outcome.FAILED, id="behind the activation"),
        pytest.param([NORMED[1]], Outcome.FAILED, id="no convolution at all"),
    ],
)
def test_a_norm_must_directly_follow_every_convolution(judge, layers, outcome):
    assert judge(layers, after_each=[{"every": "conv2d", "follows": "batch_norm2d"}]).outcome is outcome


def test_an_identity_is_no_layer(judge):
    """It is what is left of an activation that was taken out, and what stands in for a dropout that is off."""
    without = [live("Identity", "act", 0, (2, 32)) if layer["name"] == "act" else layer for layer in SMALL]
    assert judge(without, contains=[{"kind": "any_activation", "at_least": 3}]).outcome is Outcome.FAILED
    assert judge(without, after_each=[{"every": "linear", "follows": "any_dropout", "except_last": True}]).outcome is (
        Outcome.PASSED
    )
    kinds = ["conv2d", "max_pool2d", "conv2d", "max_pool2d", "linear", "linear"]
    assert judge(without, sequence=[{"kind": kind} for kind in kinds], exact=True).outcome is Outcome.PASSED


def test_the_last_may_be_spared(judge):
    rule = {"every": "linear", "follows": "any_activation"}
    assert judge(after_each=[rule]).said == "behind fc2 (Linear) comes nothing, not any_activation"
    assert judge(after_each=[{**rule, "except_last": True}]).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        pytest.param({}, Outcome.PASSED, id="any"),
        pytest.param({"p": 0.5}, Outcome.PASSED, id="the right p"),
        pytest.param({"p": 0.25}, Outcome.FAILED, id="another p"),
        pytest.param({"exactly": 2}, Outcome.FAILED, id="one too few"),
        pytest.param({"exactly": 0}, Outcome.FAILED, id="none wanted"),
    ],
)
def test_dropout_is_counted_and_its_p_compared(judge, wanted, outcome):
    assert judge(dropout=wanted).outcome is outcome


def test_forbidden_kinds_are_found_as_functions_and_containers_too(judge):
    assert judge(forbidden=["avg_pool2d"]).outcome is Outcome.PASSED
    assert judge(forbidden=["max_pool2d"]).said == "pool (MaxPool2d) is of a kind that is not allowed here"
    assert judge(forbidden=["net"]).outcome is Outcome.FAILED


FITS = {"missing": [], "extra": [], "misshaped": [], "module_prefix": False, "is_loaded": True}


@pytest.mark.parametrize(
    ("state", "outcome", "said"),
    [
        pytest.param(FITS, Outcome.PASSED, "fits the model", id="fits"),
        pytest.param({**FITS, "finite": False}, Outcome.FAILED, "not finite", id="holds a NaN"),
        pytest.param({**FITS, "module_prefix": True}, Outcome.PASSED, "'module.' is taken off", id="fits after all"),
        pytest.param(None, Outcome.FAILED, "'model.pth' was not handed in", id="not there"),
        pytest.param(
            {**FITS, "is_loaded": False, "missing": ["fc.weight", "fc.bias"], "extra": ["head.weight"]},
            Outcome.FAILED,
            "2 keys missing (fc.weight, fc.bias); 1 key too many (head.weight)",
            id="renamed",
        ),
        pytest.param(
            {
                **FITS,
                "is_loaded": False,
                "misshaped": [{"name": "conv1.weight", "expected": [16, 1, 5, 5], "found": [6, 1, 5, 5]}],
            },
            Outcome.FAILED,
            "1 tensor of another shape (conv1.weight is 6x1x5x5, the model's 16x1x5x5)",
            id="misshaped",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_explained(judge, state, outcome, said):
    finding = judge(state=state, checkpoint_fits=True)
    assert finding.outcome is outcome
    assert said in finding.said


def test_the_prefix_of_data_parallel_training_has_its_own_remedy(judge):
    state = {**FITS, "is_loaded": False, "missing": ["a"], "extra": ["module.a"], "module_prefix": True}
    assert "model.module.state_dict()" in judge(state=state, checkpoint_fits=True).fix


def test_a_checkpoint_that_does_not_fit_costs_nothing_where_that_is_not_asked(judge):
    assert judge(state={**FITS, "is_loaded": False}, output=[10]).outcome is Outcome.PASSED


def test_students_names_are_only_text(judge):
    finding = judge([live("Conv2d", "\x1b[31mred")], forbidden=["conv2d"])
    assert "\x1b" not in finding.said


def test_a_refused_checkpoint_does_not_hide_what_the_code_is_worth(make_rule, hand_in, model, done, student_fault):
    check = all_checks()["architecture"]
    rule = make_rule("architecture", model=model, output=[10], checkpoint_fits=True)
    submission = hand_in(files={"model.py": "x", "model.pth": "pickled code"})
    evidence = {
        describe_job(submission, model): done(described(SMALL)),
        describe_job(submission, model, with_checkpoint=True): student_fault,
    }
    assert [finding.credit for finding in run_check(check, rule, submission, evidence)] == [1, 0]


OWN = {"torch_kind": None}


def test_a_students_own_modules_are_seen_through(judge):
    """Without parameters a module is its functions, with them it is a layer; a subclass is what it is made from."""
    layers = [
        {**live("MyConv", "c"), "torch_kind": "Conv2d"},
        {**live("Act", "a"), **OWN},
        {**live("functional:relu", "a"), **OWN},
        {**live("Scale", "s", 5), **OWN},
        {**live("functional:mul", "s"), **OWN},
        {**live("functional:relu", "s"), **OWN},
        {**live("functional:batch_norm", ""), **OWN},
    ]
    wanted = [{"kind": "conv2d"}, {"kind": "relu"}, {"kind": "Scale"}, {"kind": "batch_norm2d"}]
    assert judge(layers, sequence=wanted, exact=True, ignoring=[]).outcome is Outcome.PASSED
    assert judge(layers, contains=[{"kind": "any_norm", "exactly": 1}]).outcome is Outcome.PASSED


def test_missing_code_is_named_and_a_missing_checkpoint_is_not_in_the_way(make_rule, hand_in, model):
    check = all_checks()["architecture"]
    rule = make_rule("architecture", model=model, output=[10])
    nothing = hand_in()
    assert list(check.needs(rule, nothing)) == []
    [finding] = run_check(check, rule, nothing, {})
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "missing-file")
    assert "model.py" in finding.said
    assert "model.pth" not in finding.said


def test_whose_fault_it_is_decides(make_rule, hand_in, model, student_fault, system_fault):
    check = all_checks()["architecture"]
    rule, submission = make_rule("architecture", model=model, output=[10]), hand_in(files={"model.py": "x"})
    job = describe_job(submission, model)
    assert run_check(check, rule, submission, {job: student_fault})[0].outcome is Outcome.FAILED
    assert run_check(check, rule, submission, {job: system_fault})[0].outcome is Outcome.UNKNOWN


# --- two reports ---------------------------------------------------------------------------------


def test_a_net_with_norms_and_one_dropout_of_half_meets_its_demands(judge):
    """Report 004: four convolutions, a BatchNorm after each, dropout 50%; the live model decides which pooling."""
    layers = []
    for index, channels in enumerate([(3, 32), (32, 32), (32, 64), (64, 64)], 1):
        layers += [conv(f"conv{index}", *channels, 3, 32, 1), live("BatchNorm2d", f"bn{index}"), live("ReLU", "r")]
        layers += [live("MaxPool2d", f"pool{index}", kernel_size=2)] if index % 2 == 0 else []
    layers += [live("Dropout", "drop", p=0.5), live("Linear", "fc1"), live("ReLU", "r"), live("Linear", "fc2")]
    found = judge(
        layers,
        contains=[{"kind": "conv2d", "exactly": 4}, {"kind": "linear", "exactly": 2}],
        after_each=[{"every": "conv2d", "follows": "batch_norm2d"}],
        dropout={"p": 0.5, "exactly": 1},
    )
    assert [finding.outcome for finding in found] == [Outcome.PASSED] * 4
    assert judge(layers, contains=[{"kind": "avg_pool2d"}]).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        pytest.param({}, "rules/0", id="no demand"),
        pytest.param({"exact": True, "output": [10]}, "/exact", id="exact what"),
        pytest.param({"parameters": {"at_least": 2, "at_most": 1}}, "/parameters", id="no number is both"),
        pytest.param({"contains": [{"kind": "relu", "exactly": 2, "at_most": 1}]}, "/contains/0", id="nor here"),
        pytest.param({"forbidden": ["conv_2d"]}, "/forbidden/0", id="an unknown kind"),
        pytest.param(
            {"network": {"input": [1, 1, 28, 28], "layers": [{"kind": "conv2d", "out_channels": 2, "kernel": 29}]}},
            "/network/layers/0",
            id="a network that does not fit",
        ),
    ],
)
def test_lint_names_settings_that_make_no_sense(make_rule, model, settings, where):
    [problem] = all_checks()["architecture"].lint(make_rule("architecture", model=model, **settings))
    assert problem.where.endswith(where)


def test_lint_warns_of_a_model_that_takes_another_input_than_its_network(make_rule, model):
    wider = model | {"input": [3, 32, 32]}
    [problem] = all_checks()["architecture"].lint(make_rule("architecture", model=wider, network=NETWORK))
    assert (problem.code, problem.where) == ("warning-input", "rubrics/test.yaml:7 /tasks/0/rules/0/model/input")


def test_lint_leaves_sensible_settings_alone(make_rule, model):
    rule = make_rule(
        "architecture",
        model=model,
        network=NETWORK,
        sequence=SEQUENCE,
        exact=True,
        dropout={"exactly": 0},
        parameters={"at_least": 5, "at_most": 5},
    )
    assert list(all_checks()["architecture"].lint(rule)) == []
