"""What can be shown of a hand-in: made from evidence that is there, hidden from who may not see it, never run."""

import base64
import io
import json
import struct
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.evidence.jobs import (
    DESCRIBE,
    FIGURES,
    HANDED_MAPS,
    PREDICT,
    TRAIN,
    figures_job,
    handed_maps_job,
    maps_job,
    own_images_job,
    predict_job,
    train_job,
)
from grader.evidence.networks import packed
from grader.grading import Asked, ask
from grader.intake import read_submission
from grader.model import (
    Answer,
    Evidence,
    EvidenceStatus,
    Job,
    Place,
    Rubric,
    Rule,
    Submission,
    SubmittedFile,
    Task,
    Visibility,
)
from grader.reports.exhibited.images import as_grey, png, smaller
from grader.reports.exhibits import (
    MOST,
    Accuracy,
    Confusion,
    Curves,
    LayerTable,
    Picture,
    Pictures,
    exhibits_of,
    for_student,
    within_bytes,
)

ROOT = Path(__file__).parents[2]
MODEL = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 2, 2]}
COUNTED = {
    "correct": 6, "n": 8, "confusion": [[3, 1], [1, 3]], "classes": ["cat", "dog"], "is_repeatable": True,
    "edition": "", "worst": [[5, 1, 0], [2, 0, 1]],
}  # fmt: skip


def done(result):
    return Evidence("k", EvidenceStatus.DONE, result=result)


def handed_in(tmp_path, files, answers=None):
    """A submission of these files, {path: bytes}."""
    listed = []
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
        listed.append(SubmittedFile(path, len(data), "0" * 64))
    said = {key: Answer(value, Place("answers.json", f"/answers/{key}")) for key, value in (answers or {}).items()}
    return Submission("ada", "a", tmp_path, files=tuple(listed), answers=said)


def rubric(*rules):
    return Rubric("a", "A", (Task("1", "One", Fraction(1), rules),), "a.yaml", "0" * 64)


def rule(id_, check, answer=None, visibility=Visibility.STUDENT, **settings):
    return Rule(id_, check, Fraction(1), settings, answer, visibility=visibility)


def shown(submission, rules, evidence, *, image_of=None, needs=None):
    """The exhibits, from evidence by job; `needs` by rule id where a check is not to be asked."""
    made = rubric(*rules)
    asked = ask(submission, made) if needs is None else Asked(submission, made, needs)
    return exhibits_of(asked, submission, evidence.get, image_of=image_of)


@pytest.fixture
def network(tmp_path):
    return handed_in(tmp_path, {"model.py": b"", "model.pth": b"w"}, {"acc": "70%"})


ACCURACY = rule("accuracy", "accuracy", model=MODEL, data="digits", split="test", at_least=0.9, **{"from": 0.5})


def counted_job(submission):
    return predict_job(submission, MODEL, data="digits", split="test")


# --- what is not there --------------------------------------------------------------------------


def test_what_is_not_in_the_cache_is_no_exhibit(network):
    assert shown(network, [ACCURACY], {}) == []


@pytest.mark.parametrize("status", [EvidenceStatus.STUDENT_FAULT, EvidenceStatus.SYSTEM_FAULT])
def test_a_recomputation_without_a_result_is_no_exhibit(network, status):
    evidence = {counted_job(network): Evidence("k", status)}
    assert shown(network, [ACCURACY], evidence) == []


def test_of_an_unreadable_submission_nothing_is_shown(network):
    unread = replace(network, is_readable=False)
    assert exhibits_of(Asked(unread, rubric(ACCURACY)), unread, lambda _job: None) == []


def test_evidence_that_one_maker_breaks_on_hides_no_other(network, caplog):
    figure = rule("plot", "figure", figures=[{"path": "p.png"}])
    job = Job(FIGURES, (), {"files": ["p.png"]})
    needs = {"accuracy": (counted_job(network),), "plot": (job,)}
    evidence = {counted_job(network): done(COUNTED), job: done({"files": "not a list of rows"})}
    made = shown(network, [ACCURACY, figure], evidence, needs=needs)
    assert [type(one) for one in made] == [Accuracy, Confusion]
    assert "nothing is shown by grader.reports.exhibited.pictures" in caplog.text


