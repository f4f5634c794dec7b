"""Can the tasks be chosen from, left out and passed as the rubric says? What cannot be, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from grader.course.attempts import signs_of
from grader.course.points import points_text, points_words
from grader.course.written import Path_
from grader.documents import did_you_mean
from grader.documents.wording import clean
from grader.model import Choice, Json, Task

if TYPE_CHECKING:
    from grader.course.rubrics import Checks

_Told = tuple[str, Path_, str, str]  # code, path, what, fix


def choice_from(
    entry: Mapping[str, Json], path: Path_, tasks: Mapping[str, Task], others: Sequence[Choice]
) -> Choice | _Told:
    """The choice that an entry of `choose` is, or the first thing that keeps it from being one."""
    names, count = entry["tasks"], entry["k"]
    for at, name in enumerate(names):
        where = (*path, "tasks", at)
        if name not in tasks:
            what = f"there is no task {clean(repr(name), 80)}"
            return "choice", where, what, did_you_mean(name, tasks)
        if tasks[name].is_optional:
            what = f"the task {name!r} is optional: one to choose from is left out as it is"
            return "choice", where, what, "remove optional: true, or take it out of the choice"
        if any(name in other.tasks for other in others):
            return "choice", where, f"the task {name!r} stands in two choices", "keep one of them"
        if tasks[name].points != tasks[names[0]].points:
            first = tasks[names[0]]
            what = f"the task {name!r} has {points_words(tasks[name].points)}, "
            what += f"{first.id!r} has {points_text(first.points)}"
            return "choice", where, what, "give the tasks of a choice equal points: the maximum is that of k of them"
    if count >= len(names):
        what = f"the best {count} of {len(names)} tasks are all of them"
        return "choice", (*path, "k"), what, f"write a number below {len(names)}, or remove the choice"
    return Choice(tuple(names), count)


def task_problems(
    placed: Sequence[tuple[Path_, Task]], choices: Sequence[Choice], checks: Checks | None
) -> Iterator[_Told]:
    """Pass lines of tasks that cannot be meant, and optional tasks that nothing shows an attempt of.

    The latter only with `checks`: they are asked of settings in which they found nothing wrong.
    """
    tasks = [task for _, task in placed]
    named = {name for choice in choices for name in choice.tasks}
    for path, task in placed:
        if checks is not None and task.is_optional and task.rules and not any(signs_of(tasks, task, checks)):
            what = f"nothing shows whether the optional task {task.id!r} was attempted: "
            what += "compulsory tasks ask for all of it too"
            yield "optional", (*path, "optional"), what, "let one of its rules ask for an answer or a file of its own"
        if task.pass_points is None:
            continue
        where = (*path, "pass_points")
        if task.pass_points > task.points:
            what = f"to pass takes {points_words(task.pass_points)} of the task, it has {points_text(task.points)}"
            yield "pass-points", where, what, f"write {points_text(task.points)} or less"
        if task.id in named:
            what = f"the task {task.id!r} is one to choose from, and has a pass line of its own"
            yield "choice", where, what, "remove it: who chooses another task could not pass"
