# ruff: noqa: E501, S105 - cases stand on one line; paths are those of the box; dice are for tests
"""Which level is found, what is refused without one, and whose fault a broken sandbox is."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from grader import sandbox
from grader.sandbox import alone, boxes, doors, layout, levels, raising, syscalls, zygote

INSTALL = f"install it: {raising.install(raising.this_system())}"
NOTHING = {"files": {}, "request": {"ping": None}}


@pytest.fixture
def bwrap_is(monkeypatch):
    """Let another program be found as bubblewrap, or none."""
    folder = Path(tempfile.mkdtemp(prefix="grader-test-"))  # pytest's own folders are closed to nobody
    folder.chmod(0o755)

    def set_(script):
        path = None
        if script is not None:
            path = folder / "bwrap"
            path.write_text(script)
            path.chmod(0o755)
        monkeypatch.setattr(boxes, "bubblewrap", lambda: path and str(path))
        monkeypatch.setattr(levels, "bubblewrap", lambda: path and str(path))
        levels._best.cache_clear()

    yield set_
    shutil.rmtree(folder)
    monkeypatch.undo()
    levels._best.cache_clear()


def test_none_is_the_level_for_ones_own_code():
    level = sandbox.level("none")
    assert (str(level), level.is_isolated) == ("L1", False)
    assert level.fix


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="'auto' or 'none'"):
        sandbox.level("docker")


@pytest.fixture
def no_landlock(monkeypatch):
    monkeypatch.setattr(alone, "why_not", lambda _: ("this kernel has no Landlock", "use a newer kernel"))


@pytest.mark.usefixtures("no_landlock")
def test_without_bubblewrap_nor_landlock_it_is_l1_and_says_how_to_raise_it(bwrap_is):
    bwrap_is(None)
    level = sandbox.level()
    assert (str(level), level.is_isolated) == ("L1", False)
    assert level.reason == "bubblewrap is not installed; nor is there level L2: this kernel has no Landlock"
    assert level.fix == f"{INSTALL}; or use a newer kernel"


@pytest.mark.fault("F2")
def test_a_trial_that_is_killed_from_outside_says_nothing_of_the_machine(bwrap_is):
    if not sandbox.level().has_namespaces:
        pytest.skip("no bubblewrap here")
    with tempfile.TemporaryDirectory(prefix="grader-test-") as folder:
        Path(folder).chmod(0o777)  # bubblewrap may be started by another user
        mark = f"{folder}/killed"
        once = f'[ "$1" = --help ] || [ -e {mark} ] || {{ : > {mark}; kill -9 $$; }}'
        bwrap_is(f'#!/bin/sh\n{once}\nexec {shutil.which("bwrap")} "$@"\n')
        assert str(sandbox.level()) == "L3"
        assert Path(mark).exists()


@pytest.mark.parametrize("does_hold", [True, False])
def test_without_bubblewrap_it_is_l2_where_every_wall_of_it_holds(bwrap_is, monkeypatch, does_hold):
    bwrap_is(None)
    tried = []

    def quickly(of):
        tried.append(of.name)
        return [sandbox.Probe("a", is_passed=True, said="as it should"), sandbox.Probe("b", does_hold, "as it is")]

    monkeypatch.setattr(alone, "why_not", lambda _: None)
    monkeypatch.setattr(doors, "quickly", quickly)
    level = sandbox.level()
    assert tried == ["L2"]
    assert (str(level), level.is_isolated, level.has_namespaces) == ("L2" if does_hold else "L1", does_hold, False)
    assert ("not covered" in level.reason) is does_hold
    assert ("does level L2 hold here (b: as it is)" in level.reason) is not does_hold
    assert level.fix == INSTALL


@pytest.mark.usefixtures("no_landlock")
def test_an_old_bubblewrap_is_not_used(bwrap_is):
    bwrap_is("#!/bin/sh\necho '--args --ro-bind-data --perms --as-pid-1 --size'\n")
    level = sandbox.level()
    assert (str(level), "--disable-userns" in level.reason) == ("L1", True)
    assert level.fix.startswith("install bubblewrap 0.8 or newer")


REFUSING = """#!/bin/sh
case "$1" in --help) echo '--disable-userns --as-pid-1 --size --ro-bind-data --perms'; exit 0;; esac
echo 'bwrap: setting up uid map: Permission denied' >&2
exit 1
"""


@pytest.mark.usefixtures("no_landlock")
def test_a_bubblewrap_that_may_not_start_is_explained(bwrap_is):
    bwrap_is(REFUSING)
    level = sandbox.level()
    assert not level.is_isolated
    assert "setting up uid map: Permission denied" in level.reason
    assert "AppArmor" in level.fix


@pytest.mark.usefixtures("no_landlock")
def test_without_a_sandbox_nothing_is_run_unless_the_caller_says_so(bwrap_is):
    bwrap_is(None)
    ended = sandbox.run("probe", **NOTHING)
    assert isinstance(ended, sandbox.SystemFault)
    assert (ended.problem.code, ended.problem.fix.partition(";")[0]) == ("no-sandbox", INSTALL)
    assert isinstance(sandbox.run("probe", **NOTHING, level=sandbox.level("none")), sandbox.Answered)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(REFUSING, id="it refuses"),
        pytest.param("#!/bin/sh\nexit 0\n", id="it ends at once and says that all is well"),
        pytest.param("#!/bin/sh\necho GRDR; cat >/dev/null; exit 0\n", id="it prints what looks like an answer"),
        pytest.param("#!/bin/sh\nkill -9 $$\n", id="it is killed"),
        pytest.param("#!/bin/sh\nsleep 30\n", id="it hangs"),
    ],
)
def test_a_sandbox_that_fails_is_never_the_students_fault(bwrap_is, script):
    bwrap_is(script)
    level = sandbox.Level("L3", "said so")
    ended = sandbox.run("probe", **NOTHING, level=level, limits=sandbox.Limits(wall_s=1))
    assert isinstance(ended, sandbox.SystemFault), ended
    assert ended.problem.code == ("sandbox-killed" if "kill -9" in script else "sandbox")


def test_the_self_test_fails_closed(bwrap_is):
    bwrap_is(REFUSING)
    probes = sandbox.self_test(sandbox.Level("L3", "said so"))
    assert probes
    assert not any(probe.is_passed for probe in probes)
    assert all(probe.fix for probe in probes)


@pytest.mark.sandbox
def test_the_self_test_passes_here(box):
    probes = sandbox.self_test(box)
    assert [probe for probe in probes if not probe.is_passed] == []
    assert len(probes) == 12


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("option", "arguments", "name"),
    [
        ("--disable-userns", 1, "no namespace within"),
        ("--remount-ro", 2, "every writable folder has a size"),
        ("--as-pid-1", 1, "nobody, alone, in a session of its own"),
        ("--new-session", 1, "nobody, alone, in a session of its own"),
    ],
)
def test_the_self_test_sees_a_missing_option(box, monkeypatch, option, arguments, name):
    real = layout.arguments

    def fewer(*args, **kwargs):
        made = real(*args, **kwargs)
        at = made.index(option)
        return made[:at] + made[at + arguments :]

    monkeypatch.setattr(layout, "arguments", fewer)
    if option == "--disable-userns":  # the filter shuts that door too
        monkeypatch.setattr(syscalls, "program", lambda *_, **__: b"")
    with zygote.cold(), doors.baits() as bait:
        probes = [*doors.walls(box, bait), *doors.caps(box)]
    assert name in [probe.name for probe in probes if not probe.is_passed]


def test_at_l1_the_limits_hold(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    level = sandbox.level("none")
    ended = sandbox.run("probe", files={}, request={"sleep": 30}, limits=sandbox.Limits(wall_s=0.5), level=level)
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.problem.code == "wall-time"
    program = tmp_path / "act.py"
    program.write_text(
        "import os\ndef main(r, box):\n    return {'cwd': os.getcwd(), 'names': sorted(os.environ),"
        " 'files': sorted(os.listdir(box.submission)), 'mask': os.path.exists(box.inputs)}"
    )
    model = tmp_path / "model.py"
    model.write_text("")
    os.environ["GRADER_TEST_SECRET"] = "hunter2"
    try:
        ended = sandbox.run(program, files={"model.py": model}, request=None, inputs=model, level=level)
    finally:
        del os.environ["GRADER_TEST_SECRET"]
    assert isinstance(ended, sandbox.Answered)
    assert ended.level == "L1"
    assert set(ended.result["names"]) <= {*layout.environment(), "PWD", "LC_CTYPE"}
    assert ended.result["files"] == ["model.py"]
    assert ended.result["cwd"] == layout.TEMPORARY  # as the box has it: its own path out here says nothing to anybody
    assert list(scratch.iterdir()) == []


# --- installations -----------------------------------------------------------------------------

ORDINARY = """
import json
from grader import sandbox
level = sandbox.level()
ended = sandbox.run("probe", files={}, request={"identity": None, "fork": 12, "read": [__import__("grader").__file__]},
                    limits=sandbox.Limits(processes=8, wall_s=20), level=level)
