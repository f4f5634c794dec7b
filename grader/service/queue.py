"""Which upload is next, and what has become of each? A queue in the database, which no death of the service breaks.

    accept -> QUEUED -> claim -> GRADING -> finish -> GRADED, or HELD where a fault of ours kept it from being judged
              QUEUED -> a newer one came -> SUPERSEDED

Everything is committed before anybody is told of it. A claim has a lease, a number that grows: a result that comes with
an older one is dropped, so that nothing counts twice. The newest upload of an owner is the one that counts; an older
one that is being graded comes to its end and is shown, and goes into no gradebook (F21).
"""

from __future__ import annotations

import json
import secrets
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, not_, select, update

from grader.cards import card_from, kept
from grader.evidence.crash_points import crash_point
from grader.model import ScoreCard
from grader.service.moments import now
from grader.service.tables import EVENTS, UPLOADS, reading, time_of, time_text, writing
from grader.service.uploads import Accepted, Arrived, AttemptsOverError, State, Upload

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

MOST_CRASHES = 3  # of the service with one upload: then it is a person's business
_U = UPLOADS.c
_ENDED = (State.GRADED, State.HELD)


class Queue:
    """The uploads of a course, in the order in which they came. Threads may share it; one process writes it."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = now) -> None:
        self._engine, self._clock = engine, clock
        self._turn = threading.RLock()
        self.changed = threading.Event()  # set when there may be something to claim

    # --- in -----------------------------------------------------------------------------------

    def accept(self, one: Arrived, *, attempts: int) -> Accepted:
        """Put it at the end of the queue, over what its owner had waiting there. Committed when this returns.

        The bytes of the newest upload again are that upload: nothing is put anywhere, the time of the first counts.
        The bytes of an older one count anew, and are no attempt: nothing can be learned from them. Raises
        AttemptsOverError where the owner has had `attempts` already.
        """
        with self._written() as connection:
            mine = and_(_U.owner == one.owner, _U.assignment == one.assignment)
            newest = connection.execute(select(UPLOADS).where(mine).order_by(_U.number.desc()).limit(1)).first()
            if newest is not None and newest.digest == one.digest:
                return Accepted(_upload(newest), is_repeat=True)
            is_known = connection.scalar(select(func.count()).where(mine, _U.digest == one.digest, _U.is_attempt)) or 0
            used = connection.scalar(select(func.count()).where(mine, _U.is_attempt)) or 0
            freed = 0
            if newest is not None and newest.state == State.QUEUED and not newest.lease:
                freed = int(newest.is_attempt)  # nobody has looked at it, and nobody will
            if not is_known and used - freed >= attempts:
                raise AttemptsOverError(used, attempts)
            at = self._now()
            for old in connection.execute(select(_U.id, _U.lease).where(mine, _U.state == State.QUEUED)).all():
                values: dict[str, Any] = {"state": State.SUPERSEDED, "ended_at": at}
                if not old.lease:
                    values["is_attempt"] = False
                connection.execute(update(UPLOADS).where(_U.id == old.id).values(**values))
                self._tell(connection, old.id, "a newer upload took its place before it was graded")
            made = connection.execute(
                insert(UPLOADS).values(
                    public=secrets.token_urlsafe(12),
                    owner=one.owner,
                    student=one.student,
                    assignment=one.assignment,
                    number=(newest.number if newest is not None else 0) + 1,
                    digest=one.digest,
                    size=one.size,
                    name=one.name,
                    received_at=time_text(one.received_at),
                    state=State.QUEUED,
                    is_attempt=not is_known,
                )
            ).inserted_primary_key
            assert made is not None  # noqa: S101  an INSERT has a row
            said = "received" if not is_known else "received; it was handed in before, and is no attempt"
            self._tell(connection, made[0], said)
            upload = self._by_id(connection, made[0])
            crash_point("service.accept")
        crash_point("service.accepted")
        self.changed.set()
        return Accepted(upload)

    # --- out ----------------------------------------------------------------------------------

    def claim(self, digest_of: Callable[[str], str]) -> Upload | None:
        """The upload that has waited longest, now being graded by the rubric of `digest_of(assignment)`."""
        wanted = select(_U.id, _U.assignment, _U.lease).where(_U.state == State.QUEUED).order_by(_U.id).limit(1)
        self.changed.clear()
        with reading(self._engine) as connection:  # asked every second: it must keep no writer out
            if connection.execute(wanted).first() is None:
                return None
        with self._written() as connection:
            first = connection.execute(wanted).first()
            if first is None:
                return None
            connection.execute(
                update(UPLOADS)
                .where(_U.id == first.id)
                .values(
                    state=State.GRADING,
                    lease=first.lease + 1,
                    started_at=self._now(),
                    rubric_digest=digest_of(first.assignment),
                )
            )
            self._tell(connection, first.id, "grading began")
            upload = self._by_id(connection, first.id)
        crash_point("service.claimed")
        return upload

    def finish(self, upload: Upload, card: ScoreCard, *, is_held: bool = False) -> bool:
        """Keep its result; False where its lease is over, or it has one: then nothing is changed."""
        packed = zlib.compress(json.dumps(kept(card)).encode(), 1)
        crash_point("service.finish")
        with self._written() as connection:
            done = connection.execute(
                update(UPLOADS)
                .where(_U.id == upload.id, _U.lease == upload.lease, _U.state == State.GRADING)
                .values(
                    state=State.HELD if is_held else State.GRADED,
                    card=packed,
                    ended_at=self._now(),
                    is_recorded=False,
                    crashes=0,
                )
            )
            if not done.rowcount:
                return False
            said = "graded"
            if is_held:
                said = "a fault that is not yours kept a part from being judged: the course's staff sees to it"
            self._tell(connection, upload.id, said)
        crash_point("service.finished")
        return True

    def release(self, upload: Upload) -> None:
        """Give back what was claimed: the service ends, or could not begin. It keeps its place."""
        with self._written() as connection:
            connection.execute(
                update(UPLOADS)
                .where(_U.id == upload.id, _U.lease == upload.lease, _U.state == State.GRADING)
                .values(state=State.QUEUED)
            )
        self.changed.set()

    def hold(self, upload: Upload, said: str) -> None:
        """Put aside what could not be graded at all, until somebody asks for it again."""
        with self._written() as connection:
            connection.execute(
                update(UPLOADS)
                .where(_U.id == upload.id, _U.lease == upload.lease, _U.state == State.GRADING)
                .values(state=State.HELD, ended_at=self._now())
            )
            self._tell(connection, upload.id, said)

    # --- from one life of the service to the next -----------------------------------------------

    def recover(self) -> list[Upload]:
        """Put back what was being graded when the service died; those put back.

        What it died with too often is held: it may be what kills it (F14).
        """
        with self._written() as connection:
            back = []
            for row in connection.execute(select(UPLOADS).where(_U.state == State.GRADING).order_by(_U.id)).all():
                is_poison = row.crashes + 1 >= MOST_CRASHES
                state = State.HELD if is_poison else State.QUEUED
                values: dict[str, Any] = {"state": state, "crashes": row.crashes + 1}
                if is_poison:
                    values["ended_at"] = self._now()
                connection.execute(update(UPLOADS).where(_U.id == row.id).values(**values))
                said = "the service was started again, and begins with it anew"
                if is_poison:
                    said = (
                        f"the service ended {row.crashes + 1} times while it was graded: the course's staff sees to it"
                    )
                self._tell(connection, row.id, said)
                if not is_poison:
                    back.append(self._by_id(connection, row.id))
        self.changed.set()
        return back

    def requeue(
        self,
        *,
        said: str,
        assignment: str = "",
        but_digest: str | None = None,
        is_held: bool = False,
        is_poison_too: bool = False,
    ) -> int:
        """Grade again, by no attempt of anybody, the uploads that count; how many.

        Those of one assignment whose rubric was not that of `but_digest` (F22), or all that are held but for what the
        service died with: `is_poison_too` asks for that as well.
        """
        newest = _newest()
        wanted = [_U.state.in_((State.HELD,) if is_held else _ENDED), newest]
        if not is_poison_too:
            wanted.append(_U.crashes < MOST_CRASHES)
        if assignment:
            wanted.append(_U.assignment == assignment)
        if but_digest is not None:
            wanted.append(_U.rubric_digest != but_digest)
        with self._written() as connection:
            ids = [row.id for row in connection.execute(select(_U.id).where(*wanted).order_by(_U.id))]
            for one in ids:
                connection.execute(update(UPLOADS).where(_U.id == one).values(state=State.QUEUED, crashes=0))
                self._tell(connection, one, said)
        self.changed.set()
        return len(ids)

    def unrecorded(self) -> list[Upload]:
        """Results that count and that the gradebook has not been given, the oldest first."""
        with reading(self._engine) as connection:
            wanted = select(UPLOADS).where(_U.state.in_(_ENDED), not_(_U.is_recorded), _U.card.is_not(None), _newest())
            return [_upload(row) for row in connection.execute(wanted.order_by(_U.id))]

    def recorded(self, upload: Upload) -> None:
        """The gradebook has this very result."""
        with self._written() as connection:
            connection.execute(
                update(UPLOADS).where(_U.id == upload.id, _U.lease == upload.lease).values(is_recorded=True)
            )

    # --- what there is ------------------------------------------------------------------------

    def find(self, public: str, *, owner: str) -> Upload | None:
        """The upload of that name, where it is this owner's; None for another's as for one that is not there."""
        with reading(self._engine) as connection:
            row = connection.execute(select(UPLOADS).where(_U.public == public, _U.owner == owner)).first()
        return _upload(row) if row is not None else None

    def of_owner(self, owner: str, assignment: str | None = None) -> list[Upload]:
        """An owner's uploads, the newest first."""
        wanted = select(UPLOADS).where(_U.owner == owner)
        if assignment is not None:
            wanted = wanted.where(_U.assignment == assignment)
        with reading(self._engine) as connection:
            return [_upload(row) for row in connection.execute(wanted.order_by(_U.id.desc()))]

    def newest(self, assignment: str) -> list[Upload]:
        """The uploads to an assignment that count, the oldest first, without their cards."""
        wanted = select(UPLOADS).where(_U.assignment == assignment, _newest()).order_by(_U.id)
        with reading(self._engine) as connection:
            return [_upload(row, has_card=False) for row in connection.execute(wanted)]

    def held(self) -> list[Upload]:
        """The uploads that count and that a fault of ours holds, the oldest first, without their cards."""
        wanted = select(UPLOADS).where(_U.state == State.HELD, _newest()).order_by(_U.id)
        with reading(self._engine) as connection:
            return [_upload(row, has_card=False) for row in connection.execute(wanted)]

    def is_newest(self, upload: Upload) -> bool:
        """Whether this upload is the one that counts."""
        with reading(self._engine) as connection:
            return bool(connection.scalar(select(func.count()).where(_U.id == upload.id, _newest())))

    def attempts_used(self, owner: str, assignment: str) -> int:
        """How many attempts an owner has had."""
        mine = and_(_U.owner == owner, _U.assignment == assignment, _U.is_attempt)
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).where(mine)) or 0

    def place(self, upload: Upload) -> int:
        """How many are before it: 0 for the one that is next, and for one that does not wait."""
        if upload.state != State.QUEUED:
            return 0
        with reading(self._engine) as connection:
            before = and_(_U.state == State.QUEUED, _U.id < upload.id)
            return connection.scalar(select(func.count()).where(before)) or 0

    def counts(self) -> Mapping[State, int]:
        """How many uploads there are in each state."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_U.state, func.count()).group_by(_U.state)).all()
        return {State(state): count for state, count in rows}

    def seconds(self, assignment: str) -> float | None:
        """The median seconds from the beginning of a grading to its end, of the last ones; None where there is none."""
        import statistics

        wanted = select(_U.started_at, _U.ended_at).where(_U.assignment == assignment, _U.state.in_(_ENDED))
        wanted = wanted.where(_U.started_at.is_not(None), _U.ended_at.is_not(None)).order_by(_U.id.desc()).limit(21)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        spans = [(time_of(end) - time_of(start)).total_seconds() for start, end in rows]
        return statistics.median(spans) if spans else None

    def digests(self) -> set[str]:
        """The files that some upload names."""
        with reading(self._engine) as connection:
            return set(connection.scalars(select(_U.digest).distinct()))

    def events(self, upload: Upload) -> list[tuple[datetime, str]]:
        """What happened to an upload, and when."""
        wanted = select(EVENTS.c.at, EVENTS.c.said).where(EVENTS.c.upload == upload.id).order_by(EVENTS.c.id)
        with reading(self._engine) as connection:
            return [(time_of(at), said) for at, said in connection.execute(wanted)]

    # --- one transaction ------------------------------------------------------------------------

    @contextmanager
    def _written(self) -> Iterator[Connection]:
        """One writer at a time, committed at the end or undone."""
        with self._turn, writing(self._engine) as connection:
            yield connection

    def _now(self) -> str:
        return time_text(self._clock())

    def _tell(self, connection: Connection, upload: int, said: str) -> None:
        connection.execute(insert(EVENTS).values(upload=upload, at=self._now(), said=said))

    @staticmethod
    def _by_id(connection: Connection, number: int) -> Upload:
        return _upload(connection.execute(select(UPLOADS).where(_U.id == number)).one())


def _newest() -> Any:
    """That no newer upload of the same owner to the same assignment is there."""
    other = UPLOADS.alias("newer")
    same = and_(other.c.owner == _U.owner, other.c.assignment == _U.assignment, other.c.number > _U.number)
    return not_(select(other.c.id).where(same).exists())


def _upload(row: Row[Any], *, has_card: bool = True) -> Upload:
    value = dict(row._mapping)  # noqa: SLF001  its public name
    for key in ("received_at", "started_at", "ended_at"):
        value[key] = time_of(value[key]) if value[key] else None
    value["state"] = State(value["state"])
    value["card"] = _card(value["card"]) if has_card else None
    return Upload(**value)


def _card(packed: bytes | None) -> ScoreCard | None:
    if packed is None:
        return None
    try:
        return card_from(json.loads(zlib.decompress(packed)))
    except (ValueError, KeyError, TypeError, zlib.error):  # of another version of this program
        return None
