"""Pages: whatever is given to a template is text on it, a page is one file that asks for nothing, views keep apart."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from grader.gradebook.nouns import Grade, Row, TaskPoints, Waiting
from grader.model import Decision, DecisionKind, Finding, Outcome, Problem, Student
from grader.reports.class_facts import class_facts, stand_of_row
from grader.reports.exhibits import About, Curves, Line, Picture, Pictures
from grader.reports.html.class_page import class_page
from grader.reports.html.pages import TEMPLATES, environment, exhibit_style, page_style
from grader.reports.html.student import MOST_OF_PAGE, MOST_OF_RULE, student_page
from grader.settling import ground, settle

WORDS = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)",
    "</style></title></textarea><img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "![x](https://example.invalid/x.png) [y](javascript:alert(1))",
    "javascript:alert(1)",
    "{{7*7}} {% raw %}",
    "&lt;b&gt; &#60;i>",
    "\x1b]8;;https://example.invalid/\x1b\\here\x1b]8;;\x1b\\",
    "\x1b[2J\x9b31m\x9d0;x\x9c",
    "\u202e001/001\u2066\u200b\ufeff\u2028",
    "a\x00b\r\x08\ud800",
]
ALL = " ".join(WORDS)


class Read(HTMLParser):
    """The page as a browser reads it: elements with attributes, and text outside of <style>."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.text, self.ids, self._open = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self._open.append(tag)
        if tag in ("td", "th", "tr", "li", "dt", "dd", "p", "h1", "h2", "h3", "br"):
            self.text.append(" ")

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self._open:
            self.text.append(data)

    @property
    def said(self):
        return " ".join("".join(self.text).split())


def held_to_its_word(page):
    """What every page keeps: no script, no address but of a part of itself, a policy that fits its style."""
    read = Read(page)
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form", "base", "use", "image", "foreignobject"}
    for tag, attributes in read.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in ("src", "href", "action", "srcset", "data", "xlink:href"):
                assert re.match(r"#|data:image/(png|jpeg);base64,[A-Za-z0-9+/=]*$|students/[^:]*\.html$", value), value
    assert len(read.ids) == len(set(read.ids))
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for t, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", page)
    return read


# --- templates ----------------------------------------------------------------------------------


@pytest.mark.attack_partly(80, 84)
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["a.html", "a.txt", "a"])
def test_a_value_is_text_whatever_the_template_is_called(word, name, tmp_path):
    (tmp_path / name).write_text('<b title="{{ x }}">{{ x }}{% for one in [x] %}{{ one }}{% endfor %}</b>')
    read = Read(environment(tmp_path).get_template(name).render(x=word))
    assert [tag for tag, _ in read.elements] == ["b"]
    assert set(read.elements[0][1]) == {"title"}
    assert read.elements[0][1]["title"] * 2 == "".join(read.text)
    assert environment().from_string("{{ x }}").render(x=word).isprintable() or "\n" in word or "\r" in word


def test_a_misspelt_value_is_an_error_and_no_empty_place():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_our_templates_quote_every_attribute_and_trust_no_value(template):
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|Markup|<script|\bon[a-z]+=|style=", text)
    assert not re.search(r"""=\s*\{\{|=\s*[^\s"'>{]*\{\{""", re.sub(r"\{%.*?%\}", "", text))


def test_colours_are_set_on_a_screen_in_the_dark_only():
    """Paper is white: what is printed must not be bright letters."""
    for style in (page_style(), exhibit_style()):
        assert re.findall(r"@media ([^{]*)prefers-color-scheme: dark", style)
        assert set(re.findall(r"@media ([^{]*)\(prefers-color-scheme: dark\)", style)) == {"screen and "}


# --- a hand-in ----------------------------------------------------------------------------------


def decision(card, kind, **more):
    about = {"id": 1, "task": "1", "rule": "layers", "points": None, "text": "", "reason": "", "author": "ta"}
    about |= {"at": datetime(2026, 3, 9, 12, tzinfo=UTC), "ground": ground(card, "1", "layers")}
    return Decision(kind=kind, **(about | more))


