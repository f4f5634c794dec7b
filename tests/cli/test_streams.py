"""Odd terminals, a full disk, a reader that goes away: a clear end, the right exit code, no traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli.streams import PLAIN_SIGNS
from grader.reports.terminal import REMARKS, SIGNS

ROOT = Path(__file__).parents[2]
COMMANDS = [
    pytest.param(["--help"], id="help"),
    pytest.param(["rubric", "show", "digits"], id="a table"),
    pytest.param(["rubric", "schema", "digits"], id="json"),
    pytest.param(["completion", "bash"], id="a script"),
]


@pytest.fixture
def printing():
    """Run the command with its output to a descriptor, or with one closed."""

    def run(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, closed=None, **environment):
        command = [sys.executable, "-m", "grader", *map(str, words)]
        if closed is not None:
            command = ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command]
        env = {**os.environ, "COLUMNS": "100", **environment}
        return subprocess.run(command, stdout=stdout, stderr=stderr, check=False, cwd=ROOT, env=env)

    return run


@pytest.fixture
def gone():
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def full():
    """A file on a disk that is full."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as file:
        yield file


@pytest.mark.fault("F7")
@pytest.mark.parametrize("words", COMMANDS)
def test_a_full_disk_is_told_with_a_fix(printing, full, words):
    ran = printing(*words, stdout=full)
    assert ran.returncode == 5
    assert b"standard output: the report cannot be written (No space left on device)\n  fix: " in ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_went_away_is_no_failure(printing, gone, words):
    ran = printing(*words, stdout=gone)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_reader_that_went_away_does_not_change_the_verdict(printing, gone, theory):
    assert printing("check", theory, "--course", ROOT, "--fail-under", "100%", stdout=gone).returncode == 1
    assert printing("check", theory, "--course", ROOT, "--fail-under", "1", stdout=gone).returncode == 0


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_does_not_change_the_exit_code(printing, theory, closed):
    assert printing("check", theory, "--course", ROOT, closed=closed).returncode == 0
    assert printing("rubric", "show", "nothing", closed=closed).returncode == 3


def test_errors_that_cannot_be_written_keep_their_exit_code(printing, full, gone):
    assert printing("rubric", "show", "nothing", stderr=full).returncode == 3
    assert printing("rubric", "show", "nothing", stderr=gone).returncode == 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_an_encoding_without_our_signs_gets_plain_ones(printing, theory, encoding):
    ran = printing("check", theory, "--course", ROOT, PYTHONIOENCODING=encoding)
    out = ran.stdout.decode(encoding)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "x 'model.pth' was not handed in" in out or "✗ 'model.pth' was not handed in" in out
    assert out.count("?") == len(re.findall(r"\? (?:1 )?unknown", out)) == 2  # any other would look like this verdict


def test_every_sign_of_a_report_has_a_plain_form_of_its_own():
    signs = {sign for sign, _ in SIGNS.values()}
    plain = {PLAIN_SIGNS.get(sign, sign) for sign in signs}
    assert all(sign.isascii() for sign in plain)
    assert len(plain) == len(signs)
    assert all(sign.isascii() or sign in PLAIN_SIGNS for sign, _ in REMARKS.values())


@pytest.mark.attack(22, 84)
def test_what_a_student_wrote_is_escaped_where_it_cannot_be_shown(printing, tmp_path):
    ran = printing("check", tmp_path / "Zoë", "--course", ROOT, PYTHONIOENCODING="ascii")
    assert ran.returncode == 4
    assert rb"Zo\xeb" in ran.stdout


def test_a_progress_bar_is_for_terminals_only(printing):
    hand_in = ROOT / "examples" / "digits-class" / "07-code-in-checkpoint"
    ran = printing("check", hand_in, "--sandbox", "none", "--quiet", FORCE_COLOR="1")
    assert (ran.returncode, ran.stderr) == (0, b"")
