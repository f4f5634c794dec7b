"""A draft of answers.json holds what the report states, with its lines, and passes validation as it is."""

from grader.answers.claims import read_claims
from grader.answers.claims.draft import draft_answers
from grader.documents import Document, problems_in, schema
from grader.documents.report_lines import Line

REPORT = """# CIFAR-10

Network 1: Final test accuracy = 0.7533
Network 2: Final test accuracy = 0.7614

The goal was 75% test accuracy.

Its training accuracy is over 97%.

- Network 2 has 390,410 parameters.
- Network 2: test accuracy 76.14%

epoch 1: val_acc 0.51
epoch 2: val_acc 0.68
"""


def drafted():
    claims = read_claims([Line(number, line) for number, line in enumerate(REPORT.split("\n"), 1)])
    return draft_answers(claims, file="report.md")


def test_each_answer_names_its_line():
    answers = drafted()["answers"]
    assert answers["cifar10_network_1_test_accuracy"] == {"value": "0.7533", "_from": "report.md:3"}
    assert answers["cifar10_network_2_test_accuracy"] == {
        "value": "0.7614",
        "_from": "report.md:4",
        "_also": ["report.md:11"],
    }


def test_goals_and_early_epochs_stay_out():
    values = [answer["value"] for answer in drafted()["answers"].values()]
    assert not {"75%", "0.51"} & set(values)
    assert "0.68" in values


def test_bounds_are_kept():
    assert "> 97%" in [answer["value"] for answer in drafted()["answers"].values()]


def test_a_draft_passes_validation_as_it_is():
    document = Document("answers.json", {"assignment": "cifar10", **drafted()})
    assert list(problems_in(document, schema("answers"))) == []
