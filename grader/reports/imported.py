"""What came of an import? How many of the class handed in, who did not and why, what a person has to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.intake.classes import EARLIER, FOLDER, QUARANTINE, class_json
from grader.model import Json
from grader.reports.plain import plain

if TYPE_CHECKING:
    from rich.console import Console

    from grader.intake.lms.importing import Imported

FORM = "grader-import/1"
_MOST = 20  # rows of a list: the rest is counted, and stands in the class list


def imported_json(imported: Imported, *, is_dry_run: bool) -> dict[str, Json]:
    """What came of it as plain JSON (schema: import)."""
    made = imported.written.merged
    return {
        "form": FORM,
        "about": imported.about,
        "folder": str(imported.written.folder),
        "is_dry_run": is_dry_run,
        "is_changed": imported.written.is_changed,
        "new": list(made.new),
        "replaced": list(made.replaced),
        "same": list(made.same),
        "kept": list(made.kept),
        "remarks": list(imported.remarks),
        "class": class_json(made.class_list),
    }


def show_imported(console: Console, imported: Imported, *, is_dry_run: bool) -> None:
    """Print it for the person who imports. All that students wrote is shown as text."""
    from rich.table import Table
    from rich.text import Text

    written, made = imported.written, imported.written.merged
    class_list = made.class_list
    said = f"{class_list.assignment}: {imported.about}"
    console.print(Text(said, style="bold"))
    table = Table(expand=False, pad_edge=False, show_header=False, box=None)
    table.add_column(justify="right")
    table.add_column()
    for count, what in _counts(imported):
        table.add_row(Text(f"{count:,}", style="bold" if count else "dim"), Text(what, style="" if count else "dim"))
    console.print(table)
    _show_list(
        console,
        "Without a hand-in",
        [(one.id, one.name, one.reason) for one in class_list.roster if not one.hand_in],
    )
    _show_list(
        console,
        f"In quarantine: nobody can be named for them ({FOLDER}/{QUARANTINE})",
        [(_files(one.files), f"{one.reason}; fix: {one.fix}") for one in class_list.quarantined],
    )
    for remark in imported.remarks[:_MOST]:
        console.print(Text(f"note: {plain(remark, limit=300)}", style="yellow"))
    if len(imported.remarks) > _MOST:
        console.print(Text(f"and {len(imported.remarks) - _MOST:,} more notes: --json has them all", style="yellow"))
    folder = plain(str(written.folder), limit=200)
    if is_dry_run:
        console.print(Text(f"nothing was written; without --dry-run it goes to {folder}"))
    elif not written.is_changed:
        console.print(Text(f"nothing has changed: all of it is in {folder} already", style="green"))
    else:
        console.print(Text(f"imported to {folder}", style="green"))
        console.print(Text(f"next: grader run-all {folder}"), soft_wrap=True)


def _counts(imported: Imported) -> list[tuple[int, str]]:
    made = imported.written.merged
    class_list = made.class_list
    counted = [one for one in class_list.hand_ins if one.is_counted]
    earlier = len(class_list.hand_ins) - len(counted)
    late = sum(one.is_late is True for one in counted)
    untimed = sum(one.received_at is None for one in counted)
    whose = "students" if class_list.has_roster else "students who handed in (there is no roster)"
    rows = [
        (len(class_list.roster), whose),
        (sum(bool(one.hand_in) for one in class_list.roster), "of them with a hand-in that counts"),
        (
            len(counted),
            f"hand-ins: {len(made.new):,} new, {len(made.replaced):,} replaced, {len(made.same):,} as before",
        ),
    ]
    if made.kept:
        rows.append((len(made.kept), "hand-ins kept from an import before this one"))
    rows.append((late, "late, as the LMS marks them"))
    if untimed:
        rows.append((untimed, "whose time of receipt the LMS does not say here"))
    if earlier:
        rows.append((earlier, f"attempts that do not count, the {class_list.keep} does ({FOLDER}/{EARLIER})"))
    rows.append((sum(len(one.files) for one in class_list.quarantined), "files in quarantine"))
    return rows


def _files(files: tuple[str, ...]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1:,} more"


def _show_list(console: Console, title: str, rows: Sequence[tuple[str, ...]]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(
        title=title, title_style="bold", title_justify="left", expand=False, pad_edge=False, show_header=False
    )
    for _ in rows[0]:
        table.add_column(overflow="fold")
    for row in rows[:_MOST]:
        table.add_row(*(Text(plain(cell, limit=300)) for cell in row))
    console.print()
    console.print(table)
    if len(rows) > _MOST:
        few = Counter(row[-1] for row in rows[_MOST:]).most_common(3)
        more = "; ".join(f"{count:,} {plain(reason, limit=80)}" for reason, count in few)
        console.print(Text(f"and {len(rows) - _MOST:,} more ({more})", style="dim"))
