"""What is in Canvas's "Download Submissions"? Files side by side, whose names say whose they are.

    {name}[_LATE]_{user}_{attachment}_{file name}      name: of a person or a group, small letters and word characters
    {name}[_LATE]_{user}_text.html, ..._link.html      typed text, an address
    [LATE_]anon_{anonymous id}_...                     anonymous grading: names nobody

Canvas takes `_12_` out of names, so that a name can read like an id only at its end: `kim_12` and user 70001 give
`kim_12_70001_900_a.py`, which may as well be a file `900_a.py` of user 12. Only the roster tells, or a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final, NamedTuple

from grader.frozen import dataclass
from grader.intake.classes import Quarantined
from grader.intake.lms import moodle
from grader.intake.lms.base import Download, Found, Options, Reader, Who
from grader.intake.lms.beside import grade_file
from grader.intake.lms.shape import unwrapped
from grader.intake.lms.tree import Stored, Tree

_OWNER: Final = re.compile(
    r"(?=_(?P<late>LATE_)?(?P<user>[0-9]{1,18})_(?:(?P<attachment>[0-9]{1,18})_(?P<file>.+)|(?P<typed>text|link)\.html)$)",
    re.DOTALL,
)
_ANONYMOUS: Final = re.compile(
    r"(?P<late>LATE_)?anon_(?P<id>[0-9A-Za-z]+)_(?:(?P<attachment>[0-9]{1,18})_(?P<file>.+)|(?P<typed>text|link)\.html)",
    re.DOTALL,
)
_AN_ID: Final = re.compile(r"_[0-9]+_")
_AGAIN: Final = re.compile(r"(?P<stem>.+)-[0-9]{1,3}(?P<end>(\.[^.]+)?)", re.DOTALL)


class Reading(NamedTuple):
    """One way to read a file's name."""

    prefix: str  # all before the attachment: what Canvas calls the hand-in
    name: str
    user: str
    file: str
    is_late: bool
    is_typed: bool
    is_anonymous: bool = False


@dataclass
class _Gathered:
    """What the download has of one user, and how the first of it was read."""

    reading: Reading
    files: dict[str, Stored] = field(default_factory=dict)
    is_typed: bool = True  # and nothing else is there

    def put(self, reading: Reading, file: Stored) -> None:
        self.is_typed = self.is_typed and reading.is_typed
        self.files[reading.file if reading.file not in self.files else file.path] = file


def readings(name: str) -> Iterator[Reading]:
    """Every way in which Canvas may have made this name, the shortest name of a person first.

    >>> [(one.name, one.user, one.file, one.is_late) for one in readings("lovelaceada_LATE_70001_9_my_2_3_x.py")]
    [('lovelaceada', '70001', 'my_2_3_x.py', True)]
    >>> [(one.name, one.user, one.file) for one in readings("kim_12_70001_900_a.py")]
    [('kim', '12', '900_a.py'), ('kim_12', '70001', 'a.py')]
    """
    anonymous = _ANONYMOUS.fullmatch(name)
    if anonymous:
        prefix = f"{anonymous['late'] or ''}anon_{anonymous['id']}"
        file, late = anonymous["file"] or f"{anonymous['typed']}.html", bool(anonymous["late"])
        yield Reading(prefix, "", anonymous["id"], file, late, anonymous["typed"] is not None, is_anonymous=True)
        return
    for match in _OWNER.finditer(name):
        person = name[: match.start()]
        if _AN_ID.search(person) or person != person.lower():
            return
        prefix = f"{person}_{match['late'] or ''}{match['user']}"
        file = match["file"] or f"{match['typed']}.html"
        yield Reading(prefix, person, match["user"], file, bool(match["late"]), match["typed"] is not None)


def fits(tree: Tree) -> bool:
    """Whether every file is named as Canvas names them, and there are no folders; tables may lie beside them."""
    tree = unwrapped(tree)
    named = [path for path in tree.files if _is_named(path)]
    others = tree.files.keys() - set(named)
    return bool(named) and not tree.folders and all(path.lower().endswith(".csv") for path in others)


def _is_named(path: str) -> bool:
    return not moodle.is_named(path) and next(readings(path), None) is not None


def read(tree: Tree, options: Options) -> Download:
    """The hand-ins of the download. A name that two users could have, or none, is quarantined."""
    tree = unwrapped(tree)
    others = {path: file for path, file in tree.files.items() if "/" in path or not _is_named(path)}
    worksheet, _, entries = grade_file([file for path, file in others.items() if "/" not in path], "canvas")
    strange = tuple(file.path for file in others.values() if worksheet is None or file.name != worksheet.name)
    known = {one.keys.get("canvas_id", "") for one in (*options.roster, *entries)} - {""}
    by_user: dict[str, _Gathered] = {}
    unsure: dict[tuple[str, ...], list[str]] = {}  # by the users who may be meant
    for path, file in tree.files.items():
        found = list(readings(path)) if path not in others else []
        possible = [one for one in found if not known or one.user in known] or found
        if len(possible) > 1:
            unsure.setdefault(tuple(one.user for one in possible), []).append(file.path)
        for one in possible if len(possible) == 1 else ():
            key = f"anon-{one.user}" if one.is_anonymous else one.user
            by_user.setdefault(key, _Gathered(one)).put(one, file)
    apart = [_unsure(users, files, has_roster=bool(known)) for users, files in unsure.items()]
    if strange:
        what = "Canvas names no hand-in like this"
        apart.append(Quarantined(strange, what, "look whose it is; it belongs to no hand-in here"))
    lacking = {user for users in unsure for user in users}
    hand_ins = tuple(
        _found(key, one, options.expected, may_lack=key in lacking) for key, one in sorted(by_user.items())
    )
    return Download("canvas", hand_ins, entries or None, tuple(apart), worksheet, bool(entries))


def _unsure(users: Sequence[str], files: Sequence[str], *, has_roster: bool) -> Quarantined:
    named = " or of ".join(users)
    fix = "look in Canvas whose it is" if has_roster else "give Canvas's gradebook by --roster: it says who there is"
    return Quarantined(tuple(files), f"by its name it may be of the user {named}", fix)


def _found(key: str, one: _Gathered, expected: frozenset[str], *, may_lack: bool) -> Found:
    reading = one.reading
    notes = ["typed into Canvas, no file"] if one.is_typed else []
    notes += ["a file that may be of it is in quarantine"] if may_lack else []
    kind = "anonymous_id" if reading.is_anonymous else "canvas_id"
    return Found(
        key=key,
        who=(Who(name=reading.name, keys={kind: reading.user}),),
        group=reading.name,
        files=without_counts(one.files, expected),
        is_late=reading.is_late,
        lms_folder=reading.prefix,
        note="; ".join(notes),
    )


def without_counts(files: Mapping[str, Stored], expected: frozenset[str]) -> dict[str, Stored]:
    """Canvas calls a file that was handed in again `model-1.py`. Where the assignment asks for `model.py`, that is it.

    Only then: a name of the student's own choice may end like that, too.
    """
    made: dict[str, Stored] = {}
    for name, file in files.items():
        match = _AGAIN.fullmatch(name)
        plain = match["stem"] + match["end"] if match else name
        is_it = plain in expected and plain not in files and plain not in made
        made[plain if is_it else name] = file
    return made


READER: Final = Reader("canvas", "Canvas's download of submissions", fits, read)
