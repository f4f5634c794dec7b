"""Lines to export, and class lists, made of the truth behind a made download (tests.lms)."""

from fractions import Fraction

from grader.gradebook.nouns import Grade, TaskPoints
from grader.intake.classes import ClassList, HandInEntry, RosterEntry
from grader.reports.export.choosing import Wishes, chosen
from tests.lms import canvas, moodle

MOST = Fraction(20)


def keys_of(kind, student):
    """The LMS's own ids of a student, as an import keeps them."""
    number = moodle.uniqueid(student)
    return {
        "moodle": {"identifier": f"Participant {number}", "participant": str(number)},
        "canvas": {"canvas_id": str(canvas.user_id(student)), "sis_id": student.id},
        "gradescope": {"sid": student.id, "gradescope_email": student.email},
        "classroom": {"github_username": student.login, "roster_identifier": student.id},
        "nbgrader": {"nbgrader_id": student.id},
    }.get(kind, {})


def class_of(made):
    """The class list of a made download."""
    counted = {one.students[0]: one for one in made.hand_ins}
    of_student = {student: name for name, one in counted.items() for student in one.students}
    roster = [
        RosterEntry(one.id, one.name, one.email, one.section, one.group, keys_of(made.kind, one),
                    of_student.get(one.id, ""), "it counts" if one.id in of_student else "no submission")
        for one in made.students
    ]  # fmt: skip
    hand_ins = [
        HandInEntry(name, name, one.students, lms_folder=one.lms_folder, was=tuple(sorted(one.listed.values())))
        for name, one in counted.items()
    ]
    return ClassList("digits", made.kind, roster=tuple(roster), hand_ins=tuple(hand_ins))


def points_of(number):
    """Different for neighbours, with decimals: 0.25, 0.5, ... of 20."""
    return Fraction(number * 7 % 80, 4)


def grades_of(made, **changes):
    """A grade for everybody of a made download; `changes` by id replace fields."""
    class_list = class_of(made)
    grades = []
    for student in made.students:
        entry = class_list.by_id[student.id]
        about = {"name": student.name, "email": student.email, "section": student.section, "group": student.group}
        grade = Grade(student.id, **about, keys=entry.keys, reason=entry.reason)
        if entry.hand_in:
            points = points_of(student.number)
            grade = Grade(
                student.id, **about, keys=entry.keys, points=points, max_points=MOST, entry=student.number,
                submission=entry.hand_in, lms_folder=class_list.by_name[entry.hand_in].lms_folder,
                tasks={"1": TaskPoints(points, MOST, Fraction(0))},
                feedback=f"{points} of 20 points\n\nTask 1: {student.name}\n- row 1 has 6 channels\n",
            )  # fmt: skip
        grades.append(grade)
    from dataclasses import replace

    return [replace(one, **changes[one.id]) if one.id in changes else one for one in grades]


def lines_of(made, *, missing_as_zero=False, open_as_is=False, **changes):
    """The lines of everybody."""
    return chosen(grades_of(made, **changes), class_of(made), Wishes(missing_as_zero, open_as_is))
