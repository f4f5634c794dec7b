"""The example class, graded as `make demo` grades it: whole reports against golden files, which a person has read.

After a meant change: `make golden`, then read the diff.
"""

import json
import os
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


@pytest.fixture(scope="module")
def cards():
    made = json.loads(grader("run-all", "examples/digits-class", "--json"))
    return {card["submission"]: card for card in made}


def test_the_whole_class_gets_the_expected_scorecards(cards):
    # Versions and the sandbox's level are the machine's, not the verdict's.
    stable = [card | {"made_with": {}} for card in cards.values()]
    held("digits-class.json", json.dumps(stable, indent=1) + "\n")


def test_every_card_fits_the_published_schema(cards):
    rules = validator(schema("scorecard"))
    assert [list(rules.iter_errors(card)) for card in cards.values()] == [[]] * len(cards)


@pytest.mark.parametrize(
    ("name", "points", "open_points", "why"),
    [
        ("01-perfect", 20, 0, ""),
        ("02-channel-slip", 19.5, 0, "6 channels instead of 8"),
        ("03-inflated-accuracy", 15, 0, "98.61% was claimed, your checkpoint reaches"),
        ("04-impossible-accuracy", 18, 0, "97.00% is no possible accuracy on 360 images"),
        ("05-no-checkpoint", 13.5, 2, "'model.pth' was not handed in"),
        ("06-malformed-answers", 6, 14, "answers.json as a whole cannot"),
        ("07-code-in-checkpoint", 13.5, 0, "contains pickled code"),
        ("08-misshaped-checkpoint", 14, 0, "features.0.weight is 12x1x5x5, the model's 8x1x5x5"),
        ("09-model-does-not-build", 13, 0, "name 'FLAT' is not defined"),
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
    assert shown == report


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