@pytest.mark.attack_partly(80, 81, 84)
@pytest.mark.parametrize("for_staff", [False, True])
def test_a_students_words_are_letters_everywhere_on_the_page(card, for_staff):
    made = card(said=ALL, submission=ALL, student=ALL, staff=ALL,
                problems=(Problem("x", ALL, ALL, ALL),) * 2)  # fmt: skip
    students = (*made.students, Student(ALL, ""))
    tasks = tuple(replace(task, title=ALL, note=ALL) for task in made.tasks)
    made = replace(made, students=students, tasks=tasks, assignment=ALL, variant=ALL, made_with={ALL: ALL})
    decisions = [decision(made, DecisionKind.COMMENT, text=ALL, reason=ALL, author=ALL)]
    about = About("1", (ALL,), ALL, note=ALL)
    exhibits = [
        Curves(about, ALL, ALL, (Line(ALL, ((0.0, 1.0), (1.0, 2.0))),)),
        Pictures(about, "figures", (Picture(ALL, ALL, 1, 1, b"x"), Picture(ALL, ALL))),
    ]
    page = student_page(made, decisions=decisions, exhibits=exhibits, note=ALL, for_staff=for_staff, title=ALL)
    read = held_to_its_word(page)
    assert read.said.count("<script>alert(1)</script>") > 10
    assert "![x](https://example.invalid/x.png) [y](javascript:alert(1))" in read.said
    assert "\\x1b]8;;https://example.invalid/" in read.said
    assert "\\u202e001/001" in read.said


def test_points_verdicts_and_proofs_are_on_the_page(card):
    read = held_to_its_word(student_page(card(), title="Digits"))
    for said in ("1.5 of 5 points", "row 1 has 6 channels, not 16", "(16, 6, 24, 24)", "claimed", "recomputed",
                 "answers.json /answers/layers/0/output", "use out_channels of the sheet", "unknown: no data",
                 "Task 1 Layers", "Ada (s1)"):  # fmt: skip
        assert said in read.said, said


def test_a_warning_is_no_cross(card):
    problems = [
        Problem("warning-students", "submission.json", "it names 01", "x"),
        Problem("bad", "a.zip", "broken", "x"),
    ]
    read = Read(student_page(card(problems=problems)))
    assert "! submission.json: it names 01" in read.said
    assert "✗ a.zip: broken" in read.said


def test_whom_a_student_may_ask_is_said_where_the_course_says_it(card):
    assert "Questions about this report: ta@example.org" in Read(student_page(card(), contact="ta@example.org")).said
    assert "Questions" not in student_page(card())


def test_the_students_view_has_no_finding_for_staff(card):
    made = card(staff="copied from nobody knows whom")
    assert "copied from nobody knows whom" not in student_page(made)
    assert "notes" not in Read(student_page(made)).said.split("Task 1")[1]
    assert "copied from nobody knows whom" in student_page(made, for_staff=True)


def test_the_students_view_has_no_reason_and_no_author_and_nothing_undone(card):
    made = card()
    decisions = [
        decision(made, DecisionKind.OVERRIDE, id=1, points=Fraction(1), text="first text", reason="first reason"),
        decision(made, DecisionKind.OVERRIDE, id=2, points=Fraction(3), text="second text", reason="secret reason",
                 author="Dr No"),
        decision(made, DecisionKind.COMMENT, id=3, text="a comment that was undone", is_undone=True),
        decision(made, DecisionKind.COMMENT, id=4, task="", rule="", text="well\ndone"),
    ]  # fmt: skip
    settled = settle(made, decisions)
    seen = Read(student_page(settled, decisions=decisions)).said
    assert "3 points. second text" in seen
    assert "well done" in seen
    for hidden in ("first text", "reason", "Dr No", "undone"):
        assert hidden not in seen, hidden
    staff = Read(student_page(settled, decisions=decisions, for_staff=True)).said
    for said in ("first text", "first reason", "secret reason", "Dr No", "a comment that was undone", "undone"):
        assert said in staff


def test_what_moved_under_a_decision_is_told_to_staff_alone(card):
    made = card()
    moved = decision(made, DecisionKind.COMMENT, text="look at row 3", is_moved=True)
    assert "have changed since" in student_page(made, decisions=[moved], for_staff=True)
    assert "have changed since" not in student_page(made, decisions=[moved])


