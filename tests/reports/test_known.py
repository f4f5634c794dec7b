"""What can be shown of a hand-in that was graded before: only what is still as it was, and nothing is run for it."""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from grader.cli.common import find_course, load_rubric
from grader.evidence.cache import Cache
from grader.evidence.jobs import PREDICT
from grader.evidence.kinds import Bench, cache_key
from grader.grading import ask
from grader.intake import read_submission
from grader.model import Evidence, EvidenceStatus, ScoreCard
from grader.places import cache_folder
from grader.reports.exhibits import Accuracy, LayerTable, Pictures
from grader.reports.known import Shelf
from grader.sandbox import Level

ROOT = Path(__file__).parents[2]
COUNTED = {"correct": 357, "n": 360, "confusion": [[0] * 10] * 10, "classes": list("0123456789"), "worst": [[3, 9, 8]]}


@pytest.fixture
def handed_in(tmp_path):
    folder = tmp_path / "ada"
    shutil.copytree(ROOT / "examples" / "digits-class" / "01-perfect", folder)
    return folder


@pytest.fixture
def course():
    return find_course(ROOT)


@pytest.fixture
def card(course):
    digest = load_rubric(course, "digits").digest
    none = Fraction(0)
    return ScoreCard("ada", "digits", (), digest, (), none, none, none, made_with={"sandbox": "L2"})


def keep(course, folder, level):
    """Put a count of the checkpoint into the cache, as a run at this level of the sandbox would have."""
    submission = read_submission(folder)
    needs = ask(submission, load_rubric(course, "digits")).needs
    [job] = {job for jobs in needs.values() for job in jobs if job.kind == PREDICT}
    key = cache_key(job, Bench(course.limits, Level(level, ""), course.data_root))
    Cache(cache_folder("evidence")).put(Evidence(key, EvidenceStatus.DONE, result=COUNTED))


@pytest.mark.parametrize("level", ["L1", "L2", "L3"])
def test_a_result_is_found_at_whatever_level_it_was_made(course, card, handed_in, level, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    keep(course, handed_in, level)
    found = Shelf(course).known(card, str(handed_in))
    assert [one.measured[0].correct for one in found.exhibits if isinstance(one, Accuracy)] == [357]
    assert [one.pictures[0].caption for one in found.exhibits if isinstance(one, Pictures)] == [
        "9 taken for 8 (number 3)"
    ]
    assert "not in the cache of this machine: " in found.note
    assert "predict" not in found.note


def test_without_results_there_is_what_the_files_alone_say(course, card, handed_in, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    found = Shelf(course).known(card, str(handed_in))
    assert [type(one) for one in found.exhibits] == [LayerTable]
    assert "predict" in found.note


def test_nothing_is_run_and_nothing_is_written_beside_the_images(course, card, handed_in, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))
    from grader import sandbox

    monkeypatch.setattr(sandbox, "run", lambda *_, **__: pytest.fail("something was run"))
    monkeypatch.setattr(sandbox, "level", lambda *_: pytest.fail("a box was started"))
    Shelf(course).known(card, str(handed_in))
    assert not (tmp_path / "cache" / "evidence").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"source": "/nowhere/ada"}, "no longer where they were graded", id="files that are gone"),
        pytest.param({"source": ""}, "no longer where they were graded", id="no place at all"),
        pytest.param({"digest": "0" * 64}, "others by now", id="files that have changed"),
        pytest.param(
            {"card": {"rubric_digest": "0" * 64}}, "the rubric is another one", id="a rubric that has changed"
        ),
        pytest.param({"card": {"assignment": "nothing"}}, "the rubric cannot be read", id="a rubric that is gone"),
    ],
)
def test_what_is_another_thing_by_now_is_not_shown_and_the_reason_is_said(course, card, handed_in, change, why):
    source, digest = change.get("source", str(handed_in)), change.get("digest", "")
    found = Shelf(course).known(replace(card, **change.get("card", {})), source, digest)
    assert found.exhibits == ()
    assert why in found.note


def test_the_files_as_they_were_are_shown(course, card, handed_in):
    digest = read_submission(handed_in).source.digest
    assert Shelf(course).known(card, str(handed_in), digest).exhibits


def test_what_was_unpacked_is_removed(course, card, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    archive = next((ROOT / "examples" / "digits-class").glob("10-*.zip"))
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Shelf(course).opened(card, str(archive)) as found:
        assert found.submission.root.is_dir()
        root = found.submission.root
    assert not root.exists()


def test_an_archive_that_cannot_be_read_has_no_exhibits(course, card, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
    assert Shelf(course).known(card, str(tmp_path / "broken.zip")).exhibits == ()
