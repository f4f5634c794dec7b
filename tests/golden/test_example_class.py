"""The example class, graded as `make demo` grades it: whole reports against golden files, which a person has read.

After a meant change: `make golden`, then read the diff.
"""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.sandbox import level

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLASS = ROOT / "examples" / "digits-class"
RENEWS = "GRADER_RENEW_GOLDEN" in os.environ

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def _sandbox():
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")


@pytest.fixture(scope="module", autouse=True)
def _own_record(tmp_path_factory):
    """This course's record is one grader's at a time, and tests run beside each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_STATE", str(tmp_path_factory.mktemp("state")))
        yield


def grader(*words, width=100):
    command = [sys.executable, "-m", "grader", *words]
    environment = os.environ | {"COLUMNS": str(width)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def held(name, text):
    """Whether `text` is what the golden file holds; renews it where asked."""
    file = HERE / name
    if RENEWS:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{name} differs: `make golden` renews it, then read the diff"


def as_everywhere(card):
    """The card without what another machine has otherwise.

    Versions and the sandbox's level are the machine's, not the verdict's; the rubric's digest has the seconds in it
    that the reference took when its band was measured. What a training comes to differs in an image
    or two from one kind of processor to the next; that it is in the reference's band does not.
    """
    for task in card["tasks"]:
        for rule in task["rules"]:
            for finding in rule["findings"] if rule["check"] == "retrain" else ():
                finding |= {
                    key: re.sub(r"\d([\d.,]*\d)?", "#", finding[key]) for key in ("said", "expected", "observed")
                }
    return card | {"made_with": {}, "rubric_digest": ""}


@pytest.fixture(scope="module")
def cards():
    made = json.loads(grader("run-all", "examples/digits-class", "--json"))
    return {card["submission"]: card for card in made}


def test_the_whole_class_gets_the_expected_scorecards(cards):
    stable = [as_everywhere(card) for card in copy.deepcopy(cards).values()]
    held("digits-class.json", json.dumps(stable, indent=1) + "\n")


def test_every_card_fits_the_published_schema(cards):
    rules = validator(schema("scorecard"))
    assert [list(rules.iter_errors(card)) for card in cards.values()] == [[]] * len(cards)


@pytest.mark.parametrize(
    ("name", "points", "open_points", "why"),
    [
        ("01-perfect", 20, 0, ""),
        ("02-channel-slip", 19.5, 0, "6 channels instead of 8"),
        ("03-inflated-accuracy", 17, 0, "98.61% was claimed, your checkpoint reaches"),
        ("04-impossible-accuracy", 19, 0, "97.00% is no possible accuracy on 360 images"),
        ("05-no-checkpoint", 15.5, 1, "'model.pth' was not handed in"),
        ("06-malformed-answers", 7, 13, "answers.json as a whole cannot"),
        ("07-code-in-checkpoint", 15.5, 0, "contains pickled code"),
        ("08-misshaped-checkpoint", 16, 0, "features.0.weight is 12x1x5x5, the model's 8x1x5x5"),
        ("09-model-does-not-build", 13, 1, "name 'FLAT' is not defined"),
        ("10-convolution-flipped", 19, 0, "the kernel was flipped"),
        ("11-odd-archive", 0, 20, "the submission could not be read"),
    ],
)
def test_each_hand_in_gets_its_points_and_the_reason_in_one_sentence(cards, name, points, open_points, why):
    card = cards[name]
    said = [f["said"] for task in card["tasks"] for rule in task["rules"] for f in rule["findings"]]
    assert (card["points"], card["open_points"], card["max_points"]) == (points, open_points, 20)
    assert any(why in sentence for sentence in said)


def test_the_report_in_the_readme_is_what_the_program_prints():
    report = grader("check", "examples/digits-class/02-channel-slip")
    report = "\n".join(line.rstrip() for line in report.splitlines()[:-1])  # the last line has the machine's versions
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split("```text\n", 1)
    shown, after = rest.split("\n```\n", 1) if "\n```\n" in rest else ("", rest.split("```\n", 1)[1])
    if RENEWS:
        readme.write_text(f"{before}```text\n{report}\n```\n{after}", encoding="utf-8")
        shown = report
    assert without_training(shown) == without_training(report)


def without_training(report):
    """What the training came to is left out: an image or two differ from one kind of processor to the next."""
    found = re.search(r"(?<=\n  learns  1 / 1\n)(    .*\n)+", report)
    assert found is not None
    assert found[0].startswith("    ✓ trained by the course's recipe 'reference', the network gets ")
    return report[: found.start()] + report[found.end() :]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("05-no-checkpoint", "passed"), ("07-code-in-checkpoint", "passed"), ("09-model-does-not-build", "unknown")],
)
def test_a_network_is_trained_from_its_code_and_charged_once_where_it_does_not_build(cards, name, outcome):
    [rule] = [rule for task in cards[name]["tasks"] for rule in task["rules"] if rule["check"] == "retrain"]
    assert [finding["outcome"] for finding in rule["findings"]] == [outcome]
    assert (rule["points"], rule["open_points"]) == ((1, 0) if outcome == "passed" else (0, 1))


def test_the_class_table_says_why_for_every_hand_in():
    held(
        "digits-class.txt",
        "\n".join(line.rstrip() for line in grader("run-all", "examples/digits-class").splitlines()) + "\n",
    )


@pytest.mark.torch
def test_the_example_class_is_what_its_script_makes(tmp_path):
    made = tmp_path / "class"
    script = ROOT / "examples" / "make_digits_class.py"
    subprocess.run([sys.executable, str(script), str(made)], check=True, capture_output=True, cwd=ROOT)

    def texts(folder):
        found = (file for file in folder.rglob("*") if file.is_file() and file.suffix in (".json", ".py"))
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}

    def names(folder):
        return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*"))

    assert names(made) == names(CLASS)
    assert texts(made) == texts(CLASS)
