"""Uploads keep their order, count once, and are where they were after any death of the service."""

import threading

import pytest

from grader.service.queue import MOST_CRASHES, Queue
from grader.service.uploads import AttemptsOverError, State

RUBRIC = "1" * 64


def digest_of(_assignment):
    return RUBRIC


def test_the_first_that_came_is_graded_first(queue, arrived):
    for owner in ("cleo", "ada", "bob"):
        queue.accept(arrived(owner, "a"), attempts=9)
    assert [queue.claim(digest_of).owner for _ in range(3)] == ["cleo", "ada", "bob"]
    assert queue.claim(digest_of) is None


def test_a_place_counts_those_before_it(queue, arrived):
    uploads = [queue.accept(arrived(owner), attempts=9).upload for owner in ("cleo", "ada", "bob")]
    assert [queue.place(one) for one in uploads] == [0, 1, 2]
    queue.claim(digest_of)
    assert queue.place(uploads[2]) == 1


def test_a_result_is_kept_as_it_was_made(queue, arrived, card):
    queue.accept(arrived(), attempts=9)
    upload = queue.claim(digest_of)
    assert upload.state is State.GRADING
    assert queue.finish(upload, card(2))
    [after] = queue.of_owner("ada")
    assert (after.state, after.card, after.rubric_digest) == (State.GRADED, card(2), RUBRIC)
    assert queue.place(after) == 0


def test_a_second_result_changes_nothing(queue, arrived, card):
    queue.accept(arrived(), attempts=9)
    upload = queue.claim(digest_of)
    assert queue.finish(upload, card(2))
    assert not queue.finish(upload, card(3))
    assert queue.of_owner("ada")[0].card == card(2)


def test_the_result_of_an_older_lease_is_dropped(queue, arrived, card):
    queue.accept(arrived(), attempts=9)
    first = queue.claim(digest_of)
    queue.recover()
    second = queue.claim(digest_of)
    assert second.lease == first.lease + 1
    assert not queue.finish(first, card(0))
    assert queue.finish(second, card(3))
    assert queue.of_owner("ada")[0].card == card(3)


# --- a newer upload (F21) -----------------------------------------------------------------------


@pytest.mark.fault("F21")
def test_a_newer_upload_takes_the_place_of_one_that_waits(queue, arrived):
    old = queue.accept(arrived(letter="a"), attempts=9).upload
    new = queue.accept(arrived(letter="b"), attempts=9).upload
    assert queue.claim(digest_of).id == new.id
    assert queue.claim(digest_of) is None
    old = queue.find(old.public, owner="ada")
    assert (old.state, old.is_attempt) == (State.SUPERSEDED, False)
    assert "newer upload" in queue.events(old)[-1][1]
    assert queue.attempts_used("ada", "sums") == 1  # nobody looked at the first


@pytest.mark.fault("F21")
def test_a_newer_upload_leaves_the_one_that_is_being_graded_alone_and_counts_in_its_stead(queue, arrived, card):
    queue.accept(arrived(letter="a"), attempts=9)
    old = queue.claim(digest_of)
    new = queue.accept(arrived(letter="b"), attempts=9).upload
    assert queue.finish(old, card(1))
    assert queue.unrecorded() == []  # the old one is shown, and goes into no gradebook
    assert queue.find(old.public, owner="ada").card == card(1)
    graded = queue.claim(digest_of)
    assert graded.id == new.id
    queue.finish(graded, card(3))
    assert [one.id for one in queue.unrecorded()] == [new.id]
    assert queue.attempts_used("ada", "sums") == 2


def test_other_owners_and_assignments_are_left_alone(queue, arrived):
    queue.accept(arrived("ada"), attempts=9)
    queue.accept(arrived("bob"), attempts=9)
    queue.accept(arrived("ada", assignment="digits"), attempts=9)
    assert queue.counts() == {State.QUEUED: 3}


# --- attempts -----------------------------------------------------------------------------------


@pytest.mark.attack(61)
def test_attempts_end(queue, arrived, card):
    for letter in "abc":
        queue.accept(arrived(letter=letter), attempts=3)
        queue.finish(queue.claim(digest_of), card())
    with pytest.raises(AttemptsOverError) as stop:
        queue.accept(arrived(letter="d"), attempts=3)
    assert (stop.value.used, stop.value.most) == (3, 3)
    assert len(queue.of_owner("ada")) == 3


def test_the_same_bytes_again_are_the_upload_that_is_there(queue, arrived, clock):
    first = queue.accept(arrived(), attempts=1)
    clock.go_on(hours=3)
    again = queue.accept(arrived(), attempts=1)
    assert again.is_repeat
    assert again.upload.public == first.upload.public
    assert again.upload.received_at == first.upload.received_at  # who was in time stays in time
    assert len(queue.of_owner("ada")) == 1


