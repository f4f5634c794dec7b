"""scripts/setup.sh on machines that lack something: it says what, and how to get it. No package is installed here."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("bash", "sh", "env", "mkdir", "cp", "rm", "id", "dirname", "touch")

# Makes an environment that is a copy of itself; what fails is said by the environment of the test.
STUB = """#!/bin/sh
case "$*" in
*version_info*) [ -z "$OLD" ] ;;
*"-m venv"*) for d; do :; done; mkdir -p "$d/bin" && cp "$0" "$d/bin/python" && [ -z "$NO_VENV" ] ;;
*pip*) [ -z "$NO_NETWORK" ] ;;
esac
"""


@pytest.fixture
def setup(tmp_path):
    """Run the script in a checkout of its own, with only `tools` and the stub `python3` on the PATH."""
    checkout, tools = tmp_path / "a checkout", tmp_path / "tools"
    (checkout / "scripts").mkdir(parents=True)
    (checkout / "grader").mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", checkout / "scripts")
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"no {name} here")
        (tools / name).symlink_to(found)
    (tools / "python3").write_text(STUB)
    (tools / "python3").chmod(0o755)

    def run(*, code=0, **environment):
        command = [shutil.which("bash") or "bash", "scripts/setup.sh"]
        env = {"PATH": str(tools), **environment}
        ran = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    run.checkout, run.tools = checkout, tools
    return run


def test_without_bubblewrap_and_without_the_right_to_install_it_the_rest_is_set_up(setup):
    said = setup()
    assert "bubblewrap is missing" in said
    assert "fix: ask an administrator" in said
    assert (setup.checkout / ".venv" / ".ready").exists()


@pytest.mark.parametrize(
    ("environment", "what", "fix"),
    [
        pytest.param({"OLD": "1"}, "no Python 3.11 or newer was found", "python3.11", id="an old Python alone"),
        pytest.param({"PYTHON": "/nowhere"}, "/nowhere is not it", "PYTHON=/path", id="a Python that is not there"),
        pytest.param({"NO_VENV": "1"}, "no virtual environment", "python3-venv", id="no venv"),
        pytest.param({"NO_NETWORK": "1"}, "packages could not be installed", "network", id="no network"),
    ],
)
def test_what_is_missing_is_told_and_the_next_try_starts_clean(setup, environment, what, fix):
    said = setup(code=1, **environment)
    assert what in said
    assert fix in said.partition("fix: ")[2]
    assert not (setup.checkout / ".venv" / ".ready").exists()
    setup()


def test_an_old_python_first_on_the_path_is_passed_over(setup):
    shutil.copy(setup.tools / "python3", setup.tools / "python3.13")
    (setup.tools / "python3.11").write_text("#!/bin/sh\nexit 1\n")
    (setup.tools / "python3.11").chmod(0o755)
    setup()


def test_an_environment_of_an_older_python_is_named(setup):
    (setup.checkout / ".venv" / "bin").mkdir(parents=True)
    (setup.checkout / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (setup.checkout / ".venv" / "bin" / "python").chmod(0o755)
    assert "rm -r .venv" in setup(code=1)


def test_a_folder_that_was_there_before_is_never_removed(setup):
    mine = setup.checkout / "mine"
    mine.mkdir()
    (mine / "thesis.tex").touch()
    setup(code=1, VENV="mine", NO_VENV="1")
    assert (mine / "thesis.tex").exists()
