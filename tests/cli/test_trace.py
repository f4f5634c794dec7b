"""What a run's workers did is left beside its record, drawn where that is asked for, and no part of any grade."""

import json
import shutil
from pathlib import Path

import pytest

from grader import sandbox
from grader.documents import schema, validator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(grader, tmp_path):
    def go(folder, *words, code=0):
        own = {"GRADER_STATE": str(tmp_path / "state"), "GRADER_CACHE": str(tmp_path / "cache")}
        return grader("run-all", folder, "--course", ROOT, "--json", *words, code=code, env=own)

    return go


def valid(path):
    document = json.loads(path.read_text())
    assert list(validator(schema("occupancy")).iter_errors(document)) == []
    return document


@pytest.mark.sandbox
def test_a_run_leaves_who_was_busy_when_and_draws_it(run, tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip("no sandbox here")
    folder = tmp_path / "class"
    for name in ("01-perfect", "09-model-does-not-build"):
        shutil.copytree(ROOT / "examples" / "digits-class" / name, folder / name)
    first = run(folder, "--trace", tmp_path / "drawn" / "run.svg", "--jobs", "2")
    kept = valid(tmp_path / "state" / "occupancy.json")
    assert (kept["workers"], kept["hand_ins"], kept["command"]) == (2, 2, f"run-all {folder}")
    done = {one["kind"]: one["tries"] for one in kept["kinds"]}
    assert done["describe"] >= 2
    assert sum(done.values()) == sum(jobs for row in kept["rows"] for *_, jobs in row["spans"])
    assert f"{sum(done.values())} recomputed" in first.stderr
    assert {row["worker"] for row in kept["rows"]} <= {"worker 1", "worker 2"}
    assert (tmp_path / "drawn" / "run.svg").read_text().startswith("<svg ")
    assert "2 workers were busy" in first.stderr
    assert "worker 1" in first.stderr

    second = run(folder, "--trace", tmp_path / "again.json")  # nothing is left to do
    assert second.stdout == first.stdout
    assert valid(tmp_path / "again.json")["rows"] == []
    assert "no job was done" in second.stderr
    assert valid(tmp_path / "state" / "occupancy.json") == kept


def test_a_file_of_another_kind_is_refused_before_anything_is_done(run, theory, tmp_path):
    said = run(theory.parent, "--trace", tmp_path / "run.pdf", code=2).stderr
    assert "neither .svg, a picture, nor .json" in " ".join(said.split())
    assert not (tmp_path / "state").exists()


def test_a_disk_that_refuses_the_trace_costs_no_grade(run, theory, tmp_path):
    (tmp_path / "file").touch()
    ran = run(theory.parent, "--trace", tmp_path / "file" / "run.svg", "--only", "theory")
    assert len(json.loads(ran.stdout)) == 1
    assert "what the workers did cannot be written" in ran.stderr
