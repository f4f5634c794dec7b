"""The other assignments: what takes no network to be run is broken, and noticed. All of it: `grader rubric test`.

What takes image sets, trainings or minutes is left out here: the rules that need such recomputations, and the kinds of
mutants that change networks and weights.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from grader.checks import all_checks
from grader.cli.common import load_rubric
from grader.cli.grade import Doer
from grader.course import assignments, load_course
from grader.intake import read_submission
from grader.mutants.hand_ins import has_reference_hand_in, reference_hand_in
from grader.mutants.kind import all_kinds
from grader.mutants.trial import try_out
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
CHEAP = {"describe", "checkpoint", "embedded", "picture", "figures", "syntax", "notebook"}
SLOW = ("networks", "code", "weights", "images")  # modules of kinds
# References whose weights are still being trained: take a name away once its reference is complete.
INCOMPLETE: tuple[str, ...] = ()
TRIED = [
    pytest.param(name, marks=[pytest.mark.xfail(reason="its reference hand-in is not complete")] * (name in INCOMPLETE))
    for name in assignments(COURSE)
    if name != "digits" and has_reference_hand_in(COURSE, name)
]


def cheap(rubric, submission):
    """The rubric without the rules that need more than a look into the files."""

    def is_cheap(rule):
        return all(job.kind in CHEAP for job in all_checks()[rule.check].needs(rule, submission))

    def kept(task):
        left = {rule.id for rule in task.rules if is_cheap(rule)}
        after = (replace(rule, after=tuple(one for one in rule.after if one in left)) for rule in task.rules)
        return replace(task, rules=tuple(rule for rule in after if rule.id in left))

    return replace(rubric, tasks=tuple(kept(task) for task in rubric.tasks))


@pytest.mark.sandbox
@pytest.mark.torch
@pytest.mark.parametrize("assignment", TRIED)
def test_what_needs_no_network_is_noticed(assignment, tmp_path):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    rubric = load_rubric(COURSE, assignment)
    folder = reference_hand_in(COURSE, assignment, tmp_path / "look", variant=rubric.variant or None)
    rubric = cheap(rubric, read_submission(folder))
    kinds = [name for name, kind in all_kinds().items() if type(kind).__module__.rpartition(".")[2] not in SLOW]
    (tmp_path / "mutants").mkdir()
    with Doer(COURSE, is_own_code=True) as doer:
        tested = try_out(COURSE, rubric, doer, tmp_path / "mutants", only=kinds)
    assert [(loss.task, loss.rule, loss.said) for loss in tested.short] == []
    assert [(trial.kind, trial.said, trial.why) for trial in tested.trials if trial.is_fault] == []
    assert len({trial.kind for trial in tested.trials if trial.must}) >= 10
