"""What does a course ask? grader.toml and rubrics/*.yaml, as a Course and its Rubrics; schemas/ publishes the forms."""

from grader.course.answers import answers_schema
from grader.course.folder import Course, find_course, load_course
from grader.course.points import points_from, points_text
from grader.course.rubrics import (
    CheckSpec,
    assignments,
    is_warning,
    lint_assignment,
    load_assignment,
    load_rubric,
    rubric_problems,
    unread_files,
)

__all__ = [
    "CheckSpec",
    "Course",
    "answers_schema",
    "assignments",
    "find_course",
    "is_warning",
    "lint_assignment",
    "load_assignment",
    "load_course",
    "load_rubric",
    "points_from",
    "points_text",
    "rubric_problems",
    "unread_files",
]
