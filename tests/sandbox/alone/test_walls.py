"""At level L2 a job reaches nothing of others, and what only this level refuses is nobody's fault."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader import sandbox
from grader.model import Problem
from grader.sandbox import alone, doors, layout


def seen(ended):
    assert isinstance(ended, sandbox.Answered), ended
    return ended.result


def fault(ended):
    assert isinstance(ended, sandbox.StudentFault), ended
    return ended.problem.code


@pytest.mark.attack_partly(43, 44, 45, 48, 49, 72, 73, 89)
def test_every_door_of_level_2_holds_here(level):
    probes = sandbox.self_test(level)
    assert [probe for probe in probes if not probe.is_passed] == []
    assert len(probes) == 15


@pytest.mark.parametrize(
    ("wall", "names"),
    [
        pytest.param(
            "landlock",
            {"files outside cannot be read", "files outside cannot be made or changed"},
            id="without Landlock",
        ),
        pytest.param(
            "filter",
            {"the network is off", "no memory outside of processes", "files outside cannot be made or changed"},
            id="without the filter",
        ),
    ],
)
def test_the_self_test_sees_a_missing_wall(level, monkeypatch, wall, names):
    real = alone.words

    def fewer(*arguments):
        said = real(*arguments)
        if wall == "filter":
            said["walls"]["filter"] = (b"\x06" + bytes(5) + b"\xff\x7f").hex()  # one step: allowed
        else:
            said["walls"] |= {"readable": ["/"], "writable": ["/"]}
        return said

    monkeypatch.setattr(alone, "words", fewer)
    with doors.baits() as bait:
        failed = {probe.name for probe in doors.walls(level, bait) if not probe.is_passed}
    if os.geteuid() == 0:  # what is another user's, the machine itself lets nobody change
        names = names - {"files outside cannot be made or changed"}
    assert names <= failed


def test_a_wall_that_cannot_be_put_up_is_no_start_and_nobodys_fault(level, monkeypatch):
    real = alone.words
    monkeypatch.setattr(alone, "words", lambda *a: {**real(*a), "walls": {**real(*a)["walls"], "filter": "00"}})
    ended = sandbox.run("probe", files={}, request={"ping": None}, level=level)
    assert isinstance(ended, sandbox.SystemFault)
    assert "a filter of 1 bytes" in ended.problem.what


@pytest.mark.attack_partly(43, 88)
def test_of_the_machine_only_the_interpreter_and_its_own_files_can_be_opened(act, tmp_path):
    other = Path(tempfile.mkdtemp(prefix="grader-test-"))
    try:
        other.chmod(0o777)
        (other / "model.py").write_text("another's")
        (other / "model.py").chmod(0o666)
        model = tmp_path / "model.py"
        model.write_text("own = 1\n")
        made = seen(
            act(
                f"""
                import os
                from pathlib import Path
                other = Path({str(other)!r})
                def tried(do):
                    try:
                        return str(do())
                    except OSError as error:
                        return type(error).__name__
                answer = {{
                    "own": tried(lambda: Path(box.submission, "model.py").read_text()),
                    "own changed": tried(lambda: Path(box.submission, "model.py").write_text("x")),
                    "own removed": tried(lambda: os.unlink(Path(box.submission, "model.py"))),
                    "program": tried(lambda: Path(box.root, "programs", "start.py").write_text("x")),
                    "other": tried(lambda: (other / "model.py").read_text()),
                    "other changed": tried(lambda: (other / "model.py").write_text("x")),
                    "other listed": tried(lambda: os.listdir(other)),
                    "temporary": tried(lambda: os.listdir(os.path.dirname(box.root))),
                    "home": tried(lambda: os.listdir(os.path.expanduser("~root"))),
                    "linked": tried(lambda: os.link(other / "model.py", "stolen")),
                    "work": tried(lambda: Path("mine").write_text("x")),
                    "grader": tried(lambda: Path({str(Path(alone.__file__))!r}).read_text()),
                }}
                """,
                files={"model.py": model},
            )
        )
        assert made.pop("own") == "own = 1\n"
        assert made.pop("work") == "1"
        assert {end for end in made.values() if not end.endswith("Error")} == set(), made
        assert (other / "model.py").read_text() == "another's"
    finally:
        shutil.rmtree(other)


def test_the_graders_own_package_is_left_out_wherever_it_is_installed(tmp_path):
    site = tmp_path / "site"
    for name in ("torch", "grader", "grader/rubrics", "numpy"):
        (site / name).mkdir(parents=True)
    readable, listed = alone._around(site, {site / "grader"})
    assert sorted(readable) == [str(site / "numpy"), str(site / "torch")]
    assert listed == [str(site), str(site / "grader")]
    assert alone._around(site, {tmp_path / "elsewhere"}) == ([str(site)], [])


@pytest.mark.attack_partly(42)
def test_the_environment_is_ours(act, monkeypatch):
    monkeypatch.setenv("GRADER_TEST_SECRET", "hunter2")
    made = seen(
        act(
            """
            import os
            answer = {"names": sorted(os.environ)}
            for who in (os.getppid(), "self"):
                try:
                    answer[str(who == "self")] = open(f"/proc/{who}/environ").read()
                except OSError as error:
                    answer[str(who == "self")] = type(error).__name__
            """
        )
    )
    assert set(made["names"]) <= {*layout.environment(), "LC_CTYPE", "PWD"}
    assert made["False"] == made["True"] == "PermissionError"


@pytest.mark.attack_partly(49)
def test_a_signal_to_all_reaches_only_its_own(act):
    """SIGKILL to -1 is the worst that there is: as a user of his own, or behind Landlock, it ends nobody else."""
    bystander = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)
    try:
        made = seen(
            act(
                """
                import os, signal
                child = os.fork()
                if child == 0:
                    signal.pause()
                try:
                    os.kill(-1, signal.SIGKILL)
                except OSError as error:
                    answer = {"end": type(error).__name__}
                else:
                    answer = {"end": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}
                """
            )
        )
        assert made == {"end": -9}
        assert bystander.poll() is None
    finally:
        bystander.communicate()


PLAIN = """
from .student import Student

