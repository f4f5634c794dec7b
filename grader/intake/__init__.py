"""What was handed in? The second stage: a source (a folder, a zip) becomes a Submission.

    source -> listed and checked -> unpacked or walked -> manifest and answers -> Submission

A hand-in is hostile until shown otherwise. No link is followed, nothing outside a private folder is written, no
archive within it is opened, and every file is hashed as it is read. What is refused is quoted, with a remedy.
"""

from grader.intake.limits import IntakeLimits
from grader.intake.names import submission_id
from grader.intake.reading import find_submissions, read_submission, submission_from
from grader.intake.tidy import remove_tree

__all__ = ["IntakeLimits", "find_submissions", "read_submission", "remove_tree", "submission_from", "submission_id"]
