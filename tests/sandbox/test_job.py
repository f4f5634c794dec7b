"""One job from end to end: what goes in, what comes out, and whose fault it is that nothing does."""

import resource
import subprocess
import sys

import pytest

from grader import sandbox
from grader.sandbox import process
from grader.sandbox.results import SCHEMAS

pytestmark = pytest.mark.sandbox
LIMITS = sandbox.Limits(wall_s=20)


@pytest.fixture
def program(tmp_path, box):
    def run(main, *, request=None, inputs=None, answer_bytes=None):
        path = tmp_path / "act.py"
        path.write_text(f"def main(request, box):\n    {main}\n")
        data = None
        if inputs is not None:
            data = tmp_path / "inputs"
            data.write_bytes(inputs)
        return sandbox.run(
            path, files={}, request=request, inputs=data, answer_bytes=answer_bytes, limits=LIMITS, level=box
        )

    return run


def test_raw_bytes_come_out_as_they_were_made(program):
    inputs = bytes(range(256)) * 40_000
    ended = program("return open(box.inputs, 'rb').read()[::-1]", inputs=inputs, answer_bytes=len(inputs))
    assert isinstance(ended, sandbox.Answered)
    assert ended.payload == inputs[::-1]


@pytest.mark.parametrize("size", [0, 11, 13, 4096])
def test_an_answer_of_another_length_is_none(program, size):
    ended = program(f"return bytes({size})", answer_bytes=12)
    assert isinstance(ended, sandbox.StudentFault)
    assert ended.problem.code == "no-answer"
    assert f"{size:,} bytes where 12 were asked for" in ended.problem.what


def test_an_empty_answer_can_be_asked_for(program):
    assert isinstance(program("return b''", answer_bytes=0), sandbox.Answered)


def test_a_large_request_arrives_whole(program):
    words = ["x" * 1000] * 2000
    ended = program("return {'same': request == ['x' * 1000] * 2000}", request=words)
    assert isinstance(ended, sandbox.Answered)
    assert ended.result == {"same": True}


def test_our_own_program_that_breaks_is_our_fault(program):
    ended = program("return {'x': 1 / 0}")
    assert isinstance(ended, sandbox.SystemFault)
    assert ended.problem.code == "program-broke"
    assert "ZeroDivisionError" in ended.problem.what
    assert "Traceback" in ended.output


def test_an_answer_that_is_no_json_is_our_fault_too(program):
    assert isinstance(program("return {'x': float('nan')}"), sandbox.SystemFault)


def test_a_program_for_tests_cannot_stand_for_one_of_ours(tmp_path, box):
    with pytest.raises(ValueError, match="stands for one of ours"):
        sandbox.run(tmp_path / "checkpoint.py", files={}, request={}, level=box)


def test_a_forged_result_that_is_not_as_agreed_is_no_answer(program, monkeypatch):
    """Code in the box can forge its result, but nothing with another shape gets to a check."""
    monkeypatch.setattr("grader.sandbox.results.SCHEMAS", {"act": SCHEMAS["checkpoint"]})
    ended = program(
        "return {'format': 'torch-zip', 'tensors': 'all', 'elements': 0, 'bytes': 1, 'module_prefix': False}"
    )
    assert isinstance(ended, sandbox.StudentFault)
    assert (ended.problem.code, "/tensors" in ended.problem.what) == ("no-answer", True)


def test_seconds_and_cpu_seconds_are_told(program):
    ended = program("return {}")
    assert 0 < ended.cpu_seconds < 20
    assert 0 < ended.seconds < 20


@pytest.mark.parametrize(
    ("which", "most", "said", "fix"),
    [
        pytest.param("RLIMIT_AS", 3_000_000_000, "3,000,000,000 bytes of address space", "memory_mb", id="memory"),
        pytest.param("RLIMIT_CPU", 5, "5 s of CPU time", "cpu_s", id="CPU time"),
    ],
)
def test_a_machine_that_allows_less_than_the_course_is_not_the_students_fault(
    program, monkeypatch, which, most, said, fix
):
    real = resource.getrlimit
    monkeypatch.setattr(resource, "getrlimit", lambda of: (most, most) if of == getattr(resource, which) else real(of))
    ended = program("return {}")
    assert isinstance(ended, sandbox.SystemFault)
    assert said in ended.problem.what
    assert fix in ended.problem.fix


PROBE = """
from grader import sandbox
print(sandbox.run("probe", files={}, request={"ping": None}, level=sandbox.level()).level)
"""


def test_a_user_who_may_open_few_files_still_gets_the_sandbox(box):
    command = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", sys.executable, "-c", PROBE]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == box.name


@pytest.mark.fault("F2", "F16")
def test_a_machine_that_ran_out_of_memory_is_not_the_students_fault(tmp_path, monkeypatch):
    killed = tmp_path / "act.py"
    killed.write_text("import os\ndef main(request, box):\n    os.kill(os.getpid(), 9)\n")

    def end():  # not in the box: its first process cannot kill itself
        return sandbox.run(killed, files={}, request={}, limits=LIMITS, level=sandbox.level("none"))

    assert isinstance(end(), sandbox.StudentFault)
    counts = iter([7, 8])
    monkeypatch.setattr(process, "oom_kills", lambda: next(counts))
    ended = end()
    assert isinstance(ended, sandbox.SystemFault)
    assert "ran out of memory" in ended.problem.what
