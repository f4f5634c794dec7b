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

WORDS = [
    "[/x]",
    "[bold green]PASS 100/100[/]",
    "[link=http://127.0.0.1/x]here[/link]",
    ":warning: [@click=app.bell]x[/]",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31m",
    "\x1b]8;;http://127.0.0.1/\x1b\\here\x1b]8;;\x1b\\",
    "\x9b31m\x9d0;x\x9c\x90q\x9c",
    "\u202e001/001\u2066\u200b\ufeff",
    "a\rb\x08\x08c\x7f",
    "\u2028\u2029\x85\x0b\x0c",
    "=cmd|' /C calc'!A1",
    "@SUM(1+1)*cmd",
    "<script>alert(1)</script>\" onload='x' <svg/onload=alert(1)>",
    "![x](http://127.0.0.1/x.png) [y](javascript:alert(1))",
    "{{7*7}} ${jndi:x} %s %n {0}",
    "\U0001f468\u200d\U0001f469 e" + "\u0301" * 40,
]
ALL = " ".join(WORDS)


@pytest.fixture(scope="module")
def hand_in(tmp_path_factory):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    spec = importlib.util.spec_from_file_location("sent", HERE / "test_checkpoints.py")
    bytes_of = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bytes_of)
    folder = tmp_path_factory.mktemp("class") / "[red]=1+1 \x1b[2J\u202e<b>"
    folder.mkdir()
    students = [{"id": "=1+1", "name": ALL}, {"id": "s2", "name": WORDS[0]}]
    (folder / "submission.json").write_text(json.dumps({"assignment": "digits", "students": students, ALL: ALL}))
    answers = dict.fromkeys(("total_parameters", "same_padding", "strided_size", "translation", "by_hand"), ALL)
    rows = [{"layer": ALL, "output": word, "parameters": word} for word in WORDS]
    answers |= {"layers": rows, "test_accuracy": ALL, ALL: ALL}
    (folder / "answers.json").write_text(json.dumps({"assignment": ALL, "answers": answers}))
    (folder / "model.py").write_text(
        f"print({ALL!r})\nraise type({ALL!r}[:300].replace(chr(0), ''), (Exception,), {{}})({ALL!r})\n"
    )
    key = {ALL: bytes_of.tensor()}
    (folder / "model.pth").write_bytes(bytes_of.torch_file(bytes_of.state(**key)))
    (folder / "report.md").write_text("\n\n".join(f"accuracy {word} is 97.00% {word}" for word in WORDS))
    for number, word in enumerate(WORDS):
        (folder / f"{word.replace('/', '-')[:60]}{number}.txt").write_text("x")
    return folder


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
