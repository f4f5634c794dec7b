"""A class with planted copies: run-all tells the staff of them, every time the same, and students nothing."""

import json
import shutil
import textwrap
from pathlib import Path

import pytest

from grader import sandbox
from grader.documents import schema, validator

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.sandbox]

ROOT = Path(__file__).parents[2]
RUBRIC = """
assignment: nets
title: Networks
tasks:
  - id: "1"
    title: One
    points: 1
    rules:
      - {id: why, check: text, answer: why, min_words: 3, points: 1}
      - {id: originality, check: originality, points: 0, visibility: staff}
"""
MODEL = (ROOT / "reference_solutions" / "digits" / "model.py").read_text(encoding="utf-8")
WORDS = [f"word{number}" for number in range(16)]


def state_of(seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 5), torch.nn.Conv2d(8, 16, 3), torch.nn.Linear(400, 32))
    return net.state_dict()


def log_of(seed):
    made = torch.Generator().manual_seed(seed)
    losses = [2.0 * 0.8**epoch + 0.05 * torch.rand(1, generator=made).item() for epoch in range(12)]
    return "epoch,loss\n" + "".join(f"{epoch},{loss:.4f}\n" for epoch, loss in enumerate(losses))


@pytest.fixture
def a_course(tmp_path):
    root = tmp_path / "course"
    (root / "rubrics").mkdir(parents=True)
    (root / "submissions_template" / "nets").mkdir(parents=True)
    (root / "grader.toml").write_text('name = "c"\n')
    (root / "rubrics" / "nets.yaml").write_text(RUBRIC)
    (root / "submissions_template" / "nets" / "model.py").write_text(MODEL)
    return root


@pytest.fixture
def a_class(tmp_path):
    if not sandbox.level().is_isolated:
        pytest.skip(f"no sandbox: {sandbox.level().reason}")
    folder = tmp_path / "class"

    def add(name, *, seed=None, state=None, why=None, log=None):
        place = folder / name
        place.mkdir(parents=True)
        manifest = {"assignment": "nets", "students": [{"id": name}]}
        why = why or " ".join(f"{word}{name}" for word in WORDS)
        (place / "submission.json").write_text(json.dumps(manifest))
        (place / "answers.json").write_text(json.dumps({"assignment": "nets", "answers": {"why": why}}))
        (place / "model.py").write_text(MODEL)
        torch.save(state if state is not None else state_of(seed), place / "model.pth")
        (place / "train.csv").write_text(log or log_of(seed or 99))

    for number, name in enumerate(("ada", "ben", "cleo", "dan"), 1):
        add(name, seed=number)
    moved = {f"net.{index}": 1.5 * values.half() for index, values in enumerate(state_of(1).values())}
    add("eve", state=moved, log=log_of(5))
    add("fay", seed=6, why="Well: " + " ".join(f"{word}ben" for word in WORDS), log=log_of(2).replace("0.", "7.", 1))
    return folder


@pytest.fixture
def run(grader, a_class, a_course, tmp_path):
    def go(*words, command="run-all", code=0, state="state"):
        own = {"GRADER_STATE": str(tmp_path / state), "GRADER_CACHE": str(tmp_path / "cache")}
        folder = [a_class] if command == "run-all" else []
        return grader(command, *folder, "--course", a_course, *words, code=code, env=own)

    return go


def pairs_of(run, **where):
    document = json.loads(run("--json", command="originality", **where).stdout)
    assert list(validator(schema("originality")).iter_errors(document)) == []
    [one] = document["classes"]
    return [(pair["one"], pair["other"], sorted({clue["kind"] for clue in pair["clues"]})) for pair in one["pairs"]]


@pytest.mark.attack(64)
def test_a_classmates_weights_answers_and_log_are_told_to_the_staff_and_cost_nothing(run):
    ran = run()
    assert "Originality of nets: look at these" in ran.stdout
    assert "scaled by 1.5" in " ".join(ran.stdout.split())
    assert pairs_of(run) == [("ben", "fay", ["log", "text"]), ("ada", "eve", ["weights"])]
    assert "look at these" in run(command="originality").stdout
    cards = json.loads(run("--json").stdout)
    rules = [
        rule for card in cards for task in card["tasks"] for rule in task["rules"] if rule["rule"] == "originality"
    ]
    assert {(rule["points"], rule["max_points"], rule["open_points"], rule["visibility"]) for rule in rules} == {
        (0, 0, 0, "staff")
    }


