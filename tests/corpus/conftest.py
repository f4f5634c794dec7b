"""The corpus of real summaries and reports: third parties' texts, so it lies in the workplace, not in the project."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"


def _folder(variable: str, usual: Path, what: str) -> Path:
    folder = Path(os.environ.get(variable) or usual)
    if not folder.is_dir():
        pytest.skip(f"{what} are not here: set {variable} to their folder")
    return folder


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder with tables/ and reports/, each with its index.json."""
    return _folder("GRADER_CORPUS", SHARED / "corpus", "the real summaries and reports")


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of the five seed reports."""
    return _folder("GRADER_SEEDS", SHARED / "seeds", "the seed reports")


@pytest.fixture(scope="session")
def mutations():
    """The script that changes summaries, as a module: benchmarks are no package."""
    path = HERE.parents[1] / "benchmarks" / "mutate_summaries.py"
    spec = importlib.util.spec_from_file_location("mutate_summaries", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
