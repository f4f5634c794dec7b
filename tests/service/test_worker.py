"""What the worker does with an upload: as run-all would, for who sent it, and never two rubrics in one class."""

from datetime import UTC, datetime

import pytest

from grader.errors import MachineError
from grader.gradebook.book import Gradebook
from grader.model import Evidence, EvidenceStatus, Problem
from grader.service.uploads import State


def put(desk, tools, owner="ada", **answers):
    """An upload in the queue, without the web."""
    from grader.service.people import Person

    if owner not in {one.id for one in desk.people.everybody()}:
        desk.add(owner)
    with desk.store.begin(2**20) as incoming:
        incoming.write(tools.hand_in(student=owner, **answers))
        return desk.service.accept(Person(owner), "sums", incoming, "work.zip")


def test_a_result_is_the_one_of_run_all(make_desk, tools, tmp_path):
    from grader.grading import grade
    from grader.intake import submission_from

    desk = make_desk()
    put(desk, tools, first=40)
    desk.grade()
    (tmp_path / "ada.zip").write_bytes(tools.hand_in(first=40))
    with submission_from(tmp_path / "ada.zip", assignment="sums") as submission:
        [card] = grade([(submission, desk.load("sums"))], tools.NoJobs())
    made = desk.queue.of_owner("ada")[0].card
    assert (made.points, made.max_points, made.tasks) == (card.points, card.max_points, card.tasks)
    assert made.rubric_digest == card.rubric_digest


def test_the_time_of_receipt_is_the_services_own(make_desk, tools):
    """Whatever the zip says: its entries are of 1980."""
    desk = make_desk(toml='timezone = "UTC"\n[assignments.sums]\ndue = "2026-11-21 11:59"\nlate = {per_day = 1}\n')
    put(desk, tools)  # at 12:00
    desk.grade()
    [row] = desk.book.rows("sums").rows
    assert row.points == 2
    assert desk.book.entry(row.id).received_at == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_everybody_is_in_the_gradebook_once(make_desk, tools):
    desk = make_desk()
    desk.add("bob", "cleo")
    put(desk, tools, "ada")
    desk.grade()
    grades = {one.id: one for one in desk.book.grades("sums")}
    assert set(grades) == {"ada", "bob", "cleo"}
    assert grades["ada"].points == 3
    assert grades["bob"].points is None
    assert grades["bob"].reason == "nothing was uploaded"


def test_the_class_is_written_down_when_it_changes_and_not_at_each_upload(make_desk, tools):
    desk = make_desk()
    desk.add("bob")
    for number in range(4):
        put(desk, tools, "ada", first=number)
        desk.grade()
    with desk.book.reading() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM class_lists").scalar_one()
    assert count == 1
    put(desk, tools, "bob")
    desk.add("cleo")
    desk.grade()
    assert {one.id: one.points for one in desk.book.grades("sums")} == {"ada": 2, "bob": 3, "cleo": None}


@pytest.mark.fault("F21")
def test_an_upload_that_was_replaced_while_it_was_graded_never_reaches_the_gradebook(make_desk, tools):
    desk = make_desk()
    put(desk, tools, first=1, second=1)
    hand_ins = desk.worker._hand_ins(is_until_empty=True)
    next(hand_ins)  # being graded
    put(desk, tools)
    hand_ins.close()
    for upload in list(desk.worker._open.values()):
        desk.queue.release(upload)
    desk.worker._open.clear()
    desk.grade()
    assert [row.points for row in desk.book.rows("sums").rows] == [3]


@pytest.mark.fault("F22")
def test_a_rubric_that_is_changed_meanwhile_is_not_used_and_is_told(make_desk, tools):
    desk = make_desk()
    put(desk, tools, "ada")
    desk.grade()
    rubric = desk.root / "rubrics" / "sums.yaml"
    rubric.write_text(rubric.read_text().replace("expected: 41", "expected: 42"))
    put(desk, tools, "bob")
    desk.grade()
    assert {row.rubric_digest for row in desk.book.rows("sums").rows} == {desk.rubrics["sums"].digest}
    assert [row.points for row in desk.book.rows("sums").rows] == [3, 3]
    desk.rubrics._seen.clear()
    [upload] = desk.queue.of_owner("bob")
    assert desk.service.view(upload).is_outdated
    assert desk.service.view(upload).result.points == 3


