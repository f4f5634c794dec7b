"""Does a class come to the same scorecards, whatever is killed, and whenever?

    python tests/faults/soak.py --rounds 200 --seed 1    # `make soak`; one JSON line a round, a summary at the end

A round grades a small class from nothing, kills something in it (the grader at a moment or at a crash point, a worker
of Ray, the raylet, the warmed process, a job), and runs the same command again until it ends by itself. Then must be
so: the scorecards are the bytes of a run that nobody disturbed; the ledger has no job that came to its end twice; the
gradebook has every hand-in once, with one card; no process and no temporary file is left, none in the cache that is not
a result. Every choice follows from the seed of the round.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PERFECT = "01-perfect"
CLASS = (PERFECT, "07-code-in-checkpoint", "08-misshaped-checkpoint")
MORE = 5  # hand-ins of the class without a network, each with other weights: a job each
LASTING = ("ledger.db", "lock", "gradebook.db", "gradebook.db-changes", "occupancy.json")
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 240.0  # of a run on a busy machine
GONE_WITHIN_S = 5.0  # after a run that came to its end
MOST_RUNS = 4

# Who is killed, and how often of a hundred rounds: here, and on Ray.
HERE = {"grader": 34, "point": 34, "job": 16, "zygote": 10, "box": 6}
ON_RAY = {"grader": 25, "point": 20, "worker": 25, "job": 10, "zygote": 5, "raylet": 10, "gcs": 5}
POINTS = {  # with the number of times that a run of the class passes them, about
    "ledger.lease": 8, "ledger.leased": 8, "ledger.finish": 8, "ledger.finished": 8,
    "ledger.keep-card": 3, "ledger.kept-card": 3,
    "gradebook.record": 1, "gradebook.commit": 2, "gradebook.committed": 2,
    "cache.begun": 8, "cache.half-written": 8, "cache.written": 8, "cache.renamed": 8,
}  # fmt: skip


@dataclass
class Round:
    """What was done to a class, and what came of it."""

    seed: int
    is_on_ray: bool
    has_network: bool
    who: str
    where: str = ""  # the point, or when it was, in seconds
    is_hit: bool = False  # whether there was anything to kill
    codes: list[int] = field(default_factory=list)  # of each run of the command
    seconds: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)  # from a restart to its first new job, or to its end
    orphans: int = 0  # processes that lived on a second after a killed run; none may be there after the last one
    wrong: list[str] = field(default_factory=list)  # what must not be so


RUBRIC = """
assignment: digits
title: What the soak grades
description: Files; and, in some rounds, what a network is and predicts.
networks:
  small:
    input: [8, 1, 28, 28]
    layers:
      - {name: conv1, kind: conv2d, out_channels: 8, kernel: 5}
      - {kind: relu}
      - {name: pool1, kind: max_pool2d, kernel: 2}
      - {name: conv2, kind: conv2d, out_channels: 16, kernel: 3}
      - {kind: relu}
      - {name: pool2, kind: max_pool2d, kernel: 2}
      - {kind: flatten}
      - {name: fc1, kind: linear, out_features: 32}
      - {kind: relu}
      - {name: fc2, kind: linear, out_features: 10}
models:
  net: {code: model.py, factory: build_model, checkpoint: model.pth, input: [1, 28, 28]}
tasks:
  - id: "1"
    title: What needs no torch
    points: 2
    rules:
      - {id: total, check: number, answer: total_parameters, expected: 14538, points: 1}
      - id: files
        check: artifacts
        required: [{path: model.py, kind: code}, {path: model.pth, kind: checkpoint, max_bytes: 2000000}]
        points: 1
"""
WITH_A_NETWORK = """
  - id: "2"
    title: What runs the network
    points: 3
    rules:
      - {id: structure, check: architecture, network: small, checkpoint_fits: true, points: 1}
      - {id: accuracy, check: accuracy, data: digits, split: test, at_least: 0.95, from: 0.80, points: 2}
