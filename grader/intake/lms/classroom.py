"""What does a teacher of GitHub Classroom have on disk? A clone for each student or team, a roster, a file of grades.

    digits-submissions/digits-octocat/model.py
    digits-submissions/classroom_roster.csv        (where it was put there)

A repository is called by the assignment's slug and by a user or a team, and both may hold a `-`: only the slug tells
where one ends. It is that of the folder, or the one by which the roster's names explain the most. When a clone was
pushed to stands in the file of grades alone; what git says of it is the student's own word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError, UsageError
from grader.frozen import dataclass
from grader.intake.classes import Quarantined, RosterEntry, is_id
from grader.intake.lms.base import Download, Found, Options, Reader, Who, Worksheet
from grader.intake.lms.roster import kind_of, roster_from
from grader.intake.lms.shape import by_top, paths_of, unwrapped
from grader.intake.lms.tables import MAX_BYTES, Table, cells_by_name, read_table
from grader.intake.lms.times import moment
from grader.intake.lms.tree import Stored, Tree

ROSTER: Final = "classroom_roster.csv"
_END: Final = "-submissions"
_REPOSITORY: Final = "student_repository_name"


def fits(tree: Tree) -> bool:
    """Whether it is a folder of clones by its name and theirs, or has Classroom's roster beside folders."""
    return _root(tree) is not None


def read(tree: Tree, options: Options) -> Download:
    """The clones, with whom their names mean. Raises GraderError where the slug is not clear, or a table is broken."""
    root = _root(tree) or _likely_root(tree)
    tops = by_top(root)
    clones = {top: files for top, files in tops.items() if top in root.folders}
    if not clones:
        what = "there is no folder in it: each clone is one"
        raise SubmissionError.single(what, where=clean(str(tree.path)), fix="name the folder that holds the clones")
    beside = _Beside()
    if options.worksheet is not None:
        beside.add_rows(options.worksheet)
    for top, files in tops.items():
        if top not in clones:
            beside.take(files[top])
    people = _People.of(options.roster or beside.roster or ())
    slug = _slug(root, clones, people, options)
    found: list[Found] = []
    quarantined = list(beside.quarantined)
    for name, files in clones.items():
        one = _found(name, files, slug, people, beside.rows_of(name), options)
        if isinstance(one, Found):
            found.append(one)
        else:
            quarantined.append(
                Quarantined(paths_of(files) or (name,), one, "name its owner in the roster, or rename it")
            )
    return Download(
        "classroom",
        tuple(found),
        beside.roster,
        tuple(quarantined),
        beside.worksheet,
        is_roster_whole=beside.roster is not None,
        remarks=tuple(beside.remarks),
    )


def _root(tree: Tree) -> Tree | None:
    """The folder of the clones, where it is one for certain: the download, or the only folder in it."""
    inner = unwrapped(tree)
    for root in (inner, tree) if inner.name.endswith(_END) else (tree, inner):
        clones = [top for top in root.top() if top in root.folders]
        lead = f"{root.name.removesuffix(_END)}-".casefold()
        is_named = root.name.endswith(_END) and all(one.casefold().startswith(lead) for one in clones)
        if clones and (ROSTER in root.files or is_named):
            return root
    return None


def _likely_root(tree: Tree) -> Tree:
    """Where the clones are if they are clones: the only folder at the top is one itself where files lie in it."""
    inner = unwrapped(tree)
    return tree if any("/" not in path and not path.casefold().endswith(".csv") for path in inner.files) else inner


READER: Final = Reader("classroom", "a folder of clones from GitHub Classroom", fits, read)


def _found(
    name: str,
    files: Mapping[str, Stored],
    slug: str,
    people: _People,
    rows: Sequence[Mapping[str, str]],
    options: Options,
) -> Found | str:
    """One clone and its owners, or why they cannot be told."""
    note = "" if files else "the repository is empty"
    if rows:
        who = tuple(
            _who(people.login_of(row.get("github_username", "")), row.get("roster_identifier", "")) for row in rows
        )
        times = {row.get("submission_timestamp", "") for row in rows}
        received = moment(times.pop(), options.zone) if len(times) == 1 else None
        return Found(name, who, files=files, received_at=received, lms_folder=name, note=note)
    lead = f"{slug}-" if slug else ""
    if not name.casefold().startswith(lead.casefold()):
        return f"its name does not begin with {shown(lead)}, as those of this assignment do"
    rest = name[len(lead) :]
    teams = people.groups_of(rest)
    if teams and rest.casefold() in people.logins:
        return f"{shown(rest)} is a user and a team of the roster"
    if len(teams) > 1:
        return f"{shown(rest)} is the short name of several teams of the roster"
    if teams:
        return Found(name, group=teams[0], files=files, lms_folder=name, note=note)
    return Found(name, (_who(people.login_of(rest)),), files=files, lms_folder=name, note=note)