@pytest.mark.fault("F22")
def test_the_next_life_grades_all_that_counts_by_the_new_rubric_and_is_no_attempt(make_desk, tools):
    first = make_desk()
    for owner in ("ada", "bob"):
        put(first, tools, owner)
    first.grade()
    rubric = first.root / "rubrics" / "sums.yaml"
    rubric.write_text(rubric.read_text().replace("expected: 41", "expected: 42"))
    second = make_desk()
    second.worker.resume()
    second.grade()
    assert [row.points for row in second.book.rows("sums").rows] == [2, 2]
    assert len(second.book.mixed("sums")) == 1
    assert second.queue.attempts_used("ada", "sums") == 1
    said = [said for _, said in second.queue.events(second.queue.of_owner("ada")[0])]
    assert "the rubric of this assignment was changed by the course: it is graded again by the new one" in said
    third = make_desk()
    third.worker.resume()
    assert third.queue.counts() == {State.GRADED: 2}  # once is enough


@pytest.mark.fault("F22")
def test_a_due_time_that_was_moved_is_a_change_as_well(make_desk, tools):
    first = make_desk(toml='timezone = "UTC"\n[assignments.sums]\ndue = "2026-11-20 11:59"\nlate = {per_day = 1}\n')
    put(first, tools)
    first.grade()
    assert [row.points for row in first.book.rows("sums").rows] == [1]
    toml = first.root / "grader.toml"
    toml.write_text(toml.read_text().replace("2026-11-20", "2026-11-22"))
    second = make_desk()
    second.worker.resume()
    second.grade()
    assert [row.points for row in second.book.rows("sums").rows] == [3]


def test_an_upload_whose_file_is_gone_is_put_aside_and_stops_no_other(make_desk, tools):
    desk = make_desk()
    lost = put(desk, tools, "ada")
    put(desk, tools, "bob")
    desk.store.path(lost.digest).unlink()
    desk.grade()
    assert desk.queue.of_owner("ada")[0].state is State.HELD
    assert desk.queue.of_owner("bob")[0].state is State.GRADED
    assert "by no fault of yours" in desk.queue.events(desk.queue.of_owner("ada")[0])[-1][1]


def test_a_gradebook_that_refuses_keeps_no_student_waiting_and_gets_the_result_later(make_desk, tools, monkeypatch):
    desk = make_desk()
    put(desk, tools)

    def refuse(*_, **__):
        raise MachineError.single("it is busy", where="gradebook", fix="wait")

    with monkeypatch.context() as patch:
        patch.setattr(Gradebook, "record", refuse)
        desk.grade()
    assert desk.queue.of_owner("ada")[0].state is State.GRADED
    assert desk.book.rows("sums").total == 0
    make_desk().worker.resume()
    assert [row.points for row in desk.book.rows("sums").rows] == [3]


# --- what takes long, and what goes wrong with us -------------------------------------------------

NETWORK = """
assignment: sums
title: A network
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
tasks:
  - id: "1"
    title: The network
    points: 2
    rules:
      - {id: first, check: number, answer: first, expected: 41, points: 1}
      - {id: builds, check: architecture, output: [10], points: 1}
"""


class Slow:
    """A doer whose jobs end, in the way that is said, once `is_over` says so."""

    has_room = True

    def __init__(self, status, is_over=lambda: True):
        self.status, self.is_over, self.jobs = status, is_over, []

    def order(self, job, *_about, **_how):
        self.jobs.append(job)

    def arrived(self):
        if not self.is_over():
            return []
        jobs, self.jobs = self.jobs, []
        problem = Problem("factory-raised", "model.py", "it raised", "mend it")
        return [(job, Evidence(job.key, self.status, problem=problem)) for job in jobs]


