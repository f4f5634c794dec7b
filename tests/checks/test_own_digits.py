"""Images of the student's own making: which count, what the network says of them, and what is claimed."""

import io
import json
import zipfile
from fractions import Fraction

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

from grader.checks import all_checks, run_check  # noqa: E402
from grader.model import Outcome  # noqa: E402

pytestmark = [pytest.mark.sandbox, pytest.mark.torch]

# A "network" whose answer an image can be drawn for: it counts the bright columns, and 28 of them are 0 again.
NET = """
import torch
from torch import nn
class Columns(nn.Module):
    def __init__(self):
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(4.0))
    def forward(self, x):
        bright = (x[:, 0].mean(1) > 0.5).float().sum(1)
        at = torch.remainder(bright, 10)
        return -self.sharpness * (torch.arange(10.0)[None] - at[:, None]).abs()
def build_model():
    return Columns()
"""
MODEL = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}


def weights():
    stream = io.BytesIO()
    torch.save({"sharpness": torch.tensor(4.0)}, stream)
    return stream.getvalue()


def drawn(columns, *, size=(28, 28), mark=0, inverted=False):
    """So many bright columns on black; `mark` makes an image of its own of it."""
    picture = Image.new("L", size, 0)
    draw = ImageDraw.Draw(picture)
    across = size[0] / 28
    for column in range(columns):
        draw.rectangle([round((4 + 2 * column) * across), 0, round((5 + 2 * column) * across) - 1, size[1]], fill=255)
    draw.point([(1, 1 + place) for place in range(mark)], fill=90)
    return picture.point(lambda value: 255 - value) if inverted else picture


def saved(picture, format_="PNG"):
    stream = io.BytesIO()
    picture.save(stream, format_)
    return stream.getvalue()


WRONG = {4: 9, 7: 1, 9: 3}  # as in report 004: three of nine


def nine(**settings):
    """Images 1.png to 9.png, of which the network takes three for another digit."""
    return {f"own/{digit}.png": saved(drawn(WRONG.get(digit, digit), mark=digit, **settings)) for digit in range(1, 10)}


def told(**changes):
    return [
        {"file": f"{digit}.png", "true": digit, "predicted": changes.get(f"d{digit}", WRONG.get(digit, digit))}
        for digit in range(1, 10)
    ]


@pytest.fixture
def look(graded):
    def run(handed, answers=None, /, **settings):
        files = {"model.py": NET, "model.pth": weights(), **handed}
        settings = {"model": MODEL, "data": "digits", "images": "own/*", **settings}
        return graded("own-digits", files=files, answers=answers, **settings)

    return run


ASKED = {"predictions": "own", "score": "score", "at_least": 9, "classes": list(range(1, 10)), "size": [28, 28]}


def test_report_004_is_right_nine_images_six_of_them_read_right(look):
    found = look(nine(), {"own": told(), "score": "66.7%"}, grey=True, **ASKED)
    assert [(one.outcome, one.credit, one.code) for one in found] == [
        (Outcome.PASSED, 1, "images"),
        (Outcome.PASSED, 1, "predictions-agree"),
        (Outcome.PASSED, 1, "score-agrees"),
    ]
    assert "6 of 9 images right (66.67%)" in found[2].said


@pytest.mark.parametrize(
    ("written", "outcome", "code"),
    [
        pytest.param("6/9", Outcome.PASSED, "score-agrees", id="a fraction"),
        pytest.param("6 of 9", Outcome.PASSED, "score-agrees", id="in words"),
        pytest.param(0.667, Outcome.PASSED, "score-agrees", id="a share"),
        pytest.param("66%", Outcome.PASSED, "score-agrees", id="cut off"),
        pytest.param("2/3", Outcome.PASSED, "score-agrees", id="cancelled"),
        pytest.param("~67 %", Outcome.PASSED, "score-agrees", id="about"),
        pytest.param("7/9", Outcome.FAILED, "score-differs", id="one too many"),
        pytest.param("77.8%", Outcome.FAILED, "score-differs", id="one too many in percent"),
        pytest.param("5/9", Outcome.PASSED, "score-understated", id="one too few"),
        pytest.param("most of them", Outcome.REVIEW, "unclear-answer", id="no number"),
        pytest.param("", Outcome.FAILED, "unanswered", id="none"),
    ],
)
def test_the_score_is_that_of_the_checkpoint_however_it_is_written(look, written, outcome, code):
    found = look(nine(), {"own": told(), "score": written}, **ASKED)[-1]
    assert (found.outcome, found.code) == (outcome, code), found.said


