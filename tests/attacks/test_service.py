"""Code that sends hidden images home through the service, and code that crashes for luck: graded for real."""

import importlib.util
import sys
from pathlib import Path

import pytest

from grader.cli.grade import Doer
from grader.course import load_course
from grader.sandbox import level
from grader.service.people import Person
from grader.service.uploads import State

pytestmark = pytest.mark.skipif(not level().is_isolated, reason="student code is run where there is a sandbox")

_NAME = "service_desk_of_tests"
MODEL = """
import torch, torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
    def forward(self, x):
        {act}
        return self.fc(x.flatten(1))

def build_model():
    return Net()
"""
RUBRIC = """
assignment: sums
title: A network
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
tasks:
  - id: "1"
    title: The network
    points: 2
    rules:
      - {id: accuracy, check: accuracy, data: digits, split: test, at_least: 0.9, points: 2}
"""


@pytest.fixture
def tools():
    """tests/service/desk.py: tests are no package."""
    if _NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).parents[1] / "service" / "desk.py")
        sys.modules[_NAME] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[_NAME]


@pytest.fixture
def graded(tools, tmp_path):
    """graded(act) -> (the desk, the upload) of a hand-in whose forward does that, graded in the sandbox."""
    torch = pytest.importorskip("torch")
    made = []

    def run(act, toml=""):
        torch.manual_seed(1)
        torch.save({"fc.weight": torch.randn(10, 784), "fc.bias": torch.zeros(10)}, tmp_path / "model.pth")
        more = {"model.py": MODEL.format(act=act), "model.pth": (tmp_path / "model.pth").read_bytes()}
        desk = tools.Desk(tmp_path / "course", toml=toml, rubrics={"sums": RUBRIC})
        made.append(desk)
        desk.add("ada")
        with desk.store.begin(2**20) as incoming:
            incoming.write(tools.hand_in(more=more))
            desk.service.accept(Person("ada"), "sums", incoming, "work.zip")
        with Doer(load_course(desk.root), jobs=1) as doer:
            desk.grade(doer)
        return desk, desk.queue.of_owner("ada")[0]

    yield run
    for one in made:
        one.close()


WAYS = {
    "an exception": "if x.any(): raise ValueError('LEAK' + str(x.flatten()[300:330].tolist()))",
    "what it prints": "import sys; print('LEAK', x.flatten()[300:330].tolist()); sys.stderr.write(f'LEAK{x.sum()}')",
    "an exception's name": "if x.any(): raise type('LEAK' + str(int(x.sum() * 1000)), (Exception,), {})()",
}


@pytest.mark.attack(60)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("feedback", ["outcomes", "full"])
def test_hidden_images_do_not_come_home(graded, way, feedback):
    desk, upload = graded(WAYS[way], f'[service]\nfeedback = "{feedback}"\n')
    assert upload.state is State.GRADED
    told = desk.service.upload(Person("ada"), upload.public).model_dump_json()
    assert "LEAK" not in told
    [finding] = desk.service.view(upload).result.tasks[0].rules[0].findings
    assert finding.said == "not reached, or there was no result"


def test_the_staff_sees_what_was_tried(graded):
    """The oracle of the tests above: the text is there, and is kept from the student alone."""
    _, upload = graded(WAYS["an exception"])
    assert "LEAK" in str(upload.card)


@pytest.mark.attack(71)
def test_a_crash_by_chance_is_the_result_and_stays_it(graded, tools):
    """Half the runs crash, by the code's own chance: the seed is fixed, and nobody asks twice."""
    act = "import os, time; os._exit(1) if time.time_ns() % 2 else None"
    desk, upload = graded(act)
    before = upload.card
    with desk.store.begin(2**20) as incoming:
        incoming.write(desk.store.path(upload.digest).read_bytes())
        again = desk.service.accept(Person("ada"), "sums", incoming, "again.zip")
    assert again.is_repeat
    desk.grade(tools.NoJobs())  # nothing is ordered
    assert desk.queue.of_owner("ada")[0].card == before
