"""Whose is each hand-in? Whom the LMS's own ids mean, or a group of the roster; a full name only where nothing else is.

Found + roster -> Owned: the students with how that is known, or why nobody can be named
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import field

from grader.documents import shown
from grader.documents.wording import clean
from grader.frozen import dataclass
from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Download, Found, Who
from grader.intake.lms.joining import Index, name_keys, word_key


@dataclass
class Owned:
    """A hand-in with whom it belongs to, and how that is known."""

    found: Found
    how: dict[str, str] = field(default_factory=dict)  # by student id, in the order of the LMS
    refused: str = ""  # why nobody can be named
    is_by_name: bool = False
    may_be_a_groups: bool = False  # and the roster does not say that it is, or who is in it


def owners(download: Download, roster: Sequence[RosterEntry]) -> list[Owned]:
    index = Index(roster)
    groups = _Groups(roster)
    owned = [Owned(found) for found in download.found]
    is_of_teams = _is_of_teams(download.found, index, groups)
    for one in owned:
        if not one.found.who:
            _own_by_group(one, groups, index)
        elif download.kind == "moodle" and groups.of(one.found.group):
            _own_by_person_or_team(one, groups, index, is_of_teams=is_of_teams)
        else:
            _own_by_people(one, index)
            if download.kind == "canvas":
                _widen_to_group(one, groups, index)
    _own_by_names(owned, index)
    return owned


class _Groups:
    """Who is in which group, by the letters of its name."""

    def __init__(self, roster: Iterable[RosterEntry]) -> None:
        self._members: dict[str, list[str]] = defaultdict(list)
        self._spelled: dict[str, set[str]] = defaultdict(set)
        for entry in roster:
            if entry.group:
                self._members[word_key(entry.group)].append(entry.id)
                self._spelled[word_key(entry.group)].add(entry.group)

    def of(self, name: str) -> list[str]:
        return self._members.get(word_key(name), []) if name else []

    def are_several(self, name: str) -> bool:
        return len(self._spelled.get(word_key(name), ())) > 1


def _own_by_group(one: Owned, groups: _Groups, index: Index) -> None:
    """A hand-in of a group that the LMS names by its name alone."""
    group = one.found.group
    members = groups.of(group)
    if not group:
        one.refused = "the download does not say whose it is"
    elif groups.are_several(group):
        one.refused = f"several groups of the roster are called {shown(group)}, or nearly so"
    elif members:
        one.how = {member: f"as a member of the group {shown(group)}" for member in members}
    else:
        ids = index.by_ids(Who(keys={"group": one.found.key}))
        one.how = dict.fromkeys(ids, f"as the group {shown(group)}")
        one.refused = "" if ids else f"the roster does not say who is in the group {shown(group)}"


def _own_by_people(one: Owned, index: Index) -> None:
    """A hand-in whose people the LMS names by ids. Nobody is left to a name here."""
    unknown = []
    for who in one.found.who:
        ids = index.by_ids(who)
        if len(ids) > 1:
            names = " and ".join(f"{shown(student)} ({how})" for student, how in sorted(ids.items()))
            one.refused = f"what the LMS says of its owner belongs to different students: {names}"
            one.how = {}
            return
        if ids:
            one.how |= ids
        else:
            unknown.append(who)
    if one.how:
        for who in unknown:
            called = shown(who.name or who.id or who.email or "somebody")
            one.how = {
                student: f"{how}; handed in with {called}, who is not in the roster" for student, how in one.how.items()
            }


def _is_of_teams(found: Sequence[Found], index: Index, groups: _Groups) -> bool:
    """Whether Moodle's names are those of teams: some fit a group, and none fits a participant by number and name."""
    people = sum(_is_named_person(one, index) for one in found)
    return people == 0 and any(groups.of(one.group) for one in found)


def _is_named_person(found: Found, index: Index) -> bool:
    ids = [student for who in found.who for student in index.by_ids(who)]
    return any(word_key(found.group) in name_keys(index.by_id[student]) for student in ids)


def _own_by_person_or_team(one: Owned, groups: _Groups, index: Index, *, is_of_teams: bool) -> None:
    """Moodle names people and teams alike: a name and a number. Which it is must be clear from all of the download."""
    if is_of_teams:
        _own_by_group(one, groups, index)
    elif _is_named_person(one.found, index):
        _own_by_people(one, index)
    else:
        one.refused = f"{shown(one.found.group)} is a group of the roster, and others of this download are people"


def _widen_to_group(one: Owned, groups: _Groups, index: Index) -> None:
    """Canvas names a group's file by the group, with the id of one member."""
    if len(one.how) != 1 or not one.found.group:
        return
    [student] = one.how
    entry = index.by_id[student]
    if word_key(one.found.group) in name_keys(entry):
        one.may_be_a_groups = bool(entry.group) and word_key(entry.group) == word_key(one.found.group)
        return
    if entry.group and word_key(entry.group) == word_key(one.found.group):
        _own_by_group(one, groups, index)
    elif name_keys(entry) and one.found.who[0].keys.get("canvas_id"):
        said = f"; its name says {shown(one.found.group)}: if that is a group, the roster has to say who is in it"
        one.how = {student: one.how[student] + said}
        one.may_be_a_groups = True


def _own_by_names(owned: Sequence[Owned], index: Index) -> None:
    """Give what no id settles to whom it is named after, where that can be nobody else."""
    taken = {student for one in owned for student in one.how}
    left = [one for one in owned if not one.how and not one.refused]
    candidates = {id(one): index.by_name(one.found.who[0]) if len(one.found.who) == 1 else set() for one in left}
    of_keys: dict[str, set[str]] = defaultdict(set)  # by student: whose hand-ins may be theirs, attempts counted once
    for one in left:
        for student in candidates[id(one)]:
            of_keys[student].add(one.found.key)
    for one in left:
        found = candidates[id(one)]
        who = one.found.who[0]
        called = shown(who.name or who.id or who.email or ", ".join(who.keys.values()) or one.found.key)
        if len(found) > 1:
            one.refused = f"{len(found)} students of the roster are called {called}"
        elif not found:
            one.refused = f"nobody in the roster is {called}" + _ids_said(who)
        elif found & taken:
            one.refused = f"it is named after {called}, whose hand-in is another one by the LMS's id"
        elif len(of_keys[next(iter(found))]) > 1:
            one.refused = f"several hand-ins are named after {called}"
        else:
            one.how = dict.fromkeys(found, "by the full name alone")
            one.is_by_name = True


def _ids_said(who: Who) -> str:
    said = ", ".join(f"{kind} {clean(text, 60)}" for kind, text in who.keys.items() if text)
    return f" ({said})" if said and who.name else ""