def test_a_wrong_prediction_costs_its_share_and_the_score_that_follows_from_it_nothing(look):
    found = look(nine(), {"own": told(d4=4), "score": "7/9"}, **ASKED)
    assert (found[1].outcome, found[1].credit, found[1].code) == (Outcome.PARTIAL, Fraction(8, 9), "predictions-differ")
    assert "4.png gets '9', not '4'" in found[1].said
    assert str(found[1].place) == "answers.json /answers/own/3"
    assert (found[2].outcome, found[2].code) == (Outcome.PASSED, "score-follows")


def test_colours_that_are_inverted_are_said_with_what_either_way_gives(look):
    """What the student inverted before the network got it is meant."""
    found = look(nine(inverted=True), {"own": told(), "score": "6/9"}, **ASKED)
    assert [one.outcome for one in found if one.weight] == [Outcome.PASSED] * 3
    [remark] = [one for one in found if not one.weight]
    assert remark.code == "inverted"
    assert "9 of 9 images are drawn on a light ground, and the network was trained on a dark one" in remark.said
    assert "1 of 9 right as they are, 6 with colours inverted" in remark.said
    assert "with their colours inverted" in found[-1].said


def test_images_of_another_size_are_put_into_it_and_what_disagrees_then_waits_for_a_person(look):
    asked = {key: value for key, value in ASKED.items() if key != "size"}
    found = look(nine(size=(56, 56)), {"own": told(d4=4), "score": "8/9"}, **asked)
    assert (found[0].outcome, found[1].outcome) == (Outcome.PASSED, Outcome.REVIEW)
    assert (found[1].credit, found[1].code) == (Fraction(8, 9), "predictions-doubtful")
    assert (found[2].outcome, found[2].code) == (Outcome.REVIEW, "score-doubtful")
    [first, *_] = look(nine(size=(56, 56)), {"own": told(), "score": "6/9"}, **ASKED)
    assert (first.outcome, first.code) == (Outcome.FAILED, "images-missing")
    assert "has 56 x 56 pixels, not 28 x 28" in first.said


def test_a_blank_a_copy_a_broken_and_a_coloured_image_do_not_count(look):
    images = nine()
    images["own/1.png"] = saved(Image.new("L", (28, 28), 7))
    images["own/2.png"] = images["own/3.png"]
    images["own/4.png"] = images["own/4.png"][:60]
    images["own/5.png"] = saved(Image.merge("RGB", [drawn(5), drawn(6), drawn(7)]))
    found = look(images, at_least=9, grey=True)[0]
    assert (found.outcome, found.credit) == (Outcome.PARTIAL, Fraction(5, 9))
    for words in (
        "1.png is blank",
        "3.png is the same image as own/2.png",
        "4.png cannot be counted",
        "5.png is coloured",
    ):
        assert words in found.said


def test_a_class_that_is_missing_is_named(look):
    images = nine()
    del images["own/9.png"]
    found = look(images, at_least=8, classes=list(range(1, 10)))[0]
    assert (found.outcome, found.credit) == (Outcome.PARTIAL, Fraction(8, 9))
    assert "of '9' 1 more must be there" in found.said


def test_an_image_of_the_set_is_not_the_students_hand_and_takes_no_point(look):
    from grader.datasets import load

    images = nine()
    images["own/8.png"] = saved(Image.fromarray(255 - load("digits", "test").images[17, 0]), "PNG")
    found = look(images, at_least=9)[0]
    assert (found.outcome, found.credit, found.code) == (Outcome.REVIEW, 1, "not-own")
    assert "own/8.png is image 17 of the test split, colours inverted" in found.said


def packed(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_a_zip_of_images_and_a_list_in_a_file_do_as_well(look):
    inner = {path.removeprefix("own/"): data for path, data in nine().items()} | {"readme.txt": b"mine"}
    files = {"own.zip": packed(inner), "own.json": json.dumps(told())}
    found = look(files, {"score": "6/9"}, images="own.zip", list="own.json", score="score", at_least=9)
    assert [one.outcome for one in found] == [Outcome.PASSED] * 3


@pytest.mark.attack(77)
@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(packed({"../../evil.png": b"x"}), "own.zip", id="a path that leads out"),
        pytest.param(packed({"a.png": bytes(80 * 2**20)}), "own.zip", id="a bomb"),
        pytest.param(packed({"a.txt": b"x"}), "holds no picture", id="no picture"),
        pytest.param(b"PK\x03\x04 cut off", "own.zip", id="no zip"),
    ],
)
def test_a_hostile_zip_is_refused_and_said(look, data, says):
    found = look({"own.zip": data}, images="own.zip")[0]
    assert (found.outcome, found.credit) == (Outcome.FAILED, 0)
    assert says in found.said