"""


class Ground:
    """A course, a class and the folders of a run, which are empty at the start of each round."""

    def __init__(self, top: Path, *, has_network: bool) -> None:
        self.has_network = has_network
        self.top, self.course, self.hand_ins = top, top / "course", top / "class"
        (self.course / "rubrics").mkdir(parents=True)
        (self.course / "grader.toml").write_text('name = "The soak"\nrubrics = "rubrics"\n')
        (self.course / "rubrics" / "digits.yaml").write_text(RUBRIC + WITH_A_NETWORK * has_network)
        for name in CLASS:
            shutil.copytree(ROOT / "examples" / "digits-class" / name, self.hand_ins / name)
        for number in range(0 if has_network else MORE):
            shutil.copytree(self.hand_ins / PERFECT, self.hand_ins / f"more-{number}")
            _vary(self.hand_ins / f"more-{number}" / "model.pth", number)
        self.scratch, self.cache, self.state = top / "t", top / "cache", self.course / ".grader"

    def clear(self) -> None:
        for folder in (self.scratch, self.cache / "evidence", self.state):
            shutil.rmtree(folder, ignore_errors=True)
        self.scratch.mkdir()

    def start(self, *, is_on_ray: bool, crash_at: str = "") -> subprocess.Popen[bytes]:
        """Run the command, with its output in files: a pipe that a left process holds open would never end."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRADER_", "RAY_"))}
        environment = {**kept, "TMPDIR": str(self.scratch), "GRADER_CACHE": str(self.cache), "OMP_NUM_THREADS": "1"}
        if crash_at:
            environment["GRADER_CRASH_AT"] = crash_at
        command = [sys.executable, "-m", "grader", "run-all", str(self.hand_ins), "--course", str(self.course)]
        with (self.top / "out").open("wb") as out, (self.top / "err").open("wb") as err:
            return subprocess.Popen(
                [*command, "--json", "--jobs", "2", *(["--parallel"] if is_on_ray else [])],
                cwd=self.top, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    def undisturbed(self, *, is_on_ray: bool = False) -> tuple[bytes, float]:
        """The scorecards, and how long it takes."""
        self.clear()
        began = time.monotonic()
        code = self.start(is_on_ray=is_on_ray).wait(PATIENCE_S)
        if code:
            raise RuntimeError(f"the class is not graded even when nobody disturbs: {self.said()}")
        return (self.top / "out").read_bytes(), time.monotonic() - began

    def said(self) -> str:
        return (self.top / "err").read_text(errors="replace").strip()[-600:]

    def leases(self) -> int:
        """How many jobs were ever started, as far as can be seen from outside."""
        return next(iter(self._asked("SELECT coalesce(max(lease), 0) FROM leases")), (0,))[0]

    def finished_twice(self) -> list[tuple[str, int]]:
        """Jobs that came to their end more than once: each end is a result that was kept."""
        ended = "SELECT key, count(*) FROM leases WHERE status IN ('done', 'student_fault')"
        return self._asked(f"{ended} GROUP BY key HAVING count(*) > 1")

    def wrongly_recorded(self) -> list[str]:
        """What is not in the gradebook as one run records it: each hand-in, with one card."""
        query = "SELECT submission, count(cards.id) FROM entries LEFT JOIN cards ON cards.entry = entries.id"
        there = dict(self._asked(f"{query} GROUP BY entries.id", "gradebook.db"))
        wanted = dict.fromkeys((path.name for path in self.hand_ins.iterdir()), 1)
        return [
            f"{name}: {there.get(name)}" for name in sorted({*there, *wanted}) if there.get(name) != wanted.get(name)
        ]

    def _asked(self, query: str, name: str = "ledger.db") -> list[tuple]:
        file = self.state / name
        if not file.exists():
            return []
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file, timeout=1)) as database:
            return database.execute(query).fetchall()
        return []

    def left(self) -> list[str]:
        """Files that are neither a result nor the ledger's nor the gradebook's."""
        strange = list(self.scratch.iterdir())
        strange += [path for path in self.cache.rglob(".*") if path.is_file()]
        strange += [path for path in self.state.glob("*") if path.name not in LASTING]
        return [str(path.relative_to(self.top)) for path in strange]


def _vary(checkpoint: Path, number: int) -> None:
    """Other weights in the same form: another byte in the last tensor."""
    with zipfile.ZipFile(checkpoint) as archive:
        entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(checkpoint, "w") as archive:
        for entry, data in entries:
            archive.writestr(entry, data[:-4] + bytes([number]) + data[-3:] if entry.filename.endswith("/7") else data)