def test_the_second_time_nothing_is_judged_and_the_pairs_are_the_same_bytes(run, tmp_path):
    run()
    first = (tmp_path / "state" / "originality.json").read_bytes()
    kept = (tmp_path / "state" / "fingerprints" / "nets.json.gz").read_bytes()
    ran = run("--json")
    assert "0 recomputed" in ran.stderr
    assert "6 hand-ins judged before" in ran.stderr
    assert "2 pairs of hand-ins are alike" in ran.stderr
    assert (tmp_path / "state" / "originality.json").read_bytes() == first
    assert (tmp_path / "state" / "fingerprints" / "nets.json.gz").read_bytes() == kept


def compared_at(tmp_path):
    return (tmp_path / "state" / "originality.json").stat().st_mtime_ns


def test_an_unchanged_class_is_not_compared_again_and_a_changed_one_is(run, a_class, a_course, tmp_path):
    told = run().stdout
    first, pairs = compared_at(tmp_path), pairs_of(run)
    assert run().stdout == told
    assert compared_at(tmp_path) == first
    run("--rerun", "originality")
    assert compared_at(tmp_path) > first
    shutil.copytree(a_class / "cleo", a_class / "gus")
    run()
    assert ("cleo", "gus", ["file", "log", "text", "weights"]) in pairs_of(run)
    shutil.rmtree(a_class / "gus")
    run()
    assert pairs_of(run) == pairs
    shutil.copy(a_class / "ben" / "train.csv", a_course / "submissions_template" / "nets")
    run()
    assert sorted(pairs_of(run)) == [("ada", "eve", ["weights"]), ("ben", "fay", ["text"])], "the log was given"
    rubric = a_course / "rubrics" / "nets.yaml"
    rubric.write_text(rubric.read_text().replace("originality, points: 0", "originality, compare: [texts], points: 0"))
    run()
    assert pairs_of(run) == [("ben", "fay", ["text"])]


def test_what_was_written_over_is_made_anew(run, tmp_path):
    run()
    file = tmp_path / "state" / "originality.json"
    whole = file.read_bytes()
    file.write_bytes(b"{}")
    assert "Originality of nets: look at these" in run().stdout
    assert file.read_bytes() == whole


def test_without_the_cache_a_class_is_compared_each_time(run, tmp_path):
    run()
    first = compared_at(tmp_path)
    run("--no-cache")
    second = compared_at(tmp_path)
    run()
    assert first < second < compared_at(tmp_path)


def test_a_part_of_the_class_is_held_against_all_of_it(run):
    whole = run() and pairs_of(run)
    run("--only", "ada")
    assert pairs_of(run) == whole
    run("--only", "ada", "--jobs", "1", state="other")
    assert pairs_of(run, state="other") == [], "nobody else has been seen"


def test_the_class_of_an_earlier_year_is_compared_and_not_told_again(run, a_class, a_course, tmp_path):
    run()
    years = a_course / "fingerprints" / "nets"
    years.mkdir(parents=True)
    shutil.copy(tmp_path / "state" / "fingerprints" / "nets.json.gz", years / "2025.json.gz")
    for name in ("ada", "ben", "eve", "fay"):
        shutil.rmtree(a_class / name)
    (a_class / "cleo").rename(a_class / "gus")
    run(state="next")
    kinds = ["file", "log", "text", "weights"]
    assert pairs_of(run, state="next") == [("dan", "2025: dan", kinds), ("gus", "2025: cleo", kinds)]
    (years / "2024.json.gz").write_bytes(b"no archive")
    assert "2024.json.gz holds no fingerprints" in run(state="next").stderr
    assert "2024.json.gz holds no fingerprints" in run(state="next").stderr, "each time"


def test_no_report_for_students_mentions_it(grader, a_class, a_course):
    for words in ((), ("--json",)):
        said = grader("check", a_class / "ada", "--course", a_course, *words).stdout
        assert "originality" not in said.lower()
        assert "fingerprint" not in said.lower()


def test_without_a_rule_nothing_is_compared(run, a_course):
    rubric = a_course / "rubrics" / "nets.yaml"
    rubric.write_text(textwrap.dedent(RUBRIC).replace("      - {id: originality", "      # - {id: originality"))
    assert "Originality" not in run().stdout
    assert "no class has been compared yet" in run(command="originality", code=2).stderr
