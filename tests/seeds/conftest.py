import json
import os
from pathlib import Path

import pytest

from grader.architecture import layer_schema
from grader.checks import all_checks
from grader.course import load_rubric
from grader.grading import grade
from grader.model import Answer, Place, Submission

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def report_folder():
    """The reports themselves, where the workplace has them: to hold the transcriptions against."""
    folder = Path(os.environ.get("GRADER_SEEDS") or HERE.parents[2] / "shared" / "seeds")
    if not folder.is_dir():
        pytest.skip("the reports are not here: set GRADER_SEEDS to their folder")
    return folder


class Nobody:
    """Answers alone need no job."""

    has_room = True

    def order(self, job, *_, **__):
        raise AssertionError(f"answers alone need no job, but one of kind {job.kind} was ordered")


@pytest.fixture
def graded_report():
    """Grade the transcribed answers of a report; the findings of each rule by its id."""

    def run(number):
        rubric = load_rubric(HERE / "rubrics" / f"seed-{number}.yaml", all_checks(), layer_schema=layer_schema())
        answers = json.loads((HERE / "answers" / f"{number}.json").read_text())["answers"]
        stated = {key: Answer(value, Place("answers.json", f"/answers/{key}")) for key, value in answers.items()}
        submission = Submission(number, rubric.assignment, HERE, answers=stated)

        [card] = grade([(submission, rubric)], Nobody())
        return {rule.rule: rule for task in card.tasks for rule in task.rules}

    return run
