"""Frozen, trained, replaced: a fine-tuned checkpoint against the weights that it began with, PyTorch as the oracle."""

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Evidence, EvidenceStatus, Outcome, Problem

PASSED, FAILED, REVIEW, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW, Outcome.UNKNOWN
RULE = {
    "checkpoint": "resnet.pth",
    "pretrained": "resnet18",
    "frozen": ["stem", "layer1"],
    "trained": ["layer2"],
    "head": {"name": "fc", "classes": 10},
}


def row(name, shape=(4, 4), same="exactly", change=0.0, likeness=1.0, found=None, found_shape=None):
    """A pretrained tensor of a `transfer` job's result."""
    found = name if found is None else found
    shown = list(found_shape or shape) if found else None
    about = {"dtype": "float32" if found else "", "same": same, "change": change, "likeness": likeness}
    return {"name": name, "shape": list(shape), "found": found, "found_shape": shown, **about}


def trained(name, shape=(4, 4), change=0.05, likeness=0.99):
    return row(name, shape, "no", change, likeness)


STEM = [row("stem.weight", (8, 3, 3, 3))]
BLOCK = [row("layer1.weight"), row("layer1.running_mean", (4,)), row("layer1.num_batches_tracked", ())]
LAST = [trained("layer2.weight"), trained("layer2.bias", (4,), 0.2, 0.9)]
HEAD = [
    row("fc.weight", (1000, 4), "no", found_shape=(10, 4)),
    row("fc.bias", (1000,), "no", found_shape=(10,)),
]
GOOD = [*STEM, *BLOCK, *LAST, *HEAD]


