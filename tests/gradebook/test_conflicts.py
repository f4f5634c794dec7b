"""Several people, and a run, at once: whoever is slower is told, and nobody's change is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import ConflictError, Query
from grader.model import DecisionKind
from tests.gradebook.cases import HALF, card, recorded, with_facts

pytestmark = pytest.mark.fault("F23")
ROOT = Path(__file__).parents[2]
TIMES = 12


def decided(book, entry, author, points, seen):
    return book.decide(
        entry, DecisionKind.OVERRIDE, task="1", rule="a", points=Fraction(points), reason="seen", author=author,
        seen_version=seen,
    )  # fmt: skip


def test_who_decides_on_what_is_no_longer_so_is_told_by_whom_and_gets_what_is_there(book):
    [entry] = recorded(book, card(a=0))
    first = decided(book, entry.id, "ada", 3, entry.version)
    with pytest.raises(ConflictError, match=r'changed meanwhile by "ada".*version 2.*saw 1') as raised:
        decided(book, entry.id, "bob", 1, entry.version)
    assert raised.value.entry == first == book.entry(entry.id)
    assert decided(book, entry.id, "bob", 1, first.version).row.points == 9


@pytest.mark.parametrize("act", ["undo", "review"])
def test_undoing_and_reviewing_are_told_too(book, act):
    [entry] = recorded(book, card(a=0))
    first = decided(book, entry.id, "ada", 3, entry.version)
    acts = {
        "undo": lambda: book.undo(entry.id, first.decisions[0].id, author="bob", seen_version=entry.version),
        "review": lambda: book.mark_reviewed(entry.id, "bob", entry.version),
    }
    with pytest.raises(ConflictError):
        acts[act]()
    assert book.entry(entry.id) == first


def test_who_decides_on_a_card_that_was_just_made_anew_is_told(book):
    [entry] = recorded(book, card(a=0))
    [after] = recorded(book, card(a=HALF))
    with pytest.raises(ConflictError, match='by "run-all class"') as raised:
        decided(book, entry.id, "bob", 1, entry.version)
    assert raised.value.entry == after


def insisting(book, entry, author, times):
    """Decide so many times, each on what is there after a conflict; how often that took another try."""
    tries, seen = 0, 1
    for number in range(times):
        while True:
            tries += 1
            try:
                seen = decided(book, entry, author, Fraction(number, times), seen).version
                break
            except ConflictError as conflict:
                seen = conflict.entry.version
    return tries


def all_there(book, entry, authors, *, runs=0):
    after = book.entry(entry)
    assert {author: sum(one.author == author for one in after.decisions) for author in authors} == dict.fromkeys(
        authors, TIMES
    )
    versions = [event.version for event in book.history(entry)]
    assert versions == list(range(1, len(authors) * TIMES + 2 + runs)), "each change had a version of its own"
    assert after.version == versions[-1]


def test_two_threads_lose_nothing(book):
    [entry] = recorded(book, card(a=0))
    barrier = threading.Barrier(2)

    def work(author):
        barrier.wait()
        return insisting(book, entry.id, author, TIMES)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ["ada", "bob"]))
    all_there(book, entry.id, ["ada", "bob"])


PROGRAM = """
import sys
from grader.gradebook.book import Gradebook
from tests.gradebook.test_conflicts import TIMES, insisting
with Gradebook.open(sys.argv[1]) as book:
    print("ready", flush=True)
    sys.stdin.readline()
    print(insisting(book, int(sys.argv[2]), sys.argv[3], TIMES))
"""


def test_two_processes_and_a_run_lose_nothing(book, url):
    [entry, _] = recorded(book, card(a=0), card("bob"))
    people = ["ada", "bob"]
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, url, str(entry.id), name], cwd=ROOT, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in people
    ]  # fmt: skip
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    for number in range(4):  # the class is graded again and again meanwhile
        book.record(with_facts(card(a=Fraction(number + 1, 9)), card("bob")), command="run-all class")
    for process in started:
        assert int(process.communicate(timeout=120)[0]) >= TIMES
        assert process.returncode == 0
    all_there(book, entry.id, people, runs=4)
    last = book.entry(entry.id).card.tasks[0].rules[0]
    assert last.points == 4 * Fraction(4, 9), "and it has the card of the last run"


def test_an_override_that_is_saved_while_a_run_is_prepared_is_in_force_behind_it(book):
    [entry] = recorded(book, card(a=0))

    def cards():
        decided(book, entry.id, "ada", 3, entry.version)
        yield from with_facts(card(a=0, c=HALF))

    book.record(cards())
    after = book.entry(entry.id)
    assert after.row.points == 3 + 2 + 3
    assert not after.row.is_moved, "what it was decided on is as it was"


def test_two_runs_at_once_record_every_hand_in_once(url):
    cards = [card(f"s{number:03}", a=Fraction(number % 5, 4)) for number in range(60)]
    with Gradebook.open(url):
        pass
    barrier = threading.Barrier(2)

    def work(_):
        with Gradebook.open(url) as book:
            barrier.wait()
            return book.record(with_facts(*cards))

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(work, range(2)))
    assert sorted((one.new, one.same) for one in done) == [(0, 60), (60, 0)]
    with Gradebook.open(url) as book:
        assert book.rows("demo", Query()).total == 60
        assert json.dumps([len(book.history(row.id)) for row in book.rows("demo").rows]) == json.dumps([1] * 60)


def test_two_that_open_it_first_make_it_once(url):
    barrier = threading.Barrier(2)

    def work(_):
        barrier.wait()
        with Gradebook.open(url) as book:
            return book.assignments()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(2))) == [[], []]
