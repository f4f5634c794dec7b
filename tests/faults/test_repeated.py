"""F28: the same submissions, graded twenty times over workers, threads and orders, have the same scorecards."""

import json
import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader import sandbox
from grader.cli.common import load_rubric
from grader.course import load_course
from grader.evidence.local import LocalRunner
from grader.grading import grade
from grader.intake import submission_from
from grader.reports.scorecard import scorecard_json

ROOT = Path(__file__).parents[2]
NAMES = ("01-perfect", "07-code-in-checkpoint")
TIMES = 20


@pytest.mark.fault("F28")
@pytest.mark.timeout(900)
@pytest.mark.sandbox
def test_twenty_gradings_are_the_same_bytes():
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox: {sandbox.level().reason}")
    course, seen = load_course(ROOT), {}
    rubric = load_rubric(course, "digits")
    for number in range(TIMES):
        chance = random.Random(number)  # noqa: S311  an order, no secret
        order = chance.sample(NAMES, len(NAMES))
        run = LocalRunner.for_course(course, workers=chance.choice([1, 2, 3]), uses_cache=False)
        with ExitStack() as stack:
            stack.enter_context(run)
            read = [stack.enter_context(submission_from(ROOT / "examples" / "digits-class" / name)) for name in order]
            for card in grade([(submission, rubric) for submission in read], run):
                seen.setdefault(card.submission, set()).add(json.dumps(scorecard_json(card)))
        assert (run.computed > 0, run.from_cache) == (True, 0), "all is computed anew"
    assert {name: len(cards) for name, cards in seen.items()} == dict.fromkeys(NAMES, 1)
    perfect = json.loads(next(iter(seen["01-perfect"])))
    assert perfect["points"] == perfect["max_points"]