@pytest.fixture
def findings(make_rule, hand_in, done):
    """All findings, of a `transfer` result made by hand; `rows` may be evidence of another ending."""

    def run(rows=GOOD, *, extra=(), way="names", listed=None, **settings):
        kind = all_checks()["transfer"]
        settings = {key: value for key, value in {**RULE, **settings}.items() if value is not None}
        rule = make_rule("transfer", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not list(kind.lint(rule))
        submission = hand_in({}, files={"resnet.pth": b"x"})
        first, second = kind.needs(rule, submission)
        if not isinstance(rows, Evidence):
            rows = done({"tensors": list(rows), "extra": list(extra), "way": way, "refused": None})
        listed = listed if isinstance(listed, Evidence) else done({"tensors": listed or []})
        return run_check(kind, rule, submission, {first: listed, second: rows})

    return run


@pytest.fixture
def judge(findings):
    """The findings that carry points, by their codes."""
    return lambda *args, **settings: {one.code: one for one in findings(*args, **settings) if one.weight > 0}


# --- leave it alone ---------------------------------------------------------------------------


def test_a_network_that_was_fine_tuned_as_asked_earns_everything(findings):
    found = findings()
    assert [(one.outcome, one.code) for one in found] == [
        (PASSED, "frozen"),
        (PASSED, "trained"),
        (PASSED, "head-replaced"),
    ]
    assert "bit for bit" in found[0].said
    assert "2 weight tensors" in found[0].said
    assert "[10, 4]" in found[2].said


def test_weights_saved_in_half_precision_are_still_frozen(judge):
    rows = [row("stem.weight", (8, 3, 3, 3), "rounded", 1e-4), *BLOCK, *LAST, *HEAD]
    found = judge(rows)["frozen"]
    assert found.outcome is PASSED
    assert "the type" in found.said


def test_statistics_that_moved_in_train_mode_are_a_remark(findings):
    rows = [*STEM, row("layer1.weight"), row("layer1.running_mean", (4,), "no", 0.4), *LAST, *HEAD]
    found = findings(rows)
    assert {one.outcome for one in found} == {PASSED}
    [told] = [one for one in found if one.weight == 0]
    assert "train mode" in told.said


def test_the_rubric_may_ask_for_frozen_statistics(judge):
    rows = [*STEM, row("layer1.weight"), row("layer1.running_mean", (4,), "no", 0.4), *LAST, *HEAD]
    found = judge(rows, statistics="frozen")
    assert found["statistics-moved"].outcome is FAILED
    assert found["statistics-moved"].fix.startswith("call eval()")
    assert judge(statistics="frozen")["statistics-frozen"].outcome is PASSED


def test_the_rest_is_all_but_what_is_trained_and_the_head(judge):
    assert judge(frozen="rest")["frozen"].outcome is PASSED
    rows = [trained("stem.weight", (8, 3, 3, 3)), *BLOCK, *LAST, *HEAD]
    found = judge(rows, frozen="rest")["not-frozen"]
    assert found.said.startswith("stem had to stay frozen")


def test_of_a_part_that_is_trained_in_part_the_rest_is_looked_at_by_tensors(judge):
    rows = [*STEM, row("layer1.0.weight"), trained("layer1.1.weight"), *HEAD]
    assert judge(rows, frozen="rest", trained=["layer1.1"])["frozen"].outcome is PASSED
    rows[1] = trained("layer1.0.weight")
    assert judge(rows, frozen="rest", trained=["layer1.1"])["not-frozen"].outcome is FAILED


# --- frozen -----------------------------------------------------------------------------------


def test_a_layer_that_was_trained_though_it_had_to_be_frozen_is_named(judge):
    rows = [*STEM, trained("layer1.weight", change=0.041), *LAST, *HEAD]
    found = judge(rows)
    assert (found["not-frozen"].outcome, found["not-frozen"].credit) == (FAILED, 0)
    assert "layer1.weight has moved by 4.1% of its length" in found["not-frozen"].said
    assert "requires_grad = False" in found["not-frozen"].fix
    assert {found[code].outcome for code in ("trained", "head-replaced")} == {PASSED}


def test_a_frozen_layer_of_another_shape_was_replaced(judge):
    rows = [row("stem.weight", (8, 3, 7, 7), "no", found_shape=(8, 3, 3, 3)), *BLOCK, *LAST, *HEAD]
    found = judge(rows)["not-frozen"]
    assert (found.outcome, "[8, 3, 3, 3] and not [8, 3, 7, 7]" in found.said) == (FAILED, True)


def test_what_rounding_explains_goes_to_a_person(judge):
    rows = [row("stem.weight", (8, 3, 3, 3), "no", 1e-8), *BLOCK, *LAST, *HEAD]
    assert judge(rows)["rounding"].outcome is REVIEW


def test_what_is_not_found_goes_to_a_person(judge):
    rows = [row("stem.weight", (8, 3, 3, 3), "no", found=""), *BLOCK, *LAST, *HEAD]
    assert judge(rows)["not-found"].outcome is REVIEW


def test_what_may_be_another_tensor_proves_nothing(judge):
    """Matched by its place in the row, and unlike: the order may be another one."""
    rows = [trained("stem.weight", (8, 3, 3, 3), 1.4, 0.01), *BLOCK, *LAST, *HEAD]
    assert judge(rows, way="order")["not-found"].outcome is REVIEW
    assert judge(rows)["not-frozen"].outcome is FAILED
    rows = [*STEM, *BLOCK, row("layer1.bias", (4,), "no", 0.1, 0.98), *LAST, *HEAD]  # of one axis alone
    assert judge(rows, way="order")["not-found"].outcome is REVIEW
    assert judge(rows)["not-frozen"].outcome is FAILED


def test_other_weights_than_the_courses_go_to_a_person(findings):
    """From scratch, or from somebody else's pretraining: neither is told to be unfrozen."""
    rows = [trained(one["name"], one["shape"], 1.4, 0.01) for one in [*STEM, *BLOCK, *LAST]] + HEAD
    found, head = findings(rows)
    assert (found.outcome, found.code, found.weight) == (REVIEW, "another-network", 2)
    assert head.code == "head-replaced"
    [only] = findings(rows, frozen=None, trained=None)
    assert only.code == "head-replaced"


def test_a_network_that_was_trained_as_a_whole_is_told_from_one_of_other_weights(judge):
    rows = [trained(one["name"], one["shape"]) for one in [*STEM, *BLOCK, *LAST]] + HEAD
    assert judge(rows)["not-frozen"].outcome is FAILED


# --- trained, head ----------------------------------------------------------------------------


def test_a_block_that_was_never_trained_is_told(judge):
    rows = [*STEM, *BLOCK, row("layer2.weight"), row("layer2.bias", (4,)), *HEAD]
    found = judge(rows)["not-trained"]
    assert found.outcome is FAILED
    assert "requires_grad = True" in found.fix


def test_a_block_that_was_trained_in_part_goes_to_a_person(judge):
    """The last block of ResNet is layer4, or layer4.1: a person reads the sheet."""
    rows = [*STEM, *BLOCK, row("layer2.weight"), trained("layer2.bias", (4,)), *HEAD]
    assert judge(rows)["partly-trained"].outcome is REVIEW


def test_a_block_that_was_made_anew_is_told_and_costs_nothing(findings):
    rows = [*STEM, *BLOCK, trained("layer2.weight", change=1.4, likeness=0.02), trained("layer2.bias", (4,)), *HEAD]
    found = {one.code: one for one in findings(rows)}
    assert found["trained"].outcome is PASSED
    assert (found["made-anew"].outcome, found["made-anew"].weight) == (REVIEW, 0)


def test_the_head_of_another_number_of_classes_is_wrong(judge):
    rows = [*STEM, *BLOCK, *LAST, row("fc.weight", (1000, 4), "no", found_shape=(100, 4))]
    found = judge(rows)["head-classes"]
    assert (found.outcome, "100 classes, not 10" in found.said) == (FAILED, True)
    assert found.fix == "model.fc = nn.Linear(4, 10)"


def test_the_pretrained_head_is_no_new_one(judge):
    rows = [*STEM, *BLOCK, *LAST, row("fc.weight", (1000, 4))]
    assert judge(rows)["head-kept"].outcome is FAILED
    rows = [*STEM, *BLOCK, *LAST, trained("fc.weight", (1000, 4))]
    assert "as the pretrained network has them" in judge(rows)["head-classes"].said


def test_a_head_of_several_layers_is_found_among_what_is_new(judge):
    rows = [*STEM, *BLOCK, *LAST, row("fc.weight", (1000, 4), "no", found="")]
    extra = [{"name": "fc.0.weight", "shape": [64, 4]}, {"name": "fc.2.weight", "shape": [10, 64]}]
    assert judge(rows, extra=extra)["head-replaced"].outcome is PASSED
    assert judge(rows, extra=extra[:1])["head-classes"].outcome is FAILED
    assert judge(rows, extra=[extra[0], {"name": "z.weight", "shape": [7, 64]}])["no-head"].outcome is REVIEW


# --- without the weights file -----------------------------------------------------------------


@pytest.fixture
def no_weights():
    problem = Problem("weights-missing", "pretrained resnet18", "they are not here", "export GRADER_RESNET18=FILE")
    return Evidence("key", EvidenceStatus.SYSTEM_FAULT, problem=problem)


@pytest.mark.parametrize(("shape", "outcome"), [((10, 512), PASSED), ((1000, 512), FAILED)])
def test_without_the_weights_file_the_head_is_judged_and_the_rest_is_unknown(findings, no_weights, shape, outcome):
    listed = [
        {"name": "model.layer4.1.conv2.weight", "shape": [512, 512, 3, 3], "elements": 9, "is_shared": False},
        {"name": "model.fc.weight", "shape": list(shape), "elements": 9, "is_shared": False},
    ]
    found = findings(no_weights, listed=listed)
    assert [one.outcome for one in found] == [UNKNOWN, UNKNOWN, outcome]
    assert found[0].fix == "export GRADER_RESNET18=FILE"
    assert "frozen (stem, layer1)" in found[0].said


def test_the_parameters_are_counted_without_statistics_and_copies(judge):
    listed = [
        {"name": "a.weight", "shape": [10], "elements": 10, "is_shared": False},
        {"name": "b.weight", "shape": [10], "elements": 10, "is_shared": True},
        {"name": "a.running_var", "shape": [3], "elements": 3, "is_shared": False},
    ]
    assert judge(listed=listed, parameters=10)["parameters"].outcome is PASSED
    assert judge(listed=listed, parameters=13)["parameters-differ"].outcome is REVIEW


def test_a_part_that_the_network_does_not_have_is_the_rubrics_mistake(findings):
    [found] = findings(frozen=["layer9"])
    assert (found.outcome, "stem, layer1, layer2, fc" in found.fix) == (UNKNOWN, True)


def test_a_file_that_is_not_there_or_refused_is_the_students(make_rule, hand_in, findings, student_fault):
    kind, rule = all_checks()["transfer"], make_rule("transfer", **RULE)
    [found] = run_check(kind, rule, hand_in({}), {})
    assert (found.outcome, found.code) == (FAILED, "missing-file")
    assert not list(kind.needs(rule, hand_in({})))
    [found] = findings(listed=student_fault)
    assert found.outcome is FAILED


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"frozen": None, "trained": None, "head": None}, "nothing is demanded"),
        ({"frozen": None, "statistics": "frozen"}, "without `frozen`"),
        ({"frozen": ["layer2.0"]}, "one part"),
        ({"trained": ["fc"]}, "one part"),
    ],
)
def test_settings_that_cannot_be_meant_are_told(make_rule, settings, word):
    settings = {key: value for key, value in {**RULE, **settings}.items() if value is not None}
    told = [problem.what for problem in all_checks()["transfer"].lint(make_rule("transfer", **settings))]
    assert word in " ".join(told)