def test_a_decision_on_a_rule_for_staff_does_not_name_it_to_the_student(card):
    made = card()
    one = decision(made, DecisionKind.OVERRIDE, rule="notes", points=Fraction(1), text="hidden text", reason="r")
    page = student_page(settle(made, [one]), decisions=[one])
    assert "notes" not in Read(page).said.split("Task 1")[1]


def test_a_comment_on_a_rule_for_staff_stands_at_its_task_without_the_rules_name(card):
    made = card()
    one = decision(made, DecisionKind.COMMENT, rule="notes", text="come and see me")
    said = Read(student_page(made, decisions=[one])).said
    assert "come and see me" in said
    assert "notes" not in said


def test_exhibits_of_rules_for_staff_are_not_on_the_students_page(card):
    about = About("1", ("notes",), "Only for staff", is_staff_only=True)
    exhibits = [Curves(about, "x", "y", (Line("a", ((0.0, 1.0),)),))]
    assert "Only for staff" not in student_page(card(), exhibits=exhibits)
    assert "Only for staff" in student_page(card(), exhibits=exhibits, for_staff=True)


def test_an_exhibit_of_a_task_that_the_card_has_not_is_shown_at_the_end(card):
    exhibits = [Curves(About("9", ("r",), "Elsewhere"), "x", "y", (Line("a", ((0.0, 1.0), (1.0, 2.0))),))]
    assert "Elsewhere" in student_page(card(), exhibits=exhibits)


@pytest.mark.fault("F30")
def test_of_a_hundred_thousand_findings_the_first_are_shown_and_the_rest_is_counted(card):
    made = card()
    many = tuple(Finding(Outcome.FAILED, f"finding {n}", Fraction(0), rule="layers") for n in range(100_000))
    [task] = made.tasks
    rules = (replace(task.rules[0], findings=many), *task.rules[1:])
    page = student_page(replace(made, tasks=(replace(task, rules=rules),)))
    read = held_to_its_word(page)
    assert "finding 0 " in read.said
    assert f"finding {MOST_OF_RULE - 1} " in read.said
    assert f"finding {MOST_OF_RULE} " not in read.said
    assert "and 99,800 more findings of this rule" in read.said
    assert len(page) < 200_000


@pytest.mark.fault("F30")
def test_of_many_rules_with_many_findings_a_page_has_so_many_and_counts_all(card):
    made = card()
    many = tuple(Finding(Outcome.FAILED, f"f{n}", Fraction(0)) for n in range(1000))
    [task] = made.tasks
    rules = tuple(replace(task.rules[0], rule=f"rule-{n}", findings=many) for n in range(100))
    read = Read(student_page(replace(made, tasks=(replace(task, rules=rules),))))
    assert sum("finding" in (a.get("class") or "").split() for _, a in read.elements) == MOST_OF_PAGE
    assert read.said.count("and 1,000 more findings of this rule") == 90


@pytest.mark.fault("F30")
def test_a_text_of_a_megabyte_is_cut_and_counted(card):
    page = student_page(card(said="x" * 10**6, submission="y" * 10**6, problems=[Problem("", "w" * 10**6, "", "")] * 3))
    assert len(page) < 300_000
    assert "(990,000 more characters)" in page


# --- a class ------------------------------------------------------------------------------------


def row(number, points=10, waits=(), **more):
    about = {
        "id": number, "assignment": "digits", "submission": f"hand-in-{number}",
        "students": (Student(f"s{number}", f"Name {number}"),), "points": Fraction(points), "max_points": Fraction(20),
        "open_points": Fraction(0), "is_passed": points >= 10, "days_late": None, "waiting": waits, "open_tasks": (),
        "tasks": {"1": TaskPoints(Fraction(points, 2), Fraction(10), Fraction(0)),
                  "2": TaskPoints(Fraction(points, 2), Fraction(10), Fraction(0), is_counted=False)},
        "is_borderline": points == 10, "is_moved": False, "overrides": 0, "comments": 0, "assigned_to": "",
        "is_reviewed": False, "reviewed_by": "", "rubric_digest": "0", "variant": "", "version": 1,
    }  # fmt: skip
    return Row(**(about | more))


