"""What is imported is what the LMS had: whose it is, when it came, every byte; and once is as good as twice."""

import hashlib
from dataclasses import replace
from datetime import UTC, timedelta
from types import SimpleNamespace

import pytest

from grader.errors import CourseError, GraderError, MachineError, SubmissionError, UsageError
from grader.intake import find_submissions, submission_from
from grader.intake.classes import read_class
from grader.intake.lms.importing import Asked, assignment_of, import_download
from tests.lms.kinds import MAKERS
from tests.lms.made import files_of, make_roster, resubmitted, students, write_files, zip_of

FORMS = [
    ("moodle", {}),
    ("moodle", {"is_flat": True, "bom": True, "words": "de", "delimiter": ";"}),
    ("moodle", {"has_teams": True, "words": "es"}),
    ("canvas", {}),
    ("canvas", {"delimiter": ";", "has_split_names": True}),
    ("gradescope", {"has_groups": True}),
    ("classroom", {"has_teams": True}),
    ("nbgrader", {}),
    ("folder", {}),
]


def asked(made, target, **more):
    given = {"roster": made.roster, "worksheet": made.worksheet, "zone": UTC, **more}
    return Asked(made.source, "digits", target, **given)


def people(**more):
    return students(26, group_of=3 if more.get("has_teams") or more.get("has_groups") else 0)


def snapshot(folder):
    """Every path with its bytes and the time of its last change."""
    files = {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }
    return folder.stat().st_ino, files


def held(folder, entry):
    """What a hand-in holds, as grading reads it."""
    with submission_from(folder / entry.path, assignment="digits") as submission:
        return {file.path: (submission.root / file.path).read_bytes() for file in submission.files}


def truth_of(made, entry):
    """By the paths in the download, of which a folder's own name is no part."""

    def inner(path):
        return path.removeprefix(f"{made.source.name}/")

    return next(one for one in made.hand_ins if {inner(path) for path in one.listed.values()} & set(entry.was))


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_class_comes_out_as_it_went_in(kind, form, tmp_path):
    class_ = people(**form)
    made = MAKERS[kind](tmp_path / "made", class_, **form)
    target = tmp_path / "course" / "submissions" / "digits"
    written = import_download(asked(made, target)).written
    class_list = read_class(target)
    assert class_list == written.merged.class_list
    assert sorted(one.id for one in class_list.roster) == sorted({one.id for one in class_list.roster})
    assert len(class_list.roster) == len(class_)
    assert all(one.reason for one in class_list.roster)
    assert [path.name for path in find_submissions(target)] == sorted(one.path for one in class_list.hand_ins)
    counted = {one.path for one in class_list.hand_ins if one.is_counted}
    assert {path.name for path in target.iterdir()} == {*counted, ".class"}
    for entry in class_list.hand_ins:
        truth = truth_of(made, entry)
        assert held(target, entry) == dict(truth.files), entry.name
        assert entry.name == find_id(target, entry)
        if truth.received_at is None:
            assert entry.received_at is None
        elif kind in ("moodle", "classroom"):  # their files say the minute
            assert entry.received_at == truth.received_at.replace(second=0)
        else:
            assert entry.received_at == truth.received_at
    apart = {path for one in class_list.quarantined for path in one.files}
    there = {path.relative_to(target / ".class/quarantine").as_posix() for path in files_in(target)}
    assert there == apart
    if made.worksheet:
        assert (target / class_list.worksheet).read_bytes() == made.worksheet.read_bytes()


def files_in(target):
    return [path for path in (target / ".class" / "quarantine").rglob("*") if path.is_file()]


