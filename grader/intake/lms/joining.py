"""How do two lists of one class become one? By ids, then addresses; by a full name only where nobody shares it.

The first list says who is in the class. A later one adds what the LMS calls them, and whom the first one lacks.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from grader.documents import shown
from grader.errors import SubmissionError
from grader.frozen import dataclass
from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Who


def word_key(text: str) -> str:
    r"""The letters and digits of a name, as an LMS leaves them in a file's name; look-alike letters stay different.

    >>> word_key("O'Brien, Ann_Lee") == word_key("obrien annlee"), word_key("\u0410da") == word_key("Ada")
    (True, False)
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return "".join(char for char in folded if char.isalnum() or unicodedata.category(char)[0] == "M")


def name_keys(entry: RosterEntry) -> set[str]:
    """The ways in which a file may be named after somebody: `Ada Lovelace`, `Lovelace, Ada`."""
    names = [entry.name, entry.keys.get("sortable_name", "")]
    for name in tuple(names):
        last, comma, first = name.partition(",")
        if comma:
            names.append(f"{first} {last}")
        *firsts, lasts = name.split() or [""]
        names.append(" ".join((lasts, *firsts)))
    return {key for name in names if (key := word_key(name))}


@dataclass
class Index:
    """Whom ids, addresses and names mean. Equal but for case is equal: no two people are told apart by that."""

    entries: Sequence[RosterEntry]
    _ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _keys: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _emails: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_id: dict[str, RosterEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.entries:
            self.by_id[entry.id] = entry
            self._ids[entry.id.casefold()].add(entry.id)
            if entry.email:
                self._emails[entry.email.casefold()].add(entry.id)
            for kind, text in entry.keys.items():
                self._keys[kind, text.casefold()].add(entry.id)
            for key in name_keys(entry):
                self._names[key].add(entry.id)

    def by_ids(self, who: Who) -> dict[str, str]:
        """The ids of all whom an id or address of `who` means, each with the way in which it does."""
        found: dict[str, str] = {}
        for kind, text in who.keys.items():
            for one in self._keys.get((kind, text.casefold()), ()) if text else ():
                found.setdefault(one, f"by the LMS's id ({kind} {shown(text, 40)})")
        for one in self._ids.get(who.id.casefold(), ()) if who.id else ():
            found.setdefault(one, "by the id")
        for one in self._of_email(who.email) | self._of_email(who.id):
            found.setdefault(one, "by the address")
        return found

    def _of_email(self, email: str) -> set[str]:
        return self._emails.get(email.casefold(), set()) | self._ids.get(email.casefold(), set()) if email else set()

    def by_name(self, who: Who) -> set[str]:
        """The ids of all who are called like that and whom the LMS's own kind of id cannot tell apart from it.

        Somebody whose LMS id is known, and is another one, is somebody else.
        """
        named = self._names.get(word_key(who.name), set()) if who.name else set()
        return {one for one in named if not who.keys.keys() & self.by_id[one].keys.keys()}


def joined(lists: Sequence[Sequence[RosterEntry]]) -> tuple[tuple[RosterEntry, ...], tuple[str, ...]]:
    """(everybody once, what a person should know). Raises SubmissionError where a row may be two people."""
    if not lists:
        return (), ()
    made = {entry.id: entry for entry in lists[0]}
    remarks: list[str] = []
    for later in lists[1:]:
        index = Index(tuple(made.values()))
        names = _counted(name for entry in later for name in name_keys(entry))
        added: list[RosterEntry] = []
        by_name = 0
        taken: dict[str, str] = {}
        for entry in later:
            who = Who(entry.id, entry.name, entry.email, entry.keys)
            found = set(index.by_ids(who))
            if not found and all(names[name] == 1 for name in name_keys(entry)):
                found = index.by_name(who)
                by_name += len(found) == 1
                found = found if len(found) == 1 else set()
            if len(found) > 1:
                what = f"{shown(entry.id)} may be {' or '.join(shown(one) for one in sorted(found))}"
                fix = "its id and its address belong to different people: correct one of the two lists"
                raise SubmissionError.single(what, where="roster", fix=fix)
            if not found:
                added.append(entry)
                continue
            [one] = found
            if one in taken:
                what = f"{shown(entry.id)} and {shown(taken[one])} are both {shown(one)}"
                raise SubmissionError.single(what, where="roster", fix="correct one of the two lists")
            taken[one] = entry.id
            made[one] = _filled_up(made[one], entry)
        made |= {entry.id: entry for entry in added}
        if by_name:
            remarks.append(f"{by_name:,} of the two lists were joined by their full names alone")
        if added:
            few = ", ".join(entry.id for entry in added[:5]) + (", ..." if len(added) > 5 else "")
            remarks.append(f"{len(added):,} are not in the roster, and in the LMS's own list: {few}")
    return tuple(made.values()), tuple(remarks)


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        counts[name] += 1
    return counts


def _filled_up(entry: RosterEntry, more: RosterEntry) -> RosterEntry:
    """What the first list says, and where it says nothing, the second."""
    return replace(
        entry,
        name=entry.name or more.name,
        email=entry.email or more.email,
        section=entry.section or more.section,
        group=entry.group or more.group,
        keys={**more.keys, **entry.keys},
    )