# --- the job, with real files -----------------------------------------------------------------

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def resnet():
    """torchvision's own structure, with random weights in place of the pretrained ones."""
    from grader import torchvision_ops

    torchvision_ops.install()
    from torchvision.models import resnet18

    torch.manual_seed(7)
    return resnet18(weights=None)


@pytest.fixture
def level():
    from grader import sandbox

    found = sandbox.level()
    if not found.is_isolated:
        pytest.skip(f"no sandbox here: {found.reason}")
    return found


@pytest.fixture
def graded(tmp_path, monkeypatch, resnet, hand_in, make_rule, level):
    """The whole way: files on disk, the job in the sandbox, the check. `state` is what the student saved."""
    from grader.evidence.kinds import Bench
    from grader.evidence.local import LocalRunner
    from grader.evidence.plan import Plan
    from grader.limits import Limits

    weights = tmp_path / "weights" / "resnet18.pth"
    weights.parent.mkdir()
    torch.save(resnet.state_dict(), weights)
    monkeypatch.setenv("GRADER_RESNET18", str(weights))

    def run(state, **settings):
        if isinstance(state, bytes):
            saved = state
        else:
            torch.save(state, tmp_path / "made.pth")
            saved = (tmp_path / "made.pth").read_bytes()
        submission = hand_in({}, files={"resnet.pth": saved})
        kind = all_checks()["transfer"]
        rule = make_rule("transfer", **{**RULE, "frozen": "rest", "trained": ["layer4"], **settings})
        plan = Plan.of((job, submission.root) for job in kind.needs(rule, submission))
        evidence = LocalRunner(Bench(Limits(wall_s=60), level))(plan)
        return {one.code: one for one in run_check(kind, rule, submission, evidence)}

    return run


