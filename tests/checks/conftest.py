"""What the tests of checks share: rules, submissions and evidence made by hand."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Answer, Evidence, EvidenceStatus, Place, Problem, Rule, Submission, SubmittedFile

MODEL = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}


@pytest.fixture
def model():
    """The model that rubrics of the tests name; its files are those of `hand_in(files=...)` by these names."""
    return dict(MODEL)


@pytest.fixture
def make_rule():
    """make_rule("accuracy", at_least=0.95, answer="layers") -> Rule; settings are the other keywords."""

    def make(check, *, answer=None, **settings):
        place = Place("rubrics/test.yaml", "/tasks/0/rules/0", 7)
        return Rule("the-rule", check, Fraction(1), settings, answer=answer, place=place)

    return make


@pytest.fixture
def hand_in(tmp_path):
    """hand_in({"layers": [...]}, files={"model.py": b"..."}) -> Submission, with its files on disk."""

    def make(answers=None, *, files=None, problems=(), is_readable=True):
        listed = []
        for path, content in (files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            listed.append(SubmittedFile(path, len(data), hashlib.sha256(data).hexdigest()))
        stated = {
            key: Answer(value, Place("answers.json", f"/answers/{key}")) for key, value in (answers or {}).items()
        }
        return Submission(
            "s1", "test", tmp_path, tuple(listed), answers=stated, problems=tuple(problems), is_readable=is_readable
        )

    return make


@pytest.fixture
def done():
    """done({...}) -> Evidence of a job that ended well."""
    return lambda result: Evidence("key", EvidenceStatus.DONE, result)


@pytest.fixture
def student_fault():
    """Evidence of a job that ended by the student's fault."""
    problem = Problem("build-raised", "model.py:4", "build_model raised NameError", "define it")
    return Evidence("key", EvidenceStatus.STUDENT_FAULT, problem=problem)


@pytest.fixture
def system_fault():
    """Evidence of a job that ended by the machine's fault."""
    problem = Problem("no-data", "mnist", "the data set is not here", "run `grader data fetch mnist`")
    return Evidence("key", EvidenceStatus.SYSTEM_FAULT, problem=problem)


@pytest.fixture
def judged(make_rule, hand_in):
    """judged("number", "2432", expected=2432) -> the findings, for settings that are valid and free of problems."""

    def run(check, value, *, files=None, evidence=None, **settings):
        kind = all_checks()[check]
        rule = make_rule(check, answer="q", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not list(kind.lint(rule))
        submission = hand_in({"q": value}, files=files)
        jobs = dict.fromkeys(kind.needs(rule, submission), evidence)
        return run_check(kind, rule, submission, jobs)

    return run


@pytest.fixture
def graded(make_rule, hand_in, tmp_path_factory):
    """graded("figure", files={...}, answers={...}, figures=[...]) -> the findings; its jobs are done in the box."""
    from grader import sandbox
    from grader.evidence.cache import Cache
    from grader.evidence.kinds import Bench
    from grader.evidence.local import LocalRunner
    from grader.evidence.plan import Plan
    from grader.limits import Limits

    level = sandbox.level()
    if not level.is_isolated:
        pytest.skip(f"no sandbox here: {level.reason}")

    def run(check, *, files, answers=None, **settings):
        kind = all_checks()[check]
        rule = make_rule(check, **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not [problem for problem in kind.lint(rule) if not problem.code.startswith("warning")]
        submission = hand_in(answers, files=files)
        cache = Cache(tmp_path_factory.getbasetemp() / "evidence")  # of this run: equal jobs are done once
        runner = LocalRunner(Bench(Limits(wall_s=60), level), workers=1, cache=cache)
        evidence = runner(Plan.of((job, submission.root) for job in kind.needs(rule, submission)))
        return run_check(kind, rule, submission, evidence)

    return run