def test_there_are_so_many_exhibits_and_no_more(network):
    rules = [rule(f"r{n}", "accuracy", model=MODEL, data="digits", split="test") for n in range(MOST)]
    jobs = [Job(PREDICT, (), {"checkpoint": "m", "data": "digits", "split": "test", "n": n}) for n in range(MOST)]
    needs = {one.id: (job,) for one, job in zip(rules, jobs, strict=True)}
    assert len(shown(network, rules, dict.fromkeys(jobs, done(COUNTED)), needs=needs)) == MOST


# --- predictions --------------------------------------------------------------------------------


def test_an_accuracy_stands_beside_demand_claim_and_reference(network):
    band = json.loads((ROOT / "reference_solutions" / "digits" / "bands" / "reference.json").read_text())
    claim = rule("claim", "claim", "acc", about="accuracy", model=MODEL,
                 recompute={"from": "predict", "data": "digits", "split": "test"})  # fmt: skip
    other = rule("learns", "retrain", model=MODEL, reference=band)
    made = shown(network, [ACCURACY, claim, other], {counted_job(network): done(COUNTED)})
    [one] = [one for one in made if isinstance(one, Accuracy)]
    assert [(m.correct, m.n, m.value) for m in one.measured] == [(6, 8, Fraction(3, 4))]
    assert one.measured[0].low < 0.75 < one.measured[0].high
    assert {mark.kind: mark.value for mark in one.marks} == {
        "asked": Fraction(9, 10), "foot": Fraction(1, 2), "claimed": Fraction(7, 10),
    }  # fmt: skip
    runs = [Fraction(run["correct"], 360) for run in band["bands"][0]["runs"]]
    assert (one.band.low, one.band.high, one.band.runs) == (min(runs), max(runs), 5)
    assert one.band.mean == sum(runs) / 5
    assert one.about.rules == ("accuracy", "claim")  # one recomputation, shown once


def test_a_reference_on_other_images_is_not_beside_it(network):
    band = json.loads((ROOT / "reference_solutions" / "digits" / "bands" / "reference.json").read_text())
    other = rule(
        "learns", "retrain", model=MODEL, reference={**band, "recipe": {**band["recipe"], "data_set": "mnist"}}
    )
    made = shown(network, [ACCURACY, other], {counted_job(network): done(COUNTED)})
    assert made[0].band is None


def test_a_claim_that_is_no_number_is_no_mark(tmp_path):
    network = handed_in(tmp_path, {"model.py": b"", "model.pth": b"w"}, {"acc": "<b>lots</b>"})
    claim = rule("claim", "claim", "acc", about="accuracy", model=MODEL,
                 recompute={"from": "predict", "data": "digits", "split": "test"})  # fmt: skip
    made = shown(network, [claim], {counted_job(network): done(COUNTED)})
    assert made[0].marks == ()


def test_an_answer_that_depends_on_its_company_is_said_to(network):
    made = shown(network, [ACCURACY], {counted_job(network): done({**COUNTED, "is_repeatable": False})})
    assert "says nothing certain" in made[0].about.note


def test_the_confusion_is_that_of_the_evidence(network):
    made = shown(network, [ACCURACY], {counted_job(network): done(COUNTED)})
    assert (made[1].classes, made[1].counts) == (("cat", "dog"), ((3, 1), (1, 3)))


