"""What is in Moodle's "Download all submissions", as folders or flat, in any language?

    {Full name}_{number}_assignsubmission_file[_]/{path}        folders; before Moodle 4.1 the name ends with _
    {Full name}_{number}_assignsubmission_file_{name}           flat
    {Group}_{number}_..., Default group_...                     teams

`number` is the assignment's own for a participant or a team. A name has no underscore in Moodle's file names; what
stands before a further one (a login that some sites add) says nothing here. The worksheet says when it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final

from grader.frozen import dataclass
from grader.intake.classes import Quarantined
from grader.intake.lms.base import Download, Found, Options, Reader, Who
from grader.intake.lms.beside import grade_file
from grader.intake.lms.joining import word_key
from grader.intake.lms.long_dates import is_late_by, long_date
from grader.intake.lms.roster import identifier_number, kind_of, moodle_columns
from grader.intake.lms.shape import unwrapped
from grader.intake.lms.tables import Table
from grader.intake.lms.tree import Stored, Tree

_PLUGIN: Final = "_assignsubmission_"
_FOLDER: Final = re.compile(r"(?P<prefix>.+?)_assignsubmission_(?P<plugin>[a-z][a-z0-9]*)_?")
_FLAT: Final = re.compile(r"(?P<prefix>.+?)_assignsubmission_(?P<plugin>[a-z][a-z0-9]*)_(?P<rest>.+)", re.DOTALL)
_MADE: Final = re.compile(r"[^_]*(_[0-9]{1,18})?_assignsubmission_[a-z]")
_OWNER: Final = re.compile(r"(?P<name>.*)_(?P<number>[0-9]{1,18})", re.DOTALL)


@dataclass
class _Gathered:
    """What the download has of one participant or team. `folders` by plugin."""

    prefix: str
    files: dict[str, Stored] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)


def fits(tree: Tree) -> bool:
    """Whether most of what is at the top is named as only Moodle names it; one such name may be a student's own."""
    names = [top for top in _inner(tree).top() if is_named(top) or not top.lower().endswith(".csv")]
    return 2 * sum(is_named(top) for top in names) > len(names)


def is_named(top: str) -> bool:
    """Whether Moodle may have made this name: its names of people and groups have no underscore.

    >>> [is_named(f"{prefix}_assignsubmission_file_x.py") for prefix in ("Ada L_4001", "Default group", "ada_7_9")]
    [True, True, False]
    """
    return _MADE.match(top) is not None


def read(tree: Tree, options: Options) -> Download:
    """The hand-ins of the download, files and online texts of one participant together."""
    tree = _inner(tree)
    found: dict[str, _Gathered] = {}
    tables: list[Stored] = []
    strange: list[str] = []
    for folder in tree.top():
        match = _FOLDER.fullmatch(folder) if folder in tree.folders else None
        if match:  # also an empty one: something was handed in, and it holds nothing
            gathered = found.setdefault(match["prefix"], _Gathered(match["prefix"]))
            gathered.folders.setdefault(match["plugin"], folder)
    for path, file in tree.files.items():
        top, _, rest = path.partition("/")
        match = (_FOLDER if rest else _FLAT).fullmatch(top)
        if match:
            gathered = found.setdefault(match["prefix"], _Gathered(match["prefix"]))
            gathered.folders.setdefault(match["plugin"], top if rest else match["prefix"])
            gathered.files.setdefault(rest or match["rest"], file)
        elif not rest and path.lower().endswith(".csv"):
            tables.append(file)
        else:
            strange.append(file.path)
    worksheet, table, entries = grade_file(tables, "moodle")
    strange += [file.path for file in tables if worksheet is None or file.name != worksheet.name]
    receipts = _Receipts(options.worksheet or table, options)
    quarantined = [_strange(tuple(strange))] if strange else []
    hand_ins = tuple(_found(one, receipts) for _, one in sorted(found.items()))
    remarks = receipts.remarks()
    return Download("moodle", hand_ins, entries or None, tuple(quarantined), worksheet, bool(entries), remarks)


def _inner(tree: Tree) -> Tree:
    """The download itself, where it is wrapped in a folder; the only hand-in's folder is none of that."""
    return tree if _PLUGIN in " ".join(tree.top()) else unwrapped(tree)


def _strange(files: tuple[str, ...]) -> Quarantined:
    return Quarantined(files, "Moodle names no hand-in like this", "look whose it is; it belongs to no hand-in here")


def _found(one: _Gathered, receipts: _Receipts) -> Found:
    owner = _OWNER.fullmatch(one.prefix)
    name, number = (owner["name"], owner["number"]) if owner else (one.prefix, "")
    received_at, is_late = receipts.of(number, name)
    only_text = bool(one.files) and set(one.folders) == {"onlinetext"}
    return Found(
        key=number or name,
        who=(Who(name=name, keys={"participant": number}),) if number else (),
        group=name,
        files=one.files,
        received_at=received_at,
        is_late=is_late,
        lms_folder=one.folders.get("file") or next(iter(one.folders.values())),
        note="a text typed into Moodle, no file" if only_text else "",
    )


class _Receipts:
    """When Moodle received what: its worksheet's own word, by the participant's number or by the group."""

    def __init__(self, table: Table | None, options: Options) -> None:
        self._of_number: dict[str, tuple[datetime | None, bool | None]] = {}
        self._of_group: dict[str, set[tuple[datetime | None, bool | None]]] = {}
        self._unread = 0
        self._has_zone = options.zone is not None
        if table is None or kind_of(table) != "moodle":
            return
        columns = moodle_columns(table)
        for row in table.rows:
            cells: Mapping[str, str] = {name: row.cells[at].strip() for name, at in columns.items()}
            said = cells.get("submitted", "")
            at = long_date(said, options.zone) if options.zone and any(char.isdigit() for char in said) else None
            self._unread += at is None and any(char.isdigit() for char in said)
            receipt = (at, is_late_by(cells.get("status", "")))
            self._of_number[identifier_number(cells["identifier"]) or ""] = receipt
            if said.strip(" -"):  # of a team, those who have the team's hand-in
                self._of_group.setdefault(word_key(cells.get("group", "")), set()).add(receipt)

    def of(self, number: str, name: str) -> tuple[datetime | None, bool | None]:
        of_group = self._of_group.get(word_key(name), set()) if name else set()
        if len(of_group) == 1:
            receipt = next(iter(of_group))
            return self._of_number.get(number, receipt)
        return self._of_number.get(number, (None, None))

    def remarks(self) -> tuple[str, ...]:
        if not self._unread:
            return ()
        if not self._has_zone:
            fix = 'add timezone = "Europe/Oslo" to grader.toml to have them read'
            return (f"the times in the worksheet are local ones: {fix}",)
        return (f"{self._unread:,} times of receipt in the worksheet are written in a way that is not known here",)


READER: Final = Reader("moodle", "Moodle's download of all submissions", fits, read)
