"""The course, and twenty students who attack nothing: right, wrong, odd, and each with another network."""

from __future__ import annotations

import io
import json
import shutil
import textwrap
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from grader.datasets import load

COURSE = """
name = "Attacked"

[sandbox]
memory_mb = 1024
wall_s = {wall_s}
cpu_s = 6
processes = 48
tmpfs_mb = 4
output_kb = 64
"""
RUBRIC = """
assignment: attacked
title: A network under attack
networks:
  tiny:
    input: [1, 1, 28, 28]
    layers:
      - {kind: flatten}
      - {name: fc, kind: linear, out_features: 10}
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
tasks:
  - id: "1"
    title: Answers
    points: 5
    rules:
      - {id: total, check: number, answer: total, expected: 7850, points: 1}
      - {id: pick, check: choice, answer: pick, options: {a: one, b: two}, correct: b, points: 1}
      - {id: formula, check: shape-formula, answer: formula, expected: "ceil(T/2)", points: 1}
      - {id: why, check: text, answer: why, min_words: 2, words_required: [stride], points: 1}
      - id: by-hand
        check: hand-convolution
        answer: by_hand
        image: [[1, 2], [3, 4]]
        kernel: [[1]]
        padding: zero
        convention: cross-correlation
        points: 1
  - id: "2"
    title: Network
    points: {network_points}
    rules:
      - id: files
        check: artifacts
        required:
          - {path: model.py, kind: code}
          - {path: model.pth, kind: checkpoint, max_bytes: 5000000}
        optional:
          - {path: figure.png, kind: image}
          - {path: work.ipynb, kind: notebook}
          - {path: report.md, kind: report}
        points: 1
      - id: accuracy
        check: accuracy
        data: digits
        split: test
        at_least: 0.85
        from: 0.5
        borderline: strict
        points: 4
"""
STRUCTURE = "      - {id: structure, check: architecture, network: tiny, checkpoint_fits: true, points: 1}\n"
ANSWERS = {
    "total": 7850,
    "pick": "b",
    "formula": "(T + 1)//2",
    "why": "the stride halves it",
    "by_hand": [[1, 2], [3, 4]],
}

_HEAD = "import torch\nfrom torch import nn\n"
LINEAR = "return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))"


def write_course(folder: Path, *, wall_s: int, is_full: bool) -> None:
    """A course with one rubric; `is_full` has the network described too, so that its code runs in two jobs."""
    (folder / "rubrics").mkdir(parents=True)
    rubric = RUBRIC.replace("{network_points}", "6" if is_full else "5")
    (folder / "grader.toml").write_text(COURSE.format(wall_s=wall_s))
    (folder / "rubrics" / "attacked.yaml").write_text(rubric + (STRUCTURE if is_full else ""))


