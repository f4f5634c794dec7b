"""One file for several years: every `${name}` has the value of the chosen variant, and what cannot be is told."""

from __future__ import annotations

import pytest

from grader.course import load_course, load_rubric, rubric_problems
from grader.course.rubrics import lint_assignment, load_assignment
from grader.course.variants import chosen, variant_names
from grader.documents import parse_yaml
from grader.errors import CourseError

TEXT = """assignment: demo
title: "Demo ${variant}: ${size} pixels, $${not a name}"
variants:
  "2021": {size: 3, right: 0.5, options: [a, b]}
  "2023": {size: 1e-4, right: 2, options: [b]}
tasks:
- id: "1"
  title: One
  points: ${size}
  rules:
  - {check: number, answer: a, right: "${right}"}
- id: "2"
  title: Two
  variants: [2023]
  points: 1
  rules:
  - check: choice
    answer: b
    right: b
    options: ${options}
- id: "2"
  title: Two in another year
  variants: ["2021"]
  points: 4
  rules:
  - {check: files, need: ["${size}"]}
  - {id: more, check: files, points: 1, variants: ["2021"]}
"""


@pytest.mark.parametrize(
    ("variant", "title", "right", "tasks"),
    [
        pytest.param("", "Demo 2021: 3 pixels, ${not a name}", 0.5, ["One", "Two in another year"], id="default"),
        pytest.param("2023", "Demo 2023: 0.0001 pixels, ${not a name}", 2, ["One", "Two"], id="2023"),
    ],
)  # fmt: skip
def test_a_variant_has_its_own_values_with_their_types_and_its_own_tasks(loaded, variant, title, right, tasks):
    rubric = loaded(TEXT, variant=variant)
    assert rubric.title == title
    assert rubric.tasks[0].rules[0].settings["right"] == right
    assert [task.title for task in rubric.tasks] == tasks
    assert (rubric.variant, rubric.variants) == (variant or "2021", ("2021", "2023"))
    lists = {"2021": ("need", [3]), "2023": ("options", ["b"])}
    key, value = lists[rubric.variant]
    assert rubric.tasks[1].rules[0].settings[key] == value


def test_the_digest_is_another_for_every_variant_and_the_files_own_without_any(loaded):
    digests = {loaded(TEXT, variant=name).digest for name in ("2021", "2023")}
    assert len(digests) == 2
    assert loaded(TEXT).digest in digests


def test_a_sound_rubric_with_variants_has_no_problem(rubric_file, checks):
    assert rubric_problems(rubric_file(TEXT), checks) == ()


