"""Were all workers busy? What a run left of what they did, read back, and as a strip of text for each worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.model import Json
from grader.reports.plain import plain
from grader.reports.progress import duration

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

MOST_ROWS = 16  # of workers on a terminal; a cluster has hundreds
_MOST_BYTES = 16 * 2**20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_STYLES = ("blue", "yellow", "green", "magenta", "cyan", "red", "bright_blue", "white")


def occupancy_of(file: Path) -> Mapping[str, Json] | None:
    """What `run-all` left in this file; None where there is none, or it is of another form."""
    from grader.documents import schema, validator

    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        document: Mapping[str, Json] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if validator(schema("occupancy")).is_valid(document) else None


def kinds_in_order(document: Mapping[str, Json]) -> list[str]:
    """The kinds of jobs, those that took the most seconds first."""
    return [one["kind"] for one in sorted(document["kinds"], key=lambda one: (-one["seconds"], one["kind"]))]


def summary(document: Mapping[str, Json]) -> str:
    """How busy the workers were, in one line."""
    if not document["rows"]:
        return "no job was done"
    cards = document["cards"]
    said = f"{document['workers']} workers were busy {100 * document['busy_share']:.0f}% of the time"
    said += f" between the first job and the last ({duration(document['last_job_s'] - document['first_job_s'])})"
    if cards:
        said += f"; the first card came after {_seconds(cards[0][0])}, half of them after {_seconds(_half(cards))}"
    if document["uneven_end_s"] >= 1:
        said += f"; at the end a worker had nothing to do for {_seconds(document['uneven_end_s'])}"
    return said


def memory_said(document: Mapping[str, Json]) -> str:
    """The most memory of the grader itself, and of one job."""
    most = max((one["peak_bytes"] for one in document["kinds"]), default=0)
    said = f"the grader held {megabytes(document['memory']['driver_peak_bytes'])} at most"
    if most:
        said += f", a job {megabytes(most)} of its own (of {megabytes(document['memory']['job_cap_bytes'])} allowed)"
    return said


def megabytes(size: int) -> str:
    """Bytes for the eye.

    >>> megabytes(300 * 2**20), megabytes(0)
    ('300 MB', 'not known')
    """
    return f"{size / 2**20:,.0f} MB" if size else "not known"


def occupancy_strip(document: Mapping[str, Json], *, width: int = 100) -> RenderableType:
    """A line for each worker: a letter for the kind of job that filled most of a column's time, a dot for none."""
    from rich.console import Group
    from rich.text import Text

    kinds = kinds_in_order(document)
    rows = document["rows"][:MOST_ROWS]
    lead = max((len(row["worker"]) for row in rows), default=0) + 2
    columns = max(width - lead - 6, 10)
    parts: list[RenderableType] = [Text(summary(document)), Text(memory_said(document))]
    for row in rows:
        line = Text(plain(row["worker"], limit=40).ljust(lead))
        line.append_text(_lane(row["spans"], document, kinds, columns))
        span = document["last_job_s"] - document["first_job_s"]
        line.append(f" {100 * row['busy_s'] / span if span > 0 else 0:4.0f}%")
        parts.append(line)
    if len(document["rows"]) > MOST_ROWS:
        parts.append(Text(f"and {len(document['rows']) - MOST_ROWS} more workers"))
    legend = Text(" " * lead)
    seconds = {one["kind"]: one for one in document["kinds"]}
    for number, kind in enumerate(kinds):
        one = seconds[kind]
        legend.append(_letter(number), style=_style(number))
        legend.append(f" {plain(kind, limit=40)} ({one['tries']:,}, {_seconds(one['seconds'])})   ")
    parts.append(legend)
    return Group(*parts)


def _lane(spans: Sequence[Json], document: Mapping[str, Json], kinds: Sequence[str], columns: int) -> Text:
    from rich.text import Text

    start, length = document["first_job_s"], max(document["last_job_s"] - document["first_job_s"], 1e-9)
    filled: list[dict[str, float]] = [{} for _ in range(columns)]
    for began, ended, kind, _ in spans:
        low, high = (began - start) / length * columns, (ended - start) / length * columns
        for column in range(max(int(low), 0), min(int(high) + 1, columns)):
            part = min(high, column + 1) - max(low, column)
            if part > 0:
                filled[column][kind] = filled[column].get(kind, 0.0) + part
    lane = Text()
    for parts in filled:
        if sum(parts.values()) < 0.5:
            lane.append("·", style="dim")
        else:
            number = kinds.index(max(parts, key=lambda kind: parts[kind]))
            lane.append(_letter(number), style=_style(number))
    return lane


def _letter(number: int) -> str:
    return _LETTERS[number % len(_LETTERS)]


def _style(number: int) -> str:
    return _STYLES[number % len(_STYLES)]


def _half(cards: Sequence[Json]) -> float:
    wanted = cards[-1][1] / 2
    return float(next(seconds for seconds, count in cards if count >= wanted))


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
