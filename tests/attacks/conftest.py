"""The box as tests/sandbox/conftest.py has it: `box`, `act` (lines of Python) and `student` (a model.py)."""

import hashlib
import importlib.util
import textwrap
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from grader import sandbox
from grader.checks import all_checks, run_check
from grader.datasets import load
from grader.evidence.jobs import PREDICT
from grader.evidence.kinds import Bench, do
from grader.model import Answer, Finding, Outcome, Place, Rule, Submission, SubmittedFile
from grader.scoring import rule_score

_spec = importlib.util.spec_from_file_location(
    "sandbox_fixtures", Path(__file__).parents[1] / "sandbox" / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

box, act, student = _fixtures.box, _fixtures.act, _fixtures.student


def _small_network():
    spec = importlib.util.spec_from_file_location(
        "small_network", Path(__file__).parent / "hostile" / "small_network.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small():
    """small(norm="nn.BatchNorm2d(8)", more="") -> the code of a small network, which `more` may build on."""
    pytest.importorskip("torch")
    return _small_network().small


@pytest.fixture(scope="session")
def trained(digits):
    """trained(code, epochs=4) -> the weights of the network that the code builds, trained honestly."""
    network = _small_network()
    return lambda code, **options: network.trained(code, digits, **options)


@pytest.fixture(scope="session")
def weights(small, trained):
    """Of the small network with BatchNorm: about 97% of the test images."""
    return trained(small())


@pytest.fixture(scope="session")
def honest_share(digits, small, weights):
    """What these weights are worth in eval mode, counted here."""
    torch = pytest.importorskip("torch")
    images, labels = digits["test"]
    model = _small_network().built(small())
    model.load_state_dict(weights)
    with torch.no_grad():
        return float((model.eval()(images).argmax(1) == labels).double().mean())


@pytest.fixture(scope="session")
def digits():
    """The embedded digits: (images (N, 1, 28, 28) float32 in [0, 1], labels (N,)) by split."""
    torch = pytest.importorskip("torch")
    sets = {split: load("digits", split) for split in ("train", "test")}
    return {split: (torch.tensor(one.images).float() / 255, torch.tensor(one.labels)) for split, one in sets.items()}


@pytest.fixture
def handed_in(tmp_path, box):
    """handed_in("accuracy", {"model.py": code}, state, at_least=0.9) -> what the rule gives, through the box."""
    torch = pytest.importorskip("torch")

    def run(check, files, state=None, *, answer=None, **settings):
        folder = tmp_path / "handed-in"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(textwrap.dedent(text))
        torch.save(state or {}, folder / "model.pth")
        listed = tuple(
            SubmittedFile(path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(folder.iterdir())
        )
        answers = {} if answer is None else {"q": Answer(answer, Place("answers.json", "/answers/q"))}
        submission = Submission("s1", "digits", folder, listed, answers=answers)
        model = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]}
        settings["model"] = model
        rule = Rule("the-rule", check, Fraction(100), settings, answer="q", place=Place("rubric.yaml"))
        bench = Bench(sandbox.Limits(wall_s=60), box)
        evidence = {job: do(job, folder, bench) for job in all_checks()[check].needs(rule, submission)}
        findings = run_check(all_checks()[check], rule, submission, evidence)
        score = rule_score(rule, findings)
        results = {job.kind: one.result for job, one in evidence.items()}
        return Earned(float(score.points), float(score.open_points), findings, results.get(PREDICT, {}))

    return run


@pytest.fixture
def earned(handed_in):
    """earned({"model.py": code}, state) -> what the rule `accuracy` on the digits gives: from 50% on, all at 97%."""
    demands = {"at_least": 0.97, "from": 0.5, "borderline": "strict", "data": "digits", "split": "test"}

    def run(files, state=None, **settings):
        return handed_in("accuracy", files, state, **demands, **settings)

    return run


@dataclass(frozen=True)
class Earned:
    """Of 100 points, those that were given and those that wait; why; and the result of the predict job."""

    points: float
    waiting: float
    findings: tuple[Finding, ...]
    result: dict

    @property
    def codes(self):
        return [finding.code for finding in self.findings]

    def said(self, code):
        [found] = [finding for finding in self.findings if finding.code == code]
        assert found.outcome is Outcome.REVIEW
        return found.said
