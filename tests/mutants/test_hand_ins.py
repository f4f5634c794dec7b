"""The reference hand-in: put together from what the course keeps; refused with the place where something is amiss."""

from fractions import Fraction

import pytest

from grader.course import load_course
from grader.errors import CourseError
from grader.model import Rubric, Task
from grader.mutants.hand_ins import absent_tasks, has_reference_hand_in, reference_hand_in


@pytest.fixture
def home(tmp_path):
    (tmp_path / "grader.toml").write_text('name = "CNN"\n')
    (tmp_path / "rubrics").mkdir()
    home = tmp_path / "reference_solutions" / "nets"
    (home / "hand_in" / "figures").mkdir(parents=True)
    (home / "hand_in" / "answers.json").write_text("{}")
    (home / "hand_in" / "figures" / "loss.png").write_bytes(b"\x89PNG")
    (home / "model.py").write_text("x = 1\n")
    return home


@pytest.fixture
def course(home):
    return load_course(home.parents[1])


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_files_are_handed_in_as_they_are(course, tmp_path):
    made = reference_hand_in(course, "nets", tmp_path / "out")
    assert made == tmp_path / "out"
    assert files(made) == {"answers.json": b"{}", "figures/loss.png": b"\x89PNG"}


def test_what_is_kept_elsewhere_is_put_where_it_belongs(course, home, tmp_path):
    (home / "hand_in.toml").write_text('[files."code/model.py"]\nfrom = "model.py"\n')
    assert files(reference_hand_in(course, "nets", tmp_path / "out"))["code/model.py"] == b"x = 1\n"


@pytest.mark.torch
def test_packed_weights_are_unpacked(course, home, tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save

    (home / "net.packed.safetensors").write_bytes(save({"w": torch.ones(2, 2).half()}))
    (home / "hand_in.toml").write_text('[weights."net.pth"]\nfrom = "net.packed.safetensors"\n')
    made = reference_hand_in(course, "nets", tmp_path / "out")
    loaded = torch.load(made / "net.pth", weights_only=True)
    assert torch.equal(loaded["w"], torch.ones(2, 2))


def test_a_variant_brings_what_is_other_in_it(course, home, tmp_path):
    (home / "hand_in.2023").mkdir()
    (home / "hand_in.2023" / "answers.json").write_text('{"year": 2023}')
    made = files(reference_hand_in(course, "nets", tmp_path / "a", variant="2023"))
    assert (made["answers.json"], len(made)) == (b'{"year": 2023}', 2)
    assert files(reference_hand_in(course, "nets", tmp_path / "b", variant="2021"))["answers.json"] == b"{}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[weights."a.pth"]\nfrom = "modle.py"\n', 'nets/hand_in.toml:2 .*there is no file "modle.py".*did you mean'),
        ('[weights."a.pth"]\nfrom = "../../secret"\n', "is outside of nets/"),
        ('[files."../../a"]\nfrom = "model.py"\n', "nets/hand_in.toml:1 .*leaves the hand-in"),
        ('[files."/etc/a"]\nfrom = "model.py"\n', "nets/hand_in.toml:1 "),
        ('[weight."a.pth"]\nfrom = "model.py"\n', "nets/hand_in.toml:1 .*weights"),
        ('[weights."a.pth"]\nsource = "model.py"\n', "from"),
        ("[weights\n", "nets/hand_in.toml:1: not valid TOML"),
    ],
)
def test_what_is_amiss_is_told_with_its_line_and_a_remedy(course, home, tmp_path, text, said):
    (home / "hand_in.toml").write_text(text)
    with pytest.raises(CourseError, match=f"(?s){said}"):
        reference_hand_in(course, "nets", tmp_path / "out")


def test_an_assignment_without_one_is_told(course, tmp_path):
    assert has_reference_hand_in(course, "nets")
    assert not has_reference_hand_in(course, "others")
    with pytest.raises(CourseError, match='"others" has no reference hand-in'):
        reference_hand_in(course, "others", tmp_path / "out")


def rubric(*tasks):
    return Rubric("nets", "Nets", tuple(Task(task, task, Fraction(1), ()) for task in tasks), "nets.yaml", "0" * 64)


def test_tasks_that_the_reference_leaves_out_have_their_reason(course, home):
    assert absent_tasks(course, rubric("1", "2")) == {}
    (home / "hand_in.toml").write_text('[absent]\n"2" = "its weights may not be kept"\n')
    assert absent_tasks(course, rubric("1", "2")) == {"2": "its weights may not be kept"}


def test_a_task_that_is_left_out_and_not_there_is_refused(course, home):
    (home / "hand_in.toml").write_text('[absent]\n"3" = "its weights may not be kept"\n')
    with pytest.raises(CourseError, match='there is no task "3"'):
        absent_tasks(course, rubric("1", "2"))
