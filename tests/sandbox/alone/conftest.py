"""Jobs at level L2: `here` (a Python that they may read), `level`, `act` (lines of Python), `without_groups`."""

import os
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import alone, cgroups, layout
from grader.sandbox.programs import landlock

L2 = sandbox.Level("L2", "a test")
ACT = """
def main(request, box):
    scope = {"box": box}
    exec(request["do"], scope)
    return scope.get("answer", {})
"""


@pytest.fixture(scope="module")
def here():
    """An installation that the user of a job may read: as root with a Python in root's home, the system's own."""
    real = layout.installation()
    if os.geteuid() != 0 or not alone._closed([real.python, *(source for source, _ in real.binds)]):
        return real
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    if not Path(python).is_file():
        pytest.skip(f"the Python of these tests is closed to other users, and there is no {python}")
    binds = tuple(bind for bind in real.binds if not alone._closed([bind[0]]))
    return replace(real, python=python, binds=(*binds, (python, python)))


@pytest.fixture
def level(here, monkeypatch):
    """L2, or a skip that says why there is none."""
    monkeypatch.setattr(layout, "installation", lambda: here)
    lacking = alone.why_not(here)
    if lacking:
        pytest.skip(f"no level L2 here: {lacking[0]}")
    if landlock.abi() < 6 and os.geteuid() != 0:
        pytest.skip("this kernel's Landlock does not keep signals in")
    return L2


@pytest.fixture
def act(tmp_path, level):
    """Run lines of Python at level L2; they leave their result in `answer`."""
    program = tmp_path / "act.py"
    program.write_text(ACT)

    def run(do, *, files=None, **settings):
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        return sandbox.run(program, files=files or {}, request={"do": textwrap.dedent(do)}, limits=limits, level=level)

    return run


@pytest.fixture
def without_groups(monkeypatch):
    """As if this machine had no control groups."""
    monkeypatch.setattr(cgroups, "usable", lambda: ("", "a test"))
    monkeypatch.setattr(cgroups.Group, "create", staticmethod(lambda *_, **__: None))
