"""The main gate: what honest students get does not depend on who else handed in.

Twenty honest hand-ins are graded alone, then twice among one hostile hand-in per attack and variant, in two random
orders, by `grader run-all` as a TA runs it. Their scorecards must be the same bytes (a scorecard holds no time; only
the number that this test puts before each name, for the order, is taken off again), and nothing may be left behind.

GRADER_SOAK=n runs n more orders, with each network described too, so that all code runs in two jobs.
"""

import dataclasses
import importlib.util
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from grader.sandbox import level

HERE = Path(__file__).parent
SOAK = int(os.environ.get("GRADER_SOAK", "0"))
WALL_S = 20  # of one job: longer than an honest one takes on a busy machine, short enough for those that sleep
JOBS = 4

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(1800 if SOAK else 900)]


def package():
    spec = importlib.util.spec_from_file_location(
        "hostile", HERE / "hostile" / "__init__.py", submodule_search_locations=[str(HERE / "hostile")]
    )
    sys.modules["hostile"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


@dataclasses.dataclass
class World:
    """A machine of its own: folders, a canary in each place worth a look, a listener that nobody may reach."""

    top: Path
    secret: str
    port: int
    honest: list[str]
    hostile: dict[str, tuple[int, ...]]
    reached: list[object]

    def run(self, names, seed):
        """Grade these hand-ins in a random order: the cards by name, and what else was seen."""
        folder, order = self.top / f"class-{uuid.uuid4().hex[:6]}", sorted(names)
        random.Random(seed).shuffle(order)  # noqa: S311  an order, no secret
        folder.mkdir()
        for number, name in enumerate(order):
            source = next(path for path in (self.top / "hand-ins").iterdir() if path.name in (name, f"{name}.zip"))
            target = folder / f"{number:03}-{source.name}"
            shutil.copytree(source, target, symlinks=True) if source.is_dir() else shutil.copy(source, target)
        before = tree(folder)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "GRADER_DATA") if name in os.environ}
        environment = {
            **kept,
            "HOME": str(self.top / "home"),
            "TMPDIR": str(self.top / "tmp"),
            "GRADER_CACHE": str(self.top / "cache"),
            "GRADER_TEST_SECRET": self.secret,
            "OMP_NUM_THREADS": "1",
        }
        grader = [sys.executable, "-m", "grader", "run-all", str(folder), "--course", str(self.top / "course")]
        command = [sys.executable, str(HERE / "hostile" / "runner.py"), *grader, "--json", "--jobs", str(JOBS)]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment, cwd=self.top, timeout=800
        )
        seen = json.loads(ran.stdout)
        assert seen["code"] == 0, seen["stderr"]
        assert tree(folder) == before, "a hand-in was changed"
        shutil.rmtree(folder)
        shutil.rmtree(self.top / "cache" / "evidence", ignore_errors=True)  # so that the next order computes anew
        cards = {}
        for card in json.loads(seen["stdout"]):
            number, _, name = card["submission"].partition("-")
            assert number.isdigit()
            cards[name] = json.dumps(card | {"submission": name}, sort_keys=True)
        return cards, seen


def tree(top):
    found = {}
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(folder, name)
            found[str(path.relative_to(top))] = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    package()
    from hostile import code, files, honest

    top, secret = tmp_path_factory.mktemp("interference"), f"canary {uuid.uuid4().hex}"
    for name in ("home", "tmp", "cache", "marker", "hand-ins"):
        (top / name).mkdir(mode=0o777)
    for path in (top / "canary", top / "home" / "canary", top / "labels"):
        path.write_text(secret)
    honest.write_course(top / "course", wall_s=WALL_S, is_full=bool(SOAK))
    names = honest.write_class(top / "hand-ins")
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, reached), daemon=True).start()
        words = {"canary": top / "canary", "marker": top / "marker", "home": top / "home"}
        hostile = {}
        for name, (attacks, source) in code.CODE.items():
            for word, value in {**words, "port": server.getsockname()[1]}.items():
                source = source.replace(f"%({word})s", str(value)).replace(f"%({word})d", str(value))  # noqa: PLW2901
            honest.write(top / "hand-ins" / f"code-{name}", source, honest.linear(9), {})
            hostile[f"code-{name}"] = attacks
        for name, (attacks, write) in files.all_files(str(top / "marker")).items():
            write(top / "hand-ins" / f"file-{name}")
            hostile[f"file-{name}"] = attacks
        names = sorted(Path(name).stem for name in names)
        yield World(top, secret, server.getsockname()[1], names, hostile, reached)


