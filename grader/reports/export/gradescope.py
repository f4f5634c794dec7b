"""What does Gradescope show of a scorecard? `results.json` for one submission, and its file of grades for the class.

scorecard (as JSON, see grader.reports.scorecard) -> results -> results/results.json

A student sees a test for each rule. What is meant for staff is not in these tests at all: Gradescope hides the total
as soon as one test is hidden, so that a hidden test that came and went would tell. With `for_staff` there is one hidden
test, always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.model import Json
from grader.reports.export.cells import number_from, number_text, text_cell, visible
from grader.reports.export.choosing import Line
from grader.reports.export.comments import cut
from grader.reports.export.delimited import Table
from grader.reports.export.filling import (
    Filled,
    cell_key,
    column_of,
    lms_key,
    matched,
    needed,
    numbers_of,
    put_grade,
    tell_formulas,
    tell_scale,
)
from grader.reports.export.own import table_bytes
from grader.reports.plain import plain as on_one_line

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
MOST_FINDINGS = 200  # of one test
_MOST_TEXT = 20_000  # characters of one test


def plain(text: str, *, limit: int = 2_000) -> str:
    """A student's text on one line, with nothing in it that does not print."""
    return visible(on_one_line(text, limit=limit))


def results(card: Mapping[str, Json], *, visibility: str = "visible", for_staff: bool = False) -> dict[str, Json]:
    """`results.json` for a scorecard as JSON, with or without its findings for staff.

    `visibility` is that of every test which a student may ever see. Points that wait for a person are in no score, and
    every test says how many these are: it has neither passed nor failed then.
    """
    tests = [_test(task, rule, at, visibility) for task in card["tasks"] for at, rule in _shown_rules(task)]
    tests += [
        {
            "name": f"{one['kind']}: {plain(one['said'], limit=200)}",
            "name_format": "text",
            "score": one["points"],
            "max_score": 0,
            "output": "a person looks at this" if one["needs_person"] else "",
            "output_format": "text",
            "visibility": visibility,
        }
        for one in card.get("adjustments", [])
    ]
    if for_staff:
        tests.append(_for_staff(card))
    return {
        "score": card["points"],
        "output": "\n".join(_head(card)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {
            "form": "grader-gradescope/1",
            "open_points": card["open_points"],
            "max_points": card["max_points"],
        },
    }


def _head(card: Mapping[str, Json]) -> Iterator[str]:
    yield f"{card['points']} of {card['max_points']} points"
    if card["open_points"]:
        yield f"{card['open_points']} more points wait for a person: they are neither given nor taken yet."
    if not card["tasks"]:
        yield "Nothing could be graded: see below."
    for problem in card["problems"]:
        yield f"{plain(problem['where'], limit=200)}: {plain(problem['what'])}"
        yield f"  fix: {plain(problem['fix'])}"


def _shown_rules(task: Mapping[str, Json]) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """What a student may know of: rules of their own, and those for staff that decide on points."""
    for at, rule in enumerate(task["rules"], start=1):
        if rule["visibility"] == "student" or rule["max_points"] > 0:
            yield at, rule


def _test(task: Mapping[str, Json], rule: Mapping[str, Json], at: int, visibility: str) -> dict[str, Json]:
    is_single = len(task["rules"]) == 1
    name = plain(task["title"], limit=200) if is_single else f"{plain(task['title'], limit=200)}: {rule['rule']}"
    is_counted = task.get("is_counted", True)
    takes = rule.get("is_deduction", False)
    most = 0 if takes or rule["is_bonus"] else rule["max_points"]
    lines = [] if is_counted else [plain(task.get("note", "")) or "does not count"]
    if rule["open_points"]:
        lines.append(f"{rule['open_points']} points wait for a person: they are neither given nor taken yet.")
    if rule["visibility"] == "student":
        lines += _findings(rule["findings"])
    made: dict[str, Json] = {
        "name": name + (" (bonus)" if rule["is_bonus"] else "") + (" (deduction)" if takes else ""),
        "name_format": "text",
        "number": f"{task['task']}.{at}",
        "score": rule["points"],
        "max_score": most,
        "output": cut("\n".join(lines), _MOST_TEXT),
        "output_format": "text",
        "visibility": visibility,
    }
    if not rule["open_points"] and is_counted:
        made["status"] = "passed" if rule["points"] >= (0 if takes else rule["max_points"]) else "failed"
    return made


def _findings(findings: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    for finding in findings[:MOST_FINDINGS]:
        yield f"{finding['outcome'].upper()}: {plain(finding['said'])}"
        if finding["outcome"] == "passed":
            continue
        for word in ("expected", "observed", "fix"):
            if finding[word]:
                yield f"  {word}: {plain(finding[word])}"
        place = finding["place"]
        if place is not None:
            line = f":{place['line']}" if place["line"] is not None else ""
            yield f"  place: {plain(place['file'])}{line} {plain(place['pointer'])}".rstrip()
    if len(findings) > MOST_FINDINGS:
        yield f"... and {len(findings) - MOST_FINDINGS:,} more"


def _for_staff(card: Mapping[str, Json]) -> dict[str, Json]:
    lines = []
    for task in card["tasks"]:
        for rule in task["rules"]:
            if rule["visibility"] != "student" and rule["findings"]:
                lines += [f"[{task['task']} {rule['rule']}]", *_findings(rule["findings"])]
    return {
        "name": "For staff",
        "name_format": "text",
        "score": 0,
        "max_score": 0,
        "output": cut("\n".join(lines) or "nothing", _MOST_TEXT),
        "output_format": "text",
        "visibility": "hidden",
    }


# --- the class ---------------------------------------------------------------------------------

COLUMNS = ("First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status")


def fill(data: bytes, name: str, lines: Sequence[Line]) -> Filled:
    """Gradescope's own file of grades, with the total scores. Raises SubmissionError or UsageError for any other."""
    table = Table.read(data, name)
    score, most = needed(table, "Total Score"), needed(table, "Max Points")
    filled = Filled()
    numbers = numbers_of(table, (score, most))
    keys = [
        *cell_key(table, column_of(table, "SID"), lms_key("sid")),
        *cell_key(table, column_of(table, "Email"), lms_key("gradescope_email")),
        *cell_key(table, column_of(table, "Email"), lambda line: line.grade.email),
        *cell_key(table, column_of(table, "SID"), lambda line: line.grade.id),
    ]
    maxima = {number_from(row.cells[most].text) for row in table.rows}
    tell_scale(lines, next(iter(maxima)) if len(maxima) == 1 else None, filled)
    for row, line in matched(table.rows, lines, keys, filled):
        put_grade(table, row, score, line, number_from(row.cells[most].text), numbers, filled)
    tell_formulas(table, filled)
    filled.data = table.data()
    return filled


def made(lines: Sequence[Line]) -> Filled:
    """A file of the same form, from the gradebook alone."""
    rows: list[Sequence[str]] = [COLUMNS]
    filled = Filled()
    for line in lines:
        grade = line.grade
        first, _, last = grade.name.rpartition(" ")
        who = [first or last, last if first else "", grade.keys.get("sid", grade.id), grade.email, grade.section]
        points = "" if line.points is None else number_text(line.points)
        status = "Missing" if not grade.submission else "Ungraded" if line.points is None else "Graded"
        rows.append([*map(text_cell, who), points, number_text(line.most), status])
        if line.points is not None:
            filled.written.append(grade.id)
    filled.data = table_bytes(rows, has_mark=False)
    return filled