def test_the_bytes_of_an_older_upload_count_anew_and_are_no_attempt(queue, arrived, card):
    for letter in "ab":
        queue.accept(arrived(letter=letter), attempts=2)
        queue.finish(queue.claim(digest_of), card())
    third = queue.accept(arrived(letter="a"), attempts=2)
    assert not third.is_repeat
    assert not third.upload.is_attempt
    assert queue.is_newest(third.upload)
    with pytest.raises(AttemptsOverError):
        queue.accept(arrived(letter="c"), attempts=2)


def test_what_was_never_looked_at_gives_its_attempt_to_the_next(queue, arrived):
    for letter in "abcdef":
        queue.accept(arrived(letter=letter), attempts=1)
    assert queue.attempts_used("ada", "sums") == 1


@pytest.mark.attack(61)
def test_many_uploads_at_once_pass_no_cap(queue, arrived, card):
    queue.accept(arrived(letter="a"), attempts=2)
    queue.finish(queue.claim(digest_of), card())
    outcomes = []

    def send(number):
        one = arrived(letter="0123456789bcdef"[number])
        try:
            outcomes.append(queue.accept(one, attempts=2).upload)
        except AttemptsOverError:
            outcomes.append(None)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(15)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(outcomes) == 15
    assert queue.attempts_used("ada", "sums") == 2
    assert queue.counts()[State.QUEUED] == 1


# --- from one life of the service to the next ------------------------------------------------------


def test_what_was_being_graded_is_graded_again_in_its_old_place(queue, arrived):
    for owner in ("ada", "bob"):
        queue.accept(arrived(owner), attempts=9)
    queue.claim(digest_of)
    assert [one.owner for one in queue.recover()] == ["ada"]
    assert queue.claim(digest_of).owner == "ada"


def test_what_was_graded_is_not_graded_again(queue, arrived, card, engine):
    queue.accept(arrived(), attempts=9)
    queue.finish(queue.claim(digest_of), card())
    again = Queue(engine)
    assert again.recover() == []
    assert again.claim(digest_of) is None


def test_what_the_service_dies_with_is_put_aside(queue, arrived):
    """F14: it may be what kills it."""
    queue.accept(arrived(), attempts=9)
    for _ in range(MOST_CRASHES):
        assert queue.claim(digest_of) is not None
        queue.recover()
    assert queue.claim(digest_of) is None
    assert queue.of_owner("ada")[0].state is State.HELD
    assert queue.requeue(said="again", is_held=True) == 0  # not by a restart
    assert queue.requeue(said="staff asked", is_held=True, is_poison_too=True) == 1


def test_a_result_that_the_gradebook_did_not_get_is_given_to_it_later(queue, arrived, card):
    queue.accept(arrived(), attempts=9)
    upload = queue.claim(digest_of)
    queue.finish(upload, card())
    assert [one.public for one in queue.unrecorded()] == [upload.public]
    queue.recorded(queue.unrecorded()[0])
    assert queue.unrecorded() == []


@pytest.mark.fault("F22")
def test_what_was_graded_by_another_rubric_is_graded_again_by_no_attempt(queue, arrived, card):
    for owner in ("ada", "bob"):
        queue.accept(arrived(owner), attempts=1)
        queue.finish(queue.claim(digest_of), card(submission=owner))
    assert queue.requeue(said="the rubric was changed", assignment="sums", but_digest=RUBRIC) == 0
    assert queue.requeue(said="the rubric was changed", assignment="sums", but_digest="2" * 64) == 2
    upload = queue.claim(lambda _: "2" * 64)
    assert upload.rubric_digest == "2" * 64
    assert queue.attempts_used("ada", "sums") == 1
    assert ("the rubric was changed") in [said for _, said in queue.events(upload)]


def test_only_the_one_that_counts_is_graded_again(queue, arrived, card):
    for letter in "ab":
        queue.accept(arrived(letter=letter), attempts=9)
        queue.finish(queue.claim(digest_of), card())
    assert queue.requeue(said="x", assignment="sums", but_digest="2" * 64) == 1


@pytest.mark.attack_partly(86)
def test_an_upload_is_found_by_its_owner_alone(queue, arrived):
    upload = queue.accept(arrived("ada"), attempts=9).upload
    assert queue.find(upload.public, owner="ada") is not None
    assert queue.find(upload.public, owner="bob") is None
    assert queue.find("x" + upload.public[1:], owner="ada") is None
