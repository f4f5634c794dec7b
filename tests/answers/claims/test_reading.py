"""What a report claims is found on its line, and nothing else is taken for a result."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.claims import RATES, read_claims
from grader.documents.report_lines import Line, Source, report_lines

HERE = Path(__file__).parent
WORDINGS = json.loads((HERE / "wordings.json").read_text())
REPORTS = json.loads((HERE / "reports" / "expected.json").read_text())


def claims_of(text):
    return read_claims([Line(number, line) for number, line in enumerate(text.split("\n"), 1)])


@pytest.mark.parametrize("text", WORDINGS["nothing"])
def test_settings_shares_names_and_differences_are_no_results(text):
    assert [(one.metric, one.as_written) for one in claims_of(text)] == []


@pytest.mark.parametrize(("text", "wanted"), WORDINGS["stated"])
def test_results_are_read_in_every_wording(text, wanted):
    assert [[one.metric, one.split, one.as_written] for one in claims_of(text)] == wanted


@pytest.mark.parametrize("text", WORDINGS["goals"])
def test_goals_are_marked(text):
    assert claims_of(text)[-1].is_goal


@pytest.mark.parametrize("text", WORDINGS["results"])
def test_what_was_reached_is_no_goal(text):
    assert not claims_of(text)[-1].is_goal


@pytest.mark.parametrize("file", REPORTS)
def test_whole_reports_are_read(file):
    text = (HERE / "reports" / file).read_text()
    found = []
    for one in read_claims(report_lines(text, name=file), name=file):
        marks = {"goal": one.is_goal, "literature": one.is_literature, "approximate": one.is_approximate}
        marked = [name for name, is_so in marks.items() if is_so] + ([one.bound] if one.bound else [])
        found.append([one.line, one.metric, one.split, one.as_written, one.dataset, " ".join(marked)])
    assert found == REPORTS[file]


# --- any number, any wording ------------------------------------------------------------------

SENTENCES = (
    "The {split} accuracy is {n}.",
    "{split} accuracy: {n}",
    "{split}_acc = {n}",
    "After 12 epochs with lr 0.01 the model reaches {n} {split} accuracy.",
    "We obtained an accuracy of {n} on the {split} set.",
    "On the {split} set, the network achieved an accuracy of {n}.",
    "| Metric | {split} |\n|---|---|\n| Accuracy | {n} |",
    "| Model | Accuracy ({split}) |\n|---|---|\n| A | {n} |",
    "Results\n{split} accuracy\n{n}\nLearning rate\n0.01",
    "<table><tr><th>{split} accuracy</th></tr><tr><td>{n}</td></tr></table>",
    "- dropout: 0.5\n- **{split} accuracy**: {n}\n- epochs: 20",
)
SPLITS = {"train": "train", "training": "train", "validation": "validation", "val": "validation", "test": "test"}


@st.composite
def accuracies(draw):
    """(as written, value): a percentage or a fraction, with two to four digits, by point or comma."""
    digits = draw(st.integers(min_value=1001, max_value=9998).filter(lambda n: n % 10))
    mark = draw(st.sampled_from(".,"))
    if draw(st.booleans()):
        sign = draw(st.sampled_from(["%", " %"]))
        return f"{digits // 100}{mark}{digits % 100:02d}{sign}", Fraction(digits, 10_000)
    return f"0{mark}{digits:04d}", Fraction(digits, 10_000)


@settings(max_examples=150, deadline=None)
@given(sentence=st.sampled_from(SENTENCES), split=st.sampled_from(sorted(SPLITS)), accuracy=accuracies())
def test_an_accuracy_is_read_in_any_wording_and_format(sentence, split, accuracy):
    written, value = accuracy
    found = claims_of(sentence.format(split=split, n=written))
    assert [(one.metric, one.split, one.value) for one in found] == [("accuracy", SPLITS[split], value)]
    assert found[0].as_written == written


@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.integers(min_value=1001, max_value=9999), min_size=6, max_size=6, unique=True))
def test_a_table_and_its_transposed_say_the_same(values):
    cells = [f"0.{value}" for value in values]
    rows = [["", "Train", "Validation", "Test"], ["Accuracy", *cells[:3]], ["Loss", *cells[3:]]]
    readings = []
    for table in (rows, [list(column) for column in zip(*rows, strict=True)]):
        text = "\n".join("| " + " | ".join(row) + " |" for row in [*table[:1], ["---"] * len(table[0]), *table[1:]])
        readings.append({(one.metric, one.split, one.as_written) for one in claims_of(text)})
        stacked = "\n".join(cell for row in table for cell in row if cell)
        readings.append({(one.metric, one.split, one.as_written) for one in claims_of(stacked)})
    assert len(readings[0]) == 6
    assert all(reading == readings[0] for reading in readings)


PIECES = (
    "accuracy loss test train val % : = | & \\\\ <td> <tr> 0.91 98,2 12 epochs of ( ) [ ] - / , . to from # ** ` ``` "
    "9912/10000 parameters top 5 ≈ no more than and state the art reach _ ~ °"
)
WORDS = st.sampled_from([*PIECES.split(), "\n", "\t", "  ", "\u2028"])


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=60), st.sampled_from([" ", ""]))
def test_no_text_stops_the_reader(words, between):
    for one in claims_of(between.join(words)):
        assert one.line >= 1
        assert one.last_line >= 1
        assert one.metric not in RATES or 0 <= one.value <= 1
        assert one.as_written


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_characters_stop_the_reader(text):
    read_claims(report_lines(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1," * 60_000 + "é accuracy", id="groups of digits"),
        pytest.param("accuracy: " * 20_000, id="labels without numbers"),
        pytest.param("accuracy " + "( " * 40_000, id="opened brackets"),
        pytest.param("test accuracy 0.91 and " * 5_000, id="one endless sentence"),
        pytest.param("results" + " " * 100_000 + "x", id="blanks behind a heading"),
        pytest.param("# " + " #" * 50_000 + "x", id="marks of headings"),
        pytest.param("[a](" * 30_000, id="links that do not end"),
        pytest.param("<a " * 40_000 + "accuracy 0.9", id="tags that do not end"),
        pytest.param("\n".join(["accuracy", "0.91"] * 5_000), id="many cells"),
        pytest.param("\n".join(["Train"] * 20_000), id="many labels"),
        pytest.param("| accuracy | 0.9 |\n" * 5_000, id="a long table"),
    ],
)
def test_long_texts_are_read_in_linear_time(text):
    """No clock here: each takes under a second, and minutes or a crash where a reader turns quadratic."""
    claims_of(text)


# --- tables that hold other things -------------------------------------------------------------

SETTINGS = (
    "| Parameter | Model 1 | Model 2 |\n|---|---|---|\n| Learning rate | 0.01 | 0.001 |\n| Dropout | 0.25 | 0.5 |\n"
)
VARIED = (
    "| Varied | Best | Accuracy |\n|---|---|---|\n| Loss | hinge | 75.1% |\n| Learning Rate | 5e-5 | 73.2% ± 0.2 |\n"
)
VARIED += "| Batch Size | 64 | 72.5% |"
OPTIMIZERS = "| Optimizer | Loss | Accuracy (%) |\n|---|---|---|\n| Adam | 0.29 | 91.8 |\n| Momentum | 0.25 | 91.5 |"
TORN = "Model\nTrain\nloss\nTrain\naccuracy\nTest\naccuracy\n1\n0.31\n0.912\n0.763\n2\n0.22\n0.934\n0.782"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(SETTINGS + "| Test accuracy | 0.75 | 0.80 |", ["0.75", "0.80"], id="settings and one metric"),
        pytest.param("| | cat | dog |\n|---|---|---|\n| cat | 0.91 | 0.09 |\n| dog | 0.1 | 0.9 |", [], id="confusion"),
        pytest.param("| Model | Train time (s) | Test time (s) |\n|---|---|---|\n| A | 12.3 | 0.9 |", [], id="times"),
        pytest.param("| Split | Train | Test |\n|---|---|---|\n| Images | 45000 | 10000 |", [], id="counts of images"),
        pytest.param("| Task | Points |\n|---|---|\n| plot the test accuracy over training | 0.35 |", [], id="points"),
        pytest.param("Total params: 4,671,266\nTrainable params: 4,671,266", ["4,671,266"] * 2, id="no comma table"),
        pytest.param("Optimizer params: 450,070 (1.72 MB)\nParams size (MB): 26.29", [], id="other parameters"),
        pytest.param("epoch,train_loss,val_acc\n1,1.52,0.52\n2,1.21,0.61", ["1.52", "0.52", "1.21", "0.61"], id="csv"),
        pytest.param(
            "x | Model | Test acc | |——-|———| | A | 0.881 | | B | 0.902 |", ["0.881", "0.902"], id="ran together"
        ),
        pytest.param(VARIED, ["75.1%", "73.2%", "72.5%"], id="rows named for what was varied"),
        pytest.param(OPTIMIZERS, ["0.29", "91.8", "0.25", "91.5"], id="an optimizer that is called like a setting"),
        pytest.param("| Metric | Value | Seeds |\n|---|---|---|\n| Test acc | 80.4% | 3 |", ["80.4%"], id="seeds"),
        pytest.param(TORN, ["0.31", "0.912", "0.763", "0.22", "0.934", "0.782"], id="heads that wrapped"),
    ],
)
def test_of_a_table_only_results_are_read(text, wanted):
    assert [one.as_written for one in claims_of(text)] == wanted


# --- what is left open ------------------------------------------------------------------------


def test_a_loss_among_accuracies_keeps_both_readings():
    found = claims_of("- Train loss: 0.9012\n- Final validation accuracy: 0.8441\n- Test loss: 0.8390")
    assert [[(one.metric, one.split) for one in claim.readings] for claim in found] == [
        [("loss", "train"), ("accuracy", "train")],
        [],
        [("loss", "test"), ("accuracy", "test")],
    ]
    assert all(one.reason for claim in found for one in claim.readings)


def test_a_loss_beside_its_own_accuracy_is_a_loss():
    found = claims_of("- Train loss: 0.9012\n- Train accuracy: 0.6641\n- Test loss: 0.9390\n- Test accuracy: 0.6512")
    assert [claim.readings for claim in found] == [(), (), (), ()]


def test_numbers_without_label_behind_a_record_are_presumably_of_the_test():
    found = claims_of("Epoch: 4, Validation loss: 0.91, Validation accuracy: 0.694 0.9377 0.6871")
    assert [(one.metric, one.split, one.as_written) for one in found[2:]] == [
        ("loss", None, "0.9377"),
        ("accuracy", None, "0.6871"),
    ]
    assert all({one.split for one in claim.readings} == {None, "test"} for claim in found[2:])


def test_two_splits_in_one_label_are_both_kept():
    [found] = claims_of("The validation(test) accuracy is about 89%.")
    assert [one.split for one in found.readings] == ["validation", "test"]
    assert found.is_approximate


def test_a_named_metric_is_surer_than_a_share():
    [found] = claims_of("The final result reached 99.12%")
    assert "no metric is named" in found.readings[0].reason


# --- where, after how long, of what -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "epoch", "epochs"),
    [
        ("After 15 epochs the accuracy is 91.2%", None, 15),
        ("More than 80% accuracy after the 9th epoch", 9, None),
        ("epoch 14: train_acc 0.91 val_acc 0.89", 14, None),
        ("In the first 10 epochs the accuracy was 0.90", None, 10),
    ],
)
def test_the_epoch_is_read(text, epoch, epochs):
    found = claims_of(text)[0]
    assert (found.epoch, found.epochs) == (epoch, epochs)


def test_the_optimizer_nearest_before_counts():
    found = claims_of("With SGD the accuracy is 94.0%, while Adam reaches 97.9%.")
    assert [one.optimizer for one in found] == ["SGD", "Adam"]


def test_rows_name_the_model_and_two_in_a_cell_are_told_apart():
    found = claims_of("| A / B | Test |\n|---|---|\n| Accuracy | 0.91 / 0.88 |")
    assert [(one.model, one.as_written) for one in found] == [("A", "0.91"), ("B", "0.88")]


def test_what_the_original_reached_is_cited():
    own, cited = claims_of("Our network has 75.7% test accuracy, more than the original 72%.")
    assert (own.is_literature, cited.is_literature) == (False, True)


def test_a_claim_over_two_lines_names_both():
    [found] = claims_of("We found a final accuracy of 97.3 %\nvalidation accuracy")
    assert (found.line, found.last_line) == (1, 2)


def test_source_of_programs_is_no_claim_but_its_comments_are():
    lines = [
        Line(1, "if accuracy > 0.9: test_accuracy = 0.95", Source.CODE),
        Line(2, "evaluate(model)  # test accuracy 0.9312", Source.CODE),
    ]
    assert [(one.line, one.as_written) for one in read_claims(lines)] == [(2, "0.9312")]


def test_a_cited_value_that_is_the_own_one_is_the_own_one():
    found = claims_of(
        "A state of the art network: our accuracy is 99.1%.\n\nIn the literature: 99.1% accuracy, 99.8% accuracy"
    )
    assert [one.is_literature for one in found] == [False, False, True]
