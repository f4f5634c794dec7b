"""What does Gradescope's export of submissions hold? A folder for each, and a file that says whose it is.

    assignment_8046601_export/submission_metadata.yml
    assignment_8046601_export/submission_330000011/model.py

The metadata is YAML as Ruby writes it: symbols for keys, tags and references where it likes. It is read as text:
nothing is constructed, what is not asked is not kept, and an id keeps its leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.frozen import dataclass
from grader.intake.classes import Quarantined
from grader.intake.lms.base import Download, Found, Options, Reader, Who
from grader.intake.lms.shape import by_top, paths_of, unwrapped
from grader.intake.lms.tables import cells_by_name
from grader.intake.lms.times import moment
from grader.intake.lms.tree import Stored, Tree

METADATA: Final = "submission_metadata.yml"
_MOST_BYTES: Final = 128 * 2**20  # the results of every test of every student may stand in it, too
_MOST_DEPTH: Final = 64
_EXPORT: Final = re.compile(r"assignment_\d+_export")
_NUMBER, _TIME, _LATENESS = "Submission ID", "Submission Time", "Lateness (H:M:S)"
_LENGTH: Final = re.compile(r"(\d{1,6}):(\d\d):(\d\d)", re.ASCII)
_ENTRY: Final = 2  # open above the values of an entry: the file's mapping and the entry's own
_ASKED: Final = ("submitters", "created_at", "history")
_AGAIN: Final = "export the submissions from Gradescope again"
_ASK: Final = "ask in Gradescope whose submission it is"


def fits(tree: Tree) -> bool:
    """Whether there is Gradescope's metadata, beside something that is called as it calls submissions."""
    root = _root(tree)
    if root is None or (root is not tree and not _EXPORT.match(root.name)):
        return False
    return any(top.startswith("submission_") and top != METADATA for top in root.top())


def read(tree: Tree, options: Options) -> Download:
    """The submissions that the metadata names. Raises SubmissionError where it is missing, cut off or damaged."""
    root = _root(tree)
    if root is None:
        what = f"there is no {METADATA} at its top: it says whose each submission is"
        raise SubmissionError.single(what, where=clean(str(tree.path)), fix=_AGAIN)
    files = by_top(root)
    del files[METADATA]
    found, quarantined = [], []
    graded = _graded(options)
    for entry in _entries(root.files[METADATA]):
        mine = files.pop(entry.key, {})
        if entry.people:
            found.append(_found(entry, mine, graded.get(entry.key.partition(".")[0], {}), options))
        elif mine:
            quarantined.append(_nobodys(mine, f"{METADATA} names nobody for {shown(entry.key)}"))
    quarantined += [_nobodys(left, f"{METADATA} does not name {shown(top)}") for top, left in files.items() if left]
    return Download("gradescope", tuple(found), quarantined=tuple(quarantined))


READER: Final = Reader("gradescope", "an export of submissions from Gradescope", fits, read)


def _root(tree: Tree) -> Tree | None:
    """Where the metadata lies: at the top, or in the only folder there. Deeper down it would be a student's."""
    if METADATA in tree.files:
        return tree
    root = unwrapped(tree)
    return root if METADATA in root.files else None


def _nobodys(files: Mapping[str, Stored], reason: str) -> Quarantined:
    return Quarantined(paths_of(files), reason, _ASK)


def _graded(options: Options) -> Mapping[str, Mapping[str, str]]:
    """What Gradescope's file of grades says of a submission, by the name of its folder."""
    table = options.worksheet
    if table is None or table.column(_NUMBER) is None:
        return {}
    rows = (cells_by_name(table, row, (_NUMBER, _TIME, _LATENESS)) for row in table.rows)
    return {f"submission_{row[_NUMBER]}": row for row in rows if _NUMBER in row}


def _found(entry: _Entry, files: Mapping[str, Stored], row: Mapping[str, str], options: Options) -> Found:
    who = tuple(Who(sid, name, email, {"sid": sid} if sid else {}) for sid, name, email in entry.people)
    lateness = _LENGTH.fullmatch(row.get(_LATENESS, ""))
    return Found(
        key="+".join(sorted(one.id or one.email or one.name for one in who)),  # the same people again: another attempt
        who=who,
        files=files,
        received_at=moment(entry.created_at, options.zone) or moment(row.get(_TIME, ""), options.zone),
        is_late=any(int(part) for part in lateness.groups()) if lateness else None,
        attempt=entry.earlier + 1,
        lms_folder=entry.key,
        note="" if files else "the export holds no files of it",
    )


# --- the metadata -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """One submission: its folder, (sid, name, email) of each submitter, when it came, how many came before it."""

    key: str
    people: tuple[tuple[str, str, str], ...]
    created_at: str
    earlier: int