def test_the_worst_mistakes_are_shown_with_both_classes_and_the_very_image(network):
    images = {5: np.full((1, 2, 2), 7, np.uint8), 2: np.full((3, 2, 2), 9, np.uint8)}
    made = shown(network, [ACCURACY], {counted_job(network): done(COUNTED)}, image_of=lambda _d, _s, n: images[n])
    [one] = [one for one in made if isinstance(one, Pictures)]
    assert [p.caption for p in one.pictures] == ["dog taken for cat (number 5)", "cat taken for dog (number 2)"]
    assert np.asarray(Image.open(io.BytesIO(one.pictures[0].data))).tolist() == [[7, 7], [7, 7]]
    assert one.left_out == 0


def test_without_the_images_no_mistake_is_shown(network):
    made = shown(network, [ACCURACY], {counted_job(network): done(COUNTED)}, image_of=lambda *_: None)
    assert not [one for one in made if isinstance(one, Pictures)]


def test_evidence_of_an_older_grader_shows_what_it_has(network):
    old = {key: value for key, value in COUNTED.items() if key != "worst"}
    made = shown(network, [ACCURACY], {counted_job(network): done(old)}, image_of=lambda *_: 1 / 0)
    assert [type(one) for one in made] == [Accuracy, Confusion]


# --- who may see it -----------------------------------------------------------------------------


def test_a_rule_for_staff_shows_the_student_nothing(network):
    made = shown(network, [replace(ACCURACY, visibility=Visibility.STAFF)], {counted_job(network): done(COUNTED)})
    assert len(made) == 2
    assert for_student(made) == []


def test_what_two_rules_ask_for_is_hidden_only_where_both_are_and_names_no_hidden_one(network):
    staff = replace(
        ACCURACY, id="secret", visibility=Visibility.STAFF, settings={**ACCURACY.settings, "at_least": 0.99}
    )
    made = for_student(shown(network, [staff, ACCURACY], {counted_job(network): done(COUNTED)}))
    assert len(made) == 2
    assert "secret" not in repr(made)
    assert Fraction(99, 100) not in [mark.value for mark in made[0].marks]


def test_a_log_that_a_rule_for_staff_names_first_is_the_students_too(tmp_path):
    submission = handed_in(tmp_path, {"train.csv": LOG})
    rules = [rule("secret", "training-log", log="train.csv", visibility=Visibility.STAFF),
             rule("log", "training-log", log="*.csv")]  # fmt: skip
    made = for_student(shown(submission, rules, {}))
    assert [one.about.rules for one in made] == [("log",), ("log",)]


def test_a_rule_that_keeps_what_is_right_keeps_it_here_too(network):
    kept = replace(ACCURACY, settings={**ACCURACY.settings, "reveal": False})
    made = shown(network, [kept], {counted_job(network): done(COUNTED)})
    assert made[0].marks
    assert for_student(made)[0].marks == ()


def test_the_true_classes_of_images_are_kept_with_what_is_right(network):
    kept = replace(ACCURACY, settings={**ACCURACY.settings, "reveal": False})
    image = np.zeros((1, 2, 2), np.uint8)
    made = shown(network, [kept], {counted_job(network): done(COUNTED)}, image_of=lambda *_: image)
    assert [type(one) for one in made] == [Accuracy, Confusion, Pictures]
    assert [type(one) for one in for_student(made)] == [Accuracy, Confusion]


# --- trainings ----------------------------------------------------------------------------------


def trained(seed, loss):
    log = [{"epoch": 1, "step": 10, "train_loss": loss, "train_accuracy": 0.5, "learning_rate": 0.1},
           {"epoch": 2, "step": 20, "train_loss": loss / 2, "learning_rate": 0.1}]  # fmt: skip
    return done({**COUNTED, "log": log, "seed": seed})


