"""Optional tasks, choices, deductions, ramps and pass lines of a rubric: loaded as meant, or told what cannot be."""

from __future__ import annotations

import json
from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.course import load_rubric, rubric_problems
from grader.documents import parse_yaml
from grader.errors import CourseError
from grader.model import Choice

TEXT = """assignment: demo
title: Demo
pass_points: 9
late: {per_day: "10%"}
choose:
- {tasks: ["2", "3", "4"], k: 2}
tasks:
- id: "1"
  title: Compulsory
  points: 4
  pass_points: 1.5
  rules:
  - {check: number, answer: a, right: 3, ramp: {from: "50%"}}
  - {id: format, check: files, points: 2, deduction: true}
- {id: "2", title: A, points: 3, rules: [{id: a, check: files}]}
- {id: "3", title: B, points: 3, rules: [{id: b, check: files}]}
- {id: "4", title: C, points: 3, rules: [{id: c, check: files}]}
- id: "5"
  title: Optional
  points: 2
  optional: true
  rules:
  - {id: again, check: number, answer: a, right: 3, points: 1}
  - {id: more, check: number, answer: b, right: 3, other: "c"}
"""


def told(rubric_file, checks, text):
    return [
        (one.where.removeprefix("rubrics/demo.yaml"), one.what) for one in rubric_problems(rubric_file(text), checks)
    ]


def loose(checks):
    """The check `number` with a setting that names another answer."""
    number = checks["number"]
    schema = {
        **number.settings_schema,
        "properties": {**number.settings_schema["properties"], "other": {"type": "string"}},
    }
    return {**checks, "number": type(number)(**{**vars(number), "settings_schema": schema})}


def test_what_a_rubric_says_of_its_tasks_is_loaded(rubric_file, checks):
    rubric = load_rubric(rubric_file(TEXT), loose(checks))
    assert rubric.points == 12
    assert rubric.choices == (Choice(("2", "3", "4"), 2),)
    first, *_, optional = rubric.tasks
    assert (first.points, first.pass_points) == (4, Fraction(3, 2))
    number, form = first.rules
    assert (number.points, number.ramp) == (4, (Fraction(1, 2), Fraction(1)))
    assert (form.points, form.is_deduction, form.ramp) == (2, True, None)
    assert optional.is_optional
    assert optional.signs == ({"b", "c"}, set())  # not what the first task asks for as well


OWN = TEXT[TEXT.index("points: 1}\n  - {id: more") :]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        pytest.param('["2", "3", "4"]', '["2", "9"]', ":6 /choose/0/tasks/1", "there is no task '9'", id="unknown"),
        pytest.param(
            '["2", "3", "4"]', '["2", "3", "1"]', ":6 /choose/0/tasks/2", "the task '1' has 4 points, '2' has 3",
            id="other points",
        ),
        pytest.param(
            '["2", "3", "4"]', '["2", "3", "5"]', ":6 /choose/0/tasks/2",
            "the task '5' is optional: one to choose from is left out as it is", id="an optional one",
        ),
        pytest.param("k: 2", "k: 3", ":6 /choose/0/k", "the best 3 of 3 tasks are all of them", id="all of them"),
        pytest.param(
            "k: 2}", 'k: 2}\n- {tasks: ["4", "2"], k: 1}', ":7 /choose/1/tasks/0", "the task '4' stands in two choices",
            id="in two choices",
        ),
        pytest.param(
            "title: A, points: 3", "title: A, points: 3, pass_points: 1", ":15 /tasks/1/pass_points",
            "the task '2' is one to choose from, and has a pass line of its own", id="a line of a task to choose",
        ),
        pytest.param(
            "pass_points: 1.5", "pass_points: 5", ":11 /tasks/0/pass_points",
            "to pass takes 5 points of the task, it has 4", id="a line above the task",
        ),
        pytest.param(
            "pass_points: 9", "pass_points: 13", ":3 /pass_points",
            "to pass takes 13 points, all tasks together have 12", id="a line above what can be chosen",
        ),
        pytest.param(
            OWN, "points: 2}\n", ":21 /tasks/4/optional",
            "nothing shows whether the optional task '5' was attempted: compulsory tasks ask for all of it too",
            id="nothing of its own",
        ),
        pytest.param(
            "points: 2, deduction", "deduction", ":14 /tasks/0/rules/1", "the deduction states no points",
            id="a deduction of nothing",
        ),
        pytest.param(
            "deduction: true", "deduction: true, bonus: true", ":14 /tasks/0/rules/1/deduction",
            "a rule cannot give bonus and take a deduction", id="bonus and deduction",
        ),
        pytest.param(
            '{from: "50%"}', "{from: 0.5, full: 0.5}", ":13 /tasks/0/rules/0/ramp", "the ramp rises from 0.5 to 0.5",
            id="a step is no ramp",
        ),
        pytest.param('{from: "50%"}', "{from: 50}", ":13 /tasks/0/rules/0/ramp/from", None, id="50 is no share"),
        pytest.param('"10%"', '"110%"', ":4 /late/per_day", None, id="more than all of it"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(rubric_file, checks, old, new, where, what):
    assert old in TEXT
    found = told(rubric_file, loose(checks), TEXT.replace(old, new, 1))
    assert where in [place for place, _ in found]
    assert what is None or (where, what) in found


def test_a_sound_one_has_no_problem(rubric_file, checks):
    assert [what for _, what in told(rubric_file, loose(checks), TEXT)] == [
        "the tasks '1' and '5' read one answer, 'a'"
    ]


def test_a_choice_may_be_of_one_year(rubric_file, checks):
    text = TEXT.replace("choose:\n", 'variants: {"2021": {}, "2022": {}}\nchoose:\n').replace(
        "k: 2}", 'k: 2, variants: ["2022"]}'
    )
    text = text.replace('id: "4", ', 'id: "4", variants: ["2022"], ')
    file = rubric_file(text)
    assert load_rubric(file, loose(checks), variant="2021").choices == ()
    assert load_rubric(file, loose(checks), variant="2022").choices == (Choice(("2", "3", "4"), 2),)


ODD = st.sampled_from([None, True, 3, -1, 2.5, "", "x", "${x}", "${variant}", "${", [], ["2021"], [[1]], {}, {"a": 1}])


def _places(value, path=()):
    """The path of everything below the top."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from _places(part, (*path, key))


SPOILED = TEXT.replace(
    "choose:\n", 'variants: {"2021": {x: 1}, "2022": {x: 2}}\ngroups: {at_most: "${x}"}\nchoose:\n'
).replace('id: "4", ', 'id: "4", variants: ["2022", "2021"], ')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_rubric_is_loaded_or_told(rubric_file, checks, data):
    document = parse_yaml(SPOILED, name="r.yaml").value
    for _ in range(data.draw(st.integers(1, 3))):
        *above, key = data.draw(st.sampled_from(list(_places(document))))
        part = document
        for step in above:
            part = part[step]
        part[key] = deepcopy(data.draw(ODD))
    file = rubric_file(json.dumps(document))
    errors = [one for one in rubric_problems(file, loose(checks)) if not one.code.startswith("warning-")]
    assert all(one.what and one.fix for one in errors)
    for variant in ("", "2021"):
        try:
            rubric = load_rubric(file, loose(checks), variant=variant)
        except CourseError:
            assert errors or variant  # the variant itself may be gone
        else:
            assert rubric.points >= 0
