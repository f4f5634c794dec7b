"""Whatever a student wrote is shown as text, in every report that there is: attacks 79 to 84, as far as there is one.

One hand-in says the same hostile words in every place where a student's words can stand: names of folder, files and
students, answers, a report, an exception, a class, a layer, a key of the checkpoint.
"""

import csv
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from grader.sandbox import level

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
pytestmark = pytest.mark.sandbox


def _words():
    spec = importlib.util.spec_from_file_location("words", HERE / "words.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_SAID = _words()
WORDS, ALL = _SAID.WORDS, _SAID.ALL


@pytest.fixture(scope="module")
def hand_in(tmp_path_factory):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path_factory.mktemp("class") / "[red]=1+1 \x1b[2J\u202e<b>"
    folder.mkdir()
    return _SAID.write_hand_in(folder)


def ran(*words, **environment):
    command = [sys.executable, "-m", "grader", *map(str, words)]
    clean = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLUMNS")}
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, env={**clean, **environment}, timeout=200
    )
    assert b"Traceback" not in done.stderr
    return done


COMMANDS = {
    "check": ("check", "HAND_IN", "--course", ROOT),
    "check --quiet": ("check", "HAND_IN", "--course", ROOT, "--quiet"),
    "run-all": ("run-all", "CLASS", "--course", ROOT),
    "run-all --full": ("run-all", "CLASS", "--course", ROOT, "--full"),
    "read": ("read", "REPORT"),
    "answers draft": ("answers", "draft", "REPORT"),
    "answers draft for a rubric": ("answers", "draft", "REPORT", "--assignment", "digits", "--course", ROOT),
}


def said(name, hand_in, **environment):
    places = {"HAND_IN": hand_in, "CLASS": hand_in.parent, "REPORT": hand_in / "report.md"}
    done = ran(*(places.get(word, word) for word in COMMANDS[name]), **environment)
    return (done.stdout + done.stderr).decode("utf-8")


@pytest.mark.attack(83, 84)
@pytest.mark.attack_partly(79, 80, 81)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_character_of_a_students_acts_on_a_terminal(name, hand_in):
    text = said(name, hand_in, COLUMNS="100")
    assert text
    odd = {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")}
    assert odd == set()
    assert not {"\u2028", "\u2029"} & set(text)


@pytest.mark.attack(83, 84)
@pytest.mark.parametrize("name", ["check", "run-all", "run-all --full"])
def test_in_colour_only_the_graders_own_colours_are_there(name, hand_in):
    """rich's own sequences set colours and styles; anything else would be a student's."""
    text = said(name, hand_in, FORCE_COLOR="1", COLUMNS="100")
    rest = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in rest
    assert "\x9b" not in rest
    assert "[bold green]" in re.sub(r"[\s│]", " ", rest).replace("  ", " ") or name == "run-all"


@pytest.mark.attack(83)
def test_markup_stands_there_letter_by_letter(hand_in):
    text = "".join(said("run-all --full", hand_in, COLUMNS="400").split())
    for word in WORDS[:4]:
        assert "".join(word.split()) in text


@pytest.mark.attack(84)
@pytest.mark.attack_partly(79, 80)
@pytest.mark.parametrize("words", [("check", "HAND_IN", "--json"), ("run-all", "CLASS", "--json")])
def test_json_is_ascii_and_gives_the_words_back_as_they_were(words, hand_in):
    places = {"HAND_IN": hand_in, "CLASS": hand_in.parent}
    done = ran(*(places.get(word, word) for word in words), "--course", ROOT)
    text = done.stdout.decode("ascii")
    assert text.replace("\n", "").isprintable()
    card = json.loads(text)
    card = card[0] if isinstance(card, list) else card
    values = set(strings(card))
    assert any("=cmd|' /C calc'!A1" in value for value in values)
    assert {student["name"] for student in card["students"]} <= {ALL, *WORDS}


def strings(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.attack_partly(79)
def test_python_does_nothing_about_formulas_so_the_export_will_have_to(hand_in):
    """What the export of issue 7 is measured by: the csv module writes a formula as it stands."""
    del hand_in
    made = io.StringIO()
    csv.writer(made).writerow(["=1+1"])
    assert made.getvalue() == "=1+1\r\n"
