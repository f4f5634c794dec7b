"""Makes the example class `digits-class`: one perfect hand-in, and one for each way in which a hand-in goes wrong.

    python examples/make_digits_class.py            # renews examples/digits-class

Every hand-in is made from the reference solution (its model.py, its weights) and the right answers, with the one
slip that its name says. The result is part of the repository; a test makes it again and compares.
"""

from __future__ import annotations

import copy
import json
import shutil
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
REFERENCE = HERE.parent / "reference_solutions" / "digits"

ANSWERS = {
    "layers": [
        {"layer": "conv1", "output": "(8, 8, 24, 24)", "parameters": "(1*5*5+1)*8 = 208"},
        {"layer": "pool1", "output": "(8, 8, 12, 12)", "parameters": 0},
        {"layer": "conv2", "output": "(8, 16, 10, 10)", "parameters": "(8*3*3+1)*16 = 1168"},
        {"layer": "pool2", "output": "(8, 16, 5, 5)", "parameters": 0},
        {"layer": "fc1", "output": "(8, 32)", "parameters": "(400+1)*32 = 12832"},
        {"layer": "fc2", "output": "(8, 10)", "parameters": "(32+1)*10 = 330"},
    ],
    "total_parameters": "14,538",
    "same_padding": 3,
    "strided_size": "14x14",
    "translation": "c",
    "by_hand": [[-5, -1, 1, 3], [-5, -3, -1, 6], [-3, 1, -1, 3]],
    "test_accuracy": None,  # the reference's own, filled in by `build`
}


class Payload:
    """Unpickling this would call a function. Harmless: it prints."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return print, ("code from a checkpoint was run",)


def build(target: Path) -> None:
    """Write every hand-in below `target`."""
    import torch

    model = (REFERENCE / "model.py").read_text()
    weights = torch.load(REFERENCE / "weights" / "reference.pth", weights_only=True)
    results = json.loads((REFERENCE / "weights" / "reference.results.json").read_text())
    reference_accuracy = f"{100 * results['correct'] / results['n']:.2f}%"

    def hand_in(name: str, *, code: str = model, state: object = weights, **changed: object) -> Path:
        folder = target / name
        folder.mkdir(parents=True)
        answers = copy.deepcopy(ANSWERS) | {"test_accuracy": reference_accuracy} | changed
        student = {"id": name[:2], "name": name[3:].replace("-", " ")}
        _write_json(folder / "submission.json", {"assignment": "digits", "students": [student]})
        _write_json(folder / "answers.json", {"assignment": "digits", "answers": answers})
        (folder / "model.py").write_text(code)
        if state is not None:
            torch.save(state, folder / "model.pth")
        return folder

    hand_in("01-perfect")

    rows = copy.deepcopy(ANSWERS["layers"])
    rows[0] |= {"output": "(8, 6, 24, 24)", "parameters": "(1*5*5+1)*6 = 156"}
    rows[1] |= {"output": "(8, 6, 12, 12)"}
    rows[2] |= {"parameters": "(6*3*3+1)*16 = 880"}
    hand_in("02-channel-slip", layers=rows)

    hand_in("03-inflated-accuracy", state=_barely_trained(), test_accuracy="98.61%")
    hand_in("04-impossible-accuracy", test_accuracy="97.00%")
    hand_in("05-no-checkpoint", state=None)

    folder = hand_in("06-malformed-answers")
    text = (folder / "answers.json").read_text()
    (folder / "answers.json").write_text(text.replace('"translation": "c",', '"translation": "c"'))

    hand_in("07-code-in-checkpoint", state={"features.0.weight": Payload()})

    wide = copy.deepcopy(weights)
    wide["features.0.weight"] = torch.zeros(12, 1, 5, 5)
    wide["features.0.bias"] = torch.zeros(12)
    hand_in("08-misshaped-checkpoint", state=wide)

    hand_in("09-model-does-not-build", code=model.replace("nn.Linear(400, 32)", "nn.Linear(FLAT, 32)"))

    folder = hand_in("10-convolution-flipped", by_hand=[[5, 1, -1, -3], [5, 3, 1, -6], [3, -1, 1, -3]])
    _zip(folder)

    with zipfile.ZipFile(target / "11-odd-archive.zip", "w") as archive:
        for name in ("submission.json", "../answers.json"):
            archive.writestr(zipfile.ZipInfo(name), "{}")


def _barely_trained() -> object:
    """Weights after one epoch: a real network, far from what is claimed."""
    import dataclasses

    import torch

    from grader.datasets import load
    from grader.training import load_reference, train

    torch.set_num_threads(1)
    reference = load_reference(REFERENCE)
    recipe = dataclasses.replace(reference.recipe("reference"), epochs=1)
    return train(reference.build_model, recipe, load("digits", "train"), load("digits", "test"), seed=1).state_dict


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def _zip(folder: Path) -> None:
    """The folder as a zip with fixed times, so that the same content gives the same bytes."""
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(f"{folder.name}/{file.name}"), file.read_bytes(), zipfile.ZIP_DEFLATED)
    shutil.rmtree(folder)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "digits-class"
    shutil.rmtree(folder, ignore_errors=True)
    build(folder)
    print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
