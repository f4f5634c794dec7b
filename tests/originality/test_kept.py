"""What was found of a class stands as long as everything it was made from is the same, and no longer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from grader.course import find_course
from grader.errors import MachineError
from grader.evidence.ledger import Ledger
from grader.model import Rubric, Rule, Task
from grader.originality import kept

NAMES = [("/class/ada", "ada"), ("/class/ben", "ben")]


def rubric(rule="originality", **settings):
    made = Rule(rule, "originality", Fraction(0), settings)
    return Rubric("nets", "Nets", (Task("1", "One", Fraction(0), (made,)),), "nets.yaml", "0" * 64)


RUBRICS = (rubric(given=["handouts"]),)


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    for part in ("submissions_template/nets", "reference_solutions/nets", "handouts", "fingerprints/nets", "rubrics"):
        (root / part).mkdir(parents=True)
        (root / part / "model.py").write_text(f"print({part!r})\n")
    (root / "grader.toml").write_text('name = "c"\n')
    return find_course(root)


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "state") as opened:
        for name, _ in NAMES:
            opened.keep_fingerprints(name, {"originality": {"code": [name]}, "second": {"code": [name]}})
        yield opened


@pytest.fixture
def made(course, ledger):
    def go(*, rubrics=RUBRICS, names=NAMES, key_of=lambda job: job.key, program="p"):
        return kept.made_from(course, rubrics, names, ledger, key_of, program=program)

    return go


def test_the_same_is_the_same(made):
    assert len(made()) == 64
    assert made() == made()


@pytest.mark.parametrize(
    "other",
    [
        {"rubrics": (rubric(given=["handouts"], weights_near=0.8),)},
        {"rubrics": (rubric(given=["handouts"], same_seed=True),)},
        {"rubrics": (rubric(),)},
        {"rubrics": (rubric("second", given=["handouts"]),)},
        {"rubrics": (replace(rubric(given=["handouts"]), assignment="other"),)},
        {"names": NAMES[:1]},
        {"names": [*NAMES, ("/class/cleo", "cleo")]},
        {"names": [NAMES[0], ("/class/ben", "ben.zip")]},
        {"program": "another"},
        {"key_of": lambda job: job.key + " by another version"},
    ],
    ids=["a bound", "a seed", "no handouts", "a rule", "an assignment", "one less", "one more", "a name", "p", "a key"],
)
def test_another_class_rule_or_program_is_another(made, other):
    assert made(**other) != made()


@pytest.mark.parametrize("part", ["submissions_template/nets", "reference_solutions/nets", "handouts"])
def test_what_the_course_gives_is_part_of_it(made, course, part):
    before = made()
    (course.root / part / "model.py").write_text("print('another')\n")
    changed = made()
    (course.root / part / "more.py").write_text("")
    assert len({before, changed, made()}) == 3


def test_every_earlier_year_is_part_of_it(made, course):
    before = made()
    year = course.root / "fingerprints" / "nets" / "2025.json.gz"
    year.write_bytes(b"one")
    with_one = made()
    year.write_bytes(b"two")
    with_other = made()
    year.rename(year.with_name("2024.json.gz"))
    assert len({before, with_one, with_other, made()}) == 4


def test_each_fingerprint_is_part_of_it(made, ledger):
    before = made()
    ledger.keep_fingerprints(NAMES[1][0], {"originality": {"code": ["another"]}})
    changed = made()
    ledger.keep_fingerprints(NAMES[1][0], {})
    assert len({before, changed, made()}) == 3


@pytest.mark.parametrize("package", ["numpy", "scipy", "pillow"])
def test_a_package_that_counts_is_part_of_it(made, monkeypatch, package):
    before = made()
    monkeypatch.setattr(kept, "version", lambda name: "9.9" if name == package else "1")
    changed = made()
    monkeypatch.setattr(kept, "version", lambda _name: "1")
    assert len({before, changed, made()}) == 3


def test_what_cannot_be_named_is_compared_anew(made, ledger):
    def refused(_job):
        raise MachineError.single("there is no such data set", where="x", fix="y")

    assert made(key_of=refused) == ""
    with ledger._written():
        ledger._database.execute("UPDATE fingerprints SET fingerprint = x'00' WHERE submission = ?", (NAMES[0][0],))
    assert ledger.fingerprint_digest(NAMES[0][0], "originality") is None
    assert made() == ""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fingerprints").mkdir()
    (tmp_path / "originality.json").write_text("{}")
    (tmp_path / "fingerprints" / "nets.json.gz").write_bytes(b"1")
    kept.note(tmp_path, "a" * 64, ["originality.json", "fingerprints/nets.json.gz"])
    return tmp_path


def test_what_was_written_is_found(folder):
    files = kept.found_before(folder, "a" * 64)
    assert files == {"originality.json": b"{}", "fingerprints/nets.json.gz": b"1"}


@pytest.mark.parametrize("name", ["originality.json", "fingerprints/nets.json.gz", kept.FILE])
def test_a_file_that_is_changed_or_gone_is_made_anew(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    assert kept.found_before(folder, "a" * 64) is None
    (folder / name).unlink()
    assert kept.found_before(folder, "a" * 64) is None


def test_what_was_made_from_anything_else_is_not_found(folder):
    assert kept.found_before(folder, "b" * 64) is None
    assert kept.found_before(folder, "") is None
    kept.note(folder, "", ["originality.json"])
    assert kept.found_before(folder, "a" * 64) is None
    kept.note(folder, "", ["originality.json"])
