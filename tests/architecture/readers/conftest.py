"""What students pasted: third parties' texts, so they lie in the workplace, not in the project."""

import json
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def students_summaries():
    """The path of every summary of a kind, with what is known about it."""
    folder = Path(os.environ.get("GRADER_CORPUS") or Path(__file__).resolve().parents[4] / "shared" / "corpus")
    if not folder.is_dir():
        pytest.skip("the corpus is not here: set GRADER_CORPUS to its folder")
    known = json.loads((folder / "tables" / "index.json").read_text())

    def of_kind(kind):
        found = [(folder / one["file"], one) for one in known if one["kind"] == kind]
        assert found
        return found

    return of_kind
