"""What does a folder of hand-ins hold? An archive or a folder a student, called by an id that the roster knows.

    inbox/s1001.zip
    inbox/ada@example.org/model.py

Nobody but its student names such a hand-in, so that the whole name must be one of the roster's: an id, an address, a
user's name, or a full name. A name that merely holds one is nobody's, and neither are two of one name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import GraderError, SubmissionError, UsageError
from grader.intake.classes import FILE, FOLDER, Quarantined, RosterEntry, is_id
from grader.intake.lms.base import FALLBACK, Download, Found, Options, Reader, Who, readers
from grader.intake.lms.roster import name_key
from grader.intake.lms.shape import by_top, paths_of, unwrapped
from grader.intake.lms.tree import Stored, Tree, opened_tree
from grader.intake.names import same_key

_ARCHIVES: Final = (
    ".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".gz", ".bz2", ".xz", ".zst",
)  # fmt: skip
_LISTS: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods")


def fits(tree: Tree) -> bool:
    """Whether there is an archive or a folder in it. It is asked only when no other kind fits."""
    return any(top in tree.folders or _ending(top) for top in tree.top())


def read(tree: Tree, options: Options) -> Download:
    """The archives and folders. Raises GraderError where there are none, or where it is something else for certain."""
    people = _People(options.roster)
    root = _root(tree, people)
    tops = by_top(root)
    lists = [top for top in tops if top not in root.folders and top.casefold().endswith(_LISTS)]
    hand_ins = {top: files for top, files in tops.items() if top not in lists}
    _refuse_other_things(tree, hand_ins)
    found: list[Found] = []
    quarantined = []
    for top, files in hand_ins.items():
        ending = "" if top in root.folders else _ending(top)
        stem = top[: len(top) - len(ending)]
        if top.startswith("."):
            quarantined.append(_apart(top, files, "its name is hidden", "rename it to the id of its student"))
        elif top not in root.folders and not ending:
            reason = "it is a single file, neither a folder nor an archive"
            quarantined.append(_apart(top, files, reason, "put it into a folder that is called by its student"))
        else:  # of two of one name nothing says which counts: `matching` keeps both apart
            note = "" if files else "the folder is empty"
            found.append(Found(people.key_of(stem), (people.who(stem),), files=files, lms_folder=stem, note=note))
    if not hand_ins:
        what = "there is no archive and no folder in it"
        fix = "name a folder with a hand-in for each student"
        raise SubmissionError.single(what, where=clean(str(tree.path)), fix=fix)
    remarks = (
        [f"not hand-ins, and left where they are: {', '.join(shown(one, 60) for one in lists[:5])}"] if lists else []
    )
    clones = sum(people.may_be_clone_of(one.lms_folder) for one in found)
    if clones > 1:
        remarks.append(
            f"{clones:,} names end like users of the roster: clones of GitHub Classroom need --from classroom"
        )
    return Download(FALLBACK, tuple(found), None, tuple(quarantined), remarks=tuple(remarks))


def _apart(top: str, files: Mapping[str, Stored], reason: str, fix: str) -> Quarantined:
    return Quarantined(paths_of(files) or (top,), reason, fix)


def _refuse_other_things(tree: Tree, hand_ins: Mapping[str, Mapping[str, Stored]]) -> None:
    """Raise UsageError for a class that was imported already, and for the folder that a download lies in.

    Either would make a student of what is none.
    """
    if f"{FOLDER}/{FILE}" in tree.files:
        what = "it is a class that grader import wrote"
        raise UsageError.single(what, where=clean(str(tree.path)), fix="name the download; or grade it: grader run-all")
    if tree.kind != "folder" or len(hand_ins) != 1:
        return
    [(name, files)] = hand_ins.items()
    path = tree.path / next(iter(files.values())).path if files else tree.path
    if not name.casefold().endswith(".zip"):
        return
    others: list[Reader] = []
    with suppress(GraderError, OSError), opened_tree(path) as inner:  # one that is broken is a hand-in that is broken
        others = [one for one in readers().values() if one.kind != FALLBACK and one.fits(inner)]
    if others:
        what = f"{shown(name)} in it is {others[0].about}"
        raise UsageError.single(what, where=clean(str(tree.path)), fix=f"name that file: {clean(str(path))}")


READER: Final = Reader(FALLBACK, "a folder of hand-ins", fits, read)


def _ending(name: str) -> str:
    """The ending of an archive's name, the longest that fits; empty for anything else, and for an ending alone."""
    fitting = (one for one in _ARCHIVES if name.casefold().endswith(one) and len(name) > len(one))
    return max(fitting, key=len, default="")


def _root(tree: Tree, people: _People) -> Tree:
    """The folder that holds the hand-ins: a zip of such a folder has it at the top, and nothing beside it.

    The only folder may as well be the only hand-in: where it is called by a student, or holds a file that is none.
    """
    root = unwrapped(tree)
    if root is tree or people.knows(root.name):
        return tree
    tops = [top for top in root.top() if not top.casefold().endswith(_LISTS)]
    return root if tops and all(top in root.folders or _ending(top) for top in tops) else tree


class _People:
    """The students of the roster by all that a hand-in may be called. What would be two students is nobody's."""

    def __init__(self, roster: Sequence[RosterEntry]) -> None:
        self._roster = roster
        self._ids: dict[str, list[RosterEntry]] = {}
        self._names: dict[str, list[RosterEntry]] = {}
        self._logins = {one.keys.get("github_username", "").casefold() for one in roster} - {""}
        for one in roster:
            for called in {same_key(text) for text in (one.id, one.email, *one.keys.values()) if text}:
                self._ids.setdefault(called, []).append(one)
            if one.name:
                self._names.setdefault(name_key(one.name), []).append(one)

    def _one(self, stem: str) -> RosterEntry | None:
        fitting = self._ids.get(same_key(stem)) or self._names.get(name_key(stem), [])
        return fitting[0] if len(fitting) == 1 else None

    def knows(self, stem: str) -> bool:
        return self._one(stem) is not None

    def may_be_clone_of(self, stem: str) -> bool:
        """Whether it is called as Classroom calls a repository: by the assignment and a user of the roster."""
        ends = (stem[at + 1 :].casefold() for at, char in enumerate(stem) if char == "-" and at)
        return not self.knows(stem) and any(end in self._logins for end in ends)

    def key_of(self, stem: str) -> str:
        """Equal for names that mean one student, or that many systems take for one."""
        one = self._one(stem)
        return one.id if one else f"?{same_key(stem)}"

    def who(self, stem: str) -> Who:
        one = self._one(stem)
        if one is not None:
            return Who(id=one.id)
        return Who(id=stem if is_id(stem) else "", name=stem)
