"""`grader review` as its user types it: the link, invitations, what is refused, and that it ends tidily."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from click.testing import CliRunner

from grader.cli.review import review
from grader.gradebook.book import Gradebook
from grader.web.people import People, Role
from tests import desk


@pytest.fixture
def made(tmp_path):
    return desk.desk(tmp_path / "course", 3, files=0)


def ran(made, *words):
    command = [sys.executable, "-m", "grader", "review", "--course", made.course, "--gradebook", made.url, *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_an_invitation_is_a_link_that_signs_in_once(made):
    done = ran(made, "--invite", "Bo Li", "--port", "8301")
    link = re.fullmatch(r"http://127\.0\.0\.1:8301/sign-in\?link=([\w-]{43})\n", done.stdout)
    assert link, done
    assert "within 24 hours" in done.stderr
    with Gradebook.open(made.url) as book:
        people = People(book)
        assert [(one.name, one.role) for one in people.everybody()] == [("Bo Li", Role.TA)]
        assert people.sign_in(link[1], "a" * 64).name == "Bo Li"


def test_a_role_is_given_and_kept(made):
    ran(made, "--invite", "Bo", "--role", "head-ta")
    ran(made, "--invite", "bo")
    with Gradebook.open(made.url) as book:
        assert [(one.name, one.role) for one in People(book).everybody()] == [("Bo", Role.HEAD)]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nothing",), 2, "the gradebook has no assignment"),
        (("--invite", ""), 2, "is no name that can stand below a decision"),
        (("--host", "192.0.2.1"), 2, "without TLS every token and hand-in would pass in the clear"),
        (("--invite", "x", "--role", "admin"), 2, "is not one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(words, code, said, made):
    done = ran(made, *words)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_page_is_served_until_it_is_told_to_end(made):
    command = [sys.executable, "-m", "grader", "review", "digits", "--port", "0", "--no-browser"]
    words = ["--course", str(made.course), "--gradebook", made.url, "--as", "Ada"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, *words], **pipes, env={**os.environ, "PYTHONUNBUFFERED": "1"}) as page:
        try:
            link = re.search(r"http://127\.0\.0\.1:\d+/sign-in\?link=[\w-]{43}", page.stdout.readline())[0]
            with urllib.request.urlopen(link) as answer:  # noqa: S310  of this machine
                text = answer.read().decode()
            assert "Sign in as Ada" in text
            assert "Head TA" in text
        finally:
            page.send_signal(signal.SIGINT)
            until = time.monotonic() + 60
            while page.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            page.kill()
        assert page.returncode == 130
        assert "Traceback" not in page.stderr.read()


def test_the_help_ends_with_a_line_to_paste():
    assert CliRunner().invoke(review, ["--help"]).output.rstrip().endswith("Example: grader review digits")