def main(request, box):
    student = Student(box)
    module = student.module("model.py")
    return {"value": student.call("calling f()", vars(module)["f"], code="model.py")}
"""


@pytest.mark.parametrize(
    "code",
    [
        "import os\ndef f():\n    os.chmod('x', 0o700)",
        "import multiprocessing\nlock = multiprocessing.Lock()",
        "def f():\n    raise RuntimeError('unable to open shared memory object </torch_1>: Permission denied (13)')",
    ],
)
def test_what_only_this_level_refuses_is_not_held_against_the_student(level, tmp_path, code):
    """A person looks: in the full sandbox it might have gone on."""
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "model.py").write_text(code)
    ended = sandbox.run(tmp_path / "plain.py", files={"model.py": tmp_path / "model.py"}, request={}, level=level)
    assert isinstance(ended, sandbox.SystemFault), ended
    assert ended.problem.code == "refused-at-level-2"
    assert ended.problem.where.startswith("model.py")
    assert "level L3" in ended.problem.fix


@pytest.mark.parametrize(
    ("code", "word"),
    [
        pytest.param("def f():\n    return 1 / 0", "the error shows there too", id="a mistake"),
        pytest.param(
            "import socket\ndef f():\n    socket.create_connection(('192.0.2.1', 80), 1)", "no network", id="TCP"
        ),
        pytest.param(
            "import urllib.request as u\ndef f():\n    u.urlopen('http://192.0.2.1/')", "no network", id="URL"
        ),
    ],
)
def test_what_no_level_gives_is_the_students_at_this_level_too(level, tmp_path, code, word):
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "model.py").write_text(code)
    ended = sandbox.run(tmp_path / "plain.py", files={"model.py": tmp_path / "model.py"}, request={}, level=level)
    assert fault(ended) == "code-raised"
    assert word in ended.problem.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_root_becomes_a_user_that_nobody_else_is(act):
    made = seen(
        act(
            """
            import os
            answer = {"user": os.getresuid(), "group": os.getresgid(), "groups": os.getgroups()}
            """
        )
    )
    assert len({*made["user"], *made["group"]}) == 1
    assert made["user"][0] >= 61184
    assert made["groups"] == []


def test_a_python_that_only_root_may_read_is_said(tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    assert alone._closed(["/usr/lib", str(shut / "bin" / "python")]) in (str(shut), *map(str, shut.parents))
    assert alone._closed(["/usr/lib"]) == ""


@pytest.mark.torch
def test_a_network_is_described_as_in_the_box(level, tmp_path, monkeypatch):
    """The libraries find what they ask about the machine, and no number depends on the level."""
    code = tmp_path / "model.py"
    code.write_text(
        "import torch\nimport torchvision\nclass Net(torch.nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.a = torch.nn.Conv2d(3, 4, 3)\n"
        "        self.b = torch.nn.Linear(144, 10)\n"
        "    def forward(self, x):\n        return self.b(torch.flatten(self.a(x), 1))\n"
    )
    request = {"code": "model.py", "factory": "Net", "checkpoint": None, "input": [3, 8, 8]}
    result = seen(sandbox.run("describe", files={"model.py": code}, request=request, level=level))
    assert (result["parameters"], result["output_shape"]) == (3 * 4 * 9 + 4 + 144 * 10 + 10, [2, 10])
    monkeypatch.undo()
    best = sandbox.level()
    if best.has_namespaces:
        assert result == seen(sandbox.run("describe", files={"model.py": code}, request=request, level=best))


PATHS = """
import os, sys
from pathlib import Path
import torch
print(Path(__file__).parent, os.getcwd(), torch.__file__)
def f():
    raise ValueError(f"{Path(__file__).parent}, {os.getcwd()}, {torch.__file__}")
"""


@pytest.mark.parametrize("name", ["L1", "L2"])
def test_no_path_of_the_machine_is_in_a_finding(level, tmp_path, name):
    """It would be another one each time, and says where the grader lives."""
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "model.py").write_text(PATHS.replace("torch", "click"))
    at = level if name == "L2" else sandbox.level("none")
    ended = sandbox.run(tmp_path / "plain.py", files={"model.py": tmp_path / "model.py"}, request={}, level=at)
    assert fault(ended) == "code-raised"
    for text in (ended.problem.what, ended.output):
        for path in ("/box/job/submission", "/tmp", "/box/site/0/click/__init__.py"):  # noqa: S108  in the box
            assert path in text
        for path in ("grader-box-", *layout.installation().sites):
            assert path not in text


@pytest.mark.parametrize("late", [0, 1, 2, 3])
def test_a_job_that_has_not_started_says_nothing_about_the_clock(monkeypatch, late):
    """A busy machine must not cost a level; a clock that never ends a job must."""
    problem = sandbox.StudentFault("L2", 0.3, problem=Problem("wall-time", "", "", ""))
    ends = [sandbox.SystemFault("L2", 0.3, problem=problem.problem)] * late + [problem] * 3
    monkeypatch.setattr(doors, "run", lambda *_, **__: ends.pop(0))
    assert doors._clock(sandbox.Level("L2", ""), 0.3).is_passed is (late < 3)