def page_of(rows, **more):
    [facts] = class_facts([stand_of_row(one, Fraction(10)) for one in rows], {("digits", "1"): "First task"})
    return class_page(facts, rows, assignment="digits", titles={"1": "First task"}, **more)


def test_everybody_is_in_the_table_with_points_and_what_they_wait_for():
    rows = [row(1, 3), row(2, 10, (Waiting.UNKNOWN, Waiting.BORDERLINE)), row(3, 20)]
    read = held_to_its_word(page_of(rows, href_of=lambda one: f"students/{one.submission}.html"))
    for said in ("hand-in-1 Name 1 3 / 20 – no", "hand-in-2 Name 2 10 / 20 – yes unknown, borderline",
                 "hand-in-3 Name 3 20 / 20 – yes"):  # fmt: skip
        assert said in read.said
    assert {a["href"] for t, a in read.elements if t == "a"} == {f"students/hand-in-{n}.html" for n in (1, 2, 3)}


def test_what_people_did_is_in_the_table():
    rows = [row(1, overrides=2, comments=1), row(2, is_reviewed=True), row(3)]
    read = held_to_its_word(page_of(rows))
    assert "hand-in-1 Name 1 10 / 20 – yes 2 set, 1 said 5 (5)" in read.said
    assert "hand-in-2 Name 2 10 / 20 – yes looked at 5 (5)" in read.said


def test_the_hardest_task_and_the_line_are_there():
    read = held_to_its_word(page_of([row(1, 3), row(2, 10), row(3, 20)]))
    assert "1 First task 55% 1 0 3" in read.said
    assert "On the line Within 2.5% of the maximum" in read.said
    assert "2 reached the pass line of 10" in read.said


def test_who_has_no_grade_is_named_with_the_reason():
    missing = [Grade("s9", "Niels", reason="no submission")]
    assert "s9 Niels no submission" in held_to_its_word(page_of([row(1)], missing=missing)).said


def test_pairs_that_are_alike_are_named_and_counted():
    clue = {"kind": "weights", "said": "the same tensor", "in_one": "a.pth", "in_other": "b.pth"}
    pair = {"one": "hand-in-1", "other": "hand-in-2", "clues": [clue] * 9, "remarks": ["same group"]}
    read = held_to_its_word(page_of([row(1), row(2)], pairs=[pair] * 150, hidden_pairs=3))
    assert read.said.count("same group") == 100
    assert "[a.pth ~ b.pth]" in read.said
    assert "and 4 more" in read.said
    assert "and 53 more pairs" in read.said


@pytest.mark.attack_partly(80, 81, 84, 96)
def test_names_that_would_act_are_letters_on_the_class_page():
    clue = {"kind": ALL, "said": ALL, "in_one": ALL, "in_other": "b"}
    pair = {"one": ALL, "other": ALL, "clues": [clue], "remarks": [ALL]}
    rows = [row(1, submission=ALL, students=(Student(ALL, ALL),) * 20, is_borderline=True,
                tasks={ALL: TaskPoints(Fraction(1), Fraction(2), Fraction(0))})]  # fmt: skip
    [facts] = class_facts([stand_of_row(one, Fraction(10)) for one in rows], {("digits", ALL): ALL})
    from grader.reports.html.class_page import address
    from grader.reports.html.folder import file_name

    page = class_page(
        facts,
        rows,
        assignment=ALL,
        title=ALL,
        titles={ALL: ALL},
        missing=[Grade(ALL, ALL, reason=ALL)],
        pairs=[pair],
        href_of=lambda one: address("students", file_name(one.submission)),
        note=ALL,
    )
    read = held_to_its_word(page)
    assert read.said.count("<script>alert(1)</script>") > 10
    assert "and 12 more" in read.said


def test_a_class_of_a_thousand_is_a_page_that_a_browser_takes_at_once():
    rows = [row(n, n % 21) for n in range(1000)]
    page = page_of(rows, href_of=lambda one: f"students/{one.submission}.html")
    assert page.count("<tr>") > 1000
    assert len(page) < 1_000_000


def test_an_empty_class_has_a_page_too():
    page = class_page(None, [], assignment="digits", missing=[Grade("s1", "Ada", reason="no submission")])
    assert "0 hand-ins" in held_to_its_word(page).said