def find_id(target, entry):
    with submission_from(target / entry.path, assignment="digits") as submission:
        return submission.id


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_the_same_import_again_changes_nothing_and_says_so(kind, form, tmp_path):
    made = MAKERS[kind](tmp_path / "made", people(**form), **form)
    target = tmp_path / "digits"
    first = import_download(asked(made, target)).written
    before = snapshot(target)
    again = import_download(asked(made, target)).written
    assert (first.is_changed, again.is_changed) == (True, False)
    assert (again.merged.new, again.merged.replaced, again.merged.kept) == ((), (), ())
    assert len(again.merged.same) == len(first.merged.new)
    assert snapshot(target) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_trial_run_writes_nothing_and_foretells_the_class(tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", people())
    target = tmp_path / "digits"
    foretold = import_download(asked(made, target, is_dry_run=True)).written
    assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert import_download(asked(made, target)).written.merged == foretold.merged


@pytest.fixture
def two(tmp_path):
    """A class, its first download, and a later one: one resubmitted, one new, one left out."""
    class_ = list(students(6, missing=0, zipped=4))
    late = replace(class_[5], files={}, received_at=None)
    first = MAKERS["moodle"](tmp_path / "first", [*class_[:5], late])
    class_[1] = resubmitted(class_[1])
    gone = replace(class_[2], files={}, received_at=None)
    second = MAKERS["moodle"](tmp_path / "second", [*class_[:2], gone, *class_[3:]])
    return first, second


def test_a_newer_download_adds_and_replaces_and_keeps_what_was(two, tmp_path):
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(first, target))
    (target / "s1001" / "note.txt").write_text("by the TA")
    made = import_download(asked(second, target)).written.merged
    assert (made.new, made.replaced, made.kept) == (("s1006",), ("s1002",), ("s1003",))
    assert made.same == ("s1001", "s1004", "s1005")
    assert (target / "s1001" / "note.txt").read_text() == "by the TA"
    class_list = read_class(target)
    assert held(target, class_list.by_name["s1002"]) == dict(second.hand_in_of("s1002").files)
    [old] = [one for one in class_list.hand_ins if not one.is_counted]
    assert held(target, old) == dict(first.hand_in_of("s1002").files)
    assert old.students == ("s1002",)
    assert "before" in class_list.by_id["s1003"].reason
    assert class_list.by_id["s1003"].hand_in == "s1003"
    before = snapshot(target)
    assert not import_download(asked(second, target)).written.is_changed
    assert snapshot(target) == before


def test_an_older_download_imported_later_replaces_nothing(two, tmp_path):
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(second, target))
    made = import_download(asked(first, target)).written.merged
    assert made.replaced == ()
    class_list = read_class(target)
    assert held(target, class_list.by_name["s1002"]) == dict(second.hand_in_of("s1002").files)
    assert {one.id for one in class_list.roster if one.hand_in} == {f"s{number}" for number in range(1001, 1007)}


def test_where_the_first_counts_a_newer_one_is_kept_beside_it(two, tmp_path):
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(first, target, keep="first"))
    import_download(asked(second, target, keep="first"))
    class_list = read_class(target)
    assert held(target, class_list.by_name["s1002"]) == dict(first.hand_in_of("s1002").files)
    [newer] = [one for one in class_list.hand_ins if not one.is_counted]
    assert held(target, newer) == dict(second.hand_in_of("s1002").files)


def test_there_and_back_again_loses_no_attempt(two, tmp_path):
    """Which one counts is the time's to say; both are there each time."""
    first, second = two
    target = tmp_path / "digits"
    contents = {frozenset(dict(one.hand_in_of("s1002").files).items()) for one in two}
    for made in (first, second, first, second):
        for keep in ("latest", "first"):
            import_download(asked(made, target, keep=keep))
            of_two = [one for one in read_class(target).hand_ins if one.students == ("s1002",)]
            assert {frozenset(held(target, one).items()) for one in of_two} <= contents
            assert sum(one.is_counted for one in of_two) == 1
    assert {frozenset(held(target, one).items()) for one in of_two} == contents


def test_the_roster_of_before_holds_where_none_is_given(tmp_path):
    class_ = students(8, zipped=0)
    made = MAKERS["canvas"](tmp_path / "made", class_)
    target = tmp_path / "digits"
    import_download(asked(made, target))
    before = read_class(target)
    again = import_download(asked(made, target, worksheet=None)).written
    assert not again.is_changed
    assert read_class(target) == before


