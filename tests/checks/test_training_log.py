"""A log shows what was asked, or a line says where not; what an honest training prints is never called wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Outcome

TORCH_FILE = Path(__file__).parents[1] / "documents" / "training_log" / "torch.tfevents"
RECOMPUTE = {"from": "predict", "data": "mnist", "split": "test"}
PASSED, FAILED, REVIEW = Outcome.PASSED, Outcome.FAILED, Outcome.REVIEW


@pytest.fixture
def findings(make_rule, hand_in):
    """All findings on one log, or on `files`; settings are valid and free of problems."""

    def run(text, *, given=None, files=None, evidence=None, **settings):
        kind = all_checks()["training-log"]
        settings = {"log": "train*", **settings}
        rule = make_rule("training-log", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not list(kind.lint(rule))
        submission = hand_in(given, files={**({"train.log": text} if text is not None else {}), **(files or {})})
        jobs = dict.fromkeys(kind.needs(rule, submission), evidence)
        return run_check(kind, rule, submission, jobs)

    return run


@pytest.fixture
def judge(findings):
    """The one finding that carries the points, with `contradictions: fail` unless said otherwise."""

    def run(text, **settings):
        [one] = [one for one in findings(text, **{"contradictions": "fail", **settings}) if one.weight > 0]
        return one

    return run


def csv(epochs, values=None, start=1):
    rows = [
        f"{start + at},{0.5 / (at + 1):.4f},{values[at] if values else 0.9 + at / 1000:.4f}" for at in range(epochs)
    ]
    return "epoch,train_loss,test_acc\n" + "\n".join(rows) + "\n"


# --- an honest log passes -----------------------------------------------------------------------


KERAS = "".join(
    f"Epoch {epoch}/3\n938/938 [=====] - 4s - loss: {0.4 / epoch:.4f} - accuracy: 0.9{epoch}12 "
    f"- val_loss: {0.3 / epoch:.4f} - val_accuracy: 0.9{epoch}40\n"
    for epoch in (1, 2, 3)
)
PYTORCH = "".join(
    "".join(f"Train Epoch: {e} [{k * 640}/60000 ({k}%)]\tLoss: {0.3 / e:.6f}\n" for k in range(0, 94, 10))
    + f"\nTest set: Average loss: 0.05{e}, Accuracy: 98{e}0/10000 (98%)\n\n"
    for e in (1, 2, 3)
)
TUTORIAL = "".join(f"[{e}, {s:5d}] loss: {1.0 / e + 1 / s:.3f}\n" for e in (1, 2, 3) for s in (1000, 2000, 3000))
JSONL = "".join(
    json.dumps(
        {"epoch": e, "step": 938 * e, "train_loss": 0.3 / e, "learning_rate": 0.001, "test_accuracy": 0.97 + e / 1000}
    )
    + "\n"
    for e in (1, 2, 3)
)


@pytest.mark.parametrize(
    ("log", "settings"),
    [
        pytest.param(csv(3), {}, id="CSV"),
        pytest.param(csv(3, start=0), {}, id="CSV from 0"),
        pytest.param(KERAS, {"batches": {"n": 60000, "size": 64}}, id="Keras"),
        pytest.param(
            PYTORCH, {"batches": {"n": 60000, "size": 64}, "of": {"test": {"n": 10000}}}, id="PyTorch's example"
        ),
        pytest.param(TUTORIAL, {"every": 1000, "batches": {"n": 60000, "size": 16}}, id="PyTorch's tutorial"),
        pytest.param(
            JSONL,
            {
                "batches": {"n": 60000, "size": 64},
                "learning_rate": 0.001,
                "every": 1000,
                "prints": ["learning_rate", "step"],
            },
            id="our own",
        ),
    ],
)
def test_an_honest_log_of_any_kind_passes(judge, log, settings):
    found = judge(log, epochs=3, loss="cross_entropy", classes=10, **settings)
    assert (found.outcome, found.credit) == (PASSED, 1), found.said


def test_a_tensorboard_file_passes(judge):
    found = judge(
        None, files={"train/events.out.tfevents.1": TORCH_FILE.read_bytes()}, log="**events*", epochs=5,
        of={"test": {"n": 10000}}, learning_rate=0.001,
    )  # fmt: skip
    assert found.outcome is PASSED, found.said


def test_the_line_of_seed_001_passes(judge):
    line = "epoch done: 14 accuracy train 0.9082844034830729 accuracy test 0.891600112915039\n"
    assert judge(line, of={"test": {"n": 10000}}, final={"split": "test"}).outcome is PASSED


def test_a_split_that_begins_the_line_is_that_of_the_whole_line(judge):
    """As PyTorch's transfer tutorial prints it."""
    log = "Epoch 0/1\ntrain Loss: 0.5 Acc: 0.80\nval Loss: 0.4 Acc: 0.85\n"
    found = judge(log, given={"acc": 0.85}, final={"split": "validation", "answer": "acc"})
    assert (found.outcome, found.code) == (PASSED, "agrees")


