"""How do results come into the gradebook? As those of run-all do, with the class that the service knows.

Everybody with a token stands in the class list of every assignment that is open, once, with a reason where there is
nothing. Where the course imported a list from its LMS, that one is kept and completed: the ids by which grades go back
are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.gradebook.nouns import HandInFacts
from grader.intake.classes import ClassList, HandInEntry, RosterEntry
from grader.service.people import People, Person, roster

if TYPE_CHECKING:
    from pathlib import Path

    from grader.gradebook.book import Gradebook
    from grader.model import ScoreCard
    from grader.service.queue import Queue
    from grader.service.store import Store
    from grader.service.uploads import Upload

SOURCE = "service"
COMMAND = "serve"


class Recorder:
    """Gives results and classes to a gradebook."""

    def __init__(self, gradebook: Gradebook, queue: Queue, people: People, store: Store) -> None:
        self._gradebook, self._queue, self._people, self._store = gradebook, queue, people, store
        self._told: dict[str, tuple[int, set[str]]] = {}  # by assignment: how many students, who has handed in

    def __call__(self, upload: Upload, card: ScoreCard) -> None:
        """Record a result that counts. The same once more changes nothing."""
        students, owners = self._told.get(upload.assignment, (-1, set()))
        if upload.owner not in owners or students != self._people.count():
            self.record_class(upload.assignment)
        facts = HandInFacts(str(self._store.path(upload.digest)), upload.received_at, upload.digest)
        self._gradebook.record([(card, facts)], command=COMMAND, made_with=card.made_with)

    def record_class(self, assignment: str) -> None:
        """Record who is in the class, and who has handed in. Every form of that list is kept: it changes seldom."""
        known = self._gradebook.class_list(assignment)
        people, uploads = self._people.everybody(), self._queue.newest(assignment)
        made = class_list(assignment, people, uploads, known=known, is_brief=True)
        if made.roster:
            self._gradebook.record_class(made)
        self._told[assignment] = (len(people), {one.owner for one in uploads})


def class_list(
    assignment: str,
    people: Sequence[Person],
    uploads: Sequence[Upload],
    *,
    known: ClassList | None = None,
    path: str = "",
    is_brief: bool = False,
) -> ClassList:
    """The class of an assignment, everybody once. `known` is what an LMS said, completed by what was uploaded here.

    `path` is where the hand-ins lie, with {} for the owner: relative to the class's folder. With `is_brief` it says
    who has handed in, and not which upload that was: a newer one changes nothing.
    """
    by_owner = {one.owner: one for one in uploads}
    base = known if known is not None and known.source != SOURCE else None
    entries = {one.id: one for one in base.roster} if base is not None else {}
    for one in roster(people):
        entries[one.id] = (
            replace(entries[one.id], group=entries[one.id].group or one.group) if one.id in entries else one
        )
    owners = {one.id: one.owner for one in people}
    made = [_entry(one, by_owner.get(owners.get(one.id, "")), is_brief=is_brief) for one in entries.values()]
    ours = {one.hand_in for one in made if one.id in owners and owners[one.id] in by_owner}
    theirs = [one for one in base.hand_ins if one.name not in ours] if base is not None else []
    hand_ins = [
        HandInEntry(
            name=one.owner,
            path=path.format(one.owner),
            students=tuple(person.id for person in people if person.owner == one.owner) or (one.student,),
            received_at=None if is_brief else one.received_at,
            attempt=1 if is_brief else one.number,
            digest="" if is_brief else one.digest,
        )
        for one in sorted(uploads, key=lambda upload: upload.owner)
    ]
    counted = {one.hand_in for one in made}
    return ClassList(
        assignment,
        base.source if base is not None else SOURCE,
        "latest",
        tuple(made),
        (*(replace(one, is_counted=one.is_counted and one.name in counted) for one in theirs), *hand_ins),
        base.quarantined if base is not None else (),
        base.worksheet if base is not None else "",
    )


def _entry(one: RosterEntry, upload: Upload | None, *, is_brief: bool) -> RosterEntry:
    if upload is not None:
        number = "" if is_brief else f", number {upload.number}"
        return replace(one, hand_in=upload.owner, reason=f"the newest upload to the service{number}")
    return one if one.reason else replace(one, reason="nothing was uploaded")


def collected(folder: Path, made: ClassList, uploads: Sequence[Upload], store: Store) -> None:
    """Write the uploads that count as a class to `folder`, for run-all: whole, or not at all."""
    import shutil
    import tempfile
    from pathlib import Path as Here

    from grader.errors import UsageError
    from grader.intake.classes import write_class

    if folder.exists():
        fix = "name another folder with --to, or move this one away"
        raise UsageError.single("this folder is there already", where=str(folder), fix=fix, code="folder-there")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".collecting-", dir=folder.parent) as outer:
        inner = Here(outer) / "class"
        inner.mkdir()
        for one in uploads:
            shutil.copyfile(store.path(one.digest), inner / f"{one.owner}.zip")
        write_class(inner, made)
        inner.rename(folder)