def test_trainings_are_drawn_by_their_seeds(network):
    again = rule("learns", "retrain", model=MODEL, at_least=0.5)
    recipe = {"data_set": "digits", "learning_rate": 0.1}
    jobs = [train_job(network, MODEL, recipe=recipe, seed=seed, budget_s=9) for seed in (0, 1)]
    evidence = {jobs[0]: trained(0, 2.0), jobs[1]: trained(1, 4.0)}
    made = shown(network, [again], evidence, needs={"learns": tuple(jobs)})
    assert [type(one) for one in made] == [Accuracy, Curves]  # of the accuracy there is one point: no curve
    assert [m.name for m in made[0].measured] == ["seed 0", "seed 1"]
    assert [(line.name, line.points) for line in made[1].lines] == [
        ("seed 0", ((10.0, 2.0), (20.0, 1.0))), ("seed 1", ((10.0, 4.0), (20.0, 2.0))),
    ]  # fmt: skip


def test_trainings_by_several_recipes_are_named_by_what_differs(network):
    again = rule("sizes", "hyperparameters", model=MODEL)
    jobs = [train_job(network, MODEL, recipe={"data_set": "digits", "learning_rate": rate}, seed=0, budget_s=9)
            for rate in (0.1, 0.5)]  # fmt: skip
    made = shown(network, [again], {job: trained(0, 1.0) for job in jobs}, needs={"sizes": tuple(jobs)})
    assert [m.name for m in made[0].measured] == ["learning_rate 0.1, seed 0", "learning_rate 0.5, seed 0"]
    assert jobs[0].kind == TRAIN


# --- layer tables -------------------------------------------------------------------------------


def table_of(name):
    submission = read_submission(ROOT / "examples" / "digits-class" / name)
    from grader.cli.common import find_course, load_rubric

    asked = ask(submission, load_rubric(find_course(ROOT), "digits"))
    return next(one for one in exhibits_of(asked, submission, lambda _job: None) if isinstance(one, LayerTable))


def test_the_first_wrong_row_is_marked_and_both_values_stand_in_it():
    table = table_of("02-channel-slip")
    assert table.first_wrong == 0
    cells = table.rows[0].cells
    assert [(c.column, c.claimed, c.recomputed, c.verdict) for c in cells] == [
        ("output", "(8, 6, 24, 24)", "(8, 8, 24, 24)", "wrong"),
        ("parameters", "(1*5*5+1)*6 = 156", "208", "follows-within"),
    ]
    assert [row.cells[0].verdict for row in table.rows[1:3]] == ["follows", "right"]


def test_a_table_without_a_slip_has_no_first_wrong_row():
    assert table_of("01-perfect").first_wrong is None


def layers(tmp_path, answer, **settings):
    network = {"input": [2, 1, 8, 8], "layers": [
        {"name": "conv", "kind": "conv2d", "out_channels": 4, "kernel": 3},
        {"name": "pool", "kind": "max_pool2d", "kernel": 2},
    ]}  # fmt: skip
    submission = handed_in(tmp_path, {}, {"layers": answer})
    return shown(submission, [rule("layers", "layer-table", "layers", network=network, **settings)], {})


def test_what_was_not_tried_is_not_told(tmp_path):
    [table] = layers(tmp_path, [{"output": "(2, 4, 6, 6)", "parameters": ""}, {}])
    assert [[(c.claimed, c.recomputed) for c in row.cells] for row in table.rows] == [
        [("(2, 4, 6, 6)", "(2, 4, 6, 6)"), ("", "")], [("", ""), ("", "")],
    ]  # fmt: skip


def test_a_kept_solution_is_in_no_cell_of_a_students(tmp_path):
    made = layers(
        tmp_path, [{"output": "(2, 5, 6, 6)", "parameters": 1}, {"output": "x", "parameters": 0}], reveal=False
    )
    assert [cell.recomputed for row in made[0].rows for cell in row.cells] != [""] * 4
    assert [cell.recomputed for row in for_student(made)[0].rows for cell in row.cells] == [""] * 4
    assert for_student(made)[0].first_wrong == 0


def test_a_row_too_many_is_shown_as_such(tmp_path):
    rows = [{"output": "(2, 4, 6, 6)", "parameters": 40}, {"output": "(2, 4, 3, 3)", "parameters": 0},
            {"output": "(9,)", "parameters": 9}]  # fmt: skip
    [table] = layers(tmp_path, rows)
    assert (table.rows[-1].number, table.rows[-1].cells[0].verdict, table.first_wrong) == (0, "spare", 2)