# --- epochs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "outcome"),
    [
        pytest.param(15, PASSED, id="as many"),
        pytest.param({"at_least": 15}, PASSED, id="at least as many"),
        pytest.param({"at_least": 16}, FAILED, id="one too few"),
        pytest.param({"at_most": 14}, FAILED, id="one too many"),
    ],
)
def test_epochs_are_counted(judge, epochs, outcome):
    found = judge(csv(15), epochs=epochs)
    assert found.outcome is outcome
    assert "15 epochs" in found.said


def test_every_fifth_epoch_leaves_open_how_many_there_were(judge):
    log = "epoch,loss\n" + "".join(f"{e},{1 / e:.3f}\n" for e in (5, 10, 15))
    assert judge(log, epochs=15).outcome is REVIEW
    assert judge(log, epochs={"at_least": 15}).outcome is PASSED
    assert judge(log, epochs={"at_least": 20}).outcome is FAILED


@pytest.mark.parametrize(("asked", "outcome"), [(15, REVIEW), (14, REVIEW), (16, FAILED), (13, FAILED)])
def test_of_one_line_alone_it_is_not_known_whether_its_epochs_count_from_0(judge, asked, outcome):
    """Report 001 shows the console's last line, "epoch done: 14", of 15 epochs."""
    found = judge("epoch done: 14 accuracy train 0.9082844034830729 accuracy test 0.891600112915039\n", epochs=asked)
    assert found.outcome is outcome


@pytest.mark.parametrize("asked", [10, 20, 30])
def test_two_trainings_in_one_file_count_each_and_together(judge, asked):
    log = csv(10) + "".join(csv(20).splitlines(keepends=True)[1:])
    found = judge(log, epochs=asked)
    assert found.outcome is PASSED
    assert "2 trainings of 10 and 20 epochs" in found.said


def test_settings_printed_first_are_no_epoch(judge):
    log = "Namespace(batch_size=64, epochs=50, lr=0.01)\n" + KERAS
    assert judge(log, epochs=3).outcome is PASSED


def test_an_epoch_that_is_missing_is_named(judge):
    lines = csv(9).splitlines(keepends=True)
    found = judge("".join(lines[:4] + lines[5:]))
    assert (found.outcome, found.place.line) == (REVIEW, 5)
    assert "between epoch 3 and 5 there is no epoch 4" in found.said


def test_an_epoch_that_goes_back_is_named(judge):
    log = "epoch,loss\n1,0.5\n2,0.4\n4,0.3\n3,0.35\n5,0.2\n"
    found = judge(log)
    assert (found.outcome, found.place.line) == (REVIEW, 5)


# --- mini-batches, learning rate, cadence -----------------------------------------------------


def test_steps_that_do_not_fit_the_images_are_named(judge):
    found = judge(KERAS, batches={"n": 60000, "size": 32})
    assert (found.outcome, found.place.line) == (FAILED, 2)
    assert "60,000 images in batches of 32 are 1,875 mini-batches an epoch" in found.said


def test_a_printed_size_of_the_data_set_is_perhaps_not_what_is_trained_on(judge):
    """PyTorch's example prints len(loader.dataset), also where a sampler takes 54,000 of the 60,000."""
    assert judge(PYTORCH, batches={"n": 54000, "size": 64}).outcome is REVIEW


