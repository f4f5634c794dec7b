"""How does a submission become a scorecard? Plan what its rules need, run it, judge, score.

The one place where the stages meet; `grader check` and `grader run-all` both end here, so that a student's
laptop and the TA's machine come to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grader.checks import Check, all_checks, run_check
from grader.evidence.plan import Plan
from grader.model import (
    Evidence,
    EvidenceByJob,
    Finding,
    Job,
    Json,
    Outcome,
    Rubric,
    Rule,
    ScoreCard,
    Submission,
)
from grader.scoring import score

# Runs a plan: the local workers, later Ray. Must give evidence for every job of the plan.
RunPlan = Callable[[Plan], EvidenceByJob]


@dataclass(frozen=True)
class Asked:
    """A submission with the rubric that it is graded by."""

    submission: Submission
    rubric: Rubric
    needs: Mapping[str, tuple[Job, ...]] = field(default_factory=dict)  # by rule id
    broken: Mapping[str, Finding] = field(default_factory=dict)  # rules whose needs could not even be named


def grade(
    work: Iterable[tuple[Submission, Rubric]], run: RunPlan, *, made_with: Mapping[str, Json] | None = None
) -> Iterator[ScoreCard]:
    """The scorecard of each submission, in order. `run` is called once, with the needs of all of them."""
    asked = [ask(submission, rubric) for submission, rubric in work]
    plan = Plan.of((job, one.submission.root) for one in asked for jobs in one.needs.values() for job in jobs)
    evidence = run(plan) if len(plan) else {}
    for one in asked:
        findings = judge(one, evidence)
        used = [evidence[job] for jobs in one.needs.values() for job in jobs if job in evidence]
        yield score(one.rubric, one.submission, findings, {**(made_with or {}), **_made_with(used)})


def ask(submission: Submission, rubric: Rubric) -> Asked:
    """What the rules of a rubric need for one submission. Nothing where it could not be read."""
    needs: dict[str, tuple[Job, ...]] = {}
    broken: dict[str, Finding] = {}
    if submission.is_readable:
        for rule in rubric.rules():
            try:
                needs[rule.id] = tuple(all_checks()[rule.check].needs(rule, submission))
            except Exception as error:  # noqa: BLE001  a bug of ours in one rule must not stop the others
                broken[rule.id] = Finding(
                    Outcome.UNKNOWN,
                    f"this check could not say what it needs ({type(error).__name__}: {error}); a person will look",
                    code="check-broke",
                )
    return Asked(submission, rubric, needs, broken)


def judge(asked: Asked, evidence: EvidenceByJob) -> Mapping[str, Sequence[Finding]]:
    """The findings of every rule. A rule that builds on a failed one is not judged: UNKNOWN."""
    checks = all_checks()
    findings: dict[str, Sequence[Finding]] = {}
    for rule in _in_order(asked.rubric):
        findings[rule.id] = _judge_rule(rule, checks[rule.check], asked, evidence, findings)
    return findings


def _judge_rule(
    rule: Rule, check: Check, asked: Asked, evidence: EvidenceByJob, before: Mapping[str, Sequence[Finding]]
) -> Sequence[Finding]:
    if not asked.submission.is_readable:
        said = "the submission could not be read: see the problems at the top"
        return (_stamped(Finding(Outcome.UNKNOWN, said, code="unreadable-submission"), rule),)
    if rule.id in asked.broken:
        return (_stamped(asked.broken[rule.id], rule),)
    for other in rule.after:
        if any(f.outcome is Outcome.FAILED and f.weight > 0 for f in before.get(other, ())):
            said = f"not looked at, since {other!r} failed and this builds on it"
            return (_stamped(Finding(Outcome.UNKNOWN, said, code="builds-on-failed"), rule),)
    return run_check(check, rule, asked.submission, evidence)


def _stamped(finding: Finding, rule: Rule) -> Finding:
    from dataclasses import replace

    return replace(finding, rule=rule.id, check=rule.check, visibility=rule.visibility)


def _in_order(rubric: Rubric) -> Iterator[Rule]:
    """The rules so that each comes after those that it builds on; the loader refused cycles."""
    waiting = list(rubric.rules())
    done: set[str] = set()
    while waiting:
        ready = [rule for rule in waiting if done.issuperset(rule.after)] or waiting
        for rule in ready:
            yield rule
            done.add(rule.id)
        waiting = [rule for rule in waiting if rule.id not in done]


def _made_with(used: Sequence[Evidence]) -> dict[str, Json]:
    """Versions, devices and sandbox levels of the evidence, as far as any was used."""
    made: dict[str, Json] = {}
    for evidence in used:
        made.update(evidence.versions)
    devices = sorted({evidence.device for evidence in used if evidence.device})
    levels = sorted({evidence.sandbox for evidence in used if evidence.sandbox})
    if devices:
        made["device"] = ", ".join(devices)
    if levels:
        made["sandbox"] = ", ".join(levels)
    return made
