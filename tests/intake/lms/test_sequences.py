"""Downloads come in any order: what counts is what the LMS had last (or first), and no attempt is ever lost."""

import os
from dataclasses import replace
from datetime import UTC, timedelta
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.intake import submission_from
from grader.intake.classes import read_class
from grader.intake.lms.importing import Asked, import_download
from tests.lms.kinds import MAKERS
from tests.lms.made import students

COUNT = 3
# Which attempt each student has in each download, 0 for none yet: in the order in which the downloads are imported.
SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=COUNT, max_size=COUNT).filter(any), min_size=1, max_size=4)
TIMED = [("gradescope", {}), ("moodle", {}), ("nbgrader", {}), ("classroom", {})]
UNTIMED = [("canvas", {}), ("folder", {})]


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk():
    with mock.patch.object(os, "sync", return_value=None):
        yield


def class_with(attempts):
    """The class as it is where student i has handed in attempts[i] times; each attempt a day after the one before."""
    made = []
    for who, attempt in zip(students(COUNT, missing=0, zipped=0), attempts, strict=True):
        files = {"attempt.txt": f"{who.id} {attempt}".encode(), **({"model.py": b""} if attempt % 2 else {})}
        at = who.received_at + timedelta(days=attempt)
        made.append(
            replace(who, files=files if attempt else {}, received_at=at if attempt else None, attempt=attempt or 1)
        )
    return tuple(made)


def imported(kind, form, sequence, folder, keep):
    target = folder / "submissions" / "digits"
    for number, attempts in enumerate(sequence):
        made = MAKERS[kind](folder / f"download{number}", class_with(attempts), **form)
        given = {"roster": made.roster, "worksheet": made.worksheet, "zone": UTC}
        import_download(Asked(made.source, "digits", target, keep=keep, **given))
    return target


def attempts_in(target):
    """(the attempt that counts, all attempts that are there) of each student, as their files say."""
    class_list = read_class(target)
    counted, there = {}, {}
    for one in class_list.hand_ins:
        with submission_from(target / one.path, assignment="digits") as submission:
            [path] = submission.root.glob("attempt*.txt")  # Canvas counts in the name
            who, attempt = path.read_text().split()
        assert one.students == (who,)
        there.setdefault(who, []).append(int(attempt))
        if one.is_counted:
            assert who not in counted, "two count"
            counted[who] = int(attempt)
    names = {one.students: one.name for one in class_list.hand_ins if one.is_counted}
    assert all(one.hand_in == names.get((one.id,), "") for one in class_list.roster)
    assert len({one.id for one in class_list.roster}) == COUNT
    return counted, {who: sorted(found) for who, found in there.items()}


def seen(sequence):
    """The attempts of each student in the order in which they came."""
    return {f"s{1001 + i}": [attempts[i] for attempts in sequence if attempts[i]] for i in range(COUNT)}


@pytest.mark.parametrize(("kind", "form"), TIMED)
@settings(max_examples=20)
@given(sequence=SEQUENCES, keep=st.sampled_from(["latest", "first"]))
def test_where_the_lms_says_when_the_order_of_the_imports_is_nothing(kind, form, sequence, keep, tmp_path_factory):
    target = imported(kind, form, sequence, tmp_path_factory.mktemp("class"), keep)
    counted, there = attempts_in(target)
    best = max if keep == "latest" else min
    assert counted == {who: best(found) for who, found in seen(sequence).items() if found}
    assert there == {who: sorted(set(found)) for who, found in seen(sequence).items() if found}


@pytest.mark.parametrize(("kind", "form"), UNTIMED)
@settings(max_examples=20)
@given(sequence=SEQUENCES)
def test_where_it_does_not_the_last_import_counts(kind, form, sequence, tmp_path_factory):
    target = imported(kind, form, sequence, tmp_path_factory.mktemp("class"), "latest")
    counted, there = attempts_in(target)
    assert counted == {who: found[-1] for who, found in seen(sequence).items() if found}
    assert there == {who: sorted(set(found)) for who, found in seen(sequence).items() if found}
