import json

import pytest

from grader.intake import read_submission
from grader.model import Answer, Place, Student


def told(submission):
    return [str(problem) for problem in submission.problems]


def test_the_manifest_gives_assignment_and_students(folder):
    students = [{"id": "s1", "name": "Ada"}, {"id": "s2"}]
    submission = read_submission(folder(manifest={"assignment": "digits", "students": students}))
    assert submission.assignment == "digits"
    assert submission.students == (Student("s1", "Ada"), Student("s2"))
    assert told(submission) == []


def test_identity_is_the_name_of_what_was_handed_in(folder):
    submission = read_submission(folder(name="ada_17", manifest={"assignment": "digits", "students": [{"id": "bob"}]}))
    assert submission.id == "ada_17"


def test_without_a_manifest_the_callers_assignment_keeps_it_readable(folder):
    top = folder({"a": ""}, manifest=None)
    told_with, told_without = read_submission(top, assignment="digits"), read_submission(top)
    assert (told_with.is_readable, told_with.assignment, told_with.students) == (True, "digits", ())
    assert (told_without.is_readable, told_without.assignment) == (False, "")
    assert told(told_with) == [
        (
            "submission.json: this file is missing: it says whose hand-in this is\n"
            "  fix: start from the template, which has one: grader init digits FOLDER"
        )
    ]
    assert told(told_without)[0].endswith("grader init ASSIGNMENT FOLDER")


@pytest.mark.parametrize(
    ("there", "fix"),
    [
        pytest.param("hw1/submission.json", 'hand in what is in the folder "hw1"', id="a folder below"),
        pytest.param("Submission.JSON", "rename it to submission.json", id="another case"),
        pytest.param("submission.json.txt", "rename it to submission.json", id="an editor's suffix"),
    ],
)
def test_a_manifest_in_the_wrong_place_is_named(there, fix, folder):
    [problem] = read_submission(folder({there: "{}"}, manifest=None), assignment="digits").problems
    assert f'there is "{there}"' in problem.what
    assert problem.fix == fix


def test_another_assignment_than_the_callers_is_told_and_the_callers_counts(folder):
    submission = read_submission(folder(), assignment="cifar10")
    assert submission.assignment == "cifar10"
    assert submission.is_readable
    assert told(submission) == [
        (
            'submission.json:1 /assignment: it says "digits", and is graded as "cifar10"\n'
            '  fix: write "cifar10" there, or grade it with --assignment digits'
        )
    ]


def test_the_same_assignment_is_no_problem(folder):
    assert told(read_submission(folder(), assignment="digits")) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('{"assignment": "digits",}', "bad-json", id="a comma too many"),
        pytest.param("", "bad-json", id="empty"),
        pytest.param(b"\xff\xfe{\0}\0", "not-utf8", id="UTF-16"),
        pytest.param('{"assignment": "a", "assignment": "b"}', "duplicate-key", id="a key twice"),
        pytest.param("[" * 100_000, "too-deep", id="100,000 levels"),
        pytest.param('{"a": ' + "9" * 5_000 + "}", "too-long", id="5,000 digits"),
        pytest.param('{"a": 1e999}', "not-finite", id="infinity"),
        pytest.param('{"a": "' + "x" * 9_000_000 + '"}', "too-large", id="9 MB"),
    ],
)
def test_a_broken_manifest_is_told_and_the_rest_is_graded(text, code, folder, codes):
    top = folder({"submission.json": text, "answers.json": '{"answers": {"a": 1}}'})
    submission = read_submission(top, assignment="digits")
    assert codes(submission)[0] == code
    assert submission.problems[0].where.startswith("submission.json")
    assert submission.is_readable
    assert submission.answers["a"].value == 1
    assert not read_submission(top).is_readable


