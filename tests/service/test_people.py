"""A token is shown once and kept as its digest; a class comes in whole or not at all."""

import pytest
import sqlalchemy as sa

from grader.errors import UsageError
from grader.service.people import Person, people_from_csv
from grader.service.tables import SESSIONS, STUDENTS


def codes(stop):
    return [problem.code for problem in stop.value.problems]


def test_a_token_is_kept_nowhere(people, engine, tmp_path):
    [issued] = people.add([Person("ada")])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(STUDENTS)).all()
    assert issued.token not in str(rows)
    engine.dispose()
    assert all(issued.token.encode() not in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert people.by_token(issued.token) == Person("ada")


def test_tokens_differ_and_no_spreadsheet_takes_one_for_a_formula(people):
    issued = people.add([Person(f"s{number}") for number in range(200)])
    assert len({one.token for one in issued}) == 200
    assert all(one.token[0].isalnum() for one in issued)


def test_another_token_ends_the_old_one_and_its_browsers(people):
    [issued] = people.add([Person("ada")])
    people.sign_in(issued.person, "b" * 64)
    assert people.by_browser("b" * 64) == Person("ada")
    renewed = people.renew("ada")
    assert people.by_token(issued.token) is None
    assert people.by_browser("b" * 64) is None
    assert people.by_token(renewed.token).id == "ada"


def test_a_browser_is_signed_in_for_some_hours(people, clock):
    [issued] = people.add([Person("ada")])
    people.sign_in(issued.person, "b" * 64)
    clock.go_on(hours=11)
    assert people.by_browser("b" * 64) is not None
    clock.go_on(hours=2)
    assert people.by_browser("b" * 64) is None


def test_what_is_over_is_cleared_away(people, clock, engine):
    [issued] = people.add([Person("ada")])
    people.sign_in(issued.person, "a" * 64)
    clock.go_on(hours=13)
    people.sign_in(issued.person, "b" * 64)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(SESSIONS)) == 1


@pytest.mark.parametrize("other", ["ada", "ADA"])
def test_an_id_is_taken_once_whatever_its_case(people, other):
    people.add([Person("ada")])
    with pytest.raises(UsageError) as stop:
        people.add([Person("bob"), Person(other)])
    assert codes(stop) == ["student-twice"]
    assert [one.id for one in people.everybody()] == ["ada"]  # bob is not taken in either


@pytest.mark.parametrize("bad", ["", "../x", "a b", "=1+1", "x" * 65, "a\n", "-x"])
def test_what_is_no_id_is_refused(people, bad):
    with pytest.raises(UsageError) as stop:
        people.add([Person(bad)])
    assert codes(stop) == ["bad-id"]


def test_a_team_is_not_called_like_a_student(people):
    people.add([Person("ada")])
    with pytest.raises(UsageError) as stop:
        people.add([Person("bob", team="Ada")])
    assert codes(stop) == ["team-is-student"]


def test_the_members_of_a_team_hand_in_as_one(people):
    people.add([Person("ada", team="x"), Person("bob", team="x"), Person("cleo")])
    assert [one.id for one in people.of_owner("x")] == ["ada", "bob"]
    assert [one.id for one in people.of_owner("cleo")] == ["cleo"]
    assert people.of_owner("ada") == []


@pytest.mark.parametrize(
    "text", ["id,name\nada,Ada\nbob,Bob\n", "\ufeffID;Name\r\nada;Ada\r\nbob;Bob\r\n", "name\tid\nAda\tada\n\nBob\tbob"]
)
def test_a_table_is_read_whatever_its_delimiter(text):
    assert [(one.id, one.name) for one in people_from_csv(text, name="t.csv")] == [("ada", "Ada"), ("bob", "Bob")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("name\nAda\n", "t.csv:1"),
        ("", "t.csv:1"),
        ("id,name\nada,Ada\n../x,X\n", "t.csv:3"),
        ("id,name\nada,Ada,more\n", "t.csv:2"),
        ("id,name\n,Ada\n", "t.csv:2"),
    ],
)
def test_a_broken_table_is_refused_with_the_line(text, where):
    with pytest.raises(UsageError) as stop:
        people_from_csv(text, name="t.csv")
    assert stop.value.problems[0].where == where
