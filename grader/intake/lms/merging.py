"""What is the class once this download is in it? What was there stays, the chosen attempt counts, nothing is lost.

A student's hand-in of this download takes the place of the one before by the time at which the LMS received them; where
it does not say so, by the order of the imports. What does not count any more is kept beside the class list.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from grader.frozen import dataclass
from grader.intake.classes import EARLIER, FOLDER, ClassList, HandInEntry, Quarantined, RosterEntry
from grader.intake.lms.base import Who
from grader.intake.lms.joining import Index
from grader.intake.lms.matching import Assigned, Matched
from grader.intake.names import same_key

_KEPT = "from an import before this one"


@dataclass(frozen=True)
class Merged:
    """The class to be, and how it comes to be on disk.

    `take`: (which of the new hand-ins, by its place; where it goes). `move`: (from, to) of what is there already, in
    this order. Paths are relative to the class's folder. The others are the names of the hand-ins that count.
    """

    class_list: ClassList
    take: tuple[tuple[int, str], ...]
    move: tuple[tuple[str, str], ...]
    new: tuple[str, ...]
    replaced: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]


def entry_of(assigned: Assigned, *, is_zip: bool, digest: str) -> HandInEntry:
    """A new hand-in as the class list has it."""
    found = assigned.found
    entry = HandInEntry(
        assigned.name,
        ".zip" if is_zip else "",
        assigned.students,
        found.received_at,
        found.is_late,
        max(1, found.attempt),
        digest,
        found.lms_folder,
        assigned.is_counted,
        found.was,
    )
    return replace(entry, path=_path(entry))


def _path(entry: HandInEntry) -> str:
    """Where it belongs: an archive keeps its ending."""
    end = ".zip" if entry.path.endswith(".zip") else ""
    return entry.name + end if entry.is_counted else f"{FOLDER}/{EARLIER}/{entry.name}~{entry.digest[:12]}{end}"


@dataclass
class _Item:
    """A hand-in of now, of before, or of both; `students` are those for whom it counts."""

    entry: HandInEntry
    at: int | None = None
    old: HandInEntry | None = None
    students: list[str] = field(default_factory=list)


def merged(matched: Matched, entries: Sequence[HandInEntry], head: ClassList, before: ClassList | None) -> Merged:
    """The class list of `matched`, whose hand-ins are `entries`, over the one that was there.

    `head` says what the list is of (assignment, source, keep, worksheet). Whoever is in the roster no more keeps a
    place in it as long as there is a hand-in of theirs.
    """
    before = _with_todays_ids(before, matched.roster) if before else None
    items = _items(entries, before.hand_ins if before else ())
    now = {student: item for item, entry in _counted_now(items, entries) for student in entry.students}
    then = {student: one for one in items if one.old and one.old.is_counted for student in one.old.students}
    known = {entry.id for entry in matched.roster}
    lost = [one for one in (before.roster if before else ()) if one.id not in known and one.id in then]
    reason = "not in the roster any more" if matched.has_roster else "no submission"
    roster = [*matched.roster, *(replace(one, reason=reason, hand_in="") for one in lost)]
    counts: dict[str, _Item] = {}
    older = _older(items)
    for student in roster:
        one = _that_counts(now.get(student.id), then.get(student.id), older.get(student.id, ()), head.keep)
        if one is not None:
            counts[student.id] = one
            one.students.append(student.id)
    hand_ins = _settled(items)
    told: dict[str, set[str]] = defaultdict(set)
    for student_id, one in counts.items():
        kind = "kept" if one.at is None else "same" if one.old else "replaced" if student_id in then else "new"
        told[kind].add(one.entry.name)
    class_list = replace(
        head,
        roster=tuple(_with_reason(one, counts.get(one.id), head.keep) for one in roster),
        hand_ins=tuple(sorted(hand_ins, key=lambda one: (not one.is_counted, one.name, one.path))),
        quarantined=tuple(_quarantined(matched, before.quarantined if before else ())),
        worksheet=head.worksheet or (before.worksheet if before else ""),
    )
    told["new"] -= told["replaced"]
    names = {kind: tuple(sorted(told[kind])) for kind in ("new", "replaced", "same", "kept")}
    return Merged(class_list, tuple(_taken(items)), tuple(_moved(items)), **names)


def _with_todays_ids(before: ClassList, roster: Sequence[RosterEntry]) -> ClassList:
    """The list of before, with everybody under the id of today: a better roster gives better ids, not more people."""
    index = Index(roster)
    renamed: dict[str, str] = {}
    for one in before.roster:
        found = index.by_ids(Who("", "", one.email, one.keys)) if one.id not in index.by_id else {}
        if len(found) == 1:
            renamed[one.id] = next(iter(found))
    if not renamed:
        return before

    def ids(students: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(renamed.get(one, one) for one in students))

    hand_ins = tuple(replace(one, students=ids(one.students)) for one in before.hand_ins)
    kept = tuple(one for one in before.roster if one.id not in renamed)
    return replace(before, hand_ins=hand_ins, roster=kept)


def _items(entries: Sequence[HandInEntry], before: Sequence[HandInEntry]) -> list[_Item]:
    """Each hand-in once: the same files under the same name are the same hand-in, whenever they came."""
    made: dict[tuple[str, str], _Item] = {(one.name, one.digest): _Item(one, old=one) for one in before}
    for at, entry in sorted(enumerate(entries), key=lambda one: not one[1].is_counted):
        item = made.get((entry.name, entry.digest)) or _renamed(entry, made.values())
        if item is None:
            item = made[entry.name, entry.digest] = _Item(entry, at)
        if item.old is not None and item.at is None:  # what the LMS says now, and its word of before where it is silent
            old = item.old
            item.at = at
            item.entry = replace(
                entry,
                path=old.path,
                received_at=entry.received_at or old.received_at,
                is_late=old.is_late if entry.is_late is None else entry.is_late,
            )
    return list(made.values())


def _renamed(entry: HandInEntry, items: Iterable[_Item]) -> _Item | None:
    """The same hand-in under a name that it got when another had its own: `ada+bob-2`, of the same people."""
    numbered = re.compile(re.escape(entry.name) + r"-[0-9]+")
    fitting = (
        one
        for one in items
        if one.old is not None
        and one.at is None
        and one.old.digest == entry.digest
        and numbered.fullmatch(one.old.name)
    )
    return next((one for one in fitting if one.old and {*one.old.students} & {*entry.students}), None)


def _counted_now(items: Iterable[_Item], entries: Sequence[HandInEntry]) -> Iterable[tuple[_Item, HandInEntry]]:
    made = ((item, entries[item.at]) for item in items if item.at is not None)
    return [(item, entry) for item, entry in made if entry.is_counted]


def _older(items: Iterable[_Item]) -> Mapping[str, list[_Item]]:
    """By student, what was there and is not in this download: among the attempts of this one `matching` has chosen."""
    made: dict[str, list[_Item]] = defaultdict(list)
    for item in items:
        for student in item.entry.students if item.at is None else ():
            made[student].append(item)
    return made


def _that_counts(now: _Item | None, then: _Item | None, older: Sequence[_Item], keep: str) -> _Item | None:
    """The one that counts for a student: by the times of all that are known, else the one of this or of that import."""
    if now is None or then is None or now.entry.digest == then.entry.digest:
        one = now or then  # the same files under another name: a group that has changed
    else:
        new, old = now.entry.received_at, then.entry.received_at
        is_newer = new > old if new is not None and old is not None and new != old else True
        one = now if is_newer == (keep == "latest") else then
    if one is None:
        return None
    times = {id(item): item.entry.received_at for item in (one, *older)}
    known = [at for at in times.values() if at is not None]
    if len(known) < len(times):
        return one
    wanted = max(known) if keep == "latest" else min(known)
    return one if one.entry.received_at == wanted else next(item for item in older if times[id(item)] == wanted)


def _settled(items: Iterable[_Item]) -> list[HandInEntry]:
    """The hand-ins with their students and places, each at a place of its own."""
    taken: set[str] = set()
    for item in items:
        item.entry = replace(
            item.entry, students=tuple(item.students) or item.entry.students, is_counted=bool(item.students)
        )
        stem, number = item.entry.name, 1
        while same_key(_path(item.entry)) in taken:
            number += 1
            item.entry = replace(item.entry, name=f"{stem}-{number}")
        item.entry = replace(item.entry, path=_path(item.entry))
        taken.add(same_key(item.entry.path))
    return [item.entry for item in items]


def _taken(items: Iterable[_Item]) -> Iterable[tuple[int, str]]:
    return [(item.at, item.entry.path) for item in items if item.old is None and item.at is not None]


def _moved(items: Iterable[_Item]) -> Iterable[tuple[str, str]]:
    """First what makes room, then what takes it."""
    moves = [(one.old.path, one.entry.path) for one in items if one.old is not None and one.old.path != one.entry.path]
    return sorted(moves, key=lambda move: not move[1].startswith(f"{FOLDER}/"))


def _with_reason(student: RosterEntry, item: _Item | None, keep: str) -> RosterEntry:
    if item is None:
        return replace(student, hand_in="")
    reason = student.reason
    if item.at is None or student.hand_in != item.entry.name:
        more = f"; now: {reason}" if not reason.startswith("no submission") else "; in this download there is none"
        reason = f"{_KEPT}, the {keep} attempt" if student.hand_in else _KEPT + more
    return replace(student, hand_in=item.entry.name, reason=reason)


def _quarantined(matched: Matched, before: Iterable[Quarantined]) -> Iterable[Quarantined]:
    """What is in quarantine now, and what was and is in nobody's hand-in yet."""
    now = sorted(matched.quarantined, key=lambda one: (one.files, one.reason))
    here = {file for one in now for file in one.files} | {file for one in matched.assigned for file in one.found.was}
    return [*now, *(one for one in before if here.isdisjoint(one.files))]
