"""A class list says the same when it is read as when it was written, and a broken one is refused with its place."""

import json
from datetime import UTC, datetime

import pytest

from grader.errors import CourseError
from grader.intake.classes import ClassList, HandInEntry, Quarantined, RosterEntry, class_json, read_class, write_class

CLASS = ClassList(
    "digits",
    "moodle",
    "first",
    (
        RosterEntry("ada", "Ada Ξ", "ada@example.org", "A", "g1", {"identifier": "Participant 1"}, "g1", "by its id"),
        RosterEntry("bob", reason="no submission"),
    ),
    (
        HandInEntry(
            "g1",
            "g1.zip",
            ("ada",),
            datetime(2026, 3, 8, 23, 59, tzinfo=UTC),
            False,
            2,
            "0" * 64,
            "Ada_1_x",
            True,
            ("a",),
        ),
        HandInEntry("g1", ".class/earlier/g1", ("ada",), is_counted=False),
    ),
    (Quarantined(("x.zip",), "nobody has this id", "look it up"),),
    ".class/worksheet.csv",
)


def test_what_is_written_is_read_again(tmp_path):
    write_class(tmp_path, CLASS)
    assert read_class(tmp_path) == CLASS
    assert [file.name for file in (tmp_path / ".class").iterdir()] == ["class.json"]


def test_a_folder_without_a_list_has_none(tmp_path):
    assert read_class(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda v: v["roster"].append(v["roster"][0]), "stands twice in the roster", id="student twice"),
        pytest.param(lambda v: v["roster"][1].update(hand_in="g1"), "has no hand-in", id="another's hand-in"),
        pytest.param(lambda v: v["roster"][1].update(reason=""), "reason", id="no reason"),
        pytest.param(lambda v: v["roster"][1].update(id="../x"), "id", id="path as id"),
        pytest.param(lambda v: v["hand_ins"][0].update(path="../x"), "no path in", id="path outside"),
        pytest.param(lambda v: v["hand_ins"][0].update(students=["eve"]), "not in the roster", id="stranger"),
        pytest.param(lambda v: v["hand_ins"][0].update(received_at="2026-03-08T23:59"), "no offset", id="local time"),
        pytest.param(lambda v: v["hand_ins"][0].update(received_at="Monday"), "no time", id="no time"),
        pytest.param(lambda v: v["hand_ins"][1].update(is_counted=True), "stands twice among", id="two count"),
        pytest.param(lambda v: v.update(worksheet="/etc/passwd"), "no path in", id="worksheet outside"),
        pytest.param(lambda v: v.update(form="grader-class/9"), "form", id="newer form"),
    ],
)
def test_a_broken_list_is_refused_with_its_place(tmp_path, change, said):
    value = class_json(CLASS)
    change(value)
    (tmp_path / ".class").mkdir()
    (tmp_path / ".class" / "class.json").write_text(json.dumps(value))
    with pytest.raises(CourseError) as caught:
        read_class(tmp_path)
    assert said in str(caught.value)
    assert "class.json:" in str(caught.value)


def test_a_list_that_is_cut_off_is_refused(tmp_path):
    write_class(tmp_path, CLASS)
    file = tmp_path / ".class" / "class.json"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(CourseError):
        read_class(tmp_path)


def test_half_a_character_in_what_a_student_wrote_does_not_break_the_list(tmp_path):
    entry = RosterEntry("ada", "A\ud800da", keys={"k": "\udfff"}, reason="no submission")
    write_class(tmp_path, ClassList("digits", "moodle", roster=(entry,)))
    assert read_class(tmp_path).roster[0].name == "A?da"