def test_a_mean_over_batches_is_perhaps_no_count(judge):
    """97.0541 % of 10,000: no k of n, but 157 batches of 64 have a mean like it."""
    found = judge("epoch,test_acc\n1,0.970541\n", of={"test": {"n": 10000}})
    assert found.outcome is not FAILED


@pytest.mark.parametrize(
    ("drop_last", "outcome"), [("always", PASSED), ("maybe", PASSED), ("never", FAILED)], ids=["937", "either", "938"]
)
def test_a_dropped_last_batch_is_one_step_less(judge, drop_last, outcome):
    log = KERAS.replace("938/938", "937/937")
    assert judge(log, batches={"n": 60000, "size": 64, "drop_last": drop_last}).outcome is outcome


def test_the_step_of_seed_002_fits_its_epoch(judge):
    """5265 steps of 703 are 7.49 epochs: the training stopped in the eighth."""
    log = "epoch,step,val_acc\n" + "".join(f"{e},{e * 703},0.7{e}\n" for e in range(1, 8)) + "7,5265,0.7346\n"
    assert judge(log, batches={"n": 45000, "size": 64}).outcome is PASSED


def test_more_steps_than_the_epochs_hold_are_named(judge):
    log = "epoch,step,val_acc\n1,938,0.9\n2,1876,0.91\n3,9380,0.92\n"
    found = judge(log, batches={"n": 60000, "size": 64})
    assert (found.outcome, found.place.line) == (FAILED, 4)


@pytest.mark.parametrize(
    ("written", "asked", "outcome"),
    [
        pytest.param("1e-3", 0.001, PASSED, id="another writing"),
        pytest.param("0.0010", 0.001, PASSED, id="rounded"),
        pytest.param("0.01", 0.001, FAILED, id="ten times as much"),
        pytest.param("0.0005", [0.001, 0.0005], PASSED, id="one of two"),
        pytest.param("0.0005", {"at_most": 0.001}, PASSED, id="in the range"),
        pytest.param("0.002", {"at_least": 0.0001, "at_most": 0.001}, FAILED, id="over the range"),
    ],
)
def test_the_learning_rate_is_read(judge, written, asked, outcome):
    log = f"Epoch 1 loss: 0.5 lr: {written}\nEpoch 2 loss: 0.4 lr: {written}\n"
    assert judge(log, learning_rate=asked).outcome is outcome


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        pytest.param([0, 1000, 2000, 3000], PASSED, id="from 0"),
        pytest.param([999, 1999, 2999], PASSED, id="from 999"),
        pytest.param([100, 200, 300], PASSED, id="more often"),
        pytest.param([1000, 3000], FAILED, id="one left out"),
        pytest.param([2000, 4000], FAILED, id="every 2000"),
    ],
)
def test_a_line_every_1000_mini_batches(judge, steps, outcome):
    log = "".join(f"[{e}, {s}] loss: {1 / (e + s):.6f}\n" for e in (1, 2) for s in steps)
    assert judge(log, every=1000).outcome is outcome


def test_a_count_since_the_start_may_skip_the_end_of_an_epoch(judge):
    """Printed at every 1000th batch of an epoch of 1875, with the step since the start."""
    log = "".join(f"epoch {e} step {(e - 1) * 1875 + 1000} loss {1 / e:.3f}\n" for e in (1, 2, 3))
    assert judge(log, every=1000).outcome is PASSED


def test_what_is_not_found_goes_to_a_person_and_costs_nothing(judge):
    for asked in ({"learning_rate": 0.1}, {"prints": ["learning_rate"]}, {"every": 1000}, {"final": {"metric": "f1"}}):
        found = judge(csv(3), **asked)
        assert (found.outcome, found.credit) == (REVIEW, None)