@pytest.mark.parametrize("answer", ["no table", {"rows": 5}, [{}] * 100])
def test_what_is_no_table_is_no_exhibit(tmp_path, answer):
    assert layers(tmp_path, answer) == []


def test_a_table_held_against_a_model_waits_for_its_description(tmp_path):
    submission = handed_in(tmp_path, {"model.py": b""}, {"layers": [{"output": "1"}]})
    asked_rule = rule("layers", "layer-table", "layers", **{"from": "model", "model": MODEL})
    [job] = ask(submission, rubric(asked_rule)).needs["layers"]
    assert job.kind == DESCRIBE
    assert shown(submission, [asked_rule], {}) == []


# --- summaries that a tool printed ----------------------------------------------------------------


PRINT = """\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 8, 24, 24]             {count}
              ReLU-2            [-1, 8, 24, 24]               0
            Linear-3                   [-1, 10]          46,090
================================================================
Total params: 46,298
Trainable params: 46,298
Non-trainable params: 0
----------------------------------------------------------------
"""


@pytest.mark.parametrize(("count", "first"), [("208", None), ("209", 0)])
def test_a_printed_summary_stands_beside_what_it_comes_to(tmp_path, count, first):
    submission = handed_in(tmp_path, {"report.md": PRINT.format(count=count).encode()})
    [made] = shown(submission, [rule("print", "model-summary", report="report.md", input=[1, 28, 28])], {})
    assert made.first_wrong == first
    cell = made.rows[0].cells[1]
    assert (cell.claimed, cell.recomputed) == (count, "208")
    assert cell.verdict == ("right" if first is None else "wrong")
    assert made.rows[0].cells[0].claimed == "(N, 8, 24, 24)"


def test_a_report_without_a_summary_is_no_exhibit(tmp_path):
    submission = handed_in(tmp_path, {"report.md": b"# Nothing", "other.md": b"\xff\x00"})
    assert shown(submission, [rule("print", "model-summary", report="*.md")], {}) == []


# --- logs ---------------------------------------------------------------------------------------


LOG = b"epoch,train_loss,test_loss,test_accuracy\n1,2.0,1.9,0.5\n2,nan,1.5,0.75\n3,1.0,1.2,0.8\n"


def test_a_log_is_drawn_by_its_measures_and_nan_is_a_gap(tmp_path):
    submission = handed_in(tmp_path, {"train.csv": LOG})
    made = shown(submission, [rule("log", "training-log", log="train*")], {})
    assert [(one.y_label, one.x_label, one.is_share) for one in made] == [
        ("loss", "epoch", False), ("accuracy", "epoch", True),
    ]  # fmt: skip
    assert made[0].lines[0].name == "train loss"
    assert made[0].lines[0].points == ((1.0, 2.0), (2.0, None), (3.0, 1.0))
    assert made[1].lines[0].points == ((1.0, 0.5), (2.0, 0.75), (3.0, 0.8))


def test_percents_are_shares(tmp_path):
    submission = handed_in(tmp_path, {"a.csv": b"epoch,test_accuracy\n1,50.0\n2,75.0\n"})
    [made] = shown(submission, [rule("log", "training-log", log="a.csv")], {})
    assert [y for _, y in made.lines[0].points] == [0.5, 0.75]


def test_entries_within_an_epoch_stand_side_by_side(tmp_path):
    submission = handed_in(tmp_path, {"a.csv": b"epoch,loss\n1,4\n1,3\n2,2\n2,1\n"})
    [made] = shown(submission, [rule("log", "training-log", log="a.csv")], {})
    assert [x for x, _ in made.lines[0].points] == [0.5, 1.0, 1.5, 2.0]