def told(rubric_file, checks, text, **options):
    return [(problem.where, problem.what) for problem in rubric_problems(rubric_file(text), checks, **options)]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        pytest.param(
            'right: "${right}"', 'right: "${rihgt}"', "rubrics/demo.yaml:11 /tasks/0/rules/0/right",
            "no variant gives the name 'rihgt' a value", id="an unknown name",
        ),
        pytest.param(
            "right: 2, ", "", "rubrics/demo.yaml:5 /variants/2023",
            "the variant '2023' has no \"right\", which '2021' has", id="a name that one variant lacks",
        ),
        pytest.param(
            "{size: 3, right", "{variant: x, size: 3, right", "rubrics/demo.yaml:4 /variants/2021/variant",
            "the name 'variant' is taken: ${variant} is the name of the variant", id="a reserved name",
        ),
        pytest.param(
            "{size: 3, right", "{1b: x, size: 3, right", "rubrics/demo.yaml:4 /variants/2021/1b",
            '"1b" is no name', id="no name at all",
        ),
        pytest.param(
            "options: [a, b]}", 'options: ["${size}"]}', "rubrics/demo.yaml:4 /variants/2021/options",
            "a variant's value asks for a name itself: values are taken as they are written",
            id="a name within a value",
        ),
        pytest.param(
            "[2023]", "[2024]", "rubrics/demo.yaml:14 /tasks/1/variants", "there is no variant '2024'",
            id="a task of an unknown variant",
        ),
        pytest.param(
            'variants: ["2021"]}', 'variants: ["2023"]}', "rubrics/demo.yaml:27 /tasks/2/rules/1/variants",
            "the rule is for 2023, its task for 2021: it is never there", id="a rule that is never there",
        ),
        pytest.param(
            "${size} pixels", "${options} pixels", "rubrics/demo.yaml:2 /title",
            "the value of 'options' is [\"a\", \"b\"]: it has no form inside longer text (variant 2021)",
            id="a list within a text",
        ),
        pytest.param(
            "title: Two", "title: ${ Two", "rubrics/demo.yaml:13 /tasks/1/title",
            "the signs ${ are not followed by a name and a closing } (variant 2023)", id="the signs without a name",
        ),
        pytest.param(
            "right: 2, ", "right: b, ", "rubrics/demo.yaml:11 /tasks/0/rules/0/right",
            '"b" is not a number (variant 2023)', id="a value of the wrong type in one year",
        ),
        pytest.param(
            "size: 1e-4", "size: -1", "rubrics/demo.yaml:9 /tasks/0/points", None, id="points below zero in one year"
        ),
        pytest.param(
            "[a, b]}", "[a, b], old: 1}\n  '2022': {size: 1, right: 1, options: [], old: 1}",
            "rubrics/demo.yaml:6 /variants/2023", "the variant '2023' has no \"old\", which '2021' has",
            id="a name that the last variant lacks",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_the_line_of_the_rubric(rubric_file, checks, old, new, where, what):
    assert old in TEXT
    found = told(rubric_file, checks, TEXT.replace(old, new))
    assert where in [place for place, _ in found]
    assert what is None or (where, what) in found


def test_a_name_that_nothing_asks_for_is_worth_a_second_look(rubric_file, checks):
    text = TEXT.replace("size: 3", "size: 3, old: 1").replace("size: 1e-4", "size: 1e-4, old: 2")
    found = told(rubric_file, checks, text)
    assert [what for _, what in found] == [
        "nothing asks for ${old} (variant 2021)",
        "nothing asks for ${old} (variant 2023)",
    ]


def test_a_problem_that_all_variants_have_is_told_once_and_names_none(rubric_file, checks):
    found = told(rubric_file, checks, TEXT.replace("check: number", "check: nummer"))
    assert found == [("rubrics/demo.yaml:11 /tasks/0/rules/0/check", "there is no check named 'nummer'")]


def test_a_name_without_any_variants_is_an_error_and_not_a_text(rubric_file, checks):
    text = "assignment: demo\ntitle: ${year}\ntasks:\n- {id: '1', title: A, points: 1, rules: [{check: files}]}\n"
    assert told(rubric_file, checks, text) == [
        ("rubrics/demo.yaml:2 /title", "no variant gives the name 'year' a value")
    ]


def test_a_name_without_quotes_within_brackets_is_told_as_that():
    with pytest.raises(
        Exception, match=r"r.yaml:2: .*\$\{name\} without quotes within brackets\n  fix: put it in quotes"
    ):
        parse_yaml("a:\n  - {points: ${x}}\n", name="r.yaml")


def test_a_lint_of_one_variant_leaves_the_others_alone(rubric_file, checks):
    text = TEXT.replace("right: 2, ", "right: b, ")
    assert told(rubric_file, checks, text, variant="2021") == []
    assert len(told(rubric_file, checks, text, variant="2023")) == 1
    assert load_rubric(rubric_file(text), checks).variant == "2021"
    with pytest.raises(CourseError, match="variant 2023"):
        load_rubric(rubric_file(text), checks, variant="2023")


@pytest.fixture
def course(rubric_file):
    def of(toml):
        folder = rubric_file(TEXT).parents[1]
        (folder / "grader.toml").write_text(f'name = "C"\n{toml}')
        return load_course(folder)

    return of


def test_grader_toml_chooses_and_the_caller_overrules_it(course, checks):
    made = course('[assignments.demo]\nvariant = "2023"\n')
    assert load_assignment(made, "demo", checks).variant == "2023"
    assert load_assignment(made, "demo", checks, variant="2021").variant == "2021"


def test_an_unknown_variant_names_who_asks_for_it(course, checks):
    made = course('[assignments.demo]\nvariant = "2032"\n')
    expected = "rubrics/demo.yaml:3 /variants: there is no variant '2032', which grader.toml asks for"
    with pytest.raises(CourseError, match=expected):
        load_assignment(made, "demo", checks)
    assert [str(one).split("\n")[0] for one in lint_assignment(made, "demo", checks)] == [expected]
    with pytest.raises(CourseError, match="which --variant asks for"):
        load_assignment(made, "demo", checks, variant="20")


def test_terms_of_an_assignment_that_is_not_there_are_refused_with_their_line(course):
    with pytest.raises(
        CourseError, match=r"grader.toml:2 /assignments/dmeo: there is no rubric .*\n  fix: did you mean"
    ):
        course('[assignments.dmeo]\nvariant = "2023"\n')


def test_a_document_that_is_no_rubric_at_all_is_left_as_it_is():
    for text in ("- 1\n", "variants: 3\n", "variants: {a: 1}\nx: ${y}\n", "variants: {}\n"):
        document = parse_yaml(text, name="r.yaml")
        assert variant_names(document) == ()
        assert chosen(document).document.value == document.value
