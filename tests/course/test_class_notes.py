"""Who is in two groups, and which ids nobody has, is said of the whole class and of nobody's points."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from grader.course.class_notes import ClassNotes
from grader.model import ScoreCard, Student, Terms

AT = datetime(2026, 3, 8, tzinfo=UTC)


def card(name, *ids, assignment="demo"):
    students = tuple(map(Student, ids))
    return ScoreCard(name, assignment, students, "0" * 64, (), Fraction(0), Fraction(0), Fraction(0))


def said(cards, terms=None, **options):
    notes = ClassNotes({"demo": terms or Terms()})
    assert list(notes.through(cards)) == cards
    return [(problem.where, problem.what, problem.fix) for problem in notes.problems(**options)]


def test_a_student_in_two_hand_ins_of_one_assignment_is_told():
    cards = [card("ada", "s1", "s2"), card("bob", "s2", "s3"), card("eve", "s2", assignment="other")]
    assert said(cards) == [
        ("demo: ada, bob", 'the student "s2" is in 2 hand-ins: ada, bob', "ask which of them counts")
    ]


def test_a_student_who_is_named_twice_in_one_hand_in_is_in_one():
    assert said([card("ada", "s1", "s1")]) == []


def test_ids_that_nobody_has_are_told_where_the_class_is_whole():
    terms = Terms(extensions={"s1": AT, "s22": AT}, received={"ada": AT, "s1": AT, "bbo": AT})
    cards = [card("ada", "s1"), card("bob", "s2")]
    assert said(cards, terms) == [
        ("grader.toml /assignments/demo/extensions", 'no hand-in of this class is of "s22"', "did you mean 's2'?"),
        ("grader.toml /assignments/demo/received", 'no hand-in of this class is of "bbo"', "did you mean 'bob'?"),
    ]
    assert said(cards, terms, is_whole=False) == []