@pytest.mark.parametrize(
    ("manifest", "assignment", "students", "where"),
    [
        pytest.param([], "", (), ["submission.json:1"], id="a list"),
        pytest.param({"assignment": "digits"}, "digits", (), ["submission.json:1"], id="no students"),
        pytest.param(
            {"assignment": "digits", "students": []}, "digits", (), ["submission.json:1 /students"], id="empty"
        ),
        pytest.param(
            {"assignment": "../x", "students": [{"id": "s1"}]},
            "",
            ("s1",),
            ["submission.json:1 /assignment"],
            id="a path for an assignment",
        ),
        pytest.param(
            {"assignment": True, "students": [{"id": "s1"}]},
            "",
            ("s1",),
            ["submission.json:1 /assignment"],
            id="true for an assignment",
        ),
        pytest.param(
            {"assignment": "digits", "students": [{"id": "s1"}, {"id": "a/b"}, {"name": "x"}, 3]},
            "digits",
            ("s1",),
            [f"submission.json:1 /students/{at}" for at in ("1/id", "2", "3")],
            id="some are right",
        ),
        pytest.param(
            {"assignment": "digits", "students": [{"id": "s1"}, {"id": "s1"}]},
            "digits",
            ("s1",),
            ["submission.json:1 /students/1/id"],
            id="one twice",
        ),
        pytest.param(
            {"assignment": "digits", "students": [{"id": "s1"}], "grade": 100},
            "digits",
            ("s1",),
            ["submission.json:1 /grade"],
            id="a key too many",
        ),
        pytest.param(
            {"assignment": "digits", "students": [{"id": "s1\n"}]},
            "digits",
            (),
            ["submission.json:1 /students/0/id"],
            id="an id with a line end",
        ),
        pytest.param(
            {"assignment": "digits", "students": "s1"},
            "digits",
            (),
            ["submission.json:1 /students"],
            id="a name for a list",
        ),
    ],
)
def test_what_is_right_in_a_manifest_counts(manifest, assignment, students, where, folder):
    submission = read_submission(folder({"a": ""}, manifest=manifest))
    assert submission.assignment == assignment
    assert tuple(student.id for student in submission.students) == students
    assert [problem.where for problem in submission.problems] == where
    assert submission.is_readable == bool(assignment)


def test_each_answer_knows_its_place(folder):
    answers = {"1a": [1, "b", None], "x.y": {"z": True}}
    submission = read_submission(folder({"answers.json": json.dumps({"assignment": "digits", "answers": answers})}))
    assert submission.answers == {
        "1a": Answer([1, "b", None], Place("answers.json", "/answers/1a")),
        "x.y": Answer({"z": True}, Place("answers.json", "/answers/x.y")),
    }
    assert told(submission) == []


def test_no_answers_file_is_no_problem_here(folder):
    submission = read_submission(folder())
    assert (submission.answers, told(submission)) == ({}, [])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param('{"answers": {"a": 1},\n}', "answers.json:2", id="broken JSON, with its line"),
        pytest.param('{"answers": {"a": NaN}}', "answers.json:1 /answers/a", id="NaN"),
        pytest.param('{"answers": {"a": 1, "a": 2}}', "answers.json:1 /answers/a", id="a key twice"),
        pytest.param('{"answers": {"a": "\\ud800"}}', "answers.json:1 /answers/a", id="half a character"),
        pytest.param('{"a": 1}', "answers.json:1", id="no envelope"),
        pytest.param('{"answers": [1]}', "answers.json:1 /answers", id="a list of answers"),
        pytest.param("[1]", "answers.json:1", id="a list"),
        pytest.param("3", "answers.json:1", id="a number"),
    ],
)
def test_answers_that_cannot_be_read_are_none_and_the_rest_is_graded(text, where, folder):
    submission = read_submission(folder({"answers.json": text}))
    assert submission.answers == {}
    assert submission.is_readable
    assert where in [problem.where for problem in submission.problems]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        pytest.param({"answers": {"a": 1}, "note": "x"}, "answers.json:1 /note", id="a key beside the answers"),
        pytest.param({"answers": {"a": 1, "b c": 2}}, "answers.json:1 /answers/b c", id="an odd key"),
        pytest.param({"answers": {"a": 1}, "assignment": 3}, "answers.json:1 /assignment", id="an odd assignment"),
        pytest.param({"answers": {"a": 1}, "assignment": "cifar10"}, "answers.json:1 /assignment", id="another one"),
    ],
)
def test_a_slip_beside_an_answer_costs_no_answer(document, where, folder):
    submission = read_submission(folder({"answers.json": json.dumps(document)}))
    assert submission.answers["a"].value == 1
    assert [problem.where for problem in submission.problems] == [where]


def test_a_file_that_changed_since_it_was_hashed_is_not_read(folder, monkeypatch):
    from grader.intake import reading

    real = reading.read_folder

    def then_changed(path, limits):
        content = real(path, limits)
        (path / "submission.json").write_text('{"assignment": "digits", "students": [{"id": "mallory"}]}')
        (path / "answers.json").unlink()
        (path / "answers.json").symlink_to("/etc/passwd")
        return content

    monkeypatch.setattr(reading, "read_folder", then_changed)
    submission = read_submission(folder({"answers.json": '{"answers": {}}'}), assignment="digits")
    assert submission.students == ()
    assert told(submission) == [
        f"{name}: it changed while it was read\n  fix: grade it again" for name in ("submission.json", "answers.json")
    ]
