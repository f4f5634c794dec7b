import tempfile
from pathlib import Path

import pytest

from grader.evidence import there
from grader.evidence.there import done_there, made_by
from grader.limits import Limits
from grader.model import Evidence, EvidenceStatus


@pytest.mark.fault("F1")
def test_a_node_clears_away_what_a_killed_worker_left_and_leaves_nothing_itself(tmp_path, monkeypatch):
    (tmp_path / "grader-run-dead" / "grader-job-1").mkdir(parents=True)
    (tmp_path / "grader-run-dead" / "grader-job-1" / "model.py").write_text("x")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []

    def finished(_job, folder, _bench, _began):
        seen.extend(path.name for path in tmp_path.iterdir())
        assert tmp_path in Path(folder).parents
        return Evidence("", EvidenceStatus.DONE, result={"n": 1})

    monkeypatch.setattr(there, "finished", finished)
    limits = {name: getattr(Limits(), name) for name in Limits.__slots__}
    settings = {"limits": limits, "sandbox": "none", "made_by": {"syntax": made_by("syntax")}}
    made = done_there({"kind": "syntax", "files": [], "parameters": {}}, (), settings, ([], []))
    assert made["result"] == {"n": 1}
    assert len(seen) == 1
    assert seen != ["grader-run-dead"]
    assert list(tmp_path.iterdir()) == []
