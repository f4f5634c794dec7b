"""Looking ahead changes when a card is there, never the card: whatever is chosen first, on whatever takes how long."""

import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import grading
from grader.checks.base import Check, failed, passed
from grader.evidence import runner
from grader.evidence.kinds import Bench
from grader.evidence.occupancy import Occupancy
from grader.evidence.runner import Runner
from grader.evidence.tickets import Died
from grader.grading import HandIn, grade_as_done
from grader.model import Evidence, EvidenceStatus, Job, Rubric, Rule, Source, Submission, SubmittedFile, Task
from grader.sandbox import Level, Limits


class Says(Check):
    """A check that wants jobs and finds what came of them, for these tests only."""

    name = "says"
    settings_schema = {"type": "object"}  # noqa: RUF012

    def needs(self, rule, submission):
        for number in rule.settings["jobs"]:
            own = submission.id if rule.settings["own"] else ""
            yield Job("describe", (), {"number": number, "of": own})

    def judge(self, rule, submission, evidence):
        for one in self.needs(rule, submission):
            found = evidence[one].result
            yield (passed if found["number"] % 3 else failed)(f"{found['of']} {found['number']}")


class Somewhere:
    """A backend whose jobs end in any order, now and then by the death of their worker."""

    def __init__(self, workers, seed):
        self.workers, self.dice = workers, random.Random(seed)  # noqa: S311
        self.tickets, self.most = [], 0

    def open(self):
        pass

    def has_room(self):
        return len(self.tickets) < 2 * self.workers

    def has_news(self):
        return self.dice.random() < 0.3

    def place(self, ticket):
        self.tickets.append(ticket)

    def arrived(self, timeout_s):
        del timeout_s
        if not self.tickets:
            return []
        ticket = self.tickets.pop(self.dice.randrange(len(self.tickets)))
        if ticket.attempt == 1 and self.dice.random() < 0.1:
            return [(ticket, Died("it was killed"))]
        return [(ticket, Evidence("", EvidenceStatus.DONE, dict(ticket.job.parameters)))]

    def under_way(self):
        return self.tickets

    def close(self, *, at_once):
        assert not at_once


class Kept(dict):
    """A cache in memory: hundreds of runs, and no disk to wait for."""

    def put(self, evidence):
        self[evidence.key] = evidence


def runner_of(backend, count, **settings):
    return Runner(Bench(Limits(), Level("L1", "a test")), backend, cache=Kept(), hand_ins=count, **settings)


@pytest.fixture(autouse=True)
def _checks(monkeypatch):
    monkeypatch.setattr(grading, "all_checks", lambda: {"says": Says()})
    monkeypatch.setattr(runner, "cache_key", lambda job, _bench: job.key)


def hand_in(number, rules, *, size=0):
    rubric = Rubric("a", "A", (Task("1", "one", Fraction(len(rules)), tuple(rules)),), "a.yaml", "0" * 64)
    files = (SubmittedFile("model.pth", size, "f" * 64),) if size else ()
    source = Source(Path("s.zip"), unpacked_at=Path("/nowhere/s")) if size else None
    return HandIn(Submission(f"s{number}", "a", Path("/nowhere"), files, source=source), rubric, number)


def rules_of(shape):
    """A rule for each (jobs, whether they are the hand-in's own), each building on the one before where it says so."""
    return [
        Rule(f"r{n}", "says", Fraction(1), {"jobs": jobs, "own": own}, after=(f"r{n - 1}",) if n and follows else ())
        for n, (jobs, own, follows) in enumerate(shape)
    ]


def cards(of, *, look_ahead, workers, seed, occupancy=None):
    run = runner_of(Somewhere(workers, seed), len(of), look_ahead=look_ahead, occupancy=occupancy)
    with run:
        done = grade_as_done(iter(of), run, ahead=run if look_ahead else None)
        return {one.number: card for one, card in done}, run


SHAPES = st.lists(
    st.tuples(st.lists(st.integers(1, 6), max_size=3, unique=True), st.booleans(), st.booleans()),
    min_size=1,
    max_size=4,
)


@given(st.lists(SHAPES, min_size=1, max_size=12), st.integers(1, 3), st.integers(0, 9), st.sampled_from([1, 7, 256]))
def test_every_card_is_the_same_whatever_is_done_first(shapes, workers, seed, look_ahead):
    of = [hand_in(number, rules_of(shape)) for number, shape in enumerate(shapes)]
    in_turn, _ = cards(of, look_ahead=0, workers=workers, seed=seed)
    chosen, run = cards(of, look_ahead=look_ahead, workers=workers + 1, seed=seed + 1, occupancy=Occupancy())
    assert chosen == in_turn
    assert sorted(chosen) == list(range(len(of)))
    assert run.is_idle
    assert (run._line._needs, run._line._holders) == ({}, {})
    assert run.occupancy.count == len(of)


def watched(hand_ins, seen):
    """The hand-ins, with how many are open written down."""
    for one in hand_ins:
        seen["open"] += 1
        seen["most"] = max(seen["most"], seen["open"])

        def close():
            seen["open"] -= 1

        yield HandIn(one.submission, one.rubric, one.number, close)


@pytest.mark.parametrize(
    ("look_ahead", "size", "most"),
    [
        pytest.param(0, 0, range(1, 8), id="not ahead: as many as workers take"),
        pytest.param(256, 0, range(grading.MOST_OPEN, grading.MOST_OPEN + 1), id="ahead: the most"),
        pytest.param(10, 0, range(10, 20), id="ahead by so many jobs"),
        pytest.param(256, grading.MOST_OPEN_BYTES // 9, range(9, 12), id="ahead as far as the disk is to hold them"),
    ],
)
def test_so_many_hand_ins_are_open_at_once_and_no_more(look_ahead, size, most):
    of = [hand_in(number, rules_of([([1], True, False)]), size=size) for number in range(200)]
    seen = {"open": 0, "most": 0}
    run = runner_of(Somewhere(2, 0), 200, look_ahead=look_ahead)
    run.backend.has_news = lambda: False
    with run:
        made = list(grade_as_done(watched(of, seen), run, ahead=run if look_ahead else None))
    assert len(made) == 200
    assert seen["open"] == 0
    assert seen["most"] in most


def test_a_cluster_has_as_many_hand_ins_open_as_keep_it_busy():
    of = [hand_in(number, rules_of([([1], True, False)])) for number in range(300)]
    seen = {"open": 0, "most": 0}
    run = runner_of(Somewhere(60, 0), 300, look_ahead=256)
    with run:
        assert len(list(grade_as_done(watched(of, seen), run, ahead=run))) == 300
    assert seen["most"] == 2 * 60


def test_what_needs_nothing_is_graded_while_long_jobs_are_under_way():
    """Their cards come before anything has arrived, however many hand-ins with long jobs stand before them."""
    shapes = [[([number], True, False)] for number in range(1, 21)] + [[([], True, False)]] * 30
    of = [hand_in(number, rules_of(shape)) for number, shape in enumerate(shapes)]
    order = []
    run = runner_of(Somewhere(2, 0), len(of), look_ahead=256)
    run.backend.has_news = lambda: False
    with run:
        order = [one.number for one, _ in grade_as_done(iter(of), run, ahead=run)]
    assert order[:30] == list(range(20, 50))
