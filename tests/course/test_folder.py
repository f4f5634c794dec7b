"""A course is found upwards or not at all, its file is told what is wrong with it, and nobody hands in their own."""

from __future__ import annotations

from dataclasses import MISSING
from pathlib import Path

import pytest

from grader.course import find_course, load_course
from grader.documents import schema
from grader.errors import CourseError
from grader.limits import Limits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "grader.toml").write_text('name = "CNN"\n')
    return tmp_path


def problems(root: Path, text: str) -> list[str]:
    (root / "grader.toml").write_text(text)
    with pytest.raises(CourseError) as caught:
        load_course(root)
    assert caught.value.exit_code == 3
    return [str(problem).removeprefix(str(root / "grader.toml")) for problem in caught.value.problems]


def test_a_name_is_enough_for_a_course(root):
    course = find_course(root, environment={})
    assert (course.root, course.name, course.contact) == (root, "CNN", "")
    assert course.rubrics == root / "rubrics"
    assert course.reference_solutions == root / "reference_solutions"
    assert course.submissions_template == root / "submissions_template"
    assert course.data_root == root / "data"
    assert course.limits == Limits()


def test_what_the_file_says_holds_and_the_rest_is_by_default(root):
    (root / "r").mkdir()
    (root / "grader.toml").write_text(
        'name = "CNN"\nrubrics = "r"\nsubmissions_template = "../t"\n[data]\nroot = "/data"\n'
        '[sandbox]\nwall_s = 7\n[report]\ncontact = "staff@uni.example"\n'
    )
    course = find_course(root, environment={})
    assert course.rubrics == root / "r"
    assert course.submissions_template == root.parent / "t"
    assert course.data_root == Path("/data")
    assert course.limits.wall_s == 7
    assert course.limits.memory_mb == Limits().memory_mb
    assert course.contact == "staff@uni.example"


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param({}, "data", id="not set"),
        pytest.param({"GRADER_DATA": ""}, "data", id="set to nothing"),
        pytest.param({"GRADER_DATA": "/shared/sets"}, "/shared/sets", id="set"),
    ],
)
def test_the_environment_wins_over_the_data_root_of_the_file(root, variable, expected):
    assert find_course(root, environment=variable).data_root == root / expected


def test_a_relative_data_variable_is_meant_from_here(root, monkeypatch, tmp_path_factory):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    monkeypatch.setenv("GRADER_DATA", "sets")
    assert load_course(root).data_root == here / "sets"


def test_a_course_is_found_from_deep_below_and_the_nearest_one_is_meant(root):
    deep = root / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert find_course(deep).root == root
    assert find_course(deep / "not" / "there").root == root
    (root / "a" / "grader.toml").write_text('name = "inner"\n')
    (root / "a" / "rubrics").mkdir()
    assert find_course(deep).name == "inner"


def test_a_relative_start_is_followed_upwards_too(root, monkeypatch):
    (root / "a").mkdir()
    monkeypatch.chdir(root / "a")
    assert find_course(Path()).root == root
    assert find_course(Path("..")).root == root


def test_no_course_stands_in_for_one_that_is_not_found(tmp_path):
    """Neither this repository, which is one, nor anything else."""
    with pytest.raises(CourseError) as caught:
        find_course(tmp_path)
    [problem] = caught.value.problems
    assert problem.code == "no-course"
    assert str(problem) == (
        f"{tmp_path}: there is no grader.toml here or in a folder above it\n"
        "  fix: name the course's folder with --course DIR, or run the command inside the course"
    )


def test_a_named_folder_is_not_left_upwards(root):
    (root / "a").mkdir()
    with pytest.raises(
        CourseError, match=r"there is no grader.toml here\n  fix: name the course's folder with --course"
    ):
        load_course(root / "a")


@pytest.mark.parametrize("start", ["hand-in", "hand-in/code", "hand-in/missing"])
def test_a_submission_cannot_bring_its_own_course(root, start):
    planted = root / "hand-in"
    (planted / "code").mkdir(parents=True)
    for folder in (planted, planted / "code"):
        (folder / "grader.toml").write_text('name = "Mine"\n')
        (folder / "rubrics").mkdir()
    assert find_course(root / start).name == "Mine"
    assert find_course(root / start, outside=planted).name == "CNN"


