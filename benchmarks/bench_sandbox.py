"""What does the wall around student code cost? Run: python benchmarks/bench_sandbox.py [--quick]

W1  one submission (the digits reference: its code, its checkpoint, 256 images) by a cold bubblewrap, to the warmed
    process
W2  10,000 MNIST images through the sandbox, to the same forward pass in a plain process with the same settings of the
    allocator; and beside it, without a bar, to one as people write it, and a small network

All in turns in this run. Without GRADER_DATA the embedded digits are repeated to 10,000, and that is said. Seconds on
the clock, those of CPU beside: on a busy machine the latter tell more.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, tell, versions_of

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread on both sides
HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

from grader import sandbox  # noqa: E402
from grader.datasets import load  # noqa: E402
from grader.errors import GraderError  # noqa: E402
from grader.sandbox import layout  # noqa: E402
from grader.sandbox.predictions import BATCH_SIZE, Predictions, predict  # noqa: E402

if TYPE_CHECKING:
    import numpy as np

RUNS = 1 if "--quick" in sys.argv else int(os.environ.get("RUNS", "5"))
STARTS_BAR, STARTS_S_BAR, PREDICT_BAR = 10.0, 0.3, 1.15
IMAGES, SUBMISSION_IMAGES = 10_000, 256
REFERENCES = HERE / "reference_solutions"
LIMITS = sandbox.Limits(wall_s=600, cpu_s=600)
WIDE = '''"""A network as courses ask for: three convolutions and a wide layer."""
from torch import nn

def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128 * 9, 1024), nn.ReLU(), nn.Linear(1024, 10),
    )
'''


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def in_turns(*ways: Callable[[], object]) -> list[float]:
    """The median seconds of each way, all of them once before and then RUNS times one after another."""
    for way in ways:
        way()
    times = [[seconds(way) for way in ways] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def answered(ended: object) -> object:
    if not isinstance(ended, sandbox.Answered | Predictions):
        sys.exit(f"no answer: {ended}")
    return ended


def starts(folder: Path) -> list[Figure]:
    """One submission through a warmed process, and cold."""
    images = load("digits", "test").images[:SUBMISSION_IMAGES]
    (folder / "inputs").write_bytes(images.tobytes())
    files = {"model.py": REFERENCES / "digits" / "model.py", "model.pth": REFERENCES / "digits/weights/reference.pth"}
    request = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "shape": list(images.shape)}
    request |= {"classes": 10, "mean": None, "std": None, "threads": 1, "batches": [128, 128], "is_again": False}

    def job(*, is_warm: bool) -> Callable[[], object]:
        return lambda: answered(
            sandbox.run(
                "predict",
                files=files,
                request=request,
                inputs=folder / "inputs",
                answer_bytes=len(images) * 40,
                limits=LIMITS,
                is_warm=is_warm,
            )
        )

    whole = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth"}
    warm, cold, both = in_turns(
        job(is_warm=True),
        job(is_warm=False),
        lambda: answered(predict(files, whole, images, classes=10, limits=LIMITS)),
    )
    parts = {"cold, s": cold, "warmed, s": warm, f"with the box that asks {min(64, len(images))} images again, s": both}
    asked = f"one job (code, checkpoint, {len(images)} images) by a cold bubblewrap, to a warmed process"
    return [
        Figure("W1", asked, cold / warm, STARTS_BAR, is_at_most=False, parts=parts, n=RUNS),
        Figure("W1", "the same job by a warmed process", warm, STARTS_S_BAR, unit="s", n=RUNS),
    ]


def mnist() -> tuple[np.ndarray, str]:
    """10,000 images (10000, 1, 28, 28) uint8, and what they are."""
    import numpy as np

    try:
        return load("mnist", "test").images, "MNIST's test images"
    except GraderError:
        images = load("digits", "train").images
        tiled = np.concatenate([images] * (IMAGES // len(images) + 1))[:IMAGES]
        return tiled, "the embedded digits, repeated (no MNIST under GRADER_DATA)"


class Plain:
    """The forward pass in a process of its own, which waits for a line before each."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        command = [sys.executable, __file__, "--plain", str(folder), name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )

    def __call__(self) -> float:
        """One pass; its seconds of CPU."""
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def plain(folder: Path, name: str) -> None:
    """What `Plain` runs: the scores are left in a file, to be compared."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    scope: dict[str, object] = {}
    exec((folder / f"{name}.py").read_text(), scope)  # noqa: S102  our own reference
    model = scope["build_model"]().eval()
    model.load_state_dict(torch.load(folder / f"{name}.pth", weights_only=True))
    images = np.load(folder / "images.npy")
    for _ in sys.stdin:
        began = time.process_time()
        with torch.inference_mode():
            parts = [model(part.float().div_(255)) for part in torch.from_numpy(images).split(BATCH_SIZE)]
        scores = torch.cat(parts).numpy()
        print(time.process_time() - began, flush=True)
        np.save(folder / "scores.npy", scores)


def predictions(folder: Path, name: str, about: str, images: np.ndarray, bar: float | None) -> Figure:
    """The same forward pass through the sandbox and in plain processes; the ratio of the clock to the equal one."""
    import numpy as np

    files = {"model.py": folder / f"{name}.py", "model.pth": folder / f"{name}.pth"}
    request = {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth"}
    cpu: dict[str, list[float]] = {"box": [], "equal": [], "default": []}
    allocator = {key: value for key, value in layout.environment().items() if key.startswith("MALLOC_")}
    equal, default = Plain(folder, name, allocator), Plain(folder, name, {})

    def boxed() -> None:
        ended = answered(predict(files, request, images, classes=10, limits=LIMITS))
        cpu["box"].append(ended.cpu_seconds)
        np.save(folder / "boxed.npy", ended.logits)

    inside, outside, written = in_turns(
        boxed, lambda: cpu["equal"].append(equal()), lambda: cpu["default"].append(default())
    )
    equal.close()
    default.close()
    if not np.allclose(np.load(folder / "boxed.npy"), np.load(folder / "scores.npy"), atol=1e-3):
        sys.exit("the two passes give different scores")
    used = {way: statistics.median(times[1:]) for way, times in cpu.items()}
    parts = {"sandbox, s": inside, "plain, s": outside, "as written, s": written, "to it as written": inside / written}
    parts |= {
        f"{way} by CPU, s": used[of] for way, of in (("sandbox", "box"), ("plain", "equal"), ("as written", "default"))
    }
    return Figure(
        "W2", f"{len(images):,} images through the sandbox, {about}", inside / outside, bar, parts=parts, n=RUNS
    )


def main() -> None:
    if sys.argv[1:2] == ["--plain"]:
        plain(Path(sys.argv[2]), sys.argv[3])
        return
    level = sandbox.level()
    if not level.has_namespaces:
        sys.exit(f"no sandbox to measure: {level.reason}")
    import numpy as np
    import torch

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        figures = starts(folder)
        images, what = mnist()
        np.save(folder / "images.npy", images)
        (folder / "wide.py").write_text(WIDE)
        scope: dict[str, object] = {}
        exec(WIDE, scope)  # noqa: S102  the text above
        torch.manual_seed(0)
        torch.save(scope["build_model"]().state_dict(), folder / "wide.pth")
        figures.append(predictions(folder, "wide", f"1.3 million parameters, {what}", images, PREDICT_BAR))
        shutil.copy(REFERENCES / "mnist-optimizers" / "model.py", folder / "small.py")
        shutil.copy(REFERENCES / "mnist-optimizers" / "weights" / "adam.pth", folder / "small.pth")
        figures.append(predictions(folder, "small", f"31,898 parameters, {what}", images, None))
    tell(figures, versions={**versions_of("torch", "numpy"), "sandbox": str(level)})


if __name__ == "__main__":
    main()