print(json.dumps([level.name, level.reason, getattr(ended, "result", None) or ended.problem.what]))
"""


@pytest.mark.sandbox
def test_an_ordinary_user_with_the_systems_python_has_the_same_box(box):
    """The grader as root stages what nobody may reach; for everybody else bubblewrap binds it itself."""
    del box
    python = Path("/usr/bin/python3")
    if os.geteuid() != 0 or not python.exists():
        pytest.skip("needs root, to become somebody else, and /usr/bin/python3")
    root = Path(layout.__file__).parents[2]
    done = subprocess.run(
        [python, "-B", "-c", ORDINARY], cwd=root, capture_output=True, text=True, user=4711, group=4711, extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, timeout=60, check=False,
    )  # fmt: skip
    if "No module named" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip(f"the system's Python cannot read this checkout: {done.stderr.splitlines()[-1]}")
    import json

    name, reason, seen = json.loads(done.stdout)
    assert name == "L3", reason
    assert seen["identity"][:3] == [65534, 1, 0]
    assert seen["fork"] < 8
    assert set(seen["read"].values()) == {"FileNotFoundError"}


def test_the_installation_holds_the_interpreter_and_nothing_above_it():
    here = layout.installation()
    assert Path(here.python).is_file()
    bound = [source for source, _ in here.binds]
    assert not set(bound) & {"/", "/usr", "/home", "/root", "/etc", str(Path.home()), sys.prefix, sys.base_prefix}
    checkout = str(Path(layout.__file__).parents[2])
    assert [path for path in bound if path.startswith(checkout)] == [
        path for path in here.sites if path.startswith(checkout)
    ]


def test_no_host_path_stands_in_the_environment_of_the_box():
    assert {value for value in layout.environment().values() if value.startswith("/")} == {"/tmp"}  # noqa: S108


@pytest.mark.sandbox
def test_where_the_grader_is_installed_its_own_package_is_covered(act, monkeypatch):
    """Not in a checkout, but in site-packages: rubrics and checks may stand there."""
    here = layout.installation()
    covered = next(name for name in ("click", "numpy") if (Path(here.sites[0]) / name).is_dir())
    monkeypatch.setattr(layout, "installation", lambda: replace(here, hidden=(f"{layout.BOX}/site/0/{covered}",)))
    ended = act(f"import os; answer = {{'seen': os.listdir('/box/site/0/{covered}')}}")
    assert isinstance(ended, sandbox.Answered), ended
    assert ended.result == {"seen": []}


@pytest.mark.sandbox
def test_installed_into_the_base_python_it_is_covered_there_too(act, monkeypatch):
    """The library of the base Python is bound as it stands, with what is installed in it."""
    site = next(
        (path for path in (Path(sys.base_prefix) / "lib").glob("python3*/site-packages") if (path / "pip").is_dir()),
        None,
    )
    if site is None:
        pytest.skip("the base Python has no site-packages with a package in it")
    monkeypatch.setattr(layout, "_OWN", "pip")
    monkeypatch.setattr(layout, "_sites", lambda: (os.path.realpath(site),))
    monkeypatch.setattr(layout, "installation", layout.installation.__wrapped__)
    ended = act(
        f"import os; answer = {{'seen': [os.listdir(p) for p in ('/box/site/0/pip', {os.path.realpath(site / 'pip')!r})]}}"
    )
    assert isinstance(ended, sandbox.Answered), ended
    assert ended.result == {"seen": [[], []]}


@pytest.mark.sandbox
def test_what_a_program_answers_holds_no_control_character(act):
    ended = act(r"answer = {'a\x1b[31m': ['b\u202e', {'c': 'd\te\nf'}]}")
    assert isinstance(ended, sandbox.Answered), ended
    assert ended.result == {"a\\x1b[31m": ["b\\u202e", {"c": "d   e\nf"}]}


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../b", "", "a//b", "./a", "a\0b"])
def test_a_path_that_leads_out_of_the_submission_is_the_callers_mistake(path):
    with pytest.raises(ValueError, match="no path within"):
        sandbox.run("probe", files={path: Path(__file__)}, request={}, level=sandbox.level("none"))


def test_a_file_that_is_also_a_folder_is_the_callers_mistake():
    with pytest.raises(ValueError, match="both a file and a folder"):
        sandbox.run(
            "probe", files={"a": Path(__file__), "a/b": Path(__file__)}, request={}, level=sandbox.level("none")
        )


def test_an_unknown_program_is_the_callers_mistake():
    with pytest.raises(ValueError, match="no program"):
        sandbox.run("../probe", files={}, request={}, level=sandbox.level("none"))


@pytest.mark.parametrize("level", [sandbox.Level("L3", ""), sandbox.Level("L1", "")], ids=str)
def test_a_link_or_a_pipe_or_nothing_in_place_of_a_file_is_no_fault_of_the_student(tmp_path, level):
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "absent"):
        ended = sandbox.run("probe", files={"x": tmp_path / name}, request={}, level=level)
        assert isinstance(ended, sandbox.SystemFault), name


def test_the_parent_side_imports_neither_torch_nor_numpy():
    code = "import sys, grader.sandbox, grader.sandbox.predictions; print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


ELSEWHERE = """
import os, socket, sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Without())
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_PATH", "uname", "fork", "geteuid", "memfd_create"):
    if hasattr(os, name):
        delattr(os, name)
del socket.AF_UNIX
import grader.sandbox, grader.sandbox.predictions, grader.sandbox.raising
print(grader.sandbox.level("none"))
"""


def test_the_parent_side_is_imported_where_there_is_no_posix():
    """On Windows answers are graded too; only where code is to be run must it say that it cannot."""
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("L1\n", "")


def test_the_number_of_files_is_capped_inclusively():
    level = sandbox.level("none")
    files = {f"f{n}.py": Path(__file__) for n in range(400)}
    assert isinstance(sandbox.run("probe", files=files, request={"ping": None}, level=level), sandbox.Answered)
    ended = sandbox.run("probe", files={**files, "one-more.py": Path(__file__)}, request={"ping": None}, level=level)
    assert isinstance(ended, sandbox.StudentFault)
    assert (ended.problem.code, ended.use) == ("too-many-files", "401 files")