def test_without_a_roster_who_handed_in_is_there_and_a_person_is_told(tmp_path):
    class_ = students(6, names=(), missing=3)
    made = MAKERS["moodle"](tmp_path / "made", class_)
    imported = import_download(asked(made, tmp_path / "digits", worksheet=None))
    class_list = read_class(tmp_path / "digits")
    assert not class_list.has_roster
    assert [one.id for one in class_list.roster] == [f"participant-{4000 + n}" for n in (1, 2, 4, 5)]
    assert any("no roster" in remark for remark in imported.remarks)
    assert not import_download(asked(made, tmp_path / "digits", worksheet=None)).written.is_changed


def test_the_courses_own_list_says_who_is_in_the_class_and_the_worksheet_what_moodle_calls_them(tmp_path):
    class_ = students(9)
    made = MAKERS["moodle"](tmp_path / "made", class_, without=["id_number"])
    roster = make_roster(tmp_path / "own", class_[:8])
    imported = import_download(asked(made, tmp_path / "digits", roster=roster))
    class_list = read_class(tmp_path / "digits")
    assert [one.id for one in class_list.roster] == [*(one.id for one in class_[:8]), class_[8].email]
    assert all(one.keys["identifier"].startswith("Participant ") for one in class_list.roster)
    assert class_list.by_id["s1001"].section == "Section 2"
    assert any("not in the roster" in remark for remark in imported.remarks)


def test_what_was_removed_by_hand_is_imported_again(tmp_path):
    made = MAKERS["nbgrader"](tmp_path / "made", students(4, missing=0))
    target = tmp_path / "digits"
    import_download(asked(made, target))
    for path in (target / "s1002").rglob("*"):
        path.unlink()
    (target / "s1002").rmdir()
    assert import_download(asked(made, target)).written.is_changed
    assert held(target, read_class(target).by_name["s1002"]) == dict(made.hand_in_of("s1002").files)


def test_a_folder_that_no_import_wrote_is_left_alone(tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(3))
    target = write_files(tmp_path / "digits", {"ada/model.py": b"ada"}, is_zip=False)
    before = snapshot(target)
    with pytest.raises(UsageError, match="no import wrote"):
        import_download(asked(made, target))
    assert snapshot(target) == before


def test_an_import_of_another_kind_or_assignment_does_not_mix(tmp_path):
    target = tmp_path / "digits"
    import_download(asked(MAKERS["moodle"](tmp_path / "m", students(3)), target))
    before = snapshot(target)
    with pytest.raises(UsageError, match="another kind"):
        import_download(asked(MAKERS["canvas"](tmp_path / "c", students(3)), target))
    with pytest.raises(UsageError, match="another assignment"):
        import_download(replace(asked(MAKERS["moodle"](tmp_path / "n", students(3)), target), assignment="mnist"))
    assert snapshot(target) == before


def test_what_is_in_the_way_is_told_before_anything_changes(two, tmp_path):
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(first, target))
    write_files(target / "s1006", {"mine.txt": b"the TA's"}, is_zip=False)
    before = snapshot(target)
    with pytest.raises(UsageError, match="in the way"):
        import_download(asked(second, target))
    assert snapshot(target)[1].keys() == before[1].keys()
    assert read_class(target) is not None


