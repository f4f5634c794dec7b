"""Whose is this hand-in, and when did it come? As the class list says; what submission.json says is not believed."""

from __future__ import annotations

from dataclasses import replace

from grader.documents.wording import clean
from grader.intake.classes import ClassList
from grader.intake.manifest import MANIFEST
from grader.model import Problem, Student, Submission

OTHER_STUDENTS = "warning-other-students"
NOT_IN_CLASS = "not-in-class"


def in_class(submission: Submission, name: str, class_list: ClassList) -> Submission:
    """The submission as that of its students in the class; `name` is that of its folder or archive, with the ending.

    One that the list does not have is nobody's, and says so.
    """
    entry = class_list.by_path.get(name)
    if entry is None:
        what = "the class list does not have this hand-in, so that it is nobody's"
        fix = "put it into the download and run grader import again, or move it out of this folder"
        problem = Problem(NOT_IN_CLASS, clean(name), what, fix)
        return replace(submission, students=(), problems=(*submission.problems, problem))
    owners = [class_list.by_id[one] for one in entry.students]
    known = {text.casefold() for one in owners for text in (one.id, one.email, *one.keys.values())}
    others = [one.id for one in submission.students if one.id.casefold() not in known]
    problems = submission.problems
    if others:
        listed = ", ".join(clean(one, 64) for one in others[:5])
        what = f"it names {listed}, and the LMS received it from {', '.join(entry.students[:5])}, whose it is"
        problems = (*problems, Problem(OTHER_STUDENTS, MANIFEST, what, "write the ids of those who hand it in"))
    students = tuple(Student(one.id, one.name) for one in owners)
    return replace(
        submission, students=students, received_at=entry.received_at, is_late=entry.is_late, problems=problems
    )