def test_names_say_what_images_show_and_what_was_predicted(look):
    images = {f"own/true{n}_pred{WRONG.get(n, n)}.png": data for n, data in enumerate(nine().values(), 1)}
    found = look(images, {"score": "6/9"}, score="score", at_least=9, classes=list(range(1, 10)))
    assert [one.code for one in found] == ["images", "predictions-agree", "score-agrees"]


def test_a_score_on_images_of_which_nothing_is_said_waits_for_a_person(look):
    images = {f"own/{word}.png": data for word, data in zip("abcdefghi", nine().values(), strict=True)}
    found = look(images, {"score": "6/9"}, score="score", at_least=9, classes=list(range(1, 10)))
    assert [(one.outcome, one.code) for one in found] == [(Outcome.REVIEW, "no-truth")] * 2


def test_a_demand_is_met_by_the_checkpoint_alone(look):
    [_, found] = look(nine(), min_score=0.6)
    assert (found.outcome, found.code) == (Outcome.PASSED, "reached")
    [_, _, found] = look(nine(), {"own": told()}, predictions="own", min_score=0.7)
    assert (found.outcome, found.code) == (Outcome.FAILED, "below-demand")


@pytest.mark.parametrize(
    ("files", "outcome", "code"),
    [
        pytest.param({"model.pth": None}, Outcome.FAILED, "missing-file", id="no checkpoint"),
        pytest.param({"model.py": None}, Outcome.FAILED, "missing-file", id="no code"),
        pytest.param({"model.pth": b"nonsense"}, Outcome.FAILED, None, id="a broken checkpoint"),
        pytest.param({"model.py": "def build_model(:"}, Outcome.FAILED, None, id="code that does not parse"),
    ],
)
def test_images_count_where_the_network_says_nothing_and_the_rest_says_why(graded, files, outcome, code):
    given = {"model.py": NET, "model.pth": weights(), **files, **nine()}
    given = {path: data for path, data in given.items() if data is not None}
    answers = {"own": told(), "score": "6/9"}
    found = graded("own-digits", files=given, answers=answers, model=MODEL, data="digits", images="own/*", **ASKED)
    assert found[0].outcome is Outcome.PASSED
    assert [one.outcome for one in found[1:]] == [outcome] * 2
    assert all(one.fix for one in found[1:])
    if code:
        assert {one.code for one in found[1:]} == {code}


def test_no_image_at_all_is_said(look):
    [found] = look({})
    assert (found.outcome, found.code) == (Outcome.FAILED, "missing-file")


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param({"own": "six of nine"}, "not-a-list", id="no list"),
        pytest.param({}, "unanswered", id="nothing"),
        pytest.param({"own": [{"file": "1.png", "predicted": "x"}]}, "no-class", id="no class"),
    ],
)
def test_a_list_that_cannot_be_read_is_said(look, answers, code):
    found = look(nine(), answers, predictions="own")[-1]
    assert (found.outcome, found.code) == (Outcome.FAILED, code)


def test_an_image_that_is_listed_and_not_handed_in_is_named(look):
    images = nine()
    del images["own/4.png"]
    found = look(images, {"own": told()}, predictions="own")[-1]
    assert "4.png was not handed in" in found.said
    assert found.credit == Fraction(8, 9)


def test_a_fault_of_the_machine_costs_nothing(make_rule, hand_in, system_fault):
    check = all_checks()["own-digits"]
    rule = make_rule("own-digits", model=MODEL, data="digits", images="own/*")
    submission = hand_in(files={"model.py": NET, "model.pth": weights(), **nine()})
    [found] = run_check(check, rule, submission, dict.fromkeys(check.needs(rule, submission), system_fault))
    assert found.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        pytest.param({"data": "nothing"}, "no data set", id="no set"),
        pytest.param({"classes": ["ten"]}, "no class", id="no class"),
        pytest.param({"per_class": 2}, "says nothing", id="so many of nothing"),
        pytest.param({"predictions": "a", "list": "a.json"}, "two places", id="two lists"),
    ],
)
def test_what_makes_no_sense_is_told_to_the_teacher(make_rule, settings, what):
    settings = {"model": MODEL, "data": "digits", "images": "own/*", **settings}
    problems = list(all_checks()["own-digits"].lint(make_rule("own-digits", **settings)))
    assert any(what in problem.what for problem in problems)