def write(folder: Path, code: str, weights: dict[str, np.ndarray] | bytes | None, answers: object = None) -> None:
    """One hand-in. Weights are named tensors, or the bytes of a file."""
    folder.mkdir(parents=True)
    (folder / "submission.json").write_text(
        json.dumps({"assignment": "attacked", "students": [{"id": "s", "name": "S"}]})
    )
    text = answers if isinstance(answers, str) else json.dumps({"answers": ANSWERS if answers is None else answers})
    (folder / "answers.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    (folder / "model.py").write_text(code)
    if weights is not None:
        (folder / "model.pth").write_bytes(weights if isinstance(weights, bytes) else save(weights))


def linear(seed: int) -> dict[str, np.ndarray]:
    """Weights of a linear network that knows nothing."""
    dice = np.random.default_rng(seed)
    return {"1.weight": dice.normal(0, 0.03, (10, 784)).astype("f4"), "1.bias": np.zeros(10, "f4")}


def trained() -> dict[str, np.ndarray]:
    """Weights of a linear network that reads about nine digits in ten: least squares on the training images."""
    data = load("digits", "train")
    x = np.concatenate([data.images.reshape(len(data), -1) / 255, np.ones((len(data), 1))], axis=1)
    goal = np.eye(10)[np.asarray(data.labels)] - 0.1
    found = np.linalg.solve(x.T @ x + 10 * np.eye(785), x.T @ goal).T.astype("f4")
    return {"1.weight": np.ascontiguousarray(found[:, :784]), "1.bias": np.ascontiguousarray(found[:, 784])}


def write_class(folder: Path) -> list[str]:
    """Twenty honest hand-ins; their names."""
    good = trained()
    plain = f"{_HEAD}def build_model():\n    {LINEAR}\n"

    def noisy(seed: int, size: float) -> dict[str, np.ndarray]:
        dice = np.random.default_rng(seed)
        return {name: (value + dice.normal(0, size, value.shape)).astype("f4") for name, value in good.items()}

    def hand_in(name: str, code: str = plain, weights: object = good, **answers: object) -> None:
        write(folder / name, code, weights, {**ANSWERS, **answers})

    hand_in("perfect")
    hand_in("same-network-other-answers", total=7849, pick="a")
    for seed in range(4):
        hand_in(f"nearly-{seed}", weights=noisy(seed, 0.01 * (seed + 1)))
    for seed in range(3):
        hand_in(f"untrained-{seed}", weights=linear(seed), by_hand=[[1, 2], [3, seed]])
    hand_in("no-checkpoint", weights=None)
    hand_in("other-keys", weights={"fc.weight": good["1.weight"], "fc.bias": good["1.bias"]})
    hand_in("does-not-build", code=plain.replace("784", "WIDTH"))
    hand_in("helper-file", code=f"from parts import net\n{_HEAD}def build_model():\n    return net()\n")
    (folder / "helper-file" / "parts.py").write_text(f"{_HEAD}def net():\n    {LINEAR}\n")
    hand_in("reads-its-own-file", code=f"import json\nfrom pathlib import Path\n{_HEAD}"
            "SIZE = json.loads((Path(__file__).parent / 'size.json').read_text())\n"
            "def build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(SIZE, 10))\n")  # fmt: skip
    (folder / "reads-its-own-file" / "size.json").write_text("784")
    hand_in("prints-a-lot", code=f"{plain}\nfor number in range(2000):\n    print('epoch', number)\n")
    hand_in("own-preprocess", code=f"{plain}\ndef preprocess(images):\n    return 1 - images\n")
    hand_in("a-class", code=textwrap.dedent(f"""
        {_HEAD.splitlines()[0]}
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))
            def forward(self, x):
                return self.body(x).log_softmax(1)
        def build_model():
            return Net()
        """), weights={"body.2.weight": good["1.weight"], "body.2.bias": good["1.bias"]})  # fmt: skip
    body = "nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 10)"
    build = f"{_HEAD}def build_model():\n    return nn.Sequential({body})\n"
    hand_in("convolution", code=build, weights=_convolution())
    hand_in("malformed-answers")
    (folder / "malformed-answers" / "answers.json").write_text('{"answers": {"total": 7850,}}')
    hand_in("as-a-zip")
    _zip(folder / "as-a-zip")
    return sorted(path.name for path in folder.iterdir())


def _convolution() -> dict[str, np.ndarray]:
    dice = np.random.default_rng(1)
    shapes = {"0.weight": (2, 1, 3, 3), "0.bias": (2,), "1.weight": (2,), "1.bias": (2,), "1.running_mean": (2,),
              "5.weight": (10, 8), "5.bias": (10,)}  # fmt: skip
    made = {name: dice.normal(0, 1, shape).astype("f4") for name, shape in shapes.items()}
    return made | {"1.running_var": np.ones(2, "f4"), "1.num_batches_tracked": np.array(3, "i8")}


def _zip(folder: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
    shutil.rmtree(folder)
    folder.with_suffix(".zip").write_bytes(made.getvalue())
