"""What does a hand-in cost beside the peers? Run: python benchmarks/bench_peers.py [--quick] [--only P1]

P1  a theory-only hand-in inside `grader run-all`, against nbgrader autograde, Otter (Python API and `otter run`) and
    gradescope-utils, on an equivalent assignment of five questions
P2  a hand-in with a checkpoint: our overhead over the bare forward pass, and against nbgrader with torch imported

All in this run, in turns, each by its own public command, the peers from a venv of their own that is made once; peers/
has the assignment and one adapter a grader. The marks of every grading are compared with those known beforehand: a
grader that gives another one is not measured.

"whole" is the wall time of grading a class divided by its hand-ins, the start of the program included; "inside" is what
each further hand-in adds, from two classes of different sizes. A grader that starts a process for each hand-in has no
inside; one that takes them one at a time grades another part of the class in each round. "start" is what is left.
`run-all` uses both cores, nbgrader and Otter one by design: P2 has a line for one worker of ours.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from figures import Figure, tell, versions_of
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


def must_work(ours: Grader) -> None:
    if ours.failure:
        raise SystemExit(f"{ours.name}: {ours.failure}")


def measure_theory(
    environment: Environment, *, n: int, n_otter: int, more: int, rounds: int, place: Path
) -> Iterator[Figure]:
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
    print(f"theory only: seconds a hand-in, medians of rounds in turns: {rounds} (lowest to highest)")
    show(graders, ours)
    inside, size = middle(ours.inside), ours.sizes[1]
    yield Figure("P1", "a theory-only hand-in inside `run-all`", inside, P1_BAR_S, unit="s", n=size)
    question = "a theory-only hand-in of nbgrader to ours, inside both"
    if nbgrader.failure:
        yield Figure("P1", question, None, P1_BAR, is_at_most=False, n=0, note=nbgrader.failure)
    else:
        parts = {"nbgrader inside, s": middle(nbgrader.inside), "ours inside, s": inside, **wholes(graders)}
        yield Figure("P1", question, middle(nbgrader.inside) / inside, P1_BAR, is_at_most=False, parts=parts, n=n)


def wholes(graders: list[Grader]) -> dict[str, float]:
    """Wall seconds a hand-in of all that were measured, the start of the program included."""
    return {f"{grader.name} whole, s": middle(grader.whole) for grader in graders if not grader.failure}


def measure_checkpoint(environment: Environment, *, n: int, rounds: int, place: Path) -> Iterator[Figure]:
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
    print(f"with a checkpoint of its own: seconds a hand-in, medians of rounds in turns: {rounds} (lowest to highest)")
    show(graders, ours)
    size = ours.sizes[1]
    for grader in (ours, alone):
        inside, question = (
            middle(grader.inside),
            f"a hand-in with a checkpoint over the bare forward pass, `{grader.name}`",
        )
        parts = {"inside, s": inside, "bare forward pass of 360 images, s": bare}
        yield Figure("P2", question, inside - bare, P2_BAR_S, unit="s", parts=parts, n=size)
    for grader in (ours, alone):
        question = f"a hand-in with a checkpoint of nbgrader to `{grader.name}`, inside both"
        if nbgrader.failure:
            yield Figure("P2", question, None, P2_BAR, is_at_most=False, n=0, note=nbgrader.failure)
            continue
        further = middle(nbgrader.inside)
        parts = {"nbgrader inside, s": further, "ours inside, s": middle(grader.inside), **wholes(graders)}
        yield Figure("P2", question, further / middle(grader.inside), P2_BAR, is_at_most=False, parts=parts, n=n)


def main() -> None:
    parser = argparse.ArgumentParser(description="What does a hand-in cost beside the peers?")
    parser.add_argument("--quick", action="store_true", help="6 hand-ins (2 for Otter), one round")
    parser.add_argument("--only", choices=("P1", "P2"), help="one of the two")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as scratch:
        place = Path(scratch)
        environment = Environment(place / "jupyter")
        environment.prepare()
        versions = {**versions_of("torch", "click", "rich", "jsonschema"), **environment.versions}
        n, n_otter, more, rounds = (6, 2, 60, 1) if options.quick else (12, 6, 200, 3)
        if options.only != "P2":
            figures = measure_theory(environment, n=n, n_otter=n_otter, more=more, rounds=rounds, place=place / "p1")
            tell(figures, versions=versions)
        if options.only != "P1":
            tell(measure_checkpoint(environment, n=n, rounds=rounds, place=place / "p2"), versions=versions)


if __name__ == "__main__":
    main()
