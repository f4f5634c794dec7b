"""Who grades the uploads? One worker, by the code that grades a class: each as soon as there is room for its jobs.

    queue -> HandIn -> grade_as_done (the Doer of run-all: this machine's cores, or Ray) -> queue -> gradebook

It runs in the main thread of the service, so that Ctrl-C and a kill reach it as they reach run-all. What was being
graded keeps its place in the queue, and nothing that came to its end is done again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

from grader.errors import MachineError
from grader.grading import Doer, HandIn, grade_as_done, our_faults
from grader.model import Json, Problem, ScoreCard, Student, Submission
from grader.service.people import People
from grader.service.queue import Queue
from grader.service.rubrics import Rubrics
from grader.service.store import Store
from grader.service.uploads import Upload

log = logging.getLogger(__name__)

_LOOK_S = 1.0  # how long an idle worker sleeps, should nobody wake it
_WAITS_S = (1, 2, 5, 10, 20)  # behind each refusal of the database, which has itself waited for ten seconds
T = TypeVar("T")

Record = Callable[[Upload, ScoreCard], None]


class Worker:
    """Grades what is in the queue. `record` gives a result that counts to the gradebook; it may raise.

    `see_to_end` is called about every second, where nothing is half done, and raises what ends the service.
    """

    def __init__(
        self,
        queue: Queue,
        store: Store,
        people: People,
        rubrics: Rubrics,
        *,
        record: Record | None = None,
        see_to_end: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._queue, self._store, self._people, self._rubrics = queue, store, people, rubrics
        self._record, self._see_to_end = record, see_to_end
        self._clock, self._sleep = clock, sleep
        self._open: dict[int, Upload] = {}  # by number of the hand-in, which is the upload's id

    def resume(self) -> None:
        """Set right what the last life of the service left: see `Queue.recover`, F21 and F22. Before `run`."""
        for upload in self._queue.recover():
            log.warning("upload %s of %s was being graded when the service ended: it is graded again", upload.public,
                        upload.owner)  # fmt: skip
        said = "a fault that was not yours had kept a part from being judged: it is graded again"
        self._queue.requeue(said=said, is_held=True)
        for name in self._rubrics.names:
            said = "the rubric of this assignment was changed by the course: it is graded again by the new one"
            count = self._queue.requeue(said=said, assignment=name, but_digest=self._rubrics.digest(name))
            if count:
                log.warning("the rubric of %s is another one: %d uploads are graded again", name, count)
        self._record_all()

    def run(self, doer: Doer, *, made_with: Mapping[str, Json], is_until_empty: bool = False) -> None:
        """Grade until `see_to_end` ends it, or with `is_until_empty` until nothing waits."""
        try:
            for hand_in, card in grade_as_done(
                self._hand_ins(is_until_empty=is_until_empty), doer, made_with=made_with
            ):
                self._finished(self._open.pop(hand_in.number), card)
        finally:
            for upload in self._open.values():
                self._queue.release(upload)
            self._open.clear()

    # --- one upload -----------------------------------------------------------------------------

    def _hand_ins(self, *, is_until_empty: bool) -> Iterator[HandIn | None]:
        """What is to be graded next; None where there is nothing just now, and others are under way."""
        while True:
            self._see_to_end()
            upload = self._patiently(lambda: self._queue.claim(self._rubrics.digest))
            if upload is not None:
                self._open[upload.id] = upload
                hand_in = self._opened(upload)
                if hand_in is not None:
                    yield hand_in
            elif self._open:
                yield None
            elif is_until_empty:
                return
            else:
                self._queue.changed.wait(_LOOK_S)

    def _opened(self, upload: Upload) -> HandIn | None:
        """The upload, unpacked; None where that cannot be done here: then it is put aside, and stops no other."""
        stack = ExitStack()
        try:
            rubric = self._rubrics[upload.assignment]
            link = stack.enter_context(self._store.named(self._store.path(upload.digest), upload.owner))
            students = tuple(Student(one.id, one.name) for one in self._people.of_owner(upload.owner))
            students = students or (Student(upload.student),)
            submission = self._store.submission(
                link, owner=upload.owner, assignment=upload.assignment, students=students
            )
            submission = replace(submission, received_at=upload.received_at)
            self._our_disk(submission)
            return HandIn(submission, rubric, upload.id, stack.close)
        except Exception:  # one upload must not stop the service
            stack.close()
            del self._open[upload.id]
            log.exception("upload %s of %s cannot be graded", upload.public, upload.owner)
            said = "it could not be graded here, by no fault of yours: the course's staff sees to it"
            self._queue.hold(upload, said)
            return None

    @staticmethod
    def _our_disk(submission: Submission) -> None:
        ours: list[Problem] = [one for one in submission.problems if one.code in ("workspace", "source-missing")]
        if ours:
            raise OSError(str(ours[0]))

    def _finished(self, upload: Upload, card: ScoreCard) -> None:
        if not self._patiently(lambda: self._queue.finish(upload, card, is_held=bool(our_faults(card)))):
            log.warning("a second result of upload %s is dropped", upload.public)
            return
        self._record_all()

    def _patiently(self, act: Callable[[], T]) -> T:
        """Do it, again where the database refuses for a while: what others write must not end the service."""
        for wait_s in _WAITS_S:
            try:
                return act()
            except MachineError as error:
                log.warning("%s; it is tried again in %d s", error, wait_s)
            end = self._clock() + wait_s
            while self._clock() < end:
                self._see_to_end()
                self._sleep(min(_LOOK_S, wait_s))
        return act()

    def _record_all(self) -> None:
        """Give the gradebook what it has not; what it refuses now, it is given with the next one."""
        if self._record is None:
            return
        for upload in self._queue.unrecorded():
            if upload.card is None:
                continue
            try:
                self._record(upload, upload.card)
            except Exception:
                log.exception("the result of upload %s is not in the gradebook yet", upload.public)
                return
            self._queue.recorded(upload)
