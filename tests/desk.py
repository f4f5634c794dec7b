"""A desk full of work: people, real scorecards in any number, a course with a class in it, a gradebook of them all.

The findings are those of the example class as a person approved them (tests/golden/digits-class.json): every task of a
made-up hand-in is one real student's, and `grader.scoring` counts its points. The same seed gives the same class.

    class_of(30)                      -> [Person], with names of several scripts, and two who share one
    cards(30)                         -> [ScoreCard] of the assignment `digits`, some with points that wait
    course(tmp_path / "course")       -> a folder with grader.toml, the rubric `digits` and what it needs
    hand_in(folder, person, like="02-channel-slip")   a folder as that student handed it in
    desk(tmp_path / "course", 30)     -> Desk: all of it, recorded in a gradebook (SQLite, or by its URL)
"""

import hashlib
import json
import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

from grader.model import Finding, Outcome, Place, Problem, ScoreCard, Student, Submission, Visibility
from grader.scoring import score

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "digits-class"
ASSIGNMENT = "digits"
DUE = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)  # as tests.lms.made has it

_GIVEN = (
    "Ada", "Béla", "Chloé", "Dmitri", "Eve", "Fatima", "Grace", "Hồng", "Ida", "Jürgen", "Kofi", "Léa", "Mina", "Noor",
    "Olga", "Pål", "Quynh", "Rosa", "Søren", "Tomás",
)  # fmt: skip
_FAMILY = (
    "Lovelace", "Müller", "O'Neill", "García-Pérez", "van_der_Berg", "Иванова", "王", "Nguyễn", "Öztürk", "al-Hassan",
    "Kowalska", "de Souza", "Smith", "Ångström", "Żak", "Nakamura",
)  # fmt: skip
_WHOLE = ("王 小明", "Анна Каренина", "محمد علي", "김 민준", "Ὑπατία", "Nguyễn Thị Minh Khai")


@dataclass(frozen=True)
class Person:
    """A student as a course's list has them."""

    id: str
    name: str
    email: str
    section: str