# --- impossible curves --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "code", "line"),
    [
        pytest.param("epoch,test_acc\n1,98.1\n2,101.5\n", "outside", 3, id="over 100 %"),
        pytest.param("epoch,test_acc\n1,0.9\n2,-0.1\n", "outside", 3, id="under 0"),
        pytest.param("epoch,test_acc\n1,0.97\n2,0.97055\n", "no-count", 3, id="no k of n"),
        pytest.param("Epoch 1 test accuracy: 4913/5000\n", "no-count", 1, id="of other images"),
        pytest.param("epoch,loss\n1,0.5\n2,-0.3\n", "negative-loss", 3, id="a negative cross-entropy"),
    ],
)
def test_what_cannot_be_is_named_with_its_line(judge, log, code, line):
    found = judge(log, of={"test": {"n": 10000, "drop_last": "never"}}, loss="cross_entropy")
    assert (found.outcome, found.code, found.place.line) == (FAILED, code, line)
    assert found.fix
    assert found.observed
    assert found.expected


@pytest.mark.parametrize(
    ("log", "code"),
    [
        pytest.param("epoch,test_acc\n1,0.9\n2,1.7\n", "outside", id="over 1, or a percentage"),
        pytest.param("epoch,loss\n1,0.5\n2,nan\n", "not-finite", id="NaN"),
        pytest.param("Epoch 1 test acc -95.3%\n", "outside", id="a dash, or a minus sign"),
        pytest.param("Epoch 1 loss -0.3\n", "negative-loss", id="a dash before a loss"),
        pytest.param("epoch,loss,acc\n1,2.3,0.1\n2,0.001,0.1\n", "loss-too-low", id="guessing without a loss"),
        pytest.param("epoch,loss\n" + "".join(f"{e},0.2513\n" for e in range(1, 7)), "alike", id="the same line"),
    ],
)
def test_what_a_slip_explains_goes_to_a_person(judge, log, code):
    found = judge(log, loss="cross_entropy", classes=10)
    assert (found.outcome, found.code) == (REVIEW, code)


@pytest.mark.parametrize(
    "log",
    [
        pytest.param("epoch,loss\n1,0.5\n2,-0.3\n", id="a negative loss that is no cross-entropy"),
        pytest.param("epoch,test_acc\n1,11.35\n2,98.5\n3,100.0\n", id="percents"),
        pytest.param("Epoch 1 test acc: 98.92%\nEpoch 2 test acc: 100%\n", id="percent signs"),
        pytest.param("epoch,loss,acc\n1,0.0001,1.0\n2,0.0,1.0\n", id="a perfect fit"),
        pytest.param("epoch,loss,acc\n1,0.69,0.5\n2,0.6,0.6\n", id="at chance with its loss"),
    ],
)
def test_what_can_be_is_left_alone(judge, log):
    assert judge(log, classes=10).outcome is PASSED


def test_by_default_a_person_decides_about_what_is_wrong(judge):
    found = judge("epoch,test_acc\n1,98.1\n2,101.5\n", contradictions="review")
    assert (found.outcome, found.credit) == (REVIEW, None)


# --- the claim and the checkpoint ---------------------------------------------------------------

FINAL = {"metric": "accuracy", "split": "test", "answer": "acc"}
CURVE = csv(3, values=[0.95, 0.9731, 0.9705])


@pytest.mark.parametrize(
    ("claimed", "outcome", "code"),
    [
        pytest.param("97.05 %", PASSED, "agrees", id="the last"),
        pytest.param(0.9731, PASSED, "agrees", id="the best"),
        pytest.param("97.1 %", PASSED, "agrees", id="the last, rounded"),
        pytest.param("95.00 %", REVIEW, "another-epoch", id="of another epoch"),
        pytest.param("98.92 %", FAILED, "claim-differs", id="none of them"),
    ],
)
def test_the_claim_is_held_against_the_log(judge, claimed, outcome, code):
    found = judge(CURVE, given={"acc": claimed}, final=FINAL)
    assert (found.outcome, found.code) == (outcome, code), found.said


def test_the_last_alone_where_the_rubric_says_so(judge):
    assert judge(CURVE, given={"acc": "97.31 %"}, final={**FINAL, "take": "last"}).outcome is REVIEW


def test_an_answer_that_is_not_there_costs_nothing_here(judge):
    assert judge(CURVE, final=FINAL).outcome is REVIEW


