"""Which grades go out, and what is told of the others? No 0 goes out that nobody asked for.

grades + class list -> chosen -> lines, one for every student; a line without points is told and left alone
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from grader.frozen import dataclass
from grader.gradebook.nouns import Grade
from grader.intake.classes import ClassList
from grader.reports.export.cells import number_text

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a person has to know: of whom (an id, or empty), what is so. `code` is stable, for machines."""

    code: str
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Line:
    """One student. `points` go out; None: nothing does, and `why` says so. `most` is what they are counted of."""

    grade: Grade
    points: Fraction | None
    most: Fraction
    why: str = ""
    code: str = ""

    @property
    def is_open(self) -> bool:
        """Whether points wait for a person."""
        return self.grade.open_points != 0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller has asked for, by its own words."""

    missing_as_zero: bool = False
    open_as_is: bool = False


def chosen(
    grades: Iterable[Grade],
    class_list: ClassList | None,
    wishes: Wishes,
    graded_by: ClassList | None = None,
) -> list[Line]:
    """A line for every student: those of the grades in their order, then who is in the class list alone.

    A student without a hand-in gets 0 where that was asked for, and one whose hand-in is there but not graded never.
    `graded_by` is the class list of the last grading: whose hand-in is another one by now has no grade yet.
    """
    grades = list(grades)
    most = max((one.max_points or ZERO for one in grades), default=ZERO)
    known = {grade.id for grade in grades}
    for one in class_list.roster if class_list else ():
        if one.id not in known:
            why = "imported after the last grading"
            grades.append(Grade(one.id, one.name, one.email, one.section, one.group, dict(one.keys), reason=why))
    newer = _handed_in_anew(class_list, graded_by)
    return [_line(grade, most, _is_missing(grade, class_list), wishes, newer) for grade in grades]


def _handed_in_anew(now: ClassList | None, before: ClassList | None) -> frozenset[str]:
    """The students whose hand-in that counts is not the one that it was."""
    if now is None or before is None:
        return frozenset()
    return frozenset(
        one.id for one in now.roster if one.id in before.by_id and _counting(now, one.id) != _counting(before, one.id)
    )


def _counting(class_list: ClassList, student: str) -> tuple[str, str]:
    """The hand-in that counts for a student, by its name and content."""
    name = class_list.by_id[student].hand_in
    return (name, class_list.by_name[name].digest) if name in class_list.by_name else ("", "")


def _is_missing(grade: Grade, class_list: ClassList | None) -> bool:
    """Whether there is no hand-in at all. The class list knows best: a hand-in may be there and not yet graded."""
    if grade.points is not None:
        return False
    if class_list is None:
        return False  # nobody can say
    student = class_list.by_id.get(grade.id)
    return student is not None and not student.hand_in


def _line(grade: Grade, most: Fraction, is_missing: bool, wishes: Wishes, newer: frozenset[str]) -> Line:
    if grade.id in newer:
        why = "another hand-in counts since the last grading: nothing is exported"
        return Line(grade, None, grade.max_points or most, why, "newer")
    if is_missing:
        reason = grade.reason or "no hand-in"
        if wishes.missing_as_zero and most:
            return Line(grade, ZERO, most, f"{reason}: exported as 0, as asked", "zero")
        return Line(grade, None, most, f"{reason}: nothing is exported", "missing")
    if grade.points is None or not grade.max_points:
        why = grade.reason or "the hand-in is there, but no rubric has graded it"
        return Line(grade, None, most, f"{why}: nothing is exported", "not-graded")
    if grade.open_points:
        waiting = f"{number_text(grade.open_points)} of {number_text(grade.max_points)} points wait for a person"
        if wishes.open_as_is:
            return Line(
                grade, grade.points, grade.max_points, f"{waiting}: exported without them, as asked", "open-as-is"
            )
        why = f"{waiting}: nothing is exported"
        return Line(grade, None, grade.max_points, why, "open")
    if grade.reason:
        return Line(grade, grade.points, grade.max_points, f"{grade.reason}: exported as it is", "unseen")
    return Line(grade, grade.points, grade.max_points)


def told_of(lines: Sequence[Line], class_list: ClassList | None) -> list[Told]:
    """What a person has to know whatever the LMS is: who gets nothing, who gets less, what lies in quarantine."""
    told = [Told(line.code, line.grade.id, line.why) for line in lines if line.why]
    for one in class_list.quarantined if class_list else ():
        some = ", ".join(one.files[:3]) + (f" and {len(one.files) - 3} more" if len(one.files) > 3 else "")
        what = f"in quarantine, and graded for nobody: {some}: {one.reason}"
        if any(line.code == "zero" for line in lines):
            what += "; look whose it is before a 0 goes out for them"
        told.append(Told("quarantined", "", what))
    return told