def class_of(count: int, seed: int = 0) -> list[Person]:
    """So many students. The second and the third share a name; no two share an id."""
    random_ = random.Random(seed)  # noqa: S311  a draw, no secret
    made = []
    for number in range(count):
        name = f"{random_.choice(_GIVEN)} {random_.choice(_FAMILY)}"
        if number % 17 == 5:
            name = _WHOLE[number // 17 % len(_WHOLE)]
        if number == 2:
            name = made[1].name
        made.append(Person(f"s{number + 1:04}", name, f"s{number + 1:04}@example.org", f"L0{number % 3 + 1}"))
    return made


# --- cards --------------------------------------------------------------------------------------


@cache
def golden() -> dict[str, dict]:
    """The published scorecards of the example class, by submission."""
    read = json.loads((ROOT / "tests" / "golden" / "digits-class.json").read_text(encoding="utf-8"))
    return {card["submission"]: card for card in read}


@cache
def rubric():
    from grader.cli.common import find_course, load_rubric

    return load_rubric(find_course(ROOT), ASSIGNMENT)


def _fraction(number):
    """What was rounded to four places for readers: thirds are thirds again."""
    return None if number is None else Fraction(str(number)).limit_denominator(100)


def _finding(read, rule):
    place = read["place"]
    return Finding(
        Outcome(read["outcome"]),
        read["said"],
        _fraction(read["credit"]),
        _fraction(read["weight"]),
        read["expected"],
        read["observed"],
        Place(place["file"], place["pointer"], place["line"]) if place else None,
        read["fix"],
        read["code"],
        rule["rule"],
        rule["check"],
        Visibility(rule["visibility"]),
    )


def findings_of(name: str) -> dict[str, dict[str, list[Finding]]]:
    """What was found in a hand-in of the example class: by task, by rule."""
    return {
        task["task"]: {rule["rule"]: [_finding(one, rule) for one in rule["findings"]] for rule in task["rules"]}
        for task in golden()[name]["tasks"]
    }


# Whose task a made-up hand-in has, and how often: a class is mostly good, and some of it waits for a person.
_SHARES = {
    "01-perfect": 40,
    "02-channel-slip": 15,
    "03-inflated-accuracy": 8,
    "04-impossible-accuracy": 5,
    "05-no-checkpoint": 6,
    "06-malformed-answers": 6,
    "07-code-in-checkpoint": 3,
    "08-misshaped-checkpoint": 5,
    "09-model-does-not-build": 5,
    "10-convolution-flipped": 5,
    "11-odd-archive": 2,
}


def card_like(who: Person, by_task: dict[str, str], *, root: Path = Path("/nowhere")) -> ScoreCard:
    """The card of a student whose tasks are those of the hand-ins named: {"1": "02-channel-slip", ...}."""
    found = {rule: list(ones) for task, name in by_task.items() for rule, ones in findings_of(name)[task].items()}
    read = {one["where"] + one["code"]: one for name in by_task.values() for one in golden()[name]["problems"]}
    problems = tuple(Problem(one["code"], one["where"], one["what"], one["fix"]) for one in read.values())
    submission = Submission(who.id, ASSIGNMENT, root, students=(Student(who.id, who.name),), problems=problems)
    return score(rubric(), submission, found, {"grader": "0.1.0", "sandbox": "L3"})


def tasks_of(count: int, seed: int = 0) -> list[dict[str, str]]:
    """For each of so many hand-ins, whose tasks they have."""
    random_ = random.Random(seed + 1)  # noqa: S311  a draw, no secret
    names, shares = list(_SHARES), list(_SHARES.values())
    return [dict(zip(("1", "2", "3"), random_.choices(names, shares, k=3), strict=True)) for _ in range(count)]


def cards(count: int, seed: int = 0) -> list[ScoreCard]:
    """Cards of so many students, in the order of `class_of`."""
    return [card_like(who, tasks) for who, tasks in zip(class_of(count, seed), tasks_of(count, seed), strict=True)]


# --- a course in a folder -----------------------------------------------------------------------


def course(folder: Path, *, more: str = "") -> Path:
    """A course with the assignment `digits`, due at DUE. `more` is added to grader.toml."""
    (folder / "rubrics").mkdir(parents=True)
    shutil.copy(ROOT / "rubrics" / "digits.yaml", folder / "rubrics")
    for part in ("reference_solutions", "submissions_template"):
        (folder / part).mkdir()
        (folder / part / ASSIGNMENT).symlink_to(ROOT / part / ASSIGNMENT)
    written = (
        'name = "Convolutional networks"\ntimezone = "Europe/Oslo"\n\n'
        f"[assignments.{ASSIGNMENT}]\ndue = {DUE.replace(tzinfo=None).isoformat()}Z\n{more}"
    )
    (folder / "grader.toml").write_text(written, encoding="utf-8")
    return folder


def hand_in(folder: Path, who: Person, *, like: str = "01-perfect", has_network: bool = True) -> Path:
    """Folder with the files that this student handed in; without the network there is nothing to run."""
    shutil.copytree(EXAMPLES / like, folder)
    manifest = {"assignment": ASSIGNMENT, "students": [{"id": who.id, "name": who.name}]}
    (folder / "submission.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    if not has_network:
        for name in ("model.py", "model.pth"):
            (folder / name).unlink(missing_ok=True)
    return folder


def received(number: int) -> datetime:
    """When the hand-in of this number came: some within the last hour, every tenth a day late."""
    late = timedelta(days=1) if number % 10 == 9 else timedelta()
    return DUE - timedelta(minutes=7 * number % 3000 + 1) + late


def class_list(count: int, seed: int = 0, *, missing: int = 20):
    """The class as `grader import` would have written it: every `missing`-th student handed in nothing."""
    from grader.intake.classes import ClassList, HandInEntry, RosterEntry

    roster, entries = [], []
    for number, who in enumerate(class_of(count, seed)):
        keys = {"identifier": f"Participant {4001 + number}"}
        given = {"id": who.id, "name": who.name, "email": who.email, "section": who.section, "keys": keys}
        if missing and number % missing == missing - 1:
            roster.append(RosterEntry(**given, reason="no submission"))
            continue
        roster.append(RosterEntry(**given, hand_in=who.id, reason="the only attempt"))
        at = received(number)
        folder = f"{who.name}_{4001 + number}_assignsubmission_file"
        digest = hashlib.sha256(who.id.encode()).hexdigest()
        entries.append(HandInEntry(who.id, who.id, (who.id,), at, at > DUE, 1, digest, folder))
    return ClassList(ASSIGNMENT, "moodle", roster=tuple(roster), hand_ins=tuple(entries))


# --- all of it, in a gradebook --------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A course with a class in it that has been graded. `url` is that of its gradebook, `submissions` the class's."""

    course: Path
    url: str
    submissions: Path
    count: int

    def gradebook(self):
        from grader.gradebook.book import Gradebook

        return Gradebook.open(self.url)


def desk(folder: Path, count: int, *, seed: int = 0, url: str = "", files: int = 20, missing: int = 20) -> Desk:
    """A course in `folder`, its class of `count`, and their cards in a gradebook: SQLite in the course, or at `url`.

    The first `files` hand-ins have files on the disk, those of the example that their network task is from.
    """
    from grader.gradebook.nouns import HandInFacts
    from grader.intake import read_submission
    from grader.intake.classes import write_class

    at = course(folder)
    submissions = at / "submissions" / ASSIGNMENT
    submissions.mkdir(parents=True)
    listed = class_list(count, seed, missing=missing)
    write_class(submissions, listed)
    people, tasks, recorded = class_of(count, seed), tasks_of(count, seed), []
    for number, (who, like) in enumerate(zip(people, tasks, strict=True)):
        entry = listed.by_name.get(who.id)
        if entry is None:
            continue
        digest = entry.digest
        if number < files:
            example = like["3"] if (EXAMPLES / like["3"]).is_dir() else "01-perfect"
            read = read_submission(hand_in(submissions / who.id, who, like=example), assignment=ASSIGNMENT)
            digest = read.source.digest
        facts = HandInFacts(str(submissions / who.id), entry.received_at, digest)
        recorded.append((card_like(who, like, root=submissions / who.id), facts))
    made = Desk(at, url or f"sqlite:///{at / '.grader' / 'gradebook.db'}", submissions, count)
    with made.gradebook() as book:
        book.record_class(listed)
        book.record(recorded, command="run-all", made_with={"grader": "0.1.0"})
    return made
