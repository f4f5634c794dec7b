"""What the workers of a run did is told in full, stays small however long the run is, and fits its schema."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.documents import schema, validator
from grader.evidence import occupancy
from grader.evidence.estimates import Estimates, first_guess
from grader.evidence.occupancy import Occupancy
from grader.model import Job, SubmittedFile


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def errors(document):
    return [error.message for error in validator(schema("occupancy")).iter_errors(document)]


def told(clock, *busy, cards=0):
    """An occupancy that was told of (worker, kind, from, to), and of cards at the end."""
    made = Occupancy(clock)
    for worker, kind, began, ended in busy:
        made.add(worker, kind, 100 + began, 100 + ended, 2**20)
    clock.now = 100 + max((ended for *_, ended in busy), default=0.0)
    for _ in range(cards):
        made.graded()
    return made


def test_busy_times_are_those_of_the_workers_and_the_rest_is_idle(clock):
    made = told(
        clock, ("worker 1", "predict", 2, 6), ("worker 2", "train", 2, 12), ("worker 1", "predict", 7, 8), cards=3
    )
    document = made.document(workers=2, command="run-all class", memory_mb=4096)
    assert errors(document) == []
    assert (document["first_job_s"], document["last_job_s"], document["seconds"]) == (2, 12, 12)
    assert document["busy_share"] == (4 + 10 + 1) / (2 * 10)
    assert document["uneven_end_s"] == 4  # worker 1 had nothing more from 8 s on
    assert document["rows"] == [
        {"worker": "worker 1", "busy_s": 5, "spans": [[2, 6, "predict", 1], [7, 8, "predict", 1]]},
        {"worker": "worker 2", "busy_s": 10, "spans": [[2, 12, "train", 1]]},
    ]
    assert document["cards"][-1] == [12, 3]
    assert document["memory"]["job_cap_bytes"] == 4096 * 2**20
    assert document["memory"]["driver_peak_bytes"] > 2**20
    assert [(one["kind"], one["tries"], one["seconds"], one["longest_s"]) for one in document["kinds"]] == [
        ("predict", 2, 5, 4), ("train", 1, 10, 10),
    ]  # fmt: skip


def test_a_worker_that_never_had_a_job_is_idle_throughout(clock):
    document = told(clock, ("worker 1", "train", 1, 5)).document(workers=2)
    assert document["busy_share"] == 0.5
    assert document["uneven_end_s"] == 4


def test_nothing_done_is_a_trace_too(clock):
    document = Occupancy(clock).document(workers=2)
    assert errors(document) == []
    assert (document["busy_share"], document["rows"], document["seconds"]) == (0.0, [], 0.0)


def test_what_died_with_its_worker_was_work_and_what_nobody_had_was_none(clock):
    made = Occupancy(clock)
    made.add("worker 1", "train", 100, 103, lost="the node was lost")
    made.add("", "train", 100, 103)
    [kind] = made.document(workers=1)["kinds"]
    assert (kind["tries"], kind["lost"], kind["seconds"]) == (1, 1, 3)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abc"), st.integers(1, 9), st.integers(0, 9)), max_size=400),
    st.integers(6, 60),
)
def test_however_many_jobs_there_are_few_spans_are_held_and_no_sum_changes(jobs, most):
    """Jobs of each worker one after another, with pauses between."""
    clock = Clock()
    made, free, seconds = Occupancy(clock), {1: 0.0, 2: 0.0, 3: 0.0}, 0.0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(occupancy, "MOST_SPANS", most)
        patched.setattr(occupancy, "MOST_CARDS", most)
        for worker, kind, length, pause in jobs:
            began = free[worker] + pause
            free[worker] = began + length
            seconds += length
            made.add(f"worker {worker}", kind, 100 + began, 100 + free[worker])
            clock.now = 100 + max(free.values())
            made.graded()
            assert len(made.spans) <= most
            assert len(made.cards) <= most
    document = made.document(workers=3)
    assert errors(document) == []
    assert sum(one["seconds"] for one in document["kinds"]) == pytest.approx(seconds)
    assert sum(one["busy_s"] for one in document["rows"]) == pytest.approx(seconds)
    assert sum(jobs for row in document["rows"] for *_, jobs in row["spans"]) == len(jobs)
    for row in document["rows"]:
        ends = [edge for began, ended, *_ in row["spans"] for edge in (began, ended)]
        assert ends == sorted(ends)  # no two of one worker overlap
        assert ends[-1] == free[int(row["worker"].split()[1])]
    assert document["hand_ins"] == len(jobs)
    assert document["cards"][-1:] == ([[max(free.values()), len(jobs)]] if jobs else [])


# --- how long a job will take -------------------------------------------------------------------


def job(kind="predict", *, size=1000, **parameters):
    return Job(kind, (SubmittedFile("model.pth", size, f"{size:064}"),), parameters)


class Earlier:
    """What the ledger knows of earlier runs: this very job by its key, or its kind."""

    def __init__(self, **known):
        self.known = known

    def seconds_of(self, kind, key=None):
        return self.known.get(key or kind)


def test_a_job_that_was_done_before_takes_as_long_as_then():
    estimates = Estimates(Earlier(predict=5.0, this=70.0))
    one, other = job(size=1000), job(size=1001)
    estimates.look_up(one, "this")
    estimates.look_up(other, "that")
    assert (estimates.of(one), estimates.of(other)) == (70.0, 5.0)
    estimates.learn(other, 9.0)
    assert (estimates.of(one), estimates.of(other)) == (70.0, 9.0)


def test_jobs_are_alike_by_what_they_do_and_about_how_much_they_read():
    estimates = Estimates(Earlier())
    for seconds in (2.0, 9.0, 3.0):
        estimates.learn(job(size=1000, data="mnist", seed=seconds), seconds)
    assert estimates.of(job(size=1020, data="mnist", seed=7)) == 3.0
    estimates.learn(job(size=1000, data="cifar10"), 40.0)
    assert estimates.of(job(size=1000, data="cifar10")) == 40.0
    assert estimates.of(job(size=10**8, data="mnist")) == 9.0  # of its kind: 2, 3, 9 and 40


def test_what_has_never_been_run_is_guessed_and_nothing_of_a_job_is_kept_once_it_is_done():
    estimates = Estimates(None)
    training = job("train", budget_s=600)
    assert estimates.of(training) == first_guess(training) > estimates.of(job("describe"))
    estimates.learn(training, 3.0)
    estimates.forget(training)
    assert (estimates._own, [one for one in estimates._groups if one == training]) == ({}, [])