# --- processes -----------------------------------------------------------------------------------


def below(pid: int) -> Iterator[int]:
    """The descendants of a process, parents first."""
    waiting = [pid]
    while waiting:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{waiting.pop()}/task").iterdir():
                found = list(map(int, (task / "children").read_text().split()))
                waiting += found
                yield from found


def role(pid: int) -> str:
    """What a process of the grader's does; empty for what is only just starting."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return ""
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    if "zygote.py" in command:
        if numbers[-1:] == ["1"]:
            return {2: "zygote", 3: "job"}.get(len(numbers), "")
        return "box" if len(numbers) == 1 and "bwrap" in command else ""
    return next(
        (name for name, word in (("worker", "ray::done_there"), ("raylet", "raylet/raylet "), ("gcs", "/gcs_server "))
         if word in command),
        "",
    )  # fmt: skip


def alive_below() -> dict[int, str]:
    """What this process has started or adopted, and has not ended."""
    found = {}
    for pid in below(os.getpid()):
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if state != "Z":
                found[pid] = (
                    Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:150]
                )
    return found


def reap() -> None:
    """Let the adopted dead go."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


# --- a round -------------------------------------------------------------------------------------


def one_round(ground: Ground, seed: int, wanted: bytes, usual_s: float, *, is_on_ray: bool) -> Round:
    """Disturb a class once, or twice, and see what comes of it."""
    chance = random.Random(seed)  # noqa: S311  a choice, no secret
    shares = ON_RAY if is_on_ray else HERE
    who = chance.choices(list(shares), list(shares.values()))[0]
    done = Round(seed, is_on_ray, ground.has_network, who)
    ground.clear()
    crash_at = ""
    if who == "point":
        point = chance.choice(sorted(POINTS))
        crash_at = done.where = f"{point}:{chance.randint(1, POINTS[point])}"
    for number in range(MOST_RUNS):
        began, leases = time.monotonic(), ground.leases()
        process = ground.start(is_on_ray=is_on_ray, crash_at=crash_at)
        if number == 0 or (number == 1 and chance.random() < 0.25):  # the restart may be killed too
            victim = who if number == 0 else "grader"
            _strike(process, victim, chance, usual_s, done)
        back_s = _until_it_goes_on(ground, process, leases, began)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            done.wrong.append(f"no end within {PATIENCE_S:g} s")
            process.kill()
            process.wait()
        done.codes.append(process.returncode)
        done.seconds.append(round(time.monotonic() - began, 2))
        done.is_hit |= process.returncode == -signal.SIGKILL
        if number and process.returncode == 0:
            done.back_s.append(round(back_s, 2))
        _until_all_ended(done, is_last=process.returncode == 0)
        crash_at = ""
        if process.returncode == 0:
            break
        is_told = process.returncode == 5 and "\n  fix: " in ground.said()
        # Ray's library ends a driver that is just connecting to a node that dies: with 1, and its own words.
        is_told |= process.returncode == 1 and "core_worker_process.cc" in ground.said()
        is_told &= who in ("raylet", "gcs")
        if process.returncode != -signal.SIGKILL and not is_told:
            done.wrong.append(f"run {number + 1} ended with {process.returncode}: {ground.said()}")
    _compare(ground, wanted, done)
    return done


def _strike(process: subprocess.Popen[bytes], who: str, chance: random.Random, usual_s: float, done: Round) -> None:
    """Kill one process of that role: at a moment of the whole run, or a little after there is one."""
    if who == "point":
        return
    if who == "grader":
        after_s = chance.uniform(0, usual_s)
        done.where += f" {after_s:.2f} s"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
            return
        process.kill()
        done.is_hit = True
        return
    since_s, count = chance.uniform(0, usual_s / 2), chance.randint(1, 3)
    done.where += f" {since_s:.2f} s after the first of {who}, number {count}"
    first = None
    while process.poll() is None:
        found = [pid for pid in below(process.pid) if role(pid) == who]
        if found and first is None:
            first = time.monotonic()
        if found and time.monotonic() - first >= since_s:
            with contextlib.suppress(OSError):
                os.kill(found[count % len(found)], signal.SIGKILL)
                done.is_hit = True
            return
        time.sleep(0.01)


