"""What a student says of own images, in the forms in which it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.answers.answer_error import AnswerError
from grader.answers.own_images import FORM, class_named, said_by_name, stated
from grader.documents import validator
from grader.model import Place

DIGITS = [str(digit) for digit in range(10)]
PLACE = Place("answers.json", "/answers/own")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([{"file": "4.png", "true": 4, "predicted": 9}], id="a list"),
        pytest.param([{"image": "./4.png", "digit": "4", "prediction": "9"}], id="other words"),
        pytest.param([{"File": "4.png", "True label": 4, "Predicted label": 9}], id="words as in a table"),
        pytest.param({"4.png": {"true": 4, "predicted": 9}}, id="a table by file names"),
    ],
)
def test_one_image_is_read_in_any_of_the_usual_forms(value):
    [one] = stated(value, DIGITS, PLACE)
    assert (one.file, one.true, one.predicted) == ("4.png", "4", "9")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param("4.png: 9", "not-a-list", id="text"),
        pytest.param([4, 9], "not-an-entry", id="bare numbers"),
        pytest.param([{"true": 4}], "no-file", id="no file"),
        pytest.param([{"file": "a.png", "predicted": 12}], "no-class", id="no such class"),
        pytest.param([{"file": "a.png", "predicted": True}], "no-class", id="true is not 1"),
        pytest.param([{"file": "a.png"}, {"file": "./a.png"}], "listed-twice", id="twice"),
        pytest.param([{"file": f"{n}.png"} for n in range(401)], "too-many", id="too many"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(value, code):
    with pytest.raises(AnswerError) as caught:
        stated(value, DIGITS, PLACE)
    assert caught.value.problem.code == code
    assert caught.value.problem.where.startswith("answers.json /answers/own")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["file", "true", "x"]), inner),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value):
    try:
        made = stated(value, DIGITS, PLACE)
    except AnswerError:
        return
    assert all(one.file for one in made)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("own/4.png", ("4", None)),
        ("own/digit4.png", ("4", None)),
        ("own/4_pred_9.png", ("4", "9")),
        ("own/true4_predicted9.png", ("4", "9")),
        ("7/scan.png", ("7", None)),
        ("own/4_9.png", (None, None)),
        ("own/scan.png", (None, None)),
        ("own/28x28.png", (None, None)),
    ],
)
def test_a_name_says_what_it_shows_or_nothing(path, said):
    assert said_by_name(path, DIGITS) == said


def test_a_class_is_named_by_its_word_or_by_its_number_where_words_are_none():
    assert class_named("Airplane", ["airplane", "automobile"]) == "airplane"
    assert class_named(1, ["airplane", "automobile"]) == "automobile"
    assert class_named(12, DIGITS) is None
    assert class_named(3.0, DIGITS) is None


def test_the_published_form_takes_what_is_read():
    assert validator(FORM).is_valid([{"file": "4.png", "true": 4, "predicted": 9}])
