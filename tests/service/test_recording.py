"""Everybody with a token is in the class once; what an LMS said of them is kept; the class can be graded by run-all."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect

from grader.errors import UsageError
from grader.intake.classes import ClassList, HandInEntry, RosterEntry, read_class
from grader.service.people import Person
from grader.service.recording import class_list, collected
from grader.service.tables import METADATA


@pytest.fixture
def uploads(queue, arrived):
    def make(*owners):
        for number, owner in enumerate(owners):
            queue.accept(arrived(owner, "abcdef"[number]), attempts=9)
        return queue.newest("sums")

    return make


def test_everybody_stands_there_once_with_a_reason(uploads):
    people = [Person("ada"), Person("bob", team="x"), Person("cleo", team="x"), Person("dana")]
    made = class_list("sums", people, uploads("ada", "x"))
    assert {one.id: one.hand_in for one in made.roster} == {"ada": "ada", "bob": "x", "cleo": "x", "dana": ""}
    assert all(one.reason for one in made.roster)
    assert {one.name: one.students for one in made.hand_ins} == {"ada": ("ada",), "x": ("bob", "cleo")}
    assert {one.received_at for one in made.hand_ins} == {datetime(2026, 11, 21, 12, 0, tzinfo=UTC)}


def test_the_list_of_an_lms_is_kept_and_completed(uploads):
    known = ClassList(
        "sums",
        "canvas",
        roster=(
            RosterEntry("ada", "Ada L.", keys={"canvas_id": "77"}, reason="no submission"),
            RosterEntry("eve", "Eve", keys={"canvas_id": "78"}, hand_in="eve", reason="the only one"),
        ),
        hand_ins=(HandInEntry("eve", "eve.zip", ("eve",)),),
    )
    made = class_list("sums", [Person("ada"), Person("bob")], uploads("ada"), known=known)
    by_id = made.by_id
    assert (by_id["ada"].hand_in, by_id["ada"].keys, by_id["ada"].name) == ("ada", {"canvas_id": "77"}, "Ada L.")
    assert by_id["eve"] == known.roster[1]
    assert by_id["bob"].reason == "nothing was uploaded"
    assert made.source == "canvas"
    assert set(made.by_name) == {"ada", "eve"}
    again = class_list("sums", [Person("ada"), Person("bob")], uploads("ada"), known=made)
    assert set(again.by_id) == {"ada", "bob", "eve"}


def test_a_class_is_written_as_run_all_reads_it(make_desk, tools, tmp_path):
    desk = make_desk()
    desk.add("ada", "bob")
    with desk.store.begin(2**20) as incoming:
        incoming.write(tools.hand_in())
        desk.service.accept(Person("ada"), "sums", incoming, "work.zip")
    newest = desk.queue.newest("sums")
    made = class_list("sums", desk.people.everybody(), newest, path="{}.zip")
    collected(tmp_path / "class", made, newest, desk.store)
    assert read_class(tmp_path / "class") == made
    assert (tmp_path / "class" / "ada.zip").read_bytes() == tools.hand_in()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class", "course"]
    with pytest.raises(UsageError):
        collected(tmp_path / "class", made, newest, desk.store)


def test_the_migration_makes_the_tables_that_are_used(engine):
    found = inspect(engine)
    for table in METADATA.sorted_tables:
        there = {one["name"]: (str(one["type"]), one["nullable"]) for one in found.get_columns(table.name)}
        wanted = {one.name: (str(one.type.compile(engine.dialect)), bool(one.nullable)) for one in table.columns}
        assert there == wanted
        assert {one["name"] for one in found.get_indexes(table.name)} >= {str(one.name) for one in table.indexes}
