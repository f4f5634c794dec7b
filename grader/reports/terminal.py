"""What does the student read after `grader check`? Points per task, each verdict with its proof, and what to do.

Student text is only ever shown through `plain` and rich's Text: markup and escape codes in it are letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from grader.course import is_warning
from grader.model import Adjustment, Finding, Outcome, Problem, RuleScore, ScoreCard, TaskScore, Visibility
from grader.reports import words
from grader.reports.plain import plain, points_text
from grader.scoring import has_passed

MOST_FINDINGS = 200  # of one rule, and problems of one submission: nobody reads more, and the rest is counted

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.PARTIAL: "yellow",
    Outcome.FAILED: "red",
    Outcome.UNKNOWN: "magenta",
    Outcome.REVIEW: "cyan",
}
_REMARK_STYLES = dict.fromkeys(Outcome, "dim") | {
    Outcome.FAILED: "yellow",
    Outcome.UNKNOWN: "magenta",
    Outcome.REVIEW: "cyan",
}
SIGNS = {outcome: (words.SIGNS[outcome], style) for outcome, style in _STYLES.items()}
REMARKS = {outcome: (words.REMARK_SIGNS[outcome], style) for outcome, style in _REMARK_STYLES.items()}


def show_card(console: Console, card: ScoreCard, *, for_staff: bool = False) -> None:
    """Print the whole report of one submission."""
    console.print(card_report(card, for_staff=for_staff))


def card_report(card: ScoreCard, *, for_staff: bool = False) -> ConsoleRenderable:
    """The report of one submission as a rich renderable."""
    parts: list[ConsoleRenderable] = [_head(card)]
    if card.problems:
        parts.append(Text("\nReading the submission", style="bold"))
        parts.extend(_problem(problem) for problem in card.problems[:MOST_FINDINGS])
        if len(card.problems) > MOST_FINDINGS:
            parts.append(Text(f"and {len(card.problems) - MOST_FINDINGS:,} more", style="dim"))
    for task in card.tasks:
        parts.append(Text())
        parts.append(_task_line(task))
        if task.note:
            parts.append(Padding(Text(task.note, style="dim"), (0, 0, 0, 2)))
        if task.is_counted or task.max_points:  # an optional task that was not attempted has nothing to be told of
            parts.extend(_rules(task.rules, for_staff))
    if card.adjustments:
        parts.append(Text("\nRules of the course", style="bold"))
        parts.extend(_adjustment(one) for one in card.adjustments)
    parts.append(Text())
    parts.append(_foot(card, for_staff=for_staff))
    return Group(*parts)


def class_table(cards: Sequence[ScoreCard], *, has_title: bool = True) -> Table:
    """One line per submission: points, what waits for a person, and the first thing that cost points."""
    table = Table(title="Class" if has_title else None, title_style="bold", expand=False, pad_edge=False)
    table.add_column("submission", overflow="fold")
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("open", justify="right", no_wrap=True)
    table.add_column("what decided", overflow="fold")
    for card in cards:
        table.add_row(
            Text(plain(card.submission, limit=40)),
            Text(
                f"{points_text(card.points)} / {points_text(card.max_points)}",
                style=_style(card.points, card.max_points),
            ),
            Text(points_text(card.open_points) if card.open_points else "-"),
            Group(*_deciding(card)),
        )
    return table


def summary_line(card: ScoreCard) -> Text:
    """The one line of `--quiet`."""
    text = Text(plain(card.submission, limit=60) + ": ")
    text.append(f"{points_text(card.points)} of {points_text(card.max_points)} points", style="bold")
    if card.open_points:
        text.append(f", {points_text(card.open_points)} open")
    findings = [finding for task in card.tasks for rule in task.rules for finding in rule.findings]
    if card.problems and all(finding.code == "unreadable-submission" for finding in findings):
        problem = card.problems[0]
        text.append(f"; not read: {plain(problem.where, limit=80)}: {plain(problem.what, limit=240)}")
    return text


def show_problems(console: Console, problems: Iterable[Problem]) -> None:
    """Problems of a course, a rubric or a command, each with its place and its fix."""
    for problem in problems:
        console.print(_problem(problem), soft_wrap=True)  # paths stay whole, to be copied


def _deciding(card: ScoreCard) -> list[Text]:
    """What cost or holds points, each reason once with the rules that it decided; the report has the rest."""
    reasons: dict[tuple[Outcome, str], list[str]] = {}
    for rule in (rule for task in card.tasks if task.is_counted for rule in task.rules):
        bad = next((f for f in rule.findings if f.outcome is not Outcome.PASSED and f.weight > 0), None)
        if bad is not None and not (card.problems and bad.code == "unreadable-submission"):
            reasons.setdefault((bad.outcome, bad.said), []).append(rule.rule)
    said = [
        Text.assemble(("✗ ", "red"), (plain(problem.where, limit=80), "dim"), ": ", plain(problem.what, limit=240))
        for problem in [one for one in card.problems if not is_warning(one)][:2]
    ]
    for (outcome, sentence), rules in reasons.items():
        sign, style = SIGNS[outcome]
        said.append(Text.assemble((f"{sign} ", style), (f"{', '.join(rules)}: ", "dim"), plain(sentence, limit=240)))
    said.extend(
        Text.assemble(("? " if one.needs_person else "− ", "magenta"), plain(one.said, limit=240))
        for one in card.adjustments
        if one.needs_person or (one.kind != "choice" and one.points + one.open_points < 0)
    )
    return said or [Text("✓ everything holds", style="green")]


def _head(card: ScoreCard) -> Panel:
    who = ", ".join(plain(student.name or student.id, limit=60) for student in card.students)
    line = Text.assemble((plain(card.submission, limit=80), "bold"), f"  {who}" if who else "")
    points = Text(
        f"{points_text(card.points)} of {points_text(card.max_points)} points",
        style=f"bold {_style(card.points, card.max_points)}",
    )
    if card.open_points:
        points.append(f", {points_text(card.open_points)} wait for a person", style="magenta")
    grid = Table.grid(expand=True)
    grid.add_column(overflow="fold")
    grid.add_column(justify="right", overflow="fold")
    grid.add_row(line, points)
    title = plain(card.assignment) + (f", variant {plain(card.variant)}" if card.variant else "")
    return Panel(grid, title=Text(title), title_align="left", border_style="blue")


def _foot(card: ScoreCard, *, for_staff: bool) -> Text:
    counts = dict.fromkeys(Outcome, 0)
    shown = (
        rule
        for task in card.tasks
        if task.is_counted or task.max_points
        for rule in task.rules
        if for_staff or rule.visibility is Visibility.STUDENT
    )  # what is not shown is not counted either
    for finding in (f for rule in shown for f in rule.findings if f.weight > 0):
        counts[finding.outcome] += 1
    text = Text()
    for outcome, count in counts.items():
        if count:
            sign, style = SIGNS[outcome]
            text.append(f"{sign} {count} {outcome.value}   ", style=style)
    if card.pass_points is not None or any(task.pass_points is not None for task in card.tasks):
        passed = has_passed(card)
        word = "open" if passed is None else "reached" if passed else "not reached"
        line = f" {points_text(card.pass_points)}" if card.pass_points is not None else ""
        text.append(f"pass line{line}: {word}", style="bold")
    made = card.made_with
    if made:
        versions = " ".join(f"{name} {value}" for name, value in made.items() if isinstance(value, str))
        text.append(f"\n{plain(versions)}", style="dim")
    return text


def _task_line(task: TaskScore) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    bonus = sum((rule.max_points for rule in task.rules if rule.is_bonus), Fraction(0))
    if task.max_points or not bonus:
        points, style = (
            f"{points_text(task.points)} / {points_text(task.max_points)}",
            _style(task.points, task.max_points),
        )
    else:
        points, style = f"+{points_text(task.points)} of {points_text(bonus)} bonus", "green"
    if task.points < 0 and not task.max_points:
        points, style = points_text(task.points), "red"
    if not task.is_counted:
        points, style = (f"({points})" if task.max_points else "not attempted"), "dim"
    if task.pass_points is not None:
        points += f", {points_text(task.pass_points)} needed to pass"
    waiting = f"  ({points_text(task.open_points)} open)" if task.open_points else ""
    grid.add_row(
        Text.assemble(("Task ", "bold"), (plain(task.task), "bold"), "  ", (plain(task.title), "bold")),
        Text.assemble((points, f"bold {style}"), (waiting, "magenta")),
    )
    return grid


def _rules(rules: Sequence[RuleScore], for_staff: bool) -> Iterator[ConsoleRenderable]:
    for rule in rules:
        if rule.visibility is Visibility.STAFF and not for_staff:
            continue
        if len(rules) > 1 or rule.is_deduction:
            bonus = " bonus" if rule.is_bonus else ""
            label = f"{rule.rule}{bonus}  {points_text(rule.points)} / {points_text(rule.max_points)}"
            if rule.is_deduction:
                taken = rule.points + rule.open_points  # what is open is neither given nor taken
                label = f"{rule.rule} deduction  {points_text(taken)} of at most {points_text(-rule.max_points)}"
            yield Padding(Text(label, style="dim"), (0, 0, 0, 2))
        yield from (_finding(finding) for finding in rule.findings[:MOST_FINDINGS])
        if len(rule.findings) > MOST_FINDINGS:
            more = f"and {len(rule.findings) - MOST_FINDINGS:,} more findings of this rule, which are not shown"
            yield Padding(Text(more, style="dim"), (0, 0, 0, 4))


def _adjustment(one: Adjustment) -> ConsoleRenderable:
    """A line of its own: what it changes, and why."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    sign = ("·", "dim")
    if one.points:
        sign = ("−", "bold yellow") if one.points < 0 else ("+", "bold green")
    if one.needs_person:
        sign = SIGNS[Outcome.UNKNOWN]
    amount = f"{points_text(abs(one.points))} point{'s' * (abs(one.points) != 1)}: " if one.points else ""
    waiting = f" ({points_text(one.open_points)} open)" if one.open_points else ""
    grid.add_row(Text(*sign), Text.assemble((amount, "bold"), plain(one.said), (waiting, "magenta")))
    return Padding(grid, (0, 0, 0, 2))


def _finding(finding: Finding) -> ConsoleRenderable:
    sign, style = SIGNS[finding.outcome] if finding.weight else REMARKS[finding.outcome]
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")  # a path or a tensor's name in full, however narrow the window
    head = Text(plain(finding.said))
    if finding.outcome in (Outcome.UNKNOWN, Outcome.REVIEW):
        head = Text.assemble((f"{finding.outcome.value}: ", style), plain(finding.said))
    grid.add_row(Text(sign, style=f"bold {style}"), head)
    if finding.outcome is not Outcome.PASSED:
        for label, value in words.details(finding):
            grid.add_row("", Text.assemble((f"{label:<12}", "dim"), plain(value)))
    return Padding(grid, (0, 0, 0, 4))


def _problem(problem: Problem) -> ConsoleRenderable:
    return Text.assemble(
        ("! warning ", "bold yellow") if is_warning(problem) else ("✗ ", "bold red"),
        (plain(problem.where), "bold"),
        ": ",
        plain(problem.what),
        ("\n  fix: ", "dim"),
        plain(problem.fix),
    )


def _style(points: Fraction, of: Fraction) -> str:
    if points >= of:
        return "green"
    return "red" if points * 2 < of else "yellow"
