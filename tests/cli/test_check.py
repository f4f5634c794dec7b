import json
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_low_mark_is_a_successful_run(grader, theory):
    (theory / "answers.json").write_text('{"answers": {}}')
    assert "0 of 20 points" in grader("check", theory, "--course", ROOT).stdout


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param("12", 0, id="exactly the points"),
        pytest.param("12.5", 1, id="half a point over"),
        pytest.param("60%", 0, id="exactly the share"),
        pytest.param("61%", 1, id="one percent over"),
        pytest.param("0", 0, id="nothing asked"),
    ],
)
def test_fail_under_asks_for_points_or_a_share(grader, theory, line, code):
    grader("check", theory, "--course", ROOT, "--quiet", "--fail-under", line, code=code)


@pytest.mark.parametrize("line", ["much", "-1", "101%", "1/0", ""])
def test_a_line_that_is_none_is_a_usage_error(grader, theory, line):
    ran = grader("check", theory, "--course", ROOT, "--fail-under", line, code=2)
    assert "--fail-under" in ran.stderr


def test_quiet_is_one_line(grader, theory):
    ran = grader("check", theory, "--course", ROOT, "--quiet")
    assert ran.stdout == "theory: 12 of 20 points, 2 open\n"


def test_json_is_all_that_stdout_holds(grader, theory):
    ran = grader("check", theory, "--course", ROOT, "--json")
    assert json.loads(ran.stdout)["points"] == 12
    assert ran.stderr == ""


def test_the_same_hand_in_gives_the_same_bytes_twice(grader, theory):
    first, second = (grader("check", theory, "--course", ROOT, "--json").stdout for _ in range(2))
    assert first == second


def test_a_zip_is_graded_like_its_folder(card, theory, tmp_path):
    archive = tmp_path / "other" / "theory.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as made:
        for file in theory.iterdir():
            made.write(file, f"theory/{file.name}")
    assert card(archive) == card(theory)


def test_the_course_is_found_from_the_submission(grader):
    ran = grader("check", ROOT / "examples" / "digits-class" / "06-malformed-answers", "--quiet", cwd="/")
    assert ran.stdout.startswith("06-malformed-answers: ")


def test_a_course_in_the_submission_is_not_the_course(grader, theory):
    (theory / "grader.toml").write_text('name = "mine"\n')
    (theory / "rubrics").mkdir()
    ran = grader("check", theory, "--quiet", cwd=ROOT)
    assert "of 20 points" in ran.stdout


def test_no_course_is_an_error_that_names_the_option(grader, theory, tmp_path):
    ran = grader("check", theory, cwd=tmp_path, code=3)
    assert "--course" in ran.stderr


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda folder: folder / "nothing", "nothing", id="a path that is not there"),
        pytest.param(lambda folder: _file(folder / "a.zip", b"no archive"), "a.zip", id="a file that is no archive"),
        pytest.param(lambda folder: _file(folder / "b.zip", b""), "b.zip", id="an empty file"),
    ],
)
def test_what_cannot_be_read_at_all_gets_a_card_that_says_why(grader, tmp_path, make, said):
    ran = grader("check", make(tmp_path), "--course", ROOT, "--assignment", "digits", "--json", code=4)
    made = json.loads(ran.stdout)
    assert (made["points"], made["open_points"]) == (0, 20)
    assert said in made["problems"][0]["where"]
    assert made["problems"][0]["fix"]


def _file(path, data):
    path.write_bytes(data)
    return path


def test_a_hand_in_for_an_assignment_that_the_course_has_not_says_which_there_are(grader, theory):
    (theory / "submission.json").write_text('{"assignment": "digit", "students": [{"id": "s1"}]}')
    ran = grader("check", theory, "--course", ROOT, "--json", code=4)
    problem = next(p for p in json.loads(ran.stdout)["problems"] if p["code"] == "no-assignment")
    assert "'digit'" in problem["what"] or '"digit"' in problem["what"]
    assert "digits" in problem["fix"]


def test_what_cannot_be_read_is_told_in_the_one_line_of_quiet(grader, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = grader("check", tmp_path / "empty", "--course", ROOT, "--quiet", code=4, env={"COLUMNS": "40"})
    assert ran.stdout == "empty: 0 of 0 points; not read: empty: it holds no file\n"


def test_where_there_is_nothing_no_file_in_it_is_asked_for(grader, tmp_path):
    ran = grader("check", tmp_path / "nowhere", "--course", ROOT, "--json", code=4)
    [problem] = json.loads(ran.stdout)["problems"]
    assert problem["what"] == "there is no such file or folder"


@pytest.mark.parametrize("command", ["check", "run-all"])
def test_an_assignment_that_is_mistyped_on_the_command_line_is_a_usage_error(grader, theory, command):
    source = theory if command == "check" else theory.parent
    ran = grader(command, source, "--course", ROOT, "--assignment", "digit", code=2)
    assert ran.stdout == ""
    assert "--assignment: the course has no assignment \"digit\"\n  fix: did you mean 'digits'?" in ran.stderr


def test_a_hand_in_without_a_manifest_can_be_graded_by_naming_the_assignment(card, theory):
    (theory / "submission.json").unlink()
    made = card(theory, "--assignment", "digits")
    assert made["points"] == 12
    assert "submission.json" in made["problems"][0]["where"]


def test_a_broken_answers_file_names_its_line_and_leaves_the_answers_to_a_person(card, theory):
    text = (theory / "answers.json").read_text()
    (theory / "answers.json").write_text(text.replace('"translation": "c",', '"translation": "c"'))
    made = card(theory)
    assert made["problems"][0]["where"].startswith("answers.json:")
    assert made["open_points"] == 14


@pytest.mark.attack(83, 84)
def test_student_text_cannot_colour_the_report(grader, theory):
    text = (theory / "answers.json").read_text()
    (theory / "answers.json").write_text(text.replace('"c"', '"[bold green]PASS[/] \\u001b[32m100\\u202e"'))
    ran = grader("check", theory, "--course", ROOT)
    assert "\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout
    assert "[bold green]PASS" in ran.stdout


def test_a_rubric_that_is_broken_stops_the_run_with_all_its_problems(grader, theory, tmp_path):
    course = tmp_path / "course"
    (course / "rubrics").mkdir(parents=True)
    (course / "grader.toml").write_text((ROOT / "grader.toml").read_text())
    text = (ROOT / "rubrics" / "digits.yaml").read_text()
    text = text.replace("check: number", "check: nombre").replace("points: 2\n", "points: 3\n", 1)
    (course / "rubrics" / "digits.yaml").write_text(text)
    ran = grader("check", theory, "--course", course, code=3)
    assert "nombre" in ran.stderr
    assert ran.stderr.count("fix:") >= 2
    assert "rubrics/digits.yaml:" in ran.stderr