def test_a_submission_cannot_bring_its_own_course_through_a_link(root, tmp_path_factory):
    planted = tmp_path_factory.mktemp("planted")
    (planted / "grader.toml").write_text('name = "Mine"\n')
    (planted / "rubrics").mkdir()
    (root / "hand-in").symlink_to(planted)
    assert find_course(root / "hand-in", outside=root / "hand-in").name == "CNN"
    assert find_course(root / "hand-in", outside=planted).name == "CNN"


QUOTE = "put text in double quotes; write true and false in lower case"


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        pytest.param(
            'name = "a"\nname = "b"\n',
            ":2: not valid TOML: cannot overwrite a value",
            "keep one of the two",
            id="a key twice",
        ),
        pytest.param("name = CNN\n", ":1: not valid TOML: invalid value", QUOTE, id="text without quotes"),
        pytest.param('name = "CNN\n', ":1: not valid TOML: illegal character '\\n'", QUOTE, id="an open quote"),
        pytest.param(
            'x\nname = "CNN"\n',
            ":1: not valid TOML: expected '=' after a key in a key/value pair",
            'write key = "text" or key = 5, one on a line',
            id="a key without a value",
        ),
        pytest.param(
            'name = "a\\q"\n',
            ":1: not valid TOML: unescaped '\\' in a string",
            "write two backslashes for one, or use forward slashes",
            id="a backslash",
        ),
        pytest.param(
            'name = "CNN"\n[data\n',
            ":2: not valid TOML: expected ']' at the end of a table declaration",
            "close the bracket",
            id="an open bracket",
        ),
        pytest.param('name = "CNN"\nname.x = ', ":2: not valid TOML: invalid value", QUOTE, id="ends too early"),
        pytest.param('name = "CNN"\nx = ' + "[" * 5000, ": nested too deeply", "nest less", id="too deep"),
        pytest.param("", ":1: 'name' is missing", "add 'name': the course's name, as reports show it", id="empty"),
    ],
)
def test_a_broken_file_is_told_with_its_line(root, text, said, fix):
    assert problems(root, text) == [f"{said}\n  fix: {fix}"]


def test_everything_wrong_is_told_at_once_with_its_line(root):
    text = 'name = ""\nrubric = "r"\n\n[sandbox]\nwall_s = 0\nmemory_mb = "4 GB"\ncpu = 3\n[data]\nroot = 5\n'
    assert [problem.split("\n")[0] for problem in problems(root, text)] == [
        ":1 /name: the text is empty",
        ":2 /rubric: unknown key 'rubric'",
        ":5 /sandbox/wall_s: 0 is less than the minimum of 1",
        ':6 /sandbox/memory_mb: "4 GB" is not a whole number',
        ":7 /sandbox/cpu: unknown key 'cpu'",
        ":9 /data/root: 5 is not text",
    ]


def test_lines_are_left_out_where_they_are_not_certain(root):
    text = 'name = """CNN\nrubrics = 3\n"""\nrubrics = 3\n'
    assert problems(root, text)[0].startswith(":1 /rubrics: 3 is not text")


def test_a_course_without_its_rubrics_says_so(root):
    (root / "rubrics").rmdir()
    [told] = problems(root, 'name = "CNN"\nrubrics = "rubrics"\n')
    assert told.startswith(f":2 /rubrics: the folder of the rubrics, {root / 'rubrics'}, is not there\n")
    assert told.endswith('fix: create it, or name another: rubrics = "FOLDER"')


def test_every_limit_has_its_default_and_its_reason_in_the_schema_alone():
    described = schema("course")["properties"]["sandbox"]["properties"]
    assert list(described) == list(Limits.__dataclass_fields__)
    for name, about in described.items():
        assert about["minimum"] <= about["default"] <= about["maximum"]
        assert about["default"] == getattr(Limits(), name)
        assert ". " in about["description"], f"{name}: what it is, and why"
        assert Limits.__dataclass_fields__[name].default is MISSING  # read from the schema


def test_this_repository_is_a_course():
    course = load_course(Path(__file__).parents[2])
    assert course.name
    assert course.rubrics.is_dir()