def test_a_quick_upload_does_not_wait_for_a_long_one(make_desk, tools):
    desk = make_desk(rubrics={"sums": NETWORK})
    put(desk, tools, "ada", more={"model.py": "def build_model(): ..."})

    def is_over():
        if not desk.people.of_owner("bob"):
            put(desk, tools, "bob")  # comes while ada's network is looked at
        return any(one.state is State.GRADED for one in desk.queue.of_owner("bob"))

    desk.grade(Slow(EvidenceStatus.STUDENT_FAULT, is_over))
    assert desk.queue.counts() == {State.GRADED: 2}
    ended = {one: desk.queue.of_owner(one)[0] for one in ("ada", "bob")}
    assert ended["bob"].lease == ended["ada"].lease == 1


def test_a_fault_of_ours_holds_the_upload_and_the_next_start_grades_it(make_desk, tools):
    first = make_desk(rubrics={"sums": NETWORK})
    put(first, tools, more={"model.py": "def build_model(): ..."})
    first.grade(Slow(EvidenceStatus.SYSTEM_FAULT))
    [upload] = first.queue.of_owner("ada")
    assert upload.state is State.HELD
    assert [(row.points, row.open_points) for row in first.book.rows("sums").rows] == [(1, 1)]
    seen = first.service.view(upload)
    assert (seen.result.points, seen.result.open_points) == (1, 1)
    second = make_desk()
    second.worker.resume()
    second.grade(Slow(EvidenceStatus.STUDENT_FAULT))
    assert second.queue.of_owner("ada")[0].state is State.GRADED
    assert [(row.points, row.open_points) for row in second.book.rows("sums").rows] == [(1, 0)]
    assert second.queue.attempts_used("ada", "sums") == 1


def test_who_is_told_to_end_gives_back_what_was_under_way(make_desk, tools):
    desk = make_desk(rubrics={"sums": NETWORK})
    put(desk, tools, more={"model.py": "def build_model(): ..."})
    doer = Slow(EvidenceStatus.STUDENT_FAULT, lambda: False)

    def see():
        if doer.jobs:
            raise KeyboardInterrupt

    desk.worker._see_to_end = see
    with pytest.raises(KeyboardInterrupt):
        desk.grade(doer)
    [upload] = desk.queue.of_owner("ada")
    assert (upload.state, upload.crashes) == (State.QUEUED, 0)
    assert list(desk.store.work.iterdir()) == []


def test_a_database_that_refuses_for_a_while_ends_nothing(make_desk, tools, monkeypatch):
    desk = make_desk()
    put(desk, tools)
    finish, slept = desk.queue.finish, []

    def refuse(*about, **more):
        if len(slept) < 3:
            raise MachineError.single("another program has held the gradebook for 10 s", where="gradebook", fix="wait")
        return finish(*about, **more)

    monkeypatch.setattr(desk.queue, "finish", refuse)
    monkeypatch.setattr(desk.worker, "_sleep", slept.append)
    monkeypatch.setattr(desk.worker, "_clock", lambda: float(sum(slept)))
    desk.grade()
    assert desk.queue.of_owner("ada")[0].state is State.GRADED
    assert [row.points for row in desk.book.rows("sums").rows] == [3]


@pytest.mark.attack_partly(71)
def test_a_crash_is_a_result_and_is_not_tried_again(make_desk, tools):
    """What a fault of the student's gives is kept as every result is: the same bytes are not graded once more."""
    desk = make_desk()
    put(desk, tools, first="no number at all")
    desk.grade()
    again = put(desk, tools, first="no number at all")
    assert again.is_repeat
    desk.grade()
    [upload] = desk.queue.of_owner("ada")
    assert (upload.state, upload.lease) == (State.GRADED, 1)
