"""What do all graders get to grade? Five questions, and a class of hand-ins whose marks are known beforehand.

Three output shapes, one number of parameters, one accuracy, on the network of the quick start. Without a checkpoint the
accuracy is a number within a tolerance; with one, every grader runs the student's network on the same 360 images and
holds the claim against what comes out. One question of every hand-in is wrong, another one each time; every sixth
hand-in is right throughout: a grader that lets everything pass, or nothing, is found out. A wrong shape is wrong in
every entry, for ours gives each right one its share, which the tests of the peers do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits-class" / "01-perfect"
IMAGES = "digits_test.npz"
Answer = tuple[int, ...] | int | float
Marks = dict[str, dict[str, float]]  # hand-in, question: points of 1


@dataclass(frozen=True)
class Question:
    """`rule` is ours, as YAML; `tests` is a peer's, as Python that raises."""

    name: str
    text: str
    right: Answer
    wrong: Answer
    rule: str
    tests: str


@dataclass(frozen=True)
class HandIn:
    name: str
    answers: dict[str, Answer]
    marks: dict[str, float]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """`files` are what the course puts beside every hand-in when a peer grades it; our grader has the images."""

    questions: tuple[Question, ...]
    files: tuple[Path, ...] = ()


def _shape(name: str, layer: str, right: tuple[int, ...], wrong: tuple[int, ...]) -> Question:
    rule = f"{{check: shape-formula, expected: '{list(right)}'}}"
    return Question(name, f"The output shape of {layer}", right, wrong, rule, f"assert tuple({name}) == {right}")


SHAPES_AND_COUNT = (
    _shape("conv1_output", "the first convolution", (8, 8, 24, 24), (1, 6, 28, 28)),
    _shape("pool1_output", "the first pooling", (8, 8, 12, 12), (1, 6, 13, 13)),
    _shape("conv2_output", "the second convolution", (8, 16, 10, 10), (1, 6, 12, 12)),
    Question(
        "total_parameters",
        "The number of parameters of the whole network",
        14538,
        14600,
        "{check: number, expected: 14538}",
        "assert total_parameters == 14538",
    ),
)
CLAIMED = Question(
    "test_accuracy",
    "The accuracy on the test images, as a fraction",
    0.9917,
    0.9017,
    "{check: number, expected: 0.9917, abs_tolerance: 0.005}",
    "assert abs(test_accuracy - 0.9917) <= 0.005",
)
RECOMPUTED = Question(
    "test_accuracy",
    "The accuracy of model.pth on the test images, as a fraction",
    0.9917,  # 357 of 360
    0.9972,  # 359 of 360: a claim that is too low costs nothing with us
    "{check: claim, about: accuracy, of: {n: 360}, recompute: {from: predict, data: digits, split: test}}",
    f"""import numpy as np
import torch
from model import build_model

data = np.load("{IMAGES}")
network = build_model()
network.load_state_dict(torch.load("model.pth", weights_only=True))
network.eval()
with torch.inference_mode():
    predicted = network(torch.from_numpy(data["images"])).argmax(1).numpy()
recomputed = float((predicted == data["labels"]).mean())
assert abs(recomputed - test_accuracy) <= 0.00005""",
)


def theory() -> Assignment:
    return Assignment((*SHAPES_AND_COUNT, CLAIMED))


def with_checkpoint(place: Path) -> Assignment:
    """The images, as 32-bit fractions of white, are written to `place`."""
    import numpy as np

    from grader.datasets import load

    of = load("digits", "test")
    images = of.images.reshape(len(of), 1, 28, 28).astype(np.float32) / 255
    place.mkdir(parents=True, exist_ok=True)
    np.savez(place / IMAGES, images=images, labels=of.labels)
    return Assignment((*SHAPES_AND_COUNT, RECOMPUTED), (place / IMAGES,))


def theory_class(assignment: Assignment, count: int) -> list[HandIn]:
    """Every hand-in has an accuracy and a slip of its own."""
    made: list[HandIn] = []
    for number in range(count):
        answers, marks = _answers(assignment, number)
        shift = number % 400 / 100_000  # stays within the tolerance, or outside of it
        made.append(
            HandIn(f"s{number:04}", {**answers, "test_accuracy": round(answers["test_accuracy"] + shift, 5)}, marks)
        )
    return made


def checkpoint_class(assignment: Assignment, count: int, place: Path) -> list[HandIn]:
    """Every hand-in has code and weights of its own: the last layer times a number, which changes no prediction."""
    import torch

    weights = torch.load(EXAMPLE / "model.pth", weights_only=True)
    *_, weight, bias = weights
    made = []
    for number in range(count):
        folder = place / f"s{number:04}"
        folder.mkdir(parents=True)
        code = (EXAMPLE / "model.py").read_text()
        (folder / "model.py").write_text(f"{code}\n# hand-in {number}\n")
        own = {name: tensor * (1 + number / 64 if name in {weight, bias} else 1) for name, tensor in weights.items()}
        torch.save(own, folder / "model.pth")
        answers, marks = _answers(assignment, number)
        made.append(HandIn(folder.name, answers, marks, (folder / "model.py", folder / "model.pth")))
    return made


def _answers(assignment: Assignment, number: int) -> tuple[dict[str, Any], dict[str, float]]:
    slip = number % (len(assignment.questions) + 1)
    answers = {q.name: _own(q.wrong, number) if at == slip else q.right for at, q in enumerate(assignment.questions)}
    return answers, {q.name: float(at != slip) for at, q in enumerate(assignment.questions)}


def _own(wrong: Answer, number: int) -> Answer:
    """Another slip for each hand-in, so that no grader meets the same one again; none is nearer than the first."""
    if isinstance(wrong, tuple):
        return (*wrong[:2], *(side + number for side in wrong[2:]))
    return wrong + number if isinstance(wrong, int) else wrong