def test_a_log_that_two_rules_name_is_drawn_once_and_a_comparison_as_a_whole(tmp_path):
    files = {"sgd.csv": LOG, "adam.csv": LOG.replace(b"0.8", b"0.9")}
    submission = handed_in(tmp_path, files)
    rules = [rule("log", "training-log", log="sgd.csv"),
             rule("compared", "comparison", runs={"SGD": {"log": "sgd.csv"}, "Adam": {"log": "adam.csv"}})]  # fmt: skip
    made = shown(submission, rules, {}, needs={})
    assert [one.about.title for one in made] == [
        "Loss as sgd.csv has it",
        "Accuracy as sgd.csv has it",
        "The runs beside each other: test accuracy",
        "The runs beside each other: test loss",
        "The runs beside each other: train loss",
    ]
    assert [(line.name, line.points[-1]) for line in made[2].lines] == [("SGD", (3.0, 0.8)), ("Adam", (3.0, 0.9))]


def test_the_runs_of_a_grid_are_named_by_their_values(tmp_path):
    submission = handed_in(tmp_path, {"lr-0.1.csv": LOG, "lr-0.01.csv": LOG, "lr-9.csv": LOG})
    made = shown(submission, [rule("grid", "hyperparameters", log="lr-{value}.csv", values=[0.01, 0.1])], {}, needs={})
    assert made[0].about.title == "The runs beside each other: test accuracy"
    assert [line.name for line in made[0].lines] == ["0.01", "0.1"]


def test_of_a_comparison_of_which_one_run_is_there_that_one_is_drawn(tmp_path):
    submission = handed_in(tmp_path, {"sgd.csv": LOG})
    compared = rule("compared", "comparison", runs={"SGD": {"log": "sgd.csv"}, "Adam": {"log": "adam.csv"}})
    made = shown(submission, [compared], {}, needs={})
    assert [one.about.title for one in made] == ["Loss as sgd.csv has it", "Accuracy as sgd.csv has it"]


def test_a_long_curve_is_thinned_and_both_ends_stay(tmp_path):
    rows = b"".join(b"%d,%d\n" % (n, n) for n in range(1, 5001))
    submission = handed_in(tmp_path, {"a.csv": b"step,loss\n" + rows})
    [made] = shown(submission, [rule("log", "training-log", log="a.csv")], {})
    [line] = made.lines
    assert (len(line.points), line.total) == (400, 5000)
    assert (line.points[0], line.points[-1]) == ((1.0, 1.0), (5000.0, 5000.0))


@pytest.mark.parametrize("data", [b"\x00\x01binary", b"", b"no numbers here\n", b"epoch,loss\n1,1e999\n2,inf\n"])
def test_a_log_without_curves_is_no_exhibit(tmp_path, data):
    submission = handed_in(tmp_path, {"a.csv": data})
    assert shown(submission, [rule("log", "training-log", log="a.csv")], {}) == []


# --- images -------------------------------------------------------------------------------------


def picture_bytes(kind="PNG", size=(20, 10)):
    made = io.BytesIO()
    Image.new("RGB", size, (200, 10, 10)).save(made, kind)
    return made.getvalue()


def looked(path, **more):
    image = {"format": "PNG", "width": 20, "height": 10, "is_animated": False, "print": "80" * 48 * 48}
    return {"path": path, "problem": None, "found": image | more}


