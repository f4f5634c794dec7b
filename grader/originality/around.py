"""What is a class compared by, and with what besides itself? Its rules, earlier years, and what the course gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from grader.course import Course
from grader.intake import submission_from
from grader.model import Rubric, Rule, Submission

CHECK: Final = "originality"
EARLIER: Final = "fingerprints"  # the folder of the course


def rules_of(rubrics: Iterable[Rubric]) -> Iterator[tuple[Rubric, Rule]]:
    """The rules of the check, by the names of the assignments."""
    for rubric in sorted(rubrics, key=lambda rubric: rubric.assignment):
        yield from ((rubric, rule) for rule in rubric.rules() if rule.check == CHECK)


def earlier_files(course: Course, rubric: Rubric) -> list[Path]:
    """The fingerprints of other years, by their names."""
    return sorted((course.root / EARLIER / rubric.assignment).glob("*.json.gz"))


def given_hand_ins(course: Course, rubric: Rubric, rule: Rule) -> Iterator[tuple[Path, Submission]]:
    """What students were given, and the course's own solution, with their folders; each as long as it is looked at."""
    folders = [course.submissions_template / rubric.assignment, course.reference_solutions / rubric.assignment]
    folders += [course.root / path for path in rule.settings.get("given", ())]
    for folder in folders:
        if folder.is_dir():
            with submission_from(folder, assignment=rubric.assignment) as submission:
                yield folder, submission