def _who(login: str, identifier: str = "") -> Who:
    keys = {"github_username": login, "roster_identifier": identifier}
    id_, name = (identifier, "") if is_id(identifier) else ("", identifier)
    return Who(id_, name, keys={key: text for key, text in keys.items() if text})


# --- who there is -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _People:
    """The users and teams of a roster, by their names in small letters: GitHub knows no other."""

    logins: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by what the team may be called in an address

    @classmethod
    def of(cls, roster: Iterable[RosterEntry]) -> _People:
        logins: dict[str, str] = {}
        groups: dict[str, dict[str, None]] = {}
        for one in roster:
            login = one.keys.get("github_username", "")
            if login:
                logins[login.casefold()] = login
            for slug in team_slugs(one.group):
                groups.setdefault(slug, {})[one.group] = None
        return cls(logins, {slug: tuple(names) for slug, names in groups.items()})

    def login_of(self, login: str) -> str:
        """A user's name as the roster spells it."""
        return self.logins.get(login.casefold(), login)

    def groups_of(self, rest: str) -> tuple[str, ...]:
        """The teams that may be called so in an address."""
        return self.groups.get(rest.casefold().replace("_", "-"), ())

    def knows(self, rest: str) -> bool:
        return rest in self.logins or bool(self.groups_of(rest))


def team_slugs(group: str) -> set[str]:
    """What a team's name may be in an address: accents are dropped or go with their letter, marks become a `-`.

    >>> sorted(team_slugs("The A-Team!")), sorted(team_slugs("Été_1"))
    (['the-a-team'], ['ete-1', 't-1'])
    """
    plain = (group.encode("ascii", "ignore"), unicodedata.normalize("NFKD", group).encode("ascii", "ignore"))
    return {"-".join(re.findall("[a-z0-9]+", one.decode().lower())) for one in plain} - {""}


def _slug(root: Tree, clones: Iterable[str], people: _People, options: Options) -> str:
    """What the names of the repositories begin with; "" where they are the users' names alone."""
    if root.name.endswith(_END):
        return root.name.removesuffix(_END)
    counts: Counter[str] = Counter()
    for name in (one.casefold() for one in clones):
        counts.update([""] if people.knows(name) else ())
        counts.update(name[: at.start()] for at in re.finditer("-", name) if people.knows(name[at.end() :]))
    if options.assignment in counts or not counts:
        every = all(one.casefold().startswith(f"{options.assignment}-") for one in clones)
        return options.assignment if options.assignment in counts or every else ""
    (best, most), *others = counts.most_common(2)
    if others and others[0][1] == most:
        what = f"the repositories may begin with {shown(best)} or with {shown(others[0][0])}"
        fix = f"call their folder by the assignment's slug: {best or 'SLUG'}{_END}"
        raise UsageError.single(what, where=clean(str(root.path)), fix=fix)
    return best


# --- tables beside the clones -----------------------------------------------------------------


@dataclass
class _Beside:
    """What lies beside the clones: Classroom's roster and its file of grades; all else is nobody's."""

    roster: tuple[RosterEntry, ...] | None = None
    worksheet: Worksheet | None = None
    quarantined: list[Quarantined] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _rows: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)

    def take(self, file: Stored) -> None:
        """Read a file that lies beside the clones. Raises SubmissionError, with the line, for a broken table."""
        table = _table(file) if file.name.casefold().endswith(".csv") else None
        if table is not None and table.column(_REPOSITORY) is not None and self.worksheet is None:
            self.worksheet = Worksheet(file.name, file.read(MAX_BYTES) or b"")
            self.add_rows(table)
        elif table is not None and kind_of(table) == "classroom" and self.roster is None:
            roster = roster_from(table)
            self.roster = roster.entries
            self.remarks += roster.remarks
        else:
            reason = "it lies beside the clones, not in one"
            self.quarantined.append(Quarantined((file.path,), reason, "move it into the clone that it is part of"))

    def add_rows(self, table: Table) -> None:
        """Keep whose each repository is, and when it was handed in, as a file of grades says it."""
        names = (_REPOSITORY, "github_username", "roster_identifier", "submission_timestamp", "group_name")
        for row in table.rows:
            cells = cells_by_name(table, row, names)
            repository = cells.get(_REPOSITORY, "").rsplit("/", 1)[-1]  # some write the owner before it
            rows = self._rows.setdefault(repository.casefold(), [])
            # The same table may be given twice: among the clones and by --worksheet.
            if repository and cells.get("github_username") and cells not in rows:
                rows.append(cells)

    def rows_of(self, repository: str) -> Sequence[Mapping[str, str]]:
        """The rows of the file of grades for a repository: one for each of its owners."""
        return self._rows.get(repository.casefold(), ())


def _table(file: Stored) -> Table | None:
    data = file.read(MAX_BYTES)
    return read_table(data, file.path) if data else None
