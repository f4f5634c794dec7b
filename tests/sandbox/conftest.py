"""The box, and programs that are only for tests. They need no torch, so that a job takes a tenth of a second."""

import textwrap

import pytest

from grader import sandbox

ACT = """
def main(request, box):
    scope = {"box": box}
    exec(request["do"], scope)
    return scope.get("answer", {})
"""
PLAIN = """
from .student import Student

def main(request, box):
    student = Student(box)
    module = student.module(request["code"])
    return {"value": student.call("calling f()", vars(module)["f"], code=request["code"])}
"""


@pytest.fixture(scope="session")
def box():
    """The level of a real sandbox, or a skip that says why there is none."""
    level = sandbox.level()
    if not level.has_namespaces:
        pytest.skip(f"no sandbox here: {level.reason}")
    return level


@pytest.fixture
def act(tmp_path, box):
    """Run lines of Python as a program in the box; they leave their result in `answer`."""
    program = tmp_path / "act.py"
    program.write_text(ACT)

    def run(do, *, level=box, files=None, **settings):
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        return sandbox.run(program, files=files or {}, request={"do": textwrap.dedent(do)}, limits=limits, level=level)

    return run


@pytest.fixture
def student(tmp_path, box):
    """Import a submission's model.py (and other files) in the box and call its f()."""
    program = tmp_path / "plain.py"
    program.write_text(PLAIN)

    def run(code, *, level=box, others=None, name="model.py", **settings):
        files = {}
        for path, text in {name: code, **(others or {})}.items():
            file = tmp_path / "handed-in" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text) if isinstance(text, bytes) else file.write_text(textwrap.dedent(text))
            files[path] = file
        limits = sandbox.Limits(**{"wall_s": 120, **settings})
        return sandbox.run(program, files=files, request={"code": name}, limits=limits, level=level)

    return run
