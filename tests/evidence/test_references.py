"""A reference is trained as a job: the same result as in this process, found again, and ended with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader import sandbox
from grader.evidence import references
from grader.evidence.kinds import Bench, cache_key, do, lent_splits
from grader.evidence.local import LocalRunner, stage
from grader.evidence.plan import Plan
from grader.evidence.references import keep_band, prepared
from grader.limits import Limits
from grader.model import EvidenceStatus
from grader.training.child import lend, lent, weights_digest
from grader.training.reference import load_recipes

pytestmark = pytest.mark.torch

MODEL = "from torch import nn\n\n\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
RECIPES = """\
from grader.training.recipe import Recipe

plain = dict(data_set="digits", optimizer="sgd", learning_rate=0.1, batch_size=64)
RECIPES = {"quick": Recipe(epochs=2, **plain), "long": Recipe(epochs=100_000, **plain)}
DEMANDS = {"quick": 0.5}
"""


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADER_DEVICE", "cpu")
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def recipes(tmp_path):
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "recipes.py").write_text(RECIPES)
    return load_recipes(folder)


@pytest.fixture
def bench():
    return Bench(Limits(), sandbox.level("none"))


def _done(ready, job, bench, tmp_path):
    folder = tmp_path / "staged"
    folder.mkdir()
    stage(job, ready.folder, folder)
    return do(job, folder, bench)


def test_a_training_in_a_process_of_its_own_is_the_one_in_this_process(recipes, bench, tmp_path):
    import torch

    from grader.datasets import load
    from grader.training import train

    torch.set_num_threads(1)
    sets = load("digits", "train"), load("digits", "test")
    here = train(recipes.network("quick"), recipes.recipe("quick"), *sets, seed=3)
    with prepared(recipes) as ready:
        there = _done(ready, ready.job("quick", seed=3), bench, tmp_path)
    assert there.status is EvidenceStatus.DONE
    result = there.result
    assert (result["correct"], result["n"]) == (here.test_accuracy.correct, 360)
    assert result["weights"] == weights_digest(here.state_dict)
    assert result["log"] == [dict(record) for record in here.log]
    assert (result["seed"], result["device"], result["threads"]) == (3, "cpu", 1)
    assert result["parameters"] == 7850
    assert result["data"] == {"train": sets[0].digest, "test": sets[1].digest, "edition": ""}


def test_a_set_that_was_lent_needs_no_data_root(recipes):
    """As on a node of a cluster: what travels is the set, not its folder. Its labels are turned, so that it shows."""
    from dataclasses import replace

    from grader.datasets import load

    sets = {split: load("digits", split) for split in ("train", "test")}
    turned = {("digits", split): replace(of, labels=(of.labels + 1) % 10) for split, of in sets.items()}
    with prepared(recipes) as ready:
        job = ready.job("quick", seed=0)
        assert lent_splits(job) == [("digits", "train"), ("digits", "test")]
        folder = ready.folder
        own = do(job, folder, Bench(Limits(), sandbox.level("none")))
        there = do(job, folder, Bench(Limits(), sandbox.level("none"), lent=turned))
    assert there.is_done
    assert there.result["weights"] != own.result["weights"]


@pytest.mark.parametrize("has_targets", [False, True])
def test_what_is_lent_is_what_is_read(tmp_path, has_targets):
    from dataclasses import replace

    import numpy as np

    from grader.datasets import load

    lent_set = replace(load("digits", "test"), edition="lossy")
    if has_targets:
        lent_set = replace(lent_set, targets=255 - lent_set.images)
    lend(lent_set, tmp_path / "set")
    read = lent(tmp_path / "set")
    for name in ("name", "split", "classes", "digest", "edition"):
        assert getattr(read, name) == getattr(lent_set, name)
    for name in ("images", "labels", "targets"):
        assert np.array_equal(getattr(read, name), getattr(lent_set, name))


def test_a_training_that_was_done_is_not_done_again(recipes, bench, tmp_path):
    from grader.evidence.cache import Cache

    cache = Cache(tmp_path / "results")
    with prepared(recipes) as ready:
        jobs = [ready.job("quick", seed=seed) for seed in (0, 1)]
        first = LocalRunner(bench, workers=1, cache=cache)(Plan.of((job, ready.folder) for job in jobs))
    with prepared(recipes) as ready:
        runner = LocalRunner(bench, workers=1, cache=cache)
        again = runner(Plan.of((job, ready.folder) for job in jobs))
    assert (runner.from_cache, runner.computed) == (2, 0)
    assert [again[job].result for job in jobs] == [first[job].result for job in jobs]


def test_a_key_holds_what_the_weights_depend_on_and_nothing_else(recipes, bench):
    with prepared(recipes) as ready:
        key = cache_key(ready.job("quick", seed=0), bench)
        assert cache_key(ready.job("quick", seed=0), bench) == key
        others = [
            ready.job("quick", seed=1),
            ready.job("long", seed=0),
            ready.job("quick", seed=0, threads=2),
            ready.job("quick", seed=0, device="cuda"),
        ]
        assert len({key, *(cache_key(job, bench) for job in others)}) == 5
        assert cache_key(ready.job("quick", seed=0), Bench(Limits(wall_s=7), sandbox.Level("other", ""))) == key
    (recipes.folder / "recipes.py").write_text(RECIPES.replace("epochs=100_000", "epochs=7"))
    with prepared(load_recipes(recipes.folder)) as ready:
        assert cache_key(ready.job("quick", seed=0), bench) == key
    (recipes.folder / "model.py").write_text(MODEL + "# changed\n")
    with prepared(recipes) as ready:
        assert cache_key(ready.job("quick", seed=0), bench) != key


def test_a_loss_that_is_no_number_is_told_as_such(recipes, bench, tmp_path):
    (recipes.folder / "model.py").write_text(
        MODEL.replace("return ", "made = ") + "    nn.init.constant_(made[1].bias, float('nan'))\n    return made\n"
    )
    with prepared(recipes) as ready:
        made = _done(ready, ready.job("quick", seed=0), bench, tmp_path)
    assert made.status is EvidenceStatus.SYSTEM_FAULT
    assert made.problem.code == "training-diverged"
    assert "lower the learning rate" in made.problem.fix


def test_a_network_that_breaks_says_so_with_its_last_words(recipes, bench, tmp_path):
    (recipes.folder / "model.py").write_text("def build_model():\n    raise RuntimeError('no such layer')\n")
    with prepared(recipes) as ready:
        made = _done(ready, ready.job("quick", seed=0), bench, tmp_path)
    assert made.status is EvidenceStatus.SYSTEM_FAULT
    assert made.problem.what == "the training ended with status 1: RuntimeError: no such layer"


def test_a_missing_data_set_is_told_with_its_remedy(recipes, bench, tmp_path, monkeypatch):
    monkeypatch.delenv("GRADER_DATA", raising=False)
    recipes_file = recipes.folder / "recipes.py"
    recipes_file.write_text(RECIPES.replace('"digits"', '"mnist"'))
    with prepared(load_recipes(recipes.folder)) as ready:
        made = _done(ready, ready.job("quick", seed=0), bench, tmp_path)
    assert made.problem.code == "data-set-missing"


def _children(of: int) -> list[int]:
    ran = subprocess.run(["ps", "-o", "pid=", "--ppid", str(of)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in ran.stdout.split()]


def _is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
def test_a_training_ends_with_the_process_that_ordered_it(recipes):
    code = (
        "import sys; from pathlib import Path; from grader import sandbox\n"
        "from grader.evidence.kinds import Bench, do; from grader.evidence.references import prepared\n"
        "from grader.limits import Limits; from grader.training.reference import load_recipes\n"
        "with prepared(load_recipes(Path(sys.argv[1]))) as ready:\n"
        "    do(ready.job('long', seed=0), ready.folder, Bench(Limits(), sandbox.level('none')))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(recipes.folder)], env=dict(os.environ))
    children: list[int] = []
    deadline = time.monotonic() + 60
    while not children and time.monotonic() < deadline:
        time.sleep(0.1)
        children = _children(parent.pid)
    assert children
    time.sleep(1)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(map(_is_there, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_is_there, children))


def test_a_training_that_is_called_off_ends(recipes, bench):
    import threading

    with prepared(recipes) as ready:
        ended: list = []
        thread = threading.Thread(
            target=lambda: ended.append(references.trained(ready.job("long", seed=0), ready.folder, bench))
        )
        thread.start()
        try:
            time.sleep(0.5)
            sandbox.call_off()
            thread.join(60)
        finally:
            sandbox.call_on()
    assert ended
    assert ended[0].status is EvidenceStatus.SYSTEM_FAULT


def test_a_band_is_written_whole_with_one_run_a_line(tmp_path):
    runs = [{"seed": seed, "correct": 300 + seed, "seconds": 1.5} for seed in range(2)]
    document = {"recipe_name": "quick", "bands": [{"device": "cpu", "runs": runs}]}
    path = tmp_path / "bands" / "quick.json"
    keep_band(path, document)
    assert json.loads(path.read_text()) == document
    assert '{"seed": 1, "correct": 301, "seconds": 1.5}\n' in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["quick.json"]


def test_weights_of_a_file_are_part_of_the_job(recipes, tmp_path):
    """ResNet18's way: the file travels with the job, and its bytes are in the key."""
    import torch

    (recipes.folder / "model.py").write_text(
        "import torch\nfrom torch import nn\n\n\n"
        "def find_weights():\n    raise AssertionError\n\n\n"
        "def build_model(weights_file):\n    made = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
        "    made.load_state_dict(torch.load(weights_file, weights_only=True))\n    return made\n"
    )
    results, keys = [], set()
    for value in (0.0, 0.5):
        file = tmp_path / f"start-{value}.pth"
        torch.save({"1.weight": torch.full((10, 784), value), "1.bias": torch.zeros(10)}, file)
        assert recipes.pretrained("quick", file) == file
        with prepared(recipes, file) as ready:
            job = ready.job("quick", seed=0)
            bench = Bench(Limits(), sandbox.level("none"))
            keys.add(cache_key(job, bench))
            results.append(do(job, ready.folder, bench).result["weights"])
    assert len(keys) == len(set(results)) == 2