def figures(tmp_path, files, rows, **entry):
    submission = handed_in(tmp_path, files)
    paths = list(files)
    the_rule = rule("plot", "figure", figures=[{"path": paths, **entry}])
    job = figures_job(submission, paths)
    return shown(submission, [the_rule], {job: done({"files": rows})}, needs={"plot": (job,)})


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_figure_is_shown_as_it_was_handed_in(tmp_path, kind, mime):
    data = picture_bytes(kind)
    [made] = figures(tmp_path, {"p.x": data}, [looked("p.x", format=kind)], title="the losses")
    [picture] = made.pictures
    assert (picture.data, picture.mime, picture.caption) == (data, mime, "p.x: the losses")
    assert picture.uri.startswith(f"data:{mime};base64,")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(SVG, {}, id="SVG that calls itself PNG"),
        pytest.param(SVG, {"format": "SVG"}, id="SVG"),
        pytest.param(b"<!doctype html><script>alert(1)</script>", {"format": "HTML"}, id="HTML"),
        pytest.param(picture_bytes("GIF"), {"format": "GIF"}, id="GIF"),
        pytest.param(picture_bytes(), {"is_animated": True}, id="animated"),
        pytest.param(picture_bytes(), {"width": 9000, "height": 9000}, id="too many pixels"),
        pytest.param(picture_bytes() + b"\0" * 800_000, {}, id="too many bytes"),
        pytest.param(picture_bytes("JPEG"), {}, id="JPEG that calls itself PNG"),
    ],
)
def test_anything_else_is_shown_by_its_small_grey_copy_alone(tmp_path, data, found):
    [made] = figures(tmp_path, {"p.png": data}, [looked("p.png", **found)])
    [picture] = made.pictures
    assert (picture.width, picture.height, picture.mime) == (48, 48, "image/png")
    assert np.asarray(Image.open(io.BytesIO(picture.data))).tolist() == [[0x80] * 48] * 48


def test_a_file_that_was_changed_since_is_not_shown(tmp_path):
    submission = handed_in(tmp_path, {"p.png": picture_bytes()})
    (tmp_path / "p.png").write_bytes(picture_bytes(size=(30, 30)))
    job = figures_job(submission, ["p.png"])
    made = shown(submission, [rule("plot", "figure", figures=[{"path": "p.png"}])],
                 {job: done({"files": [looked("p.png")]})}, needs={"plot": (job,)})  # fmt: skip
    assert made[0].pictures[0].width == 48


def test_own_images_are_shown_with_the_answer_those_in_a_zip_by_their_names(tmp_path):
    submission = handed_in(tmp_path, {"model.py": b"", "4.png": picture_bytes()})
    job = own_images_job(submission, MODEL, data="digits", split="test", paths=["4.png", "z.zip"])
    images = [{**looked("4.png"), "answer": {"class": "9"}}, looked("z.zip/5.png"), {"path": "x", "found": None}]
    result = {"images": images, "left_out": 3}
    made = shown(submission, [rule("own", "own-digits")], {job: done(result)}, needs={"own": (job,)})
    assert [p.caption.partition(" (")[0] for p in made[0].pictures] == ["4.png: answered 9", "z.zip/5.png"]
    assert made[0].pictures[0].data == picture_bytes()
    assert made[0].left_out == 3


def maps(submission, numbers, handed=None, **settings):
    show = [{"layer": "conv1", "maps": None}]
    of_maps = maps_job(submission, MODEL, show=show, image={"sample": "china.jpg"})
    of_file = handed_maps_job(submission, "m.npy")
    rows = [{"of": "named", "label": "", "view": "as the rubric says"}]
    one = {"what": "layer", "name": "conv1", "total": numbers.shape[1], "maps": list(range(numbers.shape[1])),
           "array": packed("conv1", numbers.shape, numbers.astype("<f4").tobytes())}  # fmt: skip
    evidence = {of_maps: done({"rows": rows, "show": [one]})}
    if handed is not None:
        evidence[of_file] = done(handed)
    the_rule = rule("maps", "feature-maps", **settings)
    return shown(submission, [the_rule], evidence, needs={"maps": (of_maps, of_file)})


def test_maps_are_drawn_from_lowest_to_highest_beside_what_was_handed_in(tmp_path):
    submission = handed_in(tmp_path, {"model.py": b"", "model.pth": b"w", "m.npy": b"n"})
    numbers = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    array = packed("m", (2, 2, 2), numbers.astype("<f4").tobytes())
    handed, own = maps(submission, numbers, {"arrays": [array], "picture": None})
    assert (handed.about.title, len(handed.pictures)) == ("m.npy as it was handed in", 2)
    assert np.asarray(Image.open(io.BytesIO(own.pictures[0].data))).tolist() == [[0, 85], [170, 255]]
    assert [p.caption for p in own.pictures] == ["map 0", "map 1"]
    assert len(for_student([handed, own])) == 2


