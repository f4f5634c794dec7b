"""Whose is each hand-in, and which one counts? Everybody of the roster once, with a reason; what is unsure is nobody's.

    Download + roster -> owners of each hand-in -> the one that counts, by the stated policy -> Matched

Of several attempts the latest or the first counts, as the LMS counts them or by when it received them; an empty one
never replaces one with files. What nothing puts in an order is quarantined.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grader.documents.wording import clean
from grader.frozen import dataclass
from grader.intake.classes import Quarantined, RosterEntry, is_id
from grader.intake.lms.base import Download, Found, Who
from grader.intake.lms.joining import joined
from grader.intake.lms.owners import Owned, owners
from grader.intake.lms.roster import made_id
from grader.intake.lms.tree import LIMITS, Tree
from grader.intake.names import Shelf, is_left_out, name_flaws, same_key, submission_id

_MAX_TEXT = 400
_MAX_NAME = 100
_LOOK = "look in the LMS whose it is; correct the roster, or name the file as the LMS does, and import again"


@dataclass(frozen=True)
class Assigned:
    """A hand-in and its students. `name` is that of its folder, `students` those for whom it counts, or did once."""

    found: Found
    name: str
    students: tuple[str, ...]
    is_counted: bool = True


@dataclass(frozen=True)
class Matched:
    """A download as a class. The roster is in the order in which it was given, each entry with its reason."""

    roster: tuple[RosterEntry, ...]
    assigned: tuple[Assigned, ...]
    quarantined: tuple[Quarantined, ...]
    remarks: tuple[str, ...] = ()
    has_roster: bool = True


def match(download: Download, tree: Tree, lists: Sequence[Sequence[RosterEntry]], *, keep: str) -> Matched:
    """Match what a reader found with the rosters, the first of which says who is in the class.

    Raises SubmissionError where the lists contradict each other.
    """
    lists = [*lists, *([download.roster] if download.roster else [])]
    remarks = list(download.remarks)
    roster, said = joined(lists)
    remarks += said
    if not lists:
        roster = _from_download(download)
        remarks.append("there is no roster: whoever handed nothing in is not in this list; give it by --roster")
    elif download.roster and len(lists) == 1 and not download.is_roster_whole:
        remarks.append("the download's own list of students may lack some; give the roster by --roster")
    roster = tuple(_safe(entry) for entry in roster)
    refused, notes = _refused_files(tree, download.found)
    download, odd = _with_sane_files(download, notes)
    refused += odd
    owned = owners(download, roster)
    chosen, reasons, unsure = _chosen(owned, roster, keep, notes)
    by_name = sum(one.is_by_name for one in owned)
    if by_name and lists:
        remarks.append(f"{by_name:,} were matched by their full name alone: the roster has no id that the LMS uses")
    of_groups = sum(one.may_be_a_groups for one in owned)
    if of_groups:
        what = "hand-in may be a group's" if of_groups == 1 else "hand-ins may be groups'"
        told = "the others of the group have none here until a roster with a column group says who they are"
        remarks.append(f"{of_groups:,} {what} by the name: {told}")
    quarantined = [*download.quarantined, *refused]
    quarantined += [_set_apart(one.found, one.refused, _LOOK) for one in owned if one.refused]
    quarantined += unsure
    assigned = tuple(_named(chosen))
    names = {student: one.name for one in assigned if one.is_counted for student in one.students}
    nobodys = len(download.quarantined) + sum(bool(one.refused) for one in owned)
    nothing = f"no submission; {nobodys:,} in quarantine that may be anybody's" if nobodys else "no submission"
    nothing += f"; {of_groups:,} may be of a group that they are in" if of_groups else ""
    entries = tuple(
        replace(entry, hand_in=names.get(entry.id, ""), reason=reasons.get(entry.id, nothing)) for entry in roster
    )
    return Matched(entries, assigned, tuple(quarantined), tuple(dict.fromkeys(remarks)), bool(lists))


def _safe(entry: RosterEntry) -> RosterEntry:
    """With text that a class list holds: whole characters, of a length that can be shown."""

    def text(value: str) -> str:
        return value[:_MAX_TEXT].encode("utf-8", "replace").decode()

    keys = {text(kind): text(value) for kind, value in entry.keys.items()}
    return replace(
        entry,
        name=text(entry.name),
        email=text(entry.email),
        section=text(entry.section),
        group=text(entry.group),
        keys=keys,
    )


# --- a class without a roster -----------------------------------------------------------------


def _from_download(download: Download) -> tuple[RosterEntry, ...]:
    """Whoever handed something in, under the id by which the LMS knows them."""
    made: dict[str, RosterEntry] = {}
    for found in download.found:
        who = found.who or ((Who(name=found.group, keys={"group": found.key}),) if found.group else ())
        for one in who:
            entry = RosterEntry(_id_of(one), one.name, one.email, keys=dict(one.keys))
            made.setdefault(entry.id.casefold(), entry)
    return tuple(made.values())


def _id_of(who: Who) -> str:
    candidates = [who.id, who.email]
    candidates += [f"participant-{who.keys['participant']}"] if who.keys.get("participant") else []
    candidates += list(who.keys.values())
    return next((one for one in candidates if is_id(one)), made_id(who.name or str(dict(who.keys))))


# --- which one counts -------------------------------------------------------------------------


def _chosen(
    owned: Sequence[Owned], roster: Sequence[RosterEntry], keep: str, notes: Mapping[str, str]
) -> tuple[list[tuple[Found, tuple[str, ...], bool]], dict[str, str], list[Quarantined]]:
    """(each hand-in with its students and whether it counts, the reasons by student, what nothing puts in an order)."""
    of_student: dict[str, list[Owned]] = defaultdict(list)
    for one in owned:
        for student in one.how:
            of_student[student].append(one)
    counted: dict[int, list[str]] = defaultdict(list)
    unsure: set[int] = set()
    reasons: dict[str, str] = {}
    for entry in roster:
        mine = of_student.get(entry.id, [])
        filled = [one for one in mine if one.found.files]
        if not mine:
            continue
        if not filled:
            reasons[entry.id] = "an empty hand-in: " + (mine[-1].found.note or "it holds no file")
            continue
        order = _in_order([one.found for one in filled])
        if order is None:
            unsure |= {id(one) for one in filled}
            reasons[entry.id] = f"{len(filled)} hand-ins, and nothing says which came last: a person decides"
            continue
        pick = filled[order[-1] if keep == "latest" else order[0]]
        counted[id(pick)].append(entry.id)
        reasons[entry.id] = _reason(pick, entry.id, len(filled), keep, notes)
    made = []
    apart = []
    for one in owned:
        if not one.how or not one.found.files:
            continue
        if id(one) in counted:
            made.append((one.found, tuple(counted[id(one)]), True))
        elif id(one) in unsure:
            whose = ", ".join(one.how)
            reason = f"one of several hand-ins of {whose}, and nothing says which came last"
            apart.append(_set_apart(one.found, reason, "keep the one that counts in the download, and import again"))
        else:
            made.append((one.found, tuple(one.how), False))
    return made, reasons, apart


def _in_order(found: Sequence[Found]) -> list[int] | None:
    """The attempts from first to last, as the LMS counts them or by when it received them; None where neither says."""
    places = list(range(len(found)))
    if len(found) == 1:
        return places
    if len({one.key for one in found}) == 1 and len({one.attempt for one in found}) == len(found):
        return sorted(places, key=lambda at: found[at].attempt)
    times = [one.received_at.timestamp() for one in found if one.received_at is not None]
    return sorted(places, key=times.__getitem__) if len(set(times)) == len(found) else None


def _reason(one: Owned, student: str, count: int, keep: str, notes: Mapping[str, str]) -> str:
    parts = [one.how[student]]
    if count > 1:
        parts.append(f"the {keep} of {count} attempts")
    parts += [part for part in (one.found.note, notes.get(one.found.lms_folder, "")) if part]
    return "; ".join(parts)


def _set_apart(found: Found, reason: str, fix: str) -> Quarantined:
    return Quarantined(found.was or (clean(found.lms_folder or found.key, _MAX_TEXT),), clean(reason, _MAX_TEXT), fix)


def _refused_files(tree: Tree, found: Iterable[Found]) -> tuple[list[Quarantined], dict[str, str]]:
    """(the files that no hand-in may hold, what their hand-ins' students are told, by the LMS's folder)."""
    folders = {one.lms_folder for one in found if one.lms_folder}
    counts: Counter[str] = Counter()
    made = []
    for path, flaw in tree.refused:
        counts.update(one for one in folders if f"/{one}/" in f"/{path}" or f"/{one}_" in f"/{path}")
        made.append(Quarantined((clean(path, _MAX_TEXT),), f"it is refused: {flaw.what}", flaw.fix))
    return made, {
        one: f"{count} of its files {'was' if count == 1 else 'were'} refused" for one, count in counts.items()
    }


def _with_sane_files(download: Download, notes: dict[str, str]) -> tuple[Download, list[Quarantined]]:
    """Without the files whose names lead out of the hand-in, or are another's, once the LMS's prefix is gone."""
    found = []
    apart: list[Quarantined] = []
    for one in download.found:
        shelf = Shelf()
        files = {}
        for path, file in sorted(one.files.items()):
            if any(is_left_out(part) for part in path.split("/")):
                continue
            flaw = next(name_flaws(path, LIMITS), None) or shelf.put(path, is_file=True)
            if flaw is None:
                files[path] = file
            else:
                notes[one.lms_folder] = "some of its files refused, see quarantine"
                apart.append(Quarantined((clean(file.path, _MAX_TEXT),), f"it is refused: {flaw.what}", flaw.fix))
        found.append(replace(one, files=files))
    return replace(download, found=tuple(found)), apart


# --- what it is called ------------------------------------------------------------------------


def _named(chosen: Sequence[tuple[Found, tuple[str, ...], bool]]) -> Iterable[Assigned]:
    """With a name for each, that of its students or their group: one of its own, the same at each import."""
    taken: set[str] = set()
    for found, students, is_counted in sorted(chosen, key=lambda one: (not one[2], one[1], one[0].key)):
        name = _plain_name(students)
        unique, number = name, 1
        while is_counted and same_key(unique) in taken:
            number += 1
            unique = f"{name}-{number}"
        if is_counted:
            taken.add(same_key(unique))
        yield Assigned(found, unique, students, is_counted)


def _plain_name(students: Sequence[str]) -> str:
    """A name that is its own id as a submission: nothing in it is escaped, hidden or taken for an ending."""
    name = students[0] if len(students) == 1 else "+".join(sorted(students))
    if len(name) > _MAX_NAME:
        name = f"{students[0]}+{len(students) - 1}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    is_plain = submission_id(Path(name)) == name and not is_left_out(name)
    return name if is_plain else re.sub(r"[^A-Za-z0-9_@+-]", "_", name) + "_"