def _until_it_goes_on(ground: Ground, process: subprocess.Popen[bytes], leases: int, began: float) -> float:
    """Seconds until a job is started that was not before, or until the end."""
    while process.poll() is None and ground.leases() <= leases and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.05)
    return time.monotonic() - began


def _until_all_ended(done: Round, *, is_last: bool) -> None:
    """See that no process is left: at once after a run that came to its end, a little after one that was killed."""
    began = time.monotonic()
    patience_s = GONE_WITHIN_S if is_last else 1.0
    while (left := alive_below()) and time.monotonic() - began < patience_s:
        time.sleep(0.05)
        reap()
    if is_last:
        done.wrong += [f"a process is left: {command}" for command in left.values()]
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    else:
        done.orphans += len(left)  # the next run ends them
    reap()


def _compare(ground: Ground, wanted: bytes, done: Round) -> None:
    if done.codes[-1] != 0:
        done.wrong.append(f"no run of {len(done.codes)} came to its end: {ground.said()}")
        return
    got = (ground.top / "out").read_bytes()
    if got != wanted:
        at = next((i for i, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b), min(len(got), len(wanted)))
        done.wrong.append(f"other scorecards: {got[max(0, at - 150) : at + 250].decode(errors='replace')!r}")
    done.wrong += [f"job {key[:12]} came to its end {count} times" for key, count in ground.finished_twice()]
    done.wrong += [f"recorded wrongly: {one}" for one in ground.wrongly_recorded()]
    done.wrong += [f"left behind: {name}" for name in ground.left()]


# --- all of them ---------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others follow")
    parser.add_argument("--ray", type=int, default=4, metavar="N", help="every N-th round on Ray; 0 for none")
    parser.add_argument("--seconds", type=float, default=0, help="begin no round after so many seconds")
    asked = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began, rounds = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="g", dir="/tmp") as top:  # short: Ray's sockets stand deep in it
        grounds = [Ground(Path(top) / name, has_network=name == "n") for name in "an"]
        usual: dict[tuple[bool, bool], tuple[bytes, float]] = {}
        for ground in grounds:
            if not ground.has_network:
                ground.undisturbed()  # what is made once on a machine is made now
            for is_on_ray in (False, True)[: 1 + (ground.has_network and bool(asked.ray))]:
                usual[ground.has_network, is_on_ray] = ground.undisturbed(is_on_ray=is_on_ray)
        if asked.ray and usual[True, True][0] != usual[True, False][0]:
            tell({"wrong": "on Ray the scorecards are others, with nothing disturbed"})
            return 1
        for number in range(asked.rounds):
            if asked.seconds and time.monotonic() - began > asked.seconds:
                break
            is_on_ray = bool(asked.ray) and number % asked.ray == asked.ray - 1
            ground = grounds[is_on_ray or number % 8 == 1]
            wanted, usual_s = usual[ground.has_network, is_on_ray]
            rounds.append(one_round(ground, asked.seed + number, wanted, usual_s, is_on_ray=is_on_ray))
            tell(asdict(rounds[-1]))
    summary = {
        "rounds": len(rounds),
        "hit": sum(one.is_hit for one in rounds),
        "wrong": sum(bool(one.wrong) for one in rounds),
        "hit_by": dict(
            Counter(f"{one.who} {'on Ray' if one.is_on_ray else 'here'}" for one in rounds if one.is_hit).most_common()
        ),
        "undisturbed_s": [round(seconds, 2) for _, seconds in usual.values()],
        **{
            f"back_s{word}": _spread([s for one in rounds if one.is_on_ray == is_on_ray for s in one.back_s])
            for is_on_ray, word in ((False, ""), (True, "_on_ray"))
        },
        "orphans_for_the_next_run": sum(one.orphans for one in rounds),
        "seconds": round(time.monotonic() - began),
    }
    tell(summary)
    return int(bool(summary["wrong"]))


def tell(document: dict) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {"n": len(seconds), "median": round(statistics.median(seconds), 2), "most": max(seconds)}


if __name__ == "__main__":
    sys.exit(main())
