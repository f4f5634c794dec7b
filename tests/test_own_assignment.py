"""docs/your-own-assignment.md can be followed letter by letter, from an empty folder to a graded hand-in."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from grader import sandbox

PAGE = Path(__file__).parents[1] / "docs" / "your-own-assignment.md"
STEP = re.compile(r"<!-- (?:file: (?P<file>\S+)|run) -->\n```\w+\n(?P<body>.*?)```", re.DOTALL)


def commands(body):
    """(command, the lines that it promises) of a block; "..." stands for any lines."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *promised = part.rstrip().splitlines()
        yield command, promised


def as_promised(promised):
    """A pattern for the whole output."""
    lines = [r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in promised]
    # What is left out at the end may be anything, too.
    return re.compile("".join(lines) + (r"(?:.*\n)*" if promised[-1:] == ["..."] else ""))


@pytest.mark.timeout(600)
def test_the_page_can_be_followed(tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    own = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{own}:{os.environ['PATH']}", "GRADER_CACHE": str(tmp_path / "cache")}
    course = tmp_path / "course"
    course.mkdir()
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["file"]:
            target = course / step["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step["body"], encoding="utf-8")
            continue
        for command, promised in commands(step["body"]):
            words = shlex.split(command)
            ran = subprocess.run(words, cwd=course, env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, f"{command}: {ran.stderr[-2000:]}"
            assert as_promised(promised).fullmatch(ran.stdout), f"{command} printed:\n{ran.stdout}"


def test_every_block_of_the_page_is_a_file_or_is_run():
    text = PAGE.read_text(encoding="utf-8")
    assert len(STEP.findall(text)) == text.count("```") // 2
    assert "grader rubric test" in text