@pytest.mark.parametrize(
    ("correct", "outcome", "code"),
    [
        pytest.param(9705, PASSED, "confirmed", id="the last"),
        pytest.param(9733, PASSED, "confirmed", id="the best, two images off on another device"),
        pytest.param(9500, REVIEW, "another-epoch", id="of another epoch"),
        pytest.param(9100, FAILED, "checkpoint-differs", id="none of them"),
    ],
)
def test_the_checkpoint_is_held_against_the_log(judge, model, done, correct, outcome, code):
    found = judge(
        CURVE, files={"model.py": "x", "model.pth": "x"}, final={"split": "test"}, model=model, recompute=RECOMPUTE,
        evidence=done({"correct": correct, "n": 10000}),
    )  # fmt: skip
    assert (found.outcome, found.code) == (outcome, code), found.said


def test_a_checkpoint_that_was_counted_on_a_copy_of_other_pixels_fails_nobody(judge, model, done):
    files = {"model.py": "x", "model.pth": "x"}
    counted = {"correct": 9100, "n": 10000, "edition": "lossy JPEG copy"}
    found = judge(CURVE, files=files, final={"split": "test"}, model=model, recompute=RECOMPUTE, evidence=done(counted))
    assert (found.outcome, found.code) == (REVIEW, "checkpoint-differs")
    assert "lossy JPEG copy" in found.said


def test_a_checkpoint_that_is_not_there_leaves_it_to_a_person(judge, model):
    assert judge(CURVE, final={"split": "test"}, model=model, recompute=RECOMPUTE).outcome is REVIEW


def test_a_fault_of_the_machine_is_not_the_students(judge, model, system_fault):
    found = judge(
        CURVE, files={"model.py": "x", "model.pth": "x"}, final={"split": "test"}, model=model, recompute=RECOMPUTE,
        evidence=system_fault,
    )  # fmt: skip
    assert found.outcome is Outcome.UNKNOWN


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "log", [b"\x89PNG\r\n\x00", "We had fun.\n", "", b"\xff" * 50], ids=["a picture", "prose", "nothing", "noise"]
)
def test_what_cannot_be_read_goes_to_a_person(judge, log):
    assert judge(log, epochs=3).outcome is REVIEW


def test_a_damaged_log_contradicts_nothing_for_sure(judge):
    log = csv(5) + "6,0.1\n"
    found = judge(log, epochs=10)
    assert found.outcome is REVIEW


def test_a_log_that_was_not_handed_in_fails(judge):
    found = judge(None, files={"training.csv": "x"}, log="train.csv")
    assert (found.outcome, found.code) == (FAILED, "missing-file")


PIECES = [
    "Epoch", " ", "1", "2", "/", "10", ": ", "loss", "=", "-", "0.5", "nan", ",", "step", "\t", "|", "[", "]", "%",
    "epoch,loss,test_acc\n", "3,0.1,0.9\n", '{"epoch": 1, "test_acc": 0.5}\n', "lr", "1e-3", "acc", "test", "9" * 30,
    "1e300", "\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@example("epoch,loss,test_acc\n1,2,1e300\n")
@example("epoch,loss,test_acc\n,,999999999999999999999999999999")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_check(findings, text):
    found = findings(
        text, given={"acc": "0.9"}, epochs=3, batches={"n": 100, "size": 8}, learning_rate=0.1, every=10, classes=10,
        loss="cross_entropy", of={"test": {"n": 100}}, prints=["test_accuracy", "epoch"], final=FINAL,
    )  # fmt: skip
    assert "check-broke" not in {one.code for one in found}
    assert sum(one.weight > 0 for one in found) == 1


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"epochs": {"at_least": 5, "at_most": 4}}, id="an empty range"),
        pytest.param({"recompute": RECOMPUTE}, id="a checkpoint without a model"),
        pytest.param({"recompute": RECOMPUTE, "final": {"split": "train"}}, id="another split than is counted"),
        pytest.param({"recompute": {**RECOMPUTE, "data": "mnits"}}, id="images that are not known"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(make_rule, settings):
    kind = all_checks()["training-log"]
    assert list(kind.lint(make_rule("training-log", log="x", **settings)))
