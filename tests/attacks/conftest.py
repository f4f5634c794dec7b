"""The box as tests/sandbox/conftest.py has it: `box`, `act` (lines of Python) and `student` (a model.py)."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "sandbox_fixtures", Path(__file__).parents[1] / "sandbox" / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

box, act, student = _fixtures.box, _fixtures.act, _fixtures.student
