"""What of a class does no single hand-in show? A student in two of them, and ids in grader.toml that none has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from grader.documents import did_you_mean
from grader.documents.wording import clean, shown
from grader.frozen import dataclass
from grader.model import Problem, ScoreCard, Terms

FILE = "grader.toml"


@dataclass
class ClassNotes:
    """Who handed in what, gathered as the cards of a class go by. `terms` are those of the course's assignments."""

    terms: Mapping[str, Terms]
    _hand_ins: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (assignment, student) -> their names
    _names: dict[str, set[str]] = field(default_factory=dict)  # assignment -> the names of hand-ins

    def through(self, cards: Iterable[ScoreCard]) -> Iterator[ScoreCard]:
        """The same cards, each noted."""
        for card in cards:
            self._names.setdefault(card.assignment, set()).add(card.submission)
            for student in {student.id for student in card.students}:
                self._hand_ins.setdefault((card.assignment, student), []).append(card.submission)
            yield card

    def problems(self, *, is_whole: bool = True) -> Iterator[Problem]:
        """What a person should look at. Whose ids are missing is only known where the class `is_whole`."""
        for (assignment, student), hand_ins in sorted(self._hand_ins.items()):
            if len(hand_ins) > 1:
                listed = ", ".join(sorted(hand_ins))
                what = f"the student {shown(student)} is in {len(hand_ins)} hand-ins: {listed}"
                where, fix = clean(f"{assignment}: {listed}"), "ask which of them counts"
                yield Problem("warning-two-groups", where, clean(what), fix)
        for assignment, names in sorted(self._names.items()) if is_whole else ():
            terms = self.terms.get(assignment, Terms())
            students = {student for of, student in self._hand_ins if of == assignment}
            for table, known in (("extensions", students), ("received", students | names)):
                for name in sorted(set(getattr(terms, table)) - known):
                    what = f"no hand-in of this class is of {shown(name)}"
                    where = f"{FILE} /assignments/{assignment}/{table}"
                    fix = did_you_mean(name, known)
                    fix = fix if "?" in fix else "check the id, or wait for the hand-in"  # a class is no list to read
                    yield Problem("warning-unknown-id", where, what, fix)