def _accept(server, reached):
    with suppress(OSError):
        while True:
            reached.append(server.accept())


def points(card, rule):
    return next((one["points"] for task in card["tasks"] for one in task["rules"] if one["rule"] == rule), 0)


def difference(before, after):
    """The first place at which two cards differ, with what stands around it."""
    at = next(at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    return before[max(0, at - 200) : at + 200], after[max(0, at - 200) : at + 400]


def assert_class_is_graded(cards, world):
    """Twenty cards, of which the marks differ as the work does; nothing waits that the machine left undone."""
    assert len(cards) == len(world.honest) == 20
    read = {name: json.loads(card) for name, card in cards.items()}
    assert read["perfect"]["points"] == 9 + bool(SOAK)  # and one for the answer in words, which waits
    assert {points(card, "accuracy") for card in read.values()} > {0, 4}
    assert {name for name, card in read.items() if card["open_points"] > 1} == {"malformed-answers"}


def assert_nothing_is_left_and_nothing_got_out(cards, seen, world):
    assert seen["left"] == [], "processes outlive the batch"
    assert seen["groups"] == [], "control groups outlive the batch"
    assert list((world.top / "tmp").iterdir()) == []
    assert list((world.top / "marker").iterdir()) == []
    assert sorted(path.name for path in (world.top / "home").iterdir()) == ["canary"]
    assert world.reached == []
    said = seen["stdout"] + seen["stderr"] + "".join(cards.values())
    for word in (world.secret, "CONNECTED", "ESCAPED", "FROM-PEER", "PATCHED", "RAN", "\x1b"):
        assert word not in said


def assert_no_attack_earns_anything(cards, world):
    """Their networks know nothing, and their answers are none: what is over that would be the attack's."""
    for name in world.hostile:
        card = json.loads(cards[name])
        assert points(card, "accuracy") == 0, name
        if name in ATTACKED_ANSWERS:
            assert [rule for rule in ("total", "pick", "formula", "by-hand") if points(card, rule)] == [], name


ATTACKED_ANSWERS = {
    f"file-{name}" for name in ("nan", "key-twice", "code", "power", "stall", "true", "text", "deep-json", "yaml")
}


# One test for each order, with all that is promised about it: xdist gives the tests of a module to several workers,
# and each of them would grade the class anew.
@pytest.mark.attack(71, 92)
@pytest.mark.parametrize("order", range(2 + SOAK))
def test_every_honest_card_is_the_same_bytes_among_hostile_ones(world, order):
    alone, seen = world.run(world.honest, 0)
    assert_class_is_graded(alone, world)
    assert_nothing_is_left_and_nothing_got_out(alone, seen, world)
    mixed, seen = world.run([*world.honest, *world.hostile], order)
    assert set(mixed) == {*world.honest, *world.hostile}, "a hand-in was lost"
    assert {name: difference(alone[name], mixed[name]) for name in alone if alone[name] != mixed[name]} == {}
    assert_no_attack_earns_anything(mixed, world)
    assert_nothing_is_left_and_nothing_got_out(mixed, seen, world)


def test_the_hostile_are_at_least_one_for_each_attack_that_a_whole_hand_in_can_carry(world):
    carried = {number for numbers in world.hostile.values() for number in numbers}
    # Those of staff's files (23), of the loader's version (29), of training (54), of many hand-ins (61, 62, 64), of
    # logs and claims (65, 66), of budgets and clocks (67, 68), of a GPU (76) and of parts to come are not among them.
    assert set(range(1, 93)) - carried <= {23, 29, 54, 61, 62, 64, 65, 66, 67, 68, 76, 85, 86, 90}