def fine_tuned(resnet, *, freeze=True, in_eval=True, lr=1e-3):
    """Two steps of Adam on random images, by PyTorch itself: layer4 and a new head, as the sheet asks."""
    import copy

    torch.manual_seed(1)
    model = copy.deepcopy(resnet)
    if freeze:
        for parameter in model.parameters():
            parameter.requires_grad = False
        for parameter in model.layer4.parameters():
            parameter.requires_grad = True
    model.fc = torch.nn.Linear(512, 10)
    model.train()
    if in_eval:
        for name, part in model.named_children():
            if name not in ("layer4", "fc"):
                part.eval()
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=lr)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
        optimizer.step()
    return model


@pytest.mark.torch
def test_a_real_fine_tuning_is_confirmed(graded, resnet):
    found = graded(fine_tuned(resnet).state_dict(), statistics="frozen", parameters=11_181_642)
    assert {one.outcome for one in found.values()} == {PASSED}
    assert "bit for bit" in found["frozen"].said
    assert set(found) == {"frozen", "statistics-frozen", "trained", "head-replaced", "parameters"}


@pytest.mark.torch
def test_in_train_mode_the_statistics_move_and_the_weights_do_not(graded, resnet):
    found = graded(fine_tuned(resnet, in_eval=False).state_dict())
    assert found["frozen"].outcome is PASSED
    assert "45 of 45" in found["statistics-moved"].said  # three for each of the 15 layers before layer4