def test_who_handed_in_no_maps_is_not_given_them(tmp_path):
    submission = handed_in(tmp_path, {"model.py": b"", "model.pth": b"w"})
    made = maps(submission, np.ones((1, 1, 2, 2), np.float32))
    assert len(made) == 1
    assert for_student(made) == []


def test_a_handed_in_picture_of_maps_is_drawn_from_the_sandboxs_pixels(tmp_path):
    submission = handed_in(tmp_path, {"model.py": b"", "m.npy": SVG})
    pixels = np.full((4, 6, 3), 50, np.uint8)
    kept = {"width": 6, "height": 4, "data": base64.b64encode(zlib.compress(pixels.tobytes())).decode()}
    handed, _ = maps(submission, np.ones((1, 1, 2, 2), np.float32),
                     {"arrays": None, "picture": {"width": 6, "height": 4, "pixels": kept}})  # fmt: skip
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(handed.pictures[0].data))), pixels)
    assert HANDED_MAPS == "handed-maps"


# --- pictures as such ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (3, 5, 7), (5, 7, 3), (1, 1), (3, 3, 3)])
def test_a_png_holds_the_very_pixels(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    read = np.asarray(Image.open(io.BytesIO(png(image))))
    if shape == (3, 5, 7):
        image = image.transpose(1, 2, 0)
    assert np.array_equal(read, image.reshape(read.shape))


def test_a_png_holds_nothing_but_pixels():
    data, names = png(np.zeros((2, 2), np.uint8)), []
    at = 8
    while at < len(data):
        [size] = struct.unpack(">I", data[at : at + 4])
        names.append(data[at + 4 : at + 8])
        at += size + 12
    assert names == [b"IHDR", b"IDAT", b"IEND"]


@pytest.mark.parametrize("image", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8), np.zeros(4, np.uint8)])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match="is no picture"):
        png(image)


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        ([[0.0, 1.0]], [[0, 255]]),
        ([[-5.0, 5.0]], [[0, 255]]),
        ([[3.0, 3.0]], [[0, 0]]),
        ([[float("nan"), float("inf")]], [[0, 0]]),
        ([[-1e308, 1e308]], [[0, 0]]),
        ([[float("-inf"), 1.0, 2.0]], [[0, 0, 255]]),
    ],
)
def test_numbers_become_grey_and_no_number_breaks_it(values, grey):
    assert as_grey(np.array(values)).tolist() == grey


@pytest.mark.parametrize(("shape", "most", "size"), [((10, 20), 20, (10, 20)), ((100, 50, 3), 20, (20, 10, 3)),
                                                     ((1, 1000), 10, (1, 10)), ((101, 3), 50, (33, 1))])  # fmt: skip
def test_a_large_picture_gets_smaller_by_whole_steps(shape, most, size):
    assert smaller(np.full(shape, 9, np.uint8), most).shape == size
    assert (smaller(np.full(shape, 9, np.uint8), most) == 9).all()


def test_pictures_beyond_the_bytes_of_a_page_are_named_and_not_shown():
    def group(*sizes):
        return Pictures(None, "own", tuple(Picture(f"{n}", "", 1, 1, b"x" * n) for n in sizes))

    made = within_bytes([group(5, 7), group(4)], most=10)
    assert [[(p.caption, len(p.data)) for p in one.pictures] for one in made] == [
        [("5", 5), ("7: not shown", 0)], [("4", 4)],
    ]  # fmt: skip


def test_only_png_and_jpeg_have_an_address():
    with pytest.raises(ValueError, match="is not shown"):
        _ = Picture("", "", 1, 1, SVG, "image/svg+xml").uri
