"""What does a folder of hand-ins hold? An archive or a folder a student, called by an id that the roster knows.

    inbox/s1001.zip
    inbox/ada@example.org/model.py

Nobody but its student names such a hand-in, so that the whole name must be one of the roster's: an id, an address, a
user's name, or a full name. A name that merely holds one is nobody's, and neither are two of one name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.intake.classes import Quarantined, RosterEntry, is_id
from grader.intake.lms.base import FALLBACK, Download, Found, Options, Reader, Who
from grader.intake.lms.roster import name_key
from grader.intake.lms.shape import by_top, paths_of, unwrapped
from grader.intake.lms.tree import Stored, Tree
from grader.intake.names import same_key

_ARCHIVES: Final = (
    ".zip",
    ".7z",
    ".rar",
    ".tar",
    ".tar.gz",
    ".tar.bz2",
    ".tar.xz",
    ".tgz",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
)
_LISTS: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods")


def fits(tree: Tree) -> bool:
    """Whether there is an archive or a folder in it. It is asked only when no other kind fits."""
    return any(top in tree.folders or _ending(top) for top in tree.top())


def read(tree: Tree, options: Options) -> Download:
    """The archives and folders. Raises SubmissionError where there are none."""
    people = _People(options.roster)
    root = _root(tree, people)
    found: dict[str, list[tuple[str, Mapping[str, Stored], Who]]] = {}
    quarantined = []
    lists = []
    for top, files in by_top(root).items():
        is_folder = top in root.folders
        ending = "" if is_folder else _ending(top)
        if not is_folder and top.casefold().endswith(_LISTS):
            lists.append(top)
            continue
        if not is_folder and not ending:
            reason = "it is a single file, neither a folder nor an archive"
            quarantined.append(
                Quarantined(paths_of(files), reason, "put it into a folder that is called by its student")
            )
            continue
        stem = top[: len(top) - len(ending)] if ending else top
        who = people.who(stem)
        found.setdefault(people.key_of(stem), []).append((stem, files, who))
    made = [
        Found(key, (who,), files=files, lms_folder=stem, note="" if files else "the folder is empty")
        for key, several in found.items()
        for stem, files, who in several  # of two of one name nothing says which counts: `matching` keeps both apart
    ]
    if not made and not quarantined:
        what = "there is no archive and no folder in it"
        raise SubmissionError.single(
            what, where=clean(str(tree.path)), fix="name a folder with a hand-in for each student"
        )
    remarks = (
        (f"not hand-ins, and left where they are: {', '.join(shown(one, 60) for one in lists[:5])}",) if lists else ()
    )
    return Download(FALLBACK, tuple(made), None, tuple(quarantined), remarks=remarks)


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

    def key_of(self, stem: str) -> str:
        """Equal for names that mean one student, or that many systems take for one."""
        one = self._one(stem)
        return one.id if one else f"?{same_key(stem)}"

    def who(self, stem: str) -> Who:
        one = self._one(stem)
        if one is not None:
            return Who(id=one.id)
        return Who(id=stem if is_id(stem) else "", name=stem)