@pytest.mark.torch
def test_a_fine_tuning_of_everything_is_no_frozen_one(graded, resnet):
    found = graded(fine_tuned(resnet, freeze=False).state_dict())
    assert found["not-frozen"].outcome is FAILED
    assert "conv1, bn1, layer1, layer2 and layer3" in found["not-frozen"].said
    assert found["trained"].outcome is PASSED


@pytest.mark.torch
def test_a_network_from_scratch_is_told_from_an_unfrozen_one(graded):
    from torchvision.models import resnet18

    torch.manual_seed(8)
    model = resnet18(weights=None)
    model.fc = torch.nn.Linear(512, 10)
    assert graded(model.state_dict())["another-network"].outcome is REVIEW


@pytest.mark.torch
@pytest.mark.parametrize(("dtype", "is_read_back"), [("float16", False), ("bfloat16", True), ("float64", False)])
def test_the_type_that_it_was_saved_in_changes_nothing(graded, resnet, dtype, is_read_back):
    state = {
        name: tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor
        for name, tensor in fine_tuned(resnet).state_dict().items()
    }
    if is_read_back:
        state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    assert [one.said for one in graded(state).values() if one.outcome is not PASSED] == []


@pytest.mark.torch
def test_weights_that_lie_in_another_order_in_memory_are_the_same(graded, resnet):
    model = fine_tuned(resnet).to(memory_format=torch.channels_last)
    assert not model.layer1[0].conv1.weight.is_contiguous()
    assert {one.outcome for one in graded(model.state_dict()).values()} == {PASSED}


@pytest.mark.torch
def test_other_names_are_matched(graded, resnet):
    """Below a prefix, and as a row of the network's children, whose names are numbers."""
    model = fine_tuned(resnet)
    prefixed = graded({f"model.backbone.{name}": tensor for name, tensor in model.state_dict().items()})
    assert {one.outcome for one in prefixed.values()} == {PASSED}
    assert "names below model.backbone." in prefixed["other-names"].said

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.features = torch.nn.Sequential(*list(model.children())[:-1])
            self.classifier = torch.nn.Linear(512, 10)

    for state in (Net().state_dict(), dict(sorted(Net().state_dict().items()))):
        found = graded(state)
        assert {one.outcome for one in found.values()} == {PASSED}
        assert "by parts" in found["other-names"].said
    broken = Net().state_dict()
    broken["features.5.0.conv1.weight"] = broken["features.5.0.conv1.weight"] + 0.01
    assert "layer2.0.conv1.weight (here features.5.0.conv1.weight)" in graded(broken)["not-frozen"].said


@pytest.mark.torch
def test_a_weights_file_that_cannot_be_read_is_not_the_students(graded, resnet, monkeypatch, tmp_path):
    state = fine_tuned(resnet).state_dict()
    (tmp_path / "old.pth").write_bytes(b"\x80\x02not weights")
    monkeypatch.setenv("GRADER_RESNET18", str(tmp_path / "old.pth"))
    found = graded(state)
    assert found["weights-broken"].outcome is UNKNOWN
    assert "torch.save" in found["weights-broken"].fix
    assert found["head-replaced"].outcome is PASSED
    monkeypatch.setenv("GRADER_RESNET18", str(tmp_path / "gone.pth"))
    found = graded(state)
    assert found["weights-missing"].outcome is UNKNOWN
    assert "GRADER_RESNET18" in found["weights-missing"].fix


@pytest.mark.torch
def test_a_file_that_is_no_weights_is_the_students(graded):
    [found] = graded(b"not weights at all").values()
    assert found.outcome is FAILED
