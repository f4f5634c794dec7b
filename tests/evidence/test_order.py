"""The order of jobs: first results early, no long job last and alone, and nothing but the time depends on it."""

import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.evidence.order import SLACK, Line, longest_first
from grader.evidence.tickets import Ticket
from grader.model import Job
from tests.evidence.simulated_class import Machine, least_seconds

CHECKED = ((0.2, None), (1.5, 0))  # a network is described, then asked


def class_of(kind):
    """Classes as courses have them, the same each time."""
    dice = random.Random(7)  # noqa: S311
    if kind == "mixed":  # half of them theory alone, one of ten trained anew
        parts = [(), CHECKED, (*CHECKED, (60.0, 0))]
        return [dice.choices(parts, (5, 4, 1))[0] for _ in range(200)]
    if kind == "one long job early":
        return [CHECKED, CHECKED, ((0.2, None), (150.0, 0)), *[CHECKED] * 150]
    if kind == "one long job among the last":
        return [*[CHECKED] * 150, ((0.2, None), (100.0, 0)), *[CHECKED] * 20]
    if kind == "an odd number of long jobs":
        made = [((1.0, None),)] * 200 + [((100.0, None),)] * 11
        dice.shuffle(made)
        return made
    if kind == "three trainings each":
        return [((0.2, None), *[(dice.uniform(50, 70), 0)] * 3) for _ in range(20)] + [CHECKED] * 60
    return [((dice.lognormvariate(4, 0.6), None),) for _ in range(40)]  # "trainings of all lengths"


KINDS = (
    "mixed", "one long job early", "one long job among the last", "an odd number of long jobs", "three trainings each",
    "trainings of all lengths",
)  # fmt: skip


# --- no long job last and alone ----------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_takes_hardly_longer_than_longest_first_or_than_what_no_order_can_beat(kind, workers):
    of = class_of(kind)
    parts = [sum(seconds for seconds, _ in one) for one in of]
    if kind == "three trainings each":  # all others are chains
        parts = [seconds for one in of for seconds, _ in one]
    made = Machine(of, workers, window=len(of)).run()
    bound = (1 + SLACK) * max(least_seconds(of, workers), longest_first(workers, [], parts))
    assert made.seconds <= bound + 2 * sum(seconds for seconds, _ in CHECKED)  # each worker has one placed ahead


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=40),
    st.integers(1, 5),
    st.sampled_from([0.0, SLACK, 0.2]),
)
def test_it_never_takes_longer_than_longest_first_or_than_the_slack_allows(jobs, workers, slack):
    """One job a hand-in, estimates that are right, everything open from the start: then this is a theorem."""
    of = [((float(seconds), None),) for seconds in jobs]
    machine = Machine(of, workers, window=len(of), slack=slack)
    machine_of_one = max((1 + slack) * least_seconds(of, workers), longest_first(workers, [], map(float, jobs)))
    placed_ahead = max(jobs)  # a job is chosen while the one before it still runs
    assert machine.run().seconds <= machine_of_one + placed_ahead


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 3))
def test_longest_first_is_within_four_thirds_of_the_best_there_is(jobs, workers):
    best = min(
        max(sum(seconds for seconds, on in zip(jobs, places, strict=True) if on == worker) for worker in range(workers))
        for places in product(range(workers), repeat=len(jobs))
    )
    assert best <= longest_first(workers, [], jobs) <= (4 / 3 - 1 / (3 * workers)) * best + 1e-9


@given(st.lists(st.integers(1, 9), max_size=6), st.integers(1, 3), st.integers(0, 30), st.integers(0, 9))
def test_what_fills_in_costs_nothing_while_a_worker_idles_and_its_share_beyond(jobs, workers, filling, first):
    without = longest_first(workers, [], jobs, first=first)
    made = longest_first(workers, [], jobs, first=first, filling=filling)
    assert made == max(without, (sum(jobs) + first + filling) / workers)


# --- the first results early -------------------------------------------------------------------


def test_of_a_mixed_class_most_cards_are_there_before_the_long_jobs_are_done():
    of = class_of("mixed")
    in_turn, chosen = (Machine(of, 2, is_planned=planned, open_s=0.01).run() for planned in (False, True))
    assert chosen.share(0.5) < in_turn.share(0.5) / 5
    assert chosen.share(0.9) < in_turn.share(0.9) / 3
    assert chosen.seconds < in_turn.seconds * (1 + SLACK)


def test_a_hand_in_without_jobs_waits_for_no_other():
    of = [((600.0, None),)] * 8 + [()] * 20
    made = Machine(of, 2).run()
    assert made.cards[8:] == [0.0] * 20


def test_the_jobs_of_one_hand_in_are_done_before_those_of_the_next_are_begun():
    """Else every hand-in of the class is begun before one of them is finished."""
    made = Machine([CHECKED] * 30, 2).run()
    assert made.cards == sorted(made.cards)
    assert made.cards[1] < 2 * sum(seconds for seconds, _ in CHECKED)


@pytest.mark.parametrize("factor", [0.1, 10])
def test_a_guess_that_is_wrong_throughout_changes_nothing_that_matters(factor):
    of = class_of("mixed")
    right = Machine(of, 2).run()
    wrong = Machine(of, 2, guess=lambda seconds: seconds * factor).run()
    assert wrong.seconds < 1.1 * right.seconds
    assert wrong.share(0.5) < 2 * right.share(0.5)


# --- the line itself ---------------------------------------------------------------------------


def ticket(number, *, submission="s", **more):
    return Ticket(Job("simulated", (), {"number": number}), Path(), "", 0, submission=submission, **more)


def test_where_nobody_says_what_a_hand_in_needs_jobs_are_done_in_turn():
    line = Line({}.__getitem__)  # and nothing is estimated
    for number in (3, 1, 2):
        line.add(ticket(number))
    assert [line.next().job.parameters["number"] for _ in range(3)] == [3, 1, 2]
    with pytest.raises(IndexError):
        line.next()


def test_what_has_to_be_done_again_comes_before_all_others():
    line = Line(lambda job: job.parameters["number"])
    line.opened("s", [ticket(number).job for number in (1, 2)])
    line.add(ticket(1))
    line.add_again(ticket(2, attempt=2))
    assert len(line) == 2
    assert line.next().attempt == 2


def test_a_job_that_several_hand_ins_need_is_the_cheapest_of_them_all():
    line = Line(lambda job: float(job.parameters["number"]), hand_ins=50)
    line.opened("dear", [ticket(number).job for number in (5, 30)])
    line.opened("cheap", [ticket(5).job])
    line.opened("between", [ticket(6).job])
    for number in (30, 6, 5):
        line.add(ticket(number))
    assert line.next().job.parameters["number"] == 5


def test_nothing_is_held_of_hand_ins_that_have_their_card():
    machine = Machine(class_of("mixed"), 2)
    machine.run()
    assert (len(machine.line), machine.line._needs, machine.line._holders) == (0, {}, {})


def test_a_rule_that_failed_takes_the_jobs_that_were_to_follow_with_it():
    line = Line(lambda job: float(job.parameters["number"]))
    line.opened("s", [ticket(1).job, ticket(600).job])
    line.add(ticket(1))
    line.ended(line.next().job, 1.0)
    line.closed("s")
    assert (line._needs, line._holders) == ({}, {})
