"""What does a hand-in cost beside the peers? Run: python benchmarks/bench_peers.py [--quick] [--only P1]

P1  a theory-only hand-in inside `grader run-all`, against nbgrader autograde, Otter (Python API and `otter run`) and
    gradescope-utils, on an equivalent assignment of five questions
P2  a hand-in with a checkpoint: our overhead over the bare forward pass, and against nbgrader with torch imported

All in this run, in turns, each by its own public command; peers/ has the assignment and one adapter a grader. The marks
of every grading are compared with those known beforehand: a grader that gives another one is not measured.

"whole" is the wall time of grading a class divided by its hand-ins, the start of the program included; "inside" is what
each further hand-in adds, from two classes of different sizes. A grader that starts a process for each hand-in has no
inside; one that takes them one at a time grades another part of the class in each round. "start" is what is left.
`run-all` uses both cores, nbgrader and Otter one by design: P2 has a line for one worker of ours.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from peers import with_gradescope, with_nbgrader, with_otter, with_ours
from peers.assignment import Assignment, HandIn, Marks, checkpoint_class, theory, theory_class, with_checkpoint
from peers.environment import Environment, PeerError

P1_BAR_S, P1_BAR, P2_BAR_S, P2_BAR = 0.02, 50, 0.3, 10
# How `grade` of each adapter is called here: hand-ins and an empty folder give wall seconds and marks.
Grade = Callable[[list[HandIn], Path], tuple[float, Marks]]


@dataclass
class Grader:
    """`sizes`: the class, and a second one that tells what each further hand-in adds; one size where none tells."""

    name: str
    grade: Grade
    sizes: tuple[int, ...]
    is_one_at_a_time: bool = False
    whole: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    failure: str = ""


def measure(grader: Grader, hand_ins: list[HandIn], turn: int, rounds: int, place: Path) -> None:
    """One more value of `whole`, and of `inside` where it has one; or the failure, after which it has no more turns."""
    seconds = []
    try:
        for size in grader.sizes:
            chosen = hand_ins[:size][turn::rounds] if grader.is_one_at_a_time else hand_ins[:size]
            spent, marks = grader.grade(chosen, place / f"{grader.name} {turn} {size}".replace(" ", "-"))
            compare(marks, chosen)
            seconds.append(spent)
            if size == grader.sizes[0]:
                grader.whole.append(spent / len(chosen))
    except (PeerError, OSError, ValueError, KeyError) as error:
        grader.failure = f"{type(error).__name__}: {error}"
        return
    if len(seconds) == 2:
        grader.inside.append((seconds[1] - seconds[0]) / (grader.sizes[1] - grader.sizes[0]))


def compare(marks: Marks, hand_ins: list[HandIn]) -> None:
    for hand_in in hand_ins:
        given = marks.get(hand_in.name)
        if given != hand_in.marks:
            raise PeerError(f"{hand_in.name} got the marks {given}, right is {hand_in.marks}")


def in_turns(graders: list[Grader], hand_ins: list[HandIn], rounds: int, place: Path) -> None:
    for turn in range(rounds):
        for grader in graders:
            if not grader.failure:
                measure(grader, hand_ins, turn, rounds, place)
        print(f"    round {turn + 1} of {rounds} done, load {os.getloadavg()[0]:.1f}", file=sys.stderr)


def bare_forward(hand_in: HandIn, assignment: Assignment) -> float:
    """Seconds of what nobody can do without: the network on all images, in memory, one thread as in a job of ours."""
    import runpy

    import numpy as np
    import torch

    code, checkpoint = hand_in.files
    network = runpy.run_path(str(code))["build_model"]()
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    network.eval()
    images = torch.from_numpy(np.load(assignment.files[0])["images"])
    torch.set_num_threads(1)
    times = []
    with torch.inference_mode():
        for _ in range(30):
            began = time.perf_counter()
            network(images)
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def show(graders: list[Grader], ours: Grader) -> None:
    for grader in graders:
        if grader.failure:
            print(f"    {grader.name:30} not measured: {grader.failure}")
            continue
        for kind, values in (("whole", grader.whole), ("inside", grader.inside)):
            if values:
                count = " and ".join(map(str, sorted(grader.sizes) if kind == "inside" else grader.sizes[:1]))
                spread = f"({min(values):.3f} to {max(values):.3f})"
                ratio = ratio_to(grader, ours, kind)
                print(
                    f"    {grader.name:30} {kind:6} {middle(values):7.3f} s {spread:20} n = {count:10} {ratio}".rstrip()
                )
        if grader.inside:
            start = (middle(grader.whole) - middle(grader.inside)) * grader.sizes[0]
            print(f"    {'':30} start  {start:7.3f} s once a class")


def ratio_to(grader: Grader, ours: Grader, kind: str) -> str:
    if grader.name.startswith("grader "):
        return ""
    if kind == "inside":
        return f"{middle(grader.inside) / middle(ours.inside):.1f}x ours inside"
    said = f"{middle(grader.whole) / middle(ours.whole):.1f}x ours whole"
    return said if grader.inside else f"{said}, {middle(grader.whole) / middle(ours.inside):.1f}x inside"


def middle(values: list[float]) -> float:
    return statistics.median(values)


def verdict(is_met: bool) -> str:
    return "met" if is_met else "not met"


def must_work(ours: Grader) -> None:
    if ours.failure:
        raise SystemExit(f"{ours.name}: {ours.failure}")


def measure_theory(environment: Environment, *, n: int, n_otter: int, more: int, rounds: int, place: Path) -> None:
    assignment = theory()
    ours = Grader("grader run-all", partial(with_ours.grade, assignment), (n, n + more))
    nbgrader = Grader("nbgrader autograde", partial(with_nbgrader.grade, environment, assignment), (n, 2))
    one_at_a_time = [
        Grader(name, partial(grade, environment, assignment), (size,), is_one_at_a_time=True)
        for name, grade, size in (
            ("Otter, Python API", with_otter.grade_by_api, n_otter),
            ("Otter, otter run", with_otter.grade_by_command, n_otter),
            ("gradescope-utils, process each", with_gradescope.grade, n),
        )
    ]
    graders = [ours, nbgrader, *one_at_a_time]
    in_turns(graders, theory_class(assignment, n + more), rounds, place)
    must_work(ours)
    print(f"P1  theory only: seconds a hand-in, medians of rounds in turns: {rounds} (lowest to highest)")
    show(graders, ours)
    inside = middle(ours.inside)
    print(f"    inside `run-all` {inside:.4f} s (bar {P1_BAR_S} s: {verdict(inside <= P1_BAR_S)})")
    if not nbgrader.failure:
        ratio, further = middle(nbgrader.whole) / inside, middle(nbgrader.inside) / inside
        whole = middle(nbgrader.whole) / middle(ours.whole)
        print(f"    ratio {further:.0f}, nbgrader's inside to ours (bar {P1_BAR}: {verdict(further >= P1_BAR)})")
        print(f"    nbgrader's whole to our inside {ratio:.0f}; whole to whole {whole:.0f}, with both starts")


def measure_checkpoint(environment: Environment, *, n: int, rounds: int, place: Path) -> None:
    assignment = with_checkpoint(place / "images")
    hand_ins = checkpoint_class(assignment, 3 * n, place / "networks")
    ours = Grader("grader run-all", partial(with_ours.grade, assignment), (n, 3 * n))
    alone = Grader("grader run-all --jobs 1", partial(with_ours.grade, assignment, jobs=1), (n, 3 * n))
    nbgrader = Grader("nbgrader autograde, torch", partial(with_nbgrader.grade, environment, assignment), (n, 2))
    unittests = Grader(
        "gradescope-utils, torch",
        partial(with_gradescope.grade, environment, assignment),
        (n,),
        is_one_at_a_time=True,
    )
    try:
        environment.require("torch", "numpy")
    except PeerError as error:
        nbgrader.failure = unittests.failure = str(error)
    graders = [ours, alone, nbgrader, unittests]
    in_turns(graders, hand_ins, rounds, place)
    for grader in (ours, alone):
        must_work(grader)
    bare = bare_forward(hand_ins[0], assignment)
    print(
        f"P2  with a checkpoint of its own: seconds a hand-in, medians of rounds in turns: {rounds} (lowest to highest)"
    )
    show(graders, ours)
    print(f"    bare forward pass of the 360 images {bare:.4f} s (fp32, one batch, one thread, median of 30)")
    for grader in (ours, alone):
        over = middle(grader.inside) - bare
        print(f"    overhead over it, {grader.name}: {over:.3f} s (bar {P2_BAR_S} s: {verdict(over <= P2_BAR_S)})")
    if not nbgrader.failure:
        for grader in (ours, alone):
            further, whole = (
                middle(nbgrader.inside) / middle(grader.inside),
                middle(nbgrader.whole) / middle(grader.whole),
            )
            print(f"    ratio {further:.1f}, nbgrader's inside to that of {grader.name}", end="")
            print(f" (bar {P2_BAR}: {verdict(further >= P2_BAR)}); whole to whole {whole:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What does a hand-in cost beside the peers?")
    parser.add_argument("--quick", action="store_true", help="6 hand-ins (2 for Otter), one round")
    parser.add_argument("--only", choices=("P1", "P2"), help="one of the two")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        place = Path(scratch)
        environment = Environment(place / "jupyter")
        environment.prepare()
        of_ours = ", ".join(f"{name} {version(name)}" for name in ("torch", "click", "rich", "jsonschema"))
        of_peers = ", ".join(f"{name} {of}" for name, of in environment.versions.items()) or "none"
        threads = os.environ.get("OMP_NUM_THREADS", "not set")
        print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, OMP_NUM_THREADS {threads}")
        print(f"Python {platform.python_version()}, {of_ours} | peers, in {environment.folder}: {of_peers}")
        n, n_otter, more, rounds = (6, 2, 60, 1) if options.quick else (20, 20, 200, 3)
        if options.only != "P2":
            measure_theory(environment, n=n, n_otter=n_otter, more=more, rounds=rounds, place=place / "p1")
        if options.only != "P1":
            measure_checkpoint(environment, n=n, rounds=rounds, place=place / "p2")
        print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