def test_two_imports_at_once_do_not_mix(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    made = MAKERS["moodle"](tmp_path / "made", students(3))
    with (tmp_path / "other").open("w") as _:
        import os

        descriptor = os.open(tmp_path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(MachineError, match="another import"):
            import_download(asked(made, tmp_path / "digits"))
        os.close(descriptor)
    assert import_download(asked(made, tmp_path / "digits")).written.is_changed


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(tmp_path, monkeypatch):
    made = MAKERS["moodle"](tmp_path / "made", students(3))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(MachineError, match="10 are free"):
        import_download(asked(made, tmp_path / "digits"))
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_digest_is_that_of_grading(tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(6, missing=0))
    import_download(asked(made, tmp_path / "digits"))
    for entry in read_class(tmp_path / "digits").hand_ins:
        with submission_from(tmp_path / "digits" / entry.path) as submission:
            assert entry.digest == submission.source.digest


def test_an_empty_download_and_one_of_nobody_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(GraderError, match="there is no"):
        import_download(Asked(tmp_path / "empty", "digits", tmp_path / "digits"))
    assert not (tmp_path / "digits").exists()


def test_two_hand_ins_that_nothing_puts_in_an_order_are_nobodys(tmp_path):
    source = write_files(
        tmp_path / "inbox", {"s1001/a.py": b"1", "s1001@example.org/a.py": b"2", "s1002/a.py": b"3"}, is_zip=False
    )
    roster = make_roster(tmp_path, students(3, names=()))
    import_download(Asked(source, "digits", tmp_path / "digits", roster=roster))
    class_list = read_class(tmp_path / "digits")
    assert [one.hand_in for one in class_list.roster] == ["", "s1002", ""]
    assert "nothing says which came last" in class_list.by_id["s1001"].reason
    assert sorted(file for one in class_list.quarantined for file in one.files) == [
        "s1001/a.py",
        "s1001@example.org/a.py",
    ]


def test_attempts_that_the_lms_counts_follow_the_policy(tmp_path):
    ada, bob = students(2, names=(), missing=0, zipped=0)
    later = resubmitted(ada)
    first = MAKERS["gradescope"](tmp_path / "a", [ada, bob], is_zip=False, is_wrapped=False)
    second = MAKERS["gradescope"](tmp_path / "b", [later], is_zip=False, is_wrapped=False)
    both = tmp_path / "both"
    metadata = (first.source / "submission_metadata.yml").read_text()
    metadata += (second.source / "submission_metadata.yml").read_text().removeprefix("---\n")
    files = {"submission_metadata.yml": metadata.encode()}
    for made in (first, second):
        files |= {
            p.relative_to(made.source).as_posix(): p.read_bytes() for p in made.source.rglob("*/*") if p.is_file()
        }
    write_files(both, files, is_zip=False)
    for keep, truth in (("latest", later), ("first", ada)):
        target = tmp_path / keep
        import_download(Asked(both, "digits", target, keep=keep, kind="gradescope", zone=UTC))
        class_list = read_class(target)
        assert held(target, class_list.by_name["s1001"]) == dict(truth.files)
        assert f"the {keep} of 2 attempts" in class_list.by_id["s1001"].reason
        assert sum(not one.is_counted for one in class_list.hand_ins) == 1


def test_a_damaged_file_in_the_download_imports_nothing(tmp_path):
    made = MAKERS["moodle"](tmp_path / "made", students(5, zipped=0))
    data = bytearray(made.source.read_bytes())
    at = data.index(b"PK\3\4", 2000) - 5
    data[at] ^= 0xFF
    made.source.write_bytes(data)
    with pytest.raises((SubmissionError, CourseError), match="damaged"):
        import_download(asked(made, tmp_path / "digits"))
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_assignment_is_stated_or_the_only_one_or_that_of_before(tmp_path):
    import_download(asked(MAKERS["moodle"](tmp_path / "m", students(3)), tmp_path / "digits"))
    assert assignment_of(["digits", "mnist"], None, "mnist") == "mnist"
    assert assignment_of(["digits", "mnist"], tmp_path / "digits", None) == "digits"
    assert assignment_of(["mnist"], None, None) == "mnist"
    with pytest.raises(UsageError, match="several"):
        assignment_of(["digits", "mnist"], None, None)
    with pytest.raises(UsageError, match="did you mean 'digits'"):
        assignment_of(["digits", "mnist"], None, "digitz")


def test_a_resubmission_without_a_time_is_the_newer_one(tmp_path):
    """Canvas says no time: the download that is imported later counts."""
    ada, bob = students(2, names=(), missing=0, zipped=0)
    target = tmp_path / "digits"
    import_download(asked(MAKERS["canvas"](tmp_path / "a", [ada, bob]), target))
    import_download(asked(MAKERS["canvas"](tmp_path / "b", [resubmitted(ada), bob]), target, template=None))
    digests = {hashlib.sha256(data).hexdigest() for data in held(target, read_class(target).by_name["s1001"]).values()}
    assert digests == {hashlib.sha256(data).hexdigest() for data in resubmitted(ada).files.values()}


def test_canvas_counts_in_names_are_taken_off_where_the_template_has_the_name(tmp_path):
    [ada] = students(1, names=(), missing=0, zipped=0)
    files = files_of(1) | {"own.txt": b"mine"}
    ada = replace(resubmitted(ada, files=files), received_at=ada.received_at + timedelta(hours=1))
    template = write_files(tmp_path / "template", {"model.py": b"", "answers.json": b""}, is_zip=False)
    target = tmp_path / "digits"
    import_download(asked(MAKERS["canvas"](tmp_path / "a", [ada]), target, template=template))
    assert sorted(held(target, read_class(target).by_name["s1001"])) == [
        "answers.json",
        "model.py",
        "own-1.txt",
        "submission.json",  # which every hand-in may hold
    ]


ZIPPED = {"answers.json": b"{}", "model.py": b"x"}


@pytest.mark.parametrize(
    ("kind", "files", "there"),
    [
        pytest.param("moodle", {"maps.zip": zip_of({"a.npy": b"1"}), "model.py": b"x"}, True, id="holds nothing asked"),
        pytest.param("moodle", {"asked.zip": zip_of(ZIPPED), "note.txt": b"x"}, True, id="is asked for itself"),
        pytest.param("classroom", {"work.zip": zip_of(ZIPPED), "note.txt": b"x"}, True, id="in a clone"),
        pytest.param("canvas", {"work.zip": zip_of(ZIPPED), "note.txt": b"x"}, False, id="is the hand-in"),
    ],
)
def test_a_zip_beside_other_files_is_opened_only_where_it_is_the_hand_in(kind, files, there, tmp_path):
    [ada] = students(1, names=(), missing=0)
    made = MAKERS[kind](tmp_path / "made", [replace(ada, files=files, is_zipped=False)])
    template = write_files(tmp_path / "template", {"model.py": b"", "asked.zip": b""}, is_zip=False)
    target = tmp_path / "digits"
    import_download(asked(made, target, template=template))
    found = held(target, read_class(target).by_name["s1001"])
    archive = next(path for path in files if path.endswith(".zip"))
    assert (archive in found) is there
    assert found == (files if there else {**ZIPPED, "note.txt": b"x"})


def test_an_archive_of_another_kind_is_told(tmp_path):
    [ada] = students(1, names=(), missing=0)
    made = MAKERS["moodle"](tmp_path / "made", [replace(ada, files={"work.rar": b"Rar!"}, is_zipped=False)])
    imported = import_download(asked(made, tmp_path / "digits"))
    assert "work.rar" in read_class(tmp_path / "digits").by_id["s1001"].reason
    assert any("work.rar" in remark for remark in imported.remarks)


def test_a_better_roster_later_gives_better_ids_and_nobody_twice(tmp_path):
    """First without any, then with addresses alone, then with the course's own ids."""
    class_ = students(6, names=(), missing=3)
    target = tmp_path / "digits"
    plain = MAKERS["moodle"](tmp_path / "a", class_, without=["id_number"])
    import_download(asked(plain, target, worksheet=None))
    assert {one.id for one in read_class(target).roster} == {f"participant-{4000 + n}" for n in (1, 2, 4, 5)}
    for made, ids in (
        (plain, {one.email for one in class_}),
        (MAKERS["moodle"](tmp_path / "b", class_), {one.id for one in class_}),
    ):
        import_download(asked(made, target))
        class_list = read_class(target)
        assert {one.id for one in class_list.roster} == ids
        assert len(class_list.roster) == len(class_)
        assert sum(bool(one.hand_in) for one in class_list.roster) == 4
        for one in class_list.roster:
            truth = next(student for student in class_ if one.id in (student.id, student.email))
            assert bool(one.hand_in) == bool(truth.files)
            if one.hand_in:
                assert held(target, class_list.by_name[one.hand_in]) == dict(truth.files)
        assert not import_download(asked(made, target)).written.is_changed


def test_the_policy_of_before_holds_where_none_is_said(two, tmp_path):
    first, second = two
    target = tmp_path / "digits"
    import_download(asked(first, target))
    assert read_class(target).keep == "latest"
    import_download(asked(first, target, keep="first"))
    import_download(asked(second, target))
    assert read_class(target).keep == "first"
    assert held(target, read_class(target).by_name["s1002"]) == dict(first.hand_in_of("s1002").files)
