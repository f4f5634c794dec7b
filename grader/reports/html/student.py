"""What is on the page of one hand-in? Its points, each verdict with its proof, what people decided, what can be shown.

    student_page(settled, decisions=..., exhibits=...) -> one HTML file with all that it needs

The view of a student has no finding for staff, no reason and no name of who decided. Of any number of findings so many
are shown as somebody reads, and the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.frozen import dataclass
from grader.model import Decision, Finding, Problem, RuleScore, ScoreCard, TaskScore, Visibility
from grader.reports.decisions import seen_by
from grader.reports.exhibits import Exhibit, for_student
from grader.reports.html.pages import rendered
from grader.reports.known import names_of
from grader.scoring import has_passed

MOST_OF_RULE = 200  # findings
MOST_OF_PAGE = 2_000
MOST_PROBLEMS = 100
MOST_NAMES = 50


@dataclass(frozen=True)
class ShownRule:
    """A rule with the findings that are shown, how many more there are, and what people decided on it."""

    rule: RuleScore
    findings: Sequence[Finding]
    left_out: int
    decisions: Sequence[Decision]
    has_head: bool


@dataclass(frozen=True)
class ShownTask:
    """A task with what is shown of it."""

    task: TaskScore
    rules: Sequence[ShownRule]
    decisions: Sequence[Decision]
    exhibits: Sequence[tuple[str, Exhibit]]
    bonus: bool


def student_page(
    settled: ScoreCard,
    *,
    decisions: Iterable[Decision] = (),
    exhibits: Sequence[Exhibit] = (),
    note: str = "",
    for_staff: bool = False,
    title: str = "",
    contact: str = "",
) -> str:
    """The page. `settled` is the card with the decisions in force; `note` is for staff; `title` the assignment's.

    `contact` is whom a student may ask, as the course says it.
    """
    told = seen_by(decisions, settled, for_staff=for_staff)
    shown = list(exhibits if for_staff else for_student(exhibits))
    tasks = _tasks(settled, told, shown, for_staff=for_staff)
    known = {task.task.task for task in tasks}
    parts: tuple[ScoreCard | TaskScore, ...] = (settled, *settled.tasks)
    lines = [one for one in parts if one.pass_points is not None]
    return rendered(
        "student.html",
        card=settled,
        title=title or settled.assignment,
        tasks=tasks,
        for_staff=for_staff,
        note=note if for_staff else "",
        passed=has_passed(settled) if lines else None,
        has_line=bool(lines),
        problems=_problems(settled),
        more_problems=max(0, len(settled.problems) - MOST_PROBLEMS),
        students=settled.students[:MOST_NAMES],
        comments=[one for one in told if not one.task],
        others=[(f"x{number}", one) for number, one in enumerate(shown) if one.about.task not in known],
        made_with=names_of(settled.made_with),
        contact=contact,
    )


def _problems(card: ScoreCard) -> Sequence[Problem]:
    return card.problems[:MOST_PROBLEMS]


def _tasks(
    card: ScoreCard, decisions: Sequence[Decision], exhibits: Sequence[Exhibit], *, for_staff: bool
) -> list[ShownTask]:
    left = MOST_OF_PAGE
    made = []
    for task in card.tasks:
        rules: list[ShownRule] = []
        is_told = task.is_counted or task.max_points > 0  # else there is nothing to be told of
        for rule in task.rules if is_told else ():
            if rule.visibility is Visibility.STAFF and not for_staff:
                continue
            kept = rule.findings[: min(MOST_OF_RULE, max(0, left))]
            left -= len(kept)
            own = [one for one in decisions if (one.task, one.rule) == (task.task, rule.rule)]
            has_head = len(task.rules) > 1 or rule.is_deduction or bool(own)
            rules.append(ShownRule(rule, kept, len(rule.findings) - len(kept), own, has_head))
        on_task = [one for one in decisions if one.task == task.task and not _is_on(one, rules)]
        figures = [(f"x{number}", one) for number, one in enumerate(exhibits) if one.about.task == task.task]
        is_bonus = not task.max_points and any(rule.is_bonus for rule in task.rules)
        made.append(ShownTask(task, rules, on_task, figures, is_bonus))
    return made


def _is_on(one: Decision, rules: Sequence[ShownRule]) -> bool:
    return any(one.rule == rule.rule.rule for rule in rules)