def _entries(metadata: Stored) -> Iterator[_Entry]:
    """What the metadata says, in its order. Raises SubmissionError with the line."""
    where = clean(metadata.path)
    data = metadata.read(_MOST_BYTES)
    if data is None:
        raise _broken(where, f"it has more than {_MOST_BYTES:,} bytes")
    top = _Graph(where).of(data)
    seen: dict[str, int] = {}
    for key, line, entry in top:
        if key in seen:
            raise _broken(f"{where}:{line}", f"{shown(key)} stands here again, after line {seen[key]}")
        seen[key] = line
        said = {name.removeprefix(":"): value for name, _, value in _pairs(entry)}
        people = [_person(one) for one in _items(said.get("submitters"))]
        yield _Entry(
            key,
            tuple(one for one in people if any(one)),
            _text(said.get("created_at")),
            len(_items(said.get("history"))),
        )


def _person(node: _Node) -> tuple[str, str, str]:
    said = {name.removeprefix(":"): _text(value) for name, _, value in _pairs(node)}
    return said.get("sid", ""), said.get("name", ""), said.get("email", "")


def _broken(where: str, what: str) -> SubmissionError:
    return SubmissionError.single(what, where=where, fix=_AGAIN, code="bad-metadata")


_Node = Any  # text, a list of nodes, or a list of (key, line, node) in a _Mapping; None for nothing


class _Mapping(list[Any]):
    """The pairs of a mapping: (key, line, value)."""


@dataclass
class _Open:
    """A mapping or list that is being read; of a mapping the key whose value comes next."""

    made: _Node
    key: str = ""
    line: int = 0
    has_key: bool = False


def _pairs(node: _Node) -> list[tuple[str, int, _Node]]:
    return node if isinstance(node, _Mapping) else []


def _items(node: _Node) -> list[_Node]:
    return node if isinstance(node, list) and not isinstance(node, _Mapping) else []


def _text(node: _Node) -> str:
    return node if isinstance(node, str) else ""


class _Graph:
    """Turns the parser's events into text, lists and pairs, without recursion. A reference is to the same node.

    Of an entry only what is asked is kept: the results of all tests are most of the file.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._marked: dict[str, _Node] = {}
        self._open: list[_Open] = []
        self._skipped = 0  # how many levels below what is kept
        self._top: _Node = None

    def of(self, data: bytes) -> _Mapping:
        """The pairs at the top. Raises SubmissionError with the line of what is no such YAML."""
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        event: Any
        line = 1
        try:
            for event in yaml.parse(data.decode("utf-8-sig"), Loader=loader):
                line = event.start_mark.line + 1
                if isinstance(event, yaml.ScalarEvent):
                    is_nothing = event.implicit[0] and event.value in ("", "~", "null")
                    self._add(None if is_nothing else event.value, line, event.anchor)
                elif isinstance(event, yaml.MappingStartEvent):
                    self._begin(_Mapping(), line, event.anchor)
                elif isinstance(event, yaml.SequenceStartEvent):
                    self._begin([], line, event.anchor)
                elif isinstance(event, yaml.AliasEvent):
                    self._add(self._marked.get(event.anchor or ""), line, None)
                elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                    self._end()
        except yaml.MarkedYAMLError as error:
            mark: Any = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else line
            raise _broken(f"{self._where}:{line}", f"cut off or damaged: {clean(str(error.problem), 80)}") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise _broken(f"{self._where}:{line}", f"cut off or damaged: {clean(str(error), 80)}") from error
        if not isinstance(self._top, _Mapping) or not self._top:
            raise _broken(self._where, "it names no submission")
        return self._top

    def _begin(self, made: _Node, line: int, anchor: str | None) -> None:
        if len(self._open) + self._skipped >= _MOST_DEPTH:
            raise _broken(f"{self._where}:{line}", f"it is nested deeper than {_MOST_DEPTH} levels")
        top = self._open[-1] if self._open else None
        is_asked = len(self._open) != _ENTRY or top is None or top.key.removeprefix(":") in _ASKED
        if self._skipped or not is_asked:
            self._skipped += 1
            return
        is_key = top is not None and isinstance(top.made, _Mapping) and not top.has_key
        self._add("" if is_key else made, line, anchor)
        self._open.append(_Open(made))

    def _end(self) -> None:
        if not self._skipped:
            self._open.pop()
            return
        self._skipped -= 1
        if not self._skipped:
            self._add(None, 0, None)

    def _add(self, value: _Node, line: int, anchor: str | None) -> None:
        if anchor:
            self._marked[anchor] = value
        if self._skipped:
            return
        if not self._open:
            if self._top is not None:
                raise _broken(f"{self._where}:{line}", "a second document starts here")
            self._top = value
            return
        top = self._open[-1]
        if not isinstance(top.made, _Mapping):
            top.made.append(value)
        elif top.has_key:
            top.made.append((top.key, top.line, value))
            top.has_key = False
        else:
            top.key, top.line, top.has_key = _text(value), line, True
